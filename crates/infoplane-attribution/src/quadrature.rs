//! Where on the path the network is looked at, and what each interval contributes.

use std::fmt;
use std::ops::RangeInclusive;
use std::str::FromStr;

use crate::adaptive::AdaptiveRule;

/// A rule for C = ∫₀¹ g(α) ⊙ (dh/dα) dα.
///
/// All rules but [`Quadrature::Captum`] are C = Σⱼ ½ (gⱼ + gⱼ₊₁) ⊙ (hⱼ₊₁ − hⱼ) over nodes
/// α₀ = 0 < … < αₙ = 1 and differ in the nodes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Quadrature {
    /// αⱼ = j/n.
    Trapezoid {
        /// Number of intervals n.
        steps: usize,
    },
    /// αⱼ = (j/n)ᵖ: denser towards the baseline, where the ReLU bends of a path crowd.
    Graded {
        /// Number of intervals n.
        steps: usize,
        /// Exponent p, at least 1.
        power: f64,
    },
    /// α(s) = k s / (1 + k − s) at s = j/n: node density proportional to 1/(α + k)². A unit bends
    /// where α (w·x) + b changes sign, and ratios of two quantities of like spread have a density that
    /// is flat up to a knee and falls with the square beyond; so do the bends of trained networks.
    Hyperbolic {
        /// Number of intervals n.
        steps: usize,
        /// Knee k, a position on the path, positive.
        knee: f64,
    },
    /// What Captum's `LayerConductance` computes by default: the n + 1 Gauss-Legendre nodes of
    /// [0, 1], C = Σⱼ gⱼ ⊙ (hⱼ₊₁ − hⱼ), quadrature weights unused.
    Captum {
        /// Captum's `n_steps`.
        steps: usize,
    },
    /// Starts from a coarse hyperbolic mesh and splits the intervals that make the completeness
    /// error.
    Adaptive(AdaptiveRule),
}

/// A quadrature that makes no sense.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum QuadratureError {
    /// No such rule.
    #[error(
        "there is no quadrature `{0}`; there are adaptive, hyperbolic, graded, trapezoid (also called uniform) and captum"
    )]
    Unknown(String),
    /// A parameter outside its range.
    #[error("{0}")]
    Parameter(String),
}

/// The name of a rule, without its parameters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QuadratureName {
    /// [`Quadrature::Trapezoid`]
    Trapezoid,
    /// [`Quadrature::Graded`]
    Graded,
    /// [`Quadrature::Hyperbolic`]
    Hyperbolic,
    /// [`Quadrature::Captum`]
    Captum,
    /// [`Quadrature::Adaptive`]
    Adaptive,
}

impl FromStr for QuadratureName {
    type Err = QuadratureError;

    fn from_str(text: &str) -> Result<QuadratureName, QuadratureError> {
        match text {
            "trapezoid" | "uniform" => Ok(QuadratureName::Trapezoid),
            "graded" => Ok(QuadratureName::Graded),
            "captum" => Ok(QuadratureName::Captum),
            "hyperbolic" => Ok(QuadratureName::Hyperbolic),
            "adaptive" => Ok(QuadratureName::Adaptive),
            other => Err(QuadratureError::Unknown(other.to_string())),
        }
    }
}

/// Rows of a micro-batch that the adaptive rule asks for. With one it decides after every split, which
/// takes the fewest nodes, and a node's values can't depend on the row that it happens to run in.
const ADAPTIVE_ROWS: usize = 1;

/// Knee of the hyperbolic mesh where none is given.
pub const DEFAULT_KNEE: f64 = 0.15;

impl Quadrature {
    /// Most steps of any rule.
    pub const MAX_STEPS: usize = 100_000;

    /// Checks the parameters.
    pub fn validate(&self) -> Result<(), QuadratureError> {
        let steps_ok = |steps: usize| {
            if (1..=Quadrature::MAX_STEPS).contains(&steps) {
                Ok(())
            } else {
                Err(QuadratureError::Parameter(format!(
                    "{steps} steps; 1 to {} are allowed",
                    Quadrature::MAX_STEPS
                )))
            }
        };
        match self {
            Quadrature::Trapezoid { steps } | Quadrature::Captum { steps } => steps_ok(*steps),
            Quadrature::Graded { steps, power } => {
                steps_ok(*steps)?;
                if !(power.is_finite() && *power >= 1.0 && *power <= 16.0) {
                    return Err(QuadratureError::Parameter(format!(
                        "a grading power of {power}; 1 to 16 are allowed"
                    )));
                }
                Ok(())
            }
            Quadrature::Hyperbolic { steps, knee } => {
                steps_ok(*steps)?;
                if !(1e-3..=1e3).contains(knee) {
                    return Err(QuadratureError::Parameter(format!(
                        "a knee at {knee}; 0.001 to 1000 are allowed"
                    )));
                }
                Ok(())
            }
            Quadrature::Adaptive(rule) => {
                steps_ok(rule.max_steps)?;
                if !(rule.tolerance.is_finite() && rule.tolerance > 0.0) {
                    return Err(QuadratureError::Parameter(format!(
                        "a tolerance of {}; it must be positive",
                        rule.tolerance
                    )));
                }
                Ok(())
            }
        }
    }

    /// Network evaluations of a sample: exact for fixed rules, those of the first mesh for the
    /// adaptive one.
    pub fn n_nodes(&self) -> usize {
        match self {
            Quadrature::Trapezoid { steps }
            | Quadrature::Graded { steps, .. }
            | Quadrature::Hyperbolic { steps, .. } => steps + 1,
            // The ends of the path are no Gauss-Legendre nodes.
            Quadrature::Captum { steps } => steps + 3,
            Quadrature::Adaptive(rule) => rule.initial_steps() + 1,
        }
    }

    /// Rows of a micro-batch that are of use: as many as a fixed rule has nodes; one for the adaptive
    /// rule, which with more takes as many splits at a time.
    pub fn nodes_at_once(&self) -> usize {
        match self {
            Quadrature::Adaptive(_) => ADAPTIVE_ROWS.min(self.n_nodes()),
            _ => self.n_nodes(),
        }
    }

    /// Fewest and most nodes that are worth holding: those that an interval refers back to, and beside
    /// them the start of the next sample's path, or all that a later pass may come back to.
    pub(crate) fn held_nodes(&self) -> RangeInclusive<usize> {
        match self {
            // An interval that is split has two ends.
            Quadrature::Adaptive(rule) => 2..=(rule.max_steps + 1).max(2),
            _ => 1..=2,
        }
    }

    /// The nodes of a fixed rule, or the first mesh of the adaptive one, ascending.
    pub(crate) fn nodes(&self) -> Vec<f64> {
        match *self {
            Quadrature::Trapezoid { steps } => graded(steps, 1.0),
            Quadrature::Graded { steps, power } => graded(steps, power),
            Quadrature::Hyperbolic { steps, knee } => hyperbolic(steps, knee),
            Quadrature::Captum { steps } => gauss_legendre(steps + 1),
            Quadrature::Adaptive(rule) => hyperbolic(rule.initial_steps(), DEFAULT_KNEE),
        }
    }
}

impl fmt::Display for Quadrature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Quadrature::Trapezoid { steps } => write!(f, "trapezoid, {steps} uniform steps"),
            Quadrature::Graded { steps, power } => {
                write!(f, "trapezoid, {steps} steps graded with power {power}")
            }
            Quadrature::Hyperbolic { steps, knee } => {
                write!(
                    f,
                    "trapezoid, {steps} hyperbolic steps with a knee at {knee}"
                )
            }
            Quadrature::Captum { steps } => {
                write!(
                    f,
                    "captum (left gradients at {} Gauss-Legendre nodes)",
                    steps + 1
                )
            }
            Quadrature::Adaptive(rule) => write!(
                f,
                "adaptive trapezoid, relative tolerance {}, at most {} steps",
                rule.tolerance, rule.max_steps
            ),
        }
    }
}

fn graded(steps: usize, power: f64) -> Vec<f64> {
    (0..=steps)
        .map(|j| (j as f64 / steps as f64).powf(power))
        .collect()
}

/// α(s) = k s / (1 + k − s), which is 0 at 0 and 1 at 1.
fn hyperbola(s: f64, knee: f64) -> f64 {
    knee * s / (1.0 + knee - s)
}

fn hyperbolic(steps: usize, knee: f64) -> Vec<f64> {
    (0..=steps)
        .map(|j| match j {
            // Rounding must not miss the input itself.
            _ if j == steps => 1.0,
            _ => hyperbola(j as f64 / steps as f64, knee),
        })
        .collect()
}

/// Where the adaptive rule splits an interval: in the middle by the hyperbolic mesh's own measure,
/// s = (1 + k) α / (α + k).
pub(crate) fn midpoint(low: f64, high: f64) -> f64 {
    let s = |alpha: f64| (1.0 + DEFAULT_KNEE) * alpha / (alpha + DEFAULT_KNEE);
    hyperbola((s(low) + s(high)) / 2.0, DEFAULT_KNEE)
}

/// The `n` Gauss-Legendre nodes of [0, 1], ascending: roots of the Legendre polynomial by Newton's
/// method from Tricomi's approximation (Press et al., *Numerical Recipes*, §4.6).
pub fn gauss_legendre(n: usize) -> Vec<f64> {
    (0..n)
        .map(|index| {
            let order = n as f64;
            let mut x = (std::f64::consts::PI * (index as f64 + 0.75) / (order + 0.5)).cos();
            for _ in 0..100 {
                let (mut current, mut previous) = (1.0, 0.0);
                for k in 0..n {
                    let k = k as f64;
                    let next = ((2.0 * k + 1.0) * x * current - k * previous) / (k + 1.0);
                    previous = current;
                    current = next;
                }
                let slope = order * (x * current - previous) / (x * x - 1.0);
                let step = current / slope;
                x -= step;
                if step.abs() < 1e-15 {
                    break;
                }
            }
            (1.0 - x) / 2.0
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gauss_legendre_nodes_are_the_tabulated_ones() {
        // Abramowitz and Stegun, table 25.4, moved from [−1, 1] to [0, 1].
        let three = gauss_legendre(3);
        let half_width = 0.774_596_669_241_483_4 / 2.0;
        for (node, expected) in three.iter().zip([0.5 - half_width, 0.5, 0.5 + half_width]) {
            assert!((node - expected).abs() < 1e-15);
        }
        let many = gauss_legendre(51);
        assert!(many.windows(2).all(|pair| pair[0] < pair[1]));
        assert!((many[0] + many[50] - 1.0).abs() < 1e-15);
    }

    #[test]
    fn graded_meshes_are_nested_when_the_steps_double() {
        let coarse = graded(8, 2.0);
        let fine = graded(16, 2.0);
        assert!(
            coarse
                .iter()
                .zip(fine.iter().step_by(2))
                .all(|(a, b)| a == b)
        );
        assert_eq!((coarse[0], coarse[8]), (0.0, 1.0));
    }

    #[test]
    fn hyperbolic_meshes_are_dense_below_the_knee_and_nested() {
        let fine = hyperbolic(16, DEFAULT_KNEE);
        let coarse = hyperbolic(8, DEFAULT_KNEE);
        assert!(
            coarse
                .iter()
                .zip(fine.iter().step_by(2))
                .all(|(a, b)| (a - b).abs() < 1e-15)
        );
        assert_eq!((fine[0], fine[16]), (0.0, 1.0));
        assert!(fine.windows(2).all(|pair| pair[0] < pair[1]));
        // Half of the nodes of the infinite mesh lie below the knee; here a little more.
        let below = fine.iter().filter(|&&alpha| alpha < DEFAULT_KNEE).count();
        assert_eq!(below, 10);
        for pair in coarse.windows(2) {
            let middle = midpoint(pair[0], pair[1]);
            assert!(fine.iter().any(|alpha| (alpha - middle).abs() < 1e-12));
        }
    }

    #[test]
    fn impossible_parameters_are_refused() {
        assert!(Quadrature::Trapezoid { steps: 0 }.validate().is_err());
        let negative = Quadrature::Graded {
            steps: 4,
            power: -1.0,
        };
        assert!(negative.validate().is_err());
        let no_knee = Quadrature::Hyperbolic {
            steps: 4,
            knee: 0.0,
        };
        assert!(no_knee.validate().is_err());
        assert!("simpson".parse::<QuadratureName>().is_err());
    }
}
