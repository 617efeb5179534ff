//! A plan in words and numbers.

use super::Plan;
use crate::simd::SimdLevel;

/// What a plan will do.
#[derive(Debug, Clone, PartialEq)]
pub struct PlanSummary {
    /// Rows that run at once.
    pub batch: usize,
    /// The instruction set of the kernels.
    pub simd: SimdLevel,
    /// The steps in order.
    pub steps: Vec<StepSummary>,
    /// Bytes of constants, packed; shared by all workers.
    pub constant_bytes: usize,
    /// Bytes of buffers, saved words and scratch; for each worker.
    pub worker_bytes: usize,
}

/// One step of a plan.
#[derive(Debug, Clone, PartialEq)]
pub struct StepSummary {
    /// The node it computes; where it computes several, the first.
    pub node: String,
    /// The kernel that was chosen.
    pub kernel: &'static str,
    /// Elements of its result for one row.
    pub output_len: usize,
    /// Floating-point operations of one row, counted as plain arithmetic (2 a multiply-add).
    pub flops: u64,
    /// Bytes kept for the vector-Jacobian product, all rows.
    pub saved_bytes: usize,
    /// Bytes of its constants.
    pub constant_bytes: usize,
    /// Whether a vector-Jacobian product is computed for it.
    pub backward: bool,
}

pub(super) fn summarise(plan: &Plan) -> PlanSummary {
    let steps: Vec<StepSummary> = plan
        .steps
        .iter()
        .map(|step| StepSummary {
            node: step.node_name.clone(),
            kernel: step.kernel.name(),
            output_len: plan.lens[step.output.0] / plan.batch,
            flops: 2 * step.multiply_adds / plan.batch as u64,
            saved_bytes: step.saved.len() * size_of::<u32>(),
            constant_bytes: step.kernel.constant_bytes(),
            backward: step.gradients.iter().any(Option::is_some),
        })
        .collect();
    let floats = plan.buffers.lens.iter().sum::<usize>() + plan.scratch_len;
    PlanSummary {
        batch: plan.batch,
        simd: plan.level,
        constant_bytes: steps.iter().map(|step| step.constant_bytes).sum(),
        worker_bytes: floats * size_of::<f32>() + plan.saved_len * size_of::<u32>(),
        steps,
    }
}
