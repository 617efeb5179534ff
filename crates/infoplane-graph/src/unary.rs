//! Element-wise functions of one operand.

/// Element-wise functions of one operand.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Unary {
    /// max(x, 0)
    Relu,
    /// x where x ≥ 0, αx elsewhere
    LeakyRelu {
        /// Slope below zero.
        alpha: f32,
    },
    /// min(max(x, min), max)
    Clip {
        /// Lower limit.
        min: f32,
        /// Upper limit.
        max: f32,
    },
    /// 1 / (1 + e⁻ˣ)
    Sigmoid,
    /// tanh x
    Tanh,
    /// erf x
    Erf,
    /// x · Φ(x), exact
    Gelu,
    /// ½x (1 + tanh(√(2/π)(x + 0.044715x³)))
    GeluTanh,
    /// γx where x > 0, γα(eˣ − 1) elsewhere
    Selu {
        /// Depth below zero.
        alpha: f32,
        /// Factor of the whole.
        gamma: f32,
    },
    /// x where x > 0, α(eˣ − 1) elsewhere
    Elu {
        /// Depth below zero.
        alpha: f32,
    },
    /// x where x > 0, α(e^{x/α} − 1) elsewhere
    Celu {
        /// Depth below zero.
        alpha: f32,
    },
    /// x · tanh(ln(1 + eˣ))
    Mish,
    /// min(max(αx + β, 0), 1)
    HardSigmoid {
        /// Slope.
        alpha: f32,
        /// Value at zero.
        beta: f32,
    },
    /// x · min(max(x/6 + ½, 0), 1)
    HardSwish,
    /// ln(1 + eˣ)
    Softplus,
    /// x / (1 + |x|)
    Softsign,
    /// x where x > α, 0 elsewhere
    ThresholdedRelu {
        /// The threshold.
        alpha: f32,
    },
    /// |x|
    Abs,
    /// −x
    Neg,
    /// eˣ
    Exp,
    /// ln x
    Log,
    /// √x
    Sqrt,
    /// 1/x
    Reciprocal,
    /// sin x
    Sin,
    /// cos x
    Cos,
    /// ⌊x⌋
    Floor,
    /// ⌈x⌉
    Ceil,
    /// The nearest integer, the even one of two
    Round,
    /// −1, 0 or 1
    Sign,
    /// xʸ with the same y for every element
    Power {
        /// y
        exponent: f32,
    },
    /// 1 − x, of truth values
    Not,
    /// The integer part, as in a cast to an integer
    Truncate,
    /// 1 where x ≠ 0, as in a cast to a truth value
    NonZero,
    /// The integer min(max(round(x/scale) + zero point, low), high) that stands for x
    Quantize {
        /// Distance of neighbouring numbers.
        scale: f32,
        /// The integer that stands for 0.
        zero_point: f32,
        /// Smallest integer.
        low: f32,
        /// Largest integer.
        high: f32,
    },
    /// (x − zero point) · scale
    Dequantize {
        /// Distance of neighbouring numbers.
        scale: f32,
        /// The integer that stands for 0.
        zero_point: f32,
    },
}

impl Unary {
    /// The operator's name in ONNX.
    pub fn name(&self) -> &'static str {
        match self {
            Unary::Relu => "Relu",
            Unary::LeakyRelu { .. } => "LeakyRelu",
            Unary::Clip { .. } => "Clip",
            Unary::Sigmoid => "Sigmoid",
            Unary::Tanh => "Tanh",
            Unary::Erf => "Erf",
            Unary::Gelu => "Gelu",
            Unary::GeluTanh => "GeluTanh",
            Unary::Selu { .. } => "Selu",
            Unary::Elu { .. } => "Elu",
            Unary::Celu { .. } => "Celu",
            Unary::Mish => "Mish",
            Unary::HardSigmoid { .. } => "HardSigmoid",
            Unary::HardSwish => "HardSwish",
            Unary::Softplus => "Softplus",
            Unary::Softsign => "Softsign",
            Unary::ThresholdedRelu { .. } => "ThresholdedRelu",
            Unary::Abs => "Abs",
            Unary::Neg => "Neg",
            Unary::Exp => "Exp",
            Unary::Log => "Log",
            Unary::Sqrt => "Sqrt",
            Unary::Reciprocal => "Reciprocal",
            Unary::Sin => "Sin",
            Unary::Cos => "Cos",
            Unary::Floor => "Floor",
            Unary::Ceil => "Ceil",
            Unary::Round => "Round",
            Unary::Sign => "Sign",
            Unary::Power { .. } => "Pow",
            Unary::Not => "Not",
            Unary::Truncate | Unary::NonZero => "Cast",
            Unary::Quantize { .. } => "QuantizeLinear",
            Unary::Dequantize { .. } => "DequantizeLinear",
        }
    }

    /// Whether networks use it between their layers, as what makes them non-linear.
    pub fn is_activation(&self) -> bool {
        match self {
            Unary::Relu
            | Unary::LeakyRelu { .. }
            | Unary::Clip { .. }
            | Unary::Sigmoid
            | Unary::Tanh
            | Unary::Erf
            | Unary::Gelu
            | Unary::GeluTanh
            | Unary::Selu { .. }
            | Unary::Elu { .. }
            | Unary::Celu { .. }
            | Unary::Mish
            | Unary::HardSigmoid { .. }
            | Unary::HardSwish
            | Unary::Softplus
            | Unary::Softsign
            | Unary::ThresholdedRelu { .. } => true,
            Unary::Abs
            | Unary::Neg
            | Unary::Exp
            | Unary::Log
            | Unary::Sqrt
            | Unary::Reciprocal
            | Unary::Sin
            | Unary::Cos
            | Unary::Floor
            | Unary::Ceil
            | Unary::Round
            | Unary::Sign
            | Unary::Power { .. }
            | Unary::Not
            | Unary::Truncate
            | Unary::NonZero
            | Unary::Quantize { .. }
            | Unary::Dequantize { .. } => false,
        }
    }

    /// Whether it is finite, and has a finite derivative, wherever its operand is finite.
    pub fn stays_finite(&self) -> bool {
        !matches!(
            self,
            Unary::Exp | Unary::Log | Unary::Sqrt | Unary::Reciprocal | Unary::Power { .. }
        )
    }
}
