//! One worker's memory and the loop over the steps.

use std::ops::Range;

use smallvec::SmallVec;

use super::entry::EntryPath;
use super::{Plan, Step, TensorId};
use crate::aligned::AlignedFloats;
use crate::backend::{Backend, Session, Visitor};
use crate::error::EngineError;
use crate::kernel::{Gradient, VjpContext};

/// What the buffers hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Content {
    /// No forward pass yet, or one whose buffers a product has since reused.
    Nothing,
    Forward,
}

pub(super) struct CpuSession<'a> {
    plan: &'a Plan,
    buffers: Vec<AlignedFloats>,
    saved: Vec<u32>,
    scratch: AlignedFloats,
    content: Content,
    /// For [`Session::forward_from`]: steps whose result does not belong to the last input.
    stale: Vec<bool>,
    path: Option<EntryPath>,
    /// Runs what comes before the path.
    upstream: Option<Box<CpuSession<'a>>>,
}

impl<'a> CpuSession<'a> {
    pub fn new(plan: &'a Plan) -> CpuSession<'a> {
        CpuSession {
            plan,
            buffers: plan
                .buffers
                .lens
                .iter()
                .map(|&len| AlignedFloats::zeros(len))
                .collect(),
            saved: vec![0; plan.saved_len],
            scratch: AlignedFloats::zeros(plan.scratch_len),
            content: Content::Nothing,
            stale: vec![false; plan.steps.len()],
            path: plan.entry.as_ref().map(EntryPath::new),
            upstream: (plan.upstream.as_ref())
                .map(|upstream| Box::new(CpuSession::new(&upstream.plan))),
        }
    }

    fn value(&self, tensor: TensorId) -> &[f32] {
        view(
            &self.buffers,
            self.plan.buffers.values[tensor.0],
            self.plan.lens[tensor.0],
        )
    }

    pub(super) fn run_step(&mut self, step: &Step) {
        let plan = self.plan;
        let slot = plan.buffers.values[step.output.0];
        let mut output = take(&mut self.buffers, slot);
        let inputs: SmallVec<[&[f32]; 4]> = step
            .inputs
            .iter()
            .map(|input| {
                view(
                    &self.buffers,
                    plan.buffers.values[input.0],
                    plan.lens[input.0],
                )
            })
            .collect();
        step.kernel.forward(
            &inputs,
            &mut output[..plan.lens[step.output.0]],
            &mut self.saved[step.saved.clone()],
            &mut self.scratch[..step.kernel.scratch_len()],
        );
        drop(inputs);
        put(&mut self.buffers, slot, output);
    }

    pub(super) fn run_product(&mut self, step: &Step) {
        let plan = self.plan;
        let reads = step.kernel.reads();
        let gradient_slot = plan.buffers.gradients[step.output.0];
        let mut grad_output = take(&mut self.buffers, gradient_slot);
        for (operand, accumulate) in step.gradients.iter().enumerate() {
            let Some(accumulate) = *accumulate else {
                continue;
            };
            if step.passed == Some(operand) {
                continue;
            }
            let tensor = step.inputs[operand];
            let slot = plan.buffers.gradients[tensor.0];
            let mut gradient = take(&mut self.buffers, slot);
            let values = |tensor: TensorId, wanted: bool| {
                if wanted {
                    view(
                        &self.buffers,
                        plan.buffers.values[tensor.0],
                        plan.lens[tensor.0],
                    )
                } else {
                    &[]
                }
            };
            let inputs: SmallVec<[&[f32]; 4]> = step
                .inputs
                .iter()
                .map(|&input| values(input, reads.inputs))
                .collect();
            step.kernel.vjp(
                operand,
                VjpContext {
                    inputs: &inputs,
                    output: values(step.output, reads.output),
                    grad_output: &mut grad_output[..plan.lens[step.output.0]],
                    saved: &self.saved[step.saved.clone()],
                    scratch: &mut self.scratch[..step.kernel.scratch_len()],
                },
                Gradient {
                    data: &mut gradient[..plan.lens[tensor.0]],
                    accumulate,
                },
            );
            drop(inputs);
            put(&mut self.buffers, slot, gradient);
        }
        put(&mut self.buffers, gradient_slot, grad_output);
    }

    /// Runs what comes before the path for a sample and puts what stands beside it into these rows. Writes
    /// the content of the value in whose space the path runs; without anything before the path, the sample.
    fn enter_rows(&mut self, sample: &[f32], content: &mut [f32], rows: Range<usize>) {
        self.content = Content::Nothing;
        let plan = self.plan;
        let (Some(upstream), Some(parts)) = (&mut self.upstream, &plan.upstream) else {
            content.copy_from_slice(sample);
            return;
        };
        upstream.input().copy_from_slice(sample);
        content.copy_from_slice(upstream.forward());
        for beside in &parts.beside {
            let row = upstream.value(beside.source);
            let Some(slot) = plan.buffers.values[beside.target.0] else {
                continue;
            };
            let all = &mut self.buffers[slot][..plan.lens[beside.target.0]];
            for target in all
                .chunks_exact_mut(row.len())
                .skip(rows.start)
                .take(rows.len())
            {
                target.copy_from_slice(row);
            }
        }
    }

    /// Fills the input with values in (−1, 1).
    pub(super) fn start_arbitrary(&mut self) {
        for (index, value) in self.input().iter_mut().enumerate() {
            *value = ((index * 7919) % 2003) as f32 / 1001.5 - 1.0;
        }
    }

    /// Seeds the product with the first output of every row.
    pub(super) fn start_arbitrary_product(&mut self) {
        let plan = self.plan;
        let len = plan.lens[plan.output.0];
        if let Some(slot) = plan.buffers.gradients[plan.output.0] {
            let seeds = &mut self.buffers[slot][..len];
            seeds.fill(0.0);
            for row in seeds.chunks_exact_mut(len / plan.batch) {
                row[0] = 1.0;
            }
        }
    }

    /// A requested layer's tensor, where its values are there.
    fn kept_layer(&self, layer: usize) -> Result<TensorId, EngineError> {
        match self.plan.layers.get(layer) {
            Some(&tensor) if self.plan.keep_values && self.content == Content::Forward => Ok(tensor),
            _ => Err(EngineError::Request(
                "a layer's values and running on from it need a plan that keeps its values, a layer of that plan, and a forward pass before".to_string(),
            )),
        }
    }

    /// Runs all steps from the one of this index on.
    fn run_steps(&mut self, first: usize) -> &[f32] {
        let plan = self.plan;
        for step in &plan.steps[first..] {
            self.run_step(step);
        }
        self.stale.fill(false);
        self.content = Content::Forward;
        self.value(plan.output)
    }

    fn visit(&self, request: usize, visit: &mut Visitor<'_>) {
        let tensor = self.plan.layers[request];
        let gradient = view(
            &self.buffers,
            self.plan.buffers.gradients[tensor.0],
            self.plan.lens[tensor.0],
        );
        visit(request, self.value(tensor), gradient);
    }
}

impl Session for CpuSession<'_> {
    fn input(&mut self) -> &mut [f32] {
        self.content = Content::Nothing;
        let plan = self.plan;
        match plan.buffers.values[plan.input.0] {
            Some(slot) => &mut self.buffers[slot][..plan.lens[plan.input.0]],
            None => &mut [],
        }
    }

    fn enter(&mut self, sample: &[f32], content: &mut [f32]) {
        self.enter_rows(sample, content, 0..self.plan.batch);
    }

    fn load(&mut self, samples: &[f32]) {
        let (sample_len, row_len) = (self.plan.sample_len(), self.plan.input_len());
        let mut content = vec![0.0; row_len];
        for (row, sample) in samples.chunks_exact(sample_len).enumerate() {
            self.enter_rows(sample, &mut content, row..row + 1);
            self.input()[row * row_len..][..row_len].copy_from_slice(&content);
        }
    }

    fn forward(&mut self) -> &[f32] {
        self.run_steps(0)
    }

    fn set_start(&mut self, start: Option<&[f32]>) -> bool {
        let (Some(entry), Some(path)) = (&self.plan.entry, &mut self.path) else {
            return false;
        };
        match start {
            Some(start) => path.set_start(entry, start),
            None => path.set_start(entry, &vec![0.0; self.plan.input_len()]),
        }
        true
    }

    fn set_end(&mut self, end: &[f32]) {
        if let (Some(entry), Some(path)) = (&self.plan.entry, &mut self.path) {
            path.set_end(entry, end);
        }
    }

    fn forward_at(&mut self, alphas: &[f64]) -> &[f32] {
        let plan = self.plan;
        let (Some(entry), Some(path)) = (&plan.entry, &self.path) else {
            return &[];
        };
        let slot = plan.buffers.values[entry.output.0];
        let mut output = take(&mut self.buffers, slot);
        let saved = plan.steps[entry.step].saved.clone();
        path.interpolate(
            entry,
            alphas,
            &mut output[..plan.lens[entry.output.0]],
            &mut self.saved[saved],
        );
        put(&mut self.buffers, slot, output);
        self.run_steps(entry.step + 1)
    }

    fn vjp(&mut self, seeds: &[f32], visit: &mut Visitor<'_>) -> Result<(), EngineError> {
        let plan = self.plan;
        if self.content != Content::Forward {
            return Err(EngineError::Request(
                "a vector-Jacobian product needs a forward pass before it".to_string(),
            ));
        }
        let output_len = plan.lens[plan.output.0];
        if seeds.len() != output_len {
            return Err(EngineError::Request(format!(
                "{} seeds for {output_len} outputs",
                seeds.len()
            )));
        }
        let Some(slot) = plan.buffers.gradients[plan.output.0] else {
            return Ok(());
        };
        self.buffers[slot][..output_len].copy_from_slice(seeds);
        for (step, visits) in plan.steps.iter().zip(&plan.visits).rev() {
            for &request in visits {
                self.visit(request, visit);
            }
            if step.gradients.iter().any(Option::is_some) {
                self.run_product(step);
            }
        }
        for request in 0..plan.layers.len() {
            if plan.layers[request] == plan.input {
                self.visit(request, visit);
            }
        }
        if !plan.keep_values {
            self.content = Content::Nothing;
        }
        Ok(())
    }

    fn values(&self, layer: usize) -> Result<&[f32], EngineError> {
        Ok(self.value(self.kept_layer(layer)?))
    }

    fn forward_from(&mut self, layer: usize, values: &[f32]) -> Result<&[f32], EngineError> {
        let plan = self.plan;
        let tensor = self.kept_layer(layer)?;
        if values.len() != plan.lens[tensor.0] {
            return Err(EngineError::Request(format!(
                "{} values for a layer of {}",
                values.len(),
                plan.lens[tensor.0]
            )));
        }
        if let Some(slot) = plan.buffers.values[tensor.0] {
            self.buffers[slot][..values.len()].copy_from_slice(values);
        }
        let mut changed = vec![false; plan.lens.len()];
        changed[tensor.0] = true;
        for (index, step) in plan.steps.iter().enumerate() {
            if step.output == tensor {
                self.stale[index] = true;
                continue;
            }
            let depends = step.inputs.iter().any(|input| changed[input.0]);
            if depends || self.stale[index] {
                self.run_step(step);
                self.stale[index] = depends;
                changed[step.output.0] = depends;
            }
        }
        Ok(self.value(plan.output))
    }
}

fn view(buffers: &[AlignedFloats], slot: Option<usize>, len: usize) -> &[f32] {
    slot.map_or(&[], |slot| &buffers[slot][..len])
}

fn take(buffers: &mut [AlignedFloats], slot: Option<usize>) -> AlignedFloats {
    slot.map_or_else(AlignedFloats::default, |slot| {
        std::mem::take(&mut buffers[slot])
    })
}

fn put(buffers: &mut [AlignedFloats], slot: Option<usize>, buffer: AlignedFloats) {
    if let Some(slot) = slot {
        buffers[slot] = buffer;
    }
}
