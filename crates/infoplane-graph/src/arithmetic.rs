//! Element-wise operators of several operands, and reductions.

/// Two operands, broadcast as NumPy does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum BinaryOp {
    /// a + b
    Add,
    /// a − b
    Sub,
    /// a · b
    Mul,
    /// a / b
    Div,
    /// The integer part of a / b, of integers
    TruncatedDiv,
    /// aᵇ
    Pow,
    /// a where a > 0, a · b elsewhere
    PRelu,
    /// a = b
    Equal,
    /// a > b
    Greater,
    /// a ≥ b
    GreaterOrEqual,
    /// a < b
    Less,
    /// a ≤ b
    LessOrEqual,
    /// a and b, of truth values
    And,
    /// a or b, of truth values
    Or,
    /// Either a or b, of truth values
    Xor,
}

impl BinaryOp {
    /// The operator's name in ONNX.
    pub fn name(self) -> &'static str {
        match self {
            BinaryOp::Add => "Add",
            BinaryOp::Sub => "Sub",
            BinaryOp::Mul => "Mul",
            BinaryOp::Div | BinaryOp::TruncatedDiv => "Div",
            BinaryOp::Pow => "Pow",
            BinaryOp::PRelu => "PRelu",
            BinaryOp::Equal => "Equal",
            BinaryOp::Greater => "Greater",
            BinaryOp::GreaterOrEqual => "GreaterOrEqual",
            BinaryOp::Less => "Less",
            BinaryOp::LessOrEqual => "LessOrEqual",
            BinaryOp::And => "And",
            BinaryOp::Or => "Or",
            BinaryOp::Xor => "Xor",
        }
    }

    /// Whether it tells which of two values is the larger, or whether they are the same.
    pub fn is_comparison(self) -> bool {
        matches!(
            self,
            BinaryOp::Equal
                | BinaryOp::Greater
                | BinaryOp::GreaterOrEqual
                | BinaryOp::Less
                | BinaryOp::LessOrEqual
        )
    }

    /// Whether it joins truth values.
    pub fn is_logic(self) -> bool {
        matches!(self, BinaryOp::And | BinaryOp::Or | BinaryOp::Xor)
    }
}

/// Any number of operands, broadcast as NumPy does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum VariadicOp {
    /// Their sum
    Sum,
    /// Their mean
    Mean,
    /// The largest
    Max,
    /// The smallest
    Min,
}

impl VariadicOp {
    /// The operator's name in ONNX.
    pub fn name(self) -> &'static str {
        match self {
            VariadicOp::Sum => "Sum",
            VariadicOp::Mean => "Mean",
            VariadicOp::Max => "Max",
            VariadicOp::Min => "Min",
        }
    }
}

/// What the elements of a reduced set of axes become.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ReduceOp {
    /// Σ x
    Sum,
    /// The largest
    Max,
    /// The smallest
    Min,
    /// Π x
    Prod,
    /// Σ |x|
    L1,
    /// √Σ x²
    L2,
    /// Σ x²
    SumSquare,
    /// ln Σ x
    LogSum,
    /// ln Σ eˣ
    LogSumExp,
}

impl ReduceOp {
    /// The operator's name in ONNX.
    pub fn name(self) -> &'static str {
        match self {
            ReduceOp::Sum => "ReduceSum",
            ReduceOp::Max => "ReduceMax",
            ReduceOp::Min => "ReduceMin",
            ReduceOp::Prod => "ReduceProd",
            ReduceOp::L1 => "ReduceL1",
            ReduceOp::L2 => "ReduceL2",
            ReduceOp::SumSquare => "ReduceSumSquare",
            ReduceOp::LogSum => "ReduceLogSum",
            ReduceOp::LogSumExp => "ReduceLogSumExp",
        }
    }

    /// Whether a single element is its own reduction.
    pub fn keeps_single_elements(self) -> bool {
        matches!(
            self,
            ReduceOp::Sum | ReduceOp::Max | ReduceOp::Min | ReduceOp::Prod
        )
    }
}
