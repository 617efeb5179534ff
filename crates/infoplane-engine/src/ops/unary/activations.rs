//! Activations. At a kink the derivative is that of the left side, as in PyTorch, or the outer one where
//! the function is linear on both sides.

use super::SmoothFunction;
use crate::ops::math::{exp, expm1_below_zero, log1p_to_one, select, sigmoid};

/// γx above zero, γα(e^{x/τ} − 1) elsewhere: ELU, SELU (with γ) and CELU (with τ = α).
pub(super) struct Exponential {
    pub alpha: f32,
    pub gamma: f32,
    pub tau: f32,
}

impl SmoothFunction for Exponential {
    const NAME: &'static str = "exponential linear unit";

    #[inline(always)]
    fn value(&self, x: f32) -> f32 {
        let below = self.alpha * expm1_below_zero(x / self.tau);
        self.gamma * select(x > 0.0, x, below)
    }

    #[inline(always)]
    fn derivative(&self, x: f32) -> f32 {
        let below = self.alpha / self.tau * exp(x / self.tau);
        self.gamma * select(x > 0.0, 1.0, below)
    }
}

/// ln(1 + eˣ) = max(x, 0) + ln(1 + e^{−|x|}), which overflows nowhere.
pub(super) struct Softplus;

impl SmoothFunction for Softplus {
    const NAME: &'static str = "softplus";

    #[inline(always)]
    fn value(&self, x: f32) -> f32 {
        let above = if x > 0.0 { x } else { 0.0 };
        above + log1p_to_one(exp(-x.abs()))
    }

    #[inline(always)]
    fn derivative(&self, x: f32) -> f32 {
        sigmoid(x)
    }
}

/// x · tanh(ln(1 + eˣ)) = x · n/(n + 2) with n = eˣ(eˣ + 2).
pub(super) struct Mish;

impl Mish {
    /// From here on n/(n + 2) is 1 in single precision.
    const SATURATED: f32 = 20.0;

    #[inline(always)]
    fn n(x: f32) -> f32 {
        let power = exp(if x > Self::SATURATED {
            Self::SATURATED
        } else {
            x
        });
        power * (power + 2.0)
    }
}

impl SmoothFunction for Mish {
    const NAME: &'static str = "mish";

    #[inline(always)]
    fn value(&self, x: f32) -> f32 {
        let n = Self::n(x);
        x * (n / (n + 2.0))
    }

    /// w + x (1 − w²) σ(x) with w = n/(n + 2), so that 1 − w² = 4 (n + 1)/(n + 2)².
    #[inline(always)]
    fn derivative(&self, x: f32) -> f32 {
        let n = Self::n(x);
        let w = n / (n + 2.0);
        let complement = 4.0 * ((n + 1.0) / (n + 2.0)) / (n + 2.0);
        let tail = x * complement * sigmoid(x);
        w + select(x > Self::SATURATED, 0.0, tail)
    }
}

/// x / (1 + |x|)
pub(super) struct Softsign;

impl SmoothFunction for Softsign {
    const NAME: &'static str = "softsign";

    #[inline(always)]
    fn value(&self, x: f32) -> f32 {
        x / (1.0 + x.abs())
    }

    #[inline(always)]
    fn derivative(&self, x: f32) -> f32 {
        let root = 1.0 / (1.0 + x.abs());
        root * root
    }
}

/// min(max(αx + β, 0), 1)
pub(super) struct HardSigmoid {
    pub alpha: f32,
    pub beta: f32,
}

impl SmoothFunction for HardSigmoid {
    const NAME: &'static str = "hard sigmoid";

    #[inline(always)]
    fn value(&self, x: f32) -> f32 {
        let linear = self.alpha * x + self.beta;
        let raised = if linear < 0.0 { 0.0 } else { linear };
        if raised > 1.0 { 1.0 } else { raised }
    }

    #[inline(always)]
    fn derivative(&self, x: f32) -> f32 {
        let linear = self.alpha * x + self.beta;
        select((linear > 0.0) & (linear < 1.0), self.alpha, 0.0)
    }
}

/// x · min(max(x/6 + ½, 0), 1)
pub(super) struct HardSwish;

impl SmoothFunction for HardSwish {
    const NAME: &'static str = "hard swish";

    #[inline(always)]
    fn value(&self, x: f32) -> f32 {
        let linear = x / 6.0 + 0.5;
        let raised = if linear < 0.0 { 0.0 } else { linear };
        x * if raised > 1.0 { 1.0 } else { raised }
    }

    #[inline(always)]
    fn derivative(&self, x: f32) -> f32 {
        let inside = x / 3.0 + 0.5;
        let outside = select(x >= 3.0, 1.0, 0.0);
        select((x > -3.0) & (x < 3.0), inside, outside)
    }
}

/// x above α, 0 elsewhere.
pub(super) struct ThresholdedRelu {
    pub alpha: f32,
}

impl SmoothFunction for ThresholdedRelu {
    const NAME: &'static str = "thresholded relu";

    #[inline(always)]
    fn value(&self, x: f32) -> f32 {
        if x <= self.alpha { 0.0 } else { x }
    }

    #[inline(always)]
    fn derivative(&self, x: f32) -> f32 {
        select(x > self.alpha, 1.0, 0.0)
    }
}
