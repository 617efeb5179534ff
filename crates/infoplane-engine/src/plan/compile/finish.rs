//! From a compiler's steps to a plan: what is asked for is found, gradients and buffers are assigned.

use infoplane_graph::{ValueId, channels_last};

use super::{Compiler, INPUT, Order};
use crate::error::EngineError;
use crate::layout::Layout;
use crate::plan::buffers::{Buffers, Lifetimes};
use crate::plan::entry::Entry;
use crate::plan::{Plan, PlanOptions, Step, TensorId, assign_gradients};

/// What a plan has beside its steps.
struct Parts {
    output: TensorId,
    layers: Vec<TensorId>,
    layouts: Vec<Layout>,
    entry: Option<Entry>,
    visits: Vec<Vec<usize>>,
    needs_gradient: Vec<bool>,
    /// Tensors that no step makes and that outlast the passes.
    given: Vec<TensorId>,
    keep_values: bool,
}

impl Compiler<'_> {
    /// The step that alone reads the input, where it is affine up to a clamp and no row of the input is
    /// asked for.
    fn entry(&mut self, layers: &[TensorId]) -> Option<Entry> {
        let mut readers = (0..self.steps.len()).filter(|&s| self.steps[s].inputs.contains(&INPUT));
        let (step, None) = (readers.next()?, readers.next()) else {
            return None;
        };
        let Step { inputs, output, .. } = &self.steps[step];
        if inputs != &[INPUT] || layers.contains(&INPUT) || *output == INPUT {
            return None;
        }
        let affine = self.steps[step]
            .kernel
            .affine_for_one_row(self.shaped.batch());
        let (kernel, clamp) = affine
            .map(|kernel| (kernel, None))
            .or(self.first_conv.take())?;
        let batch = self.shaped.batch();
        let len = self.lens[output.0];
        let fits = step == 0 && len.is_multiple_of(batch) && self.shaped.rows_are_independent();
        fits.then_some(Entry {
            step,
            kernel,
            clamp,
            output: *output,
            row_len: len / batch,
        })
    }

    /// The plan, with the values beside the path that it reads.
    pub fn finish(
        mut self,
        options: &PlanOptions,
    ) -> Result<(Plan, Vec<(ValueId, TensorId)>), EngineError> {
        let request = |detail: String| EngineError::Request(detail);
        if !self.made.contains_key(&self.graph.output()) {
            return Err(request(
                "the output does not depend on the input".to_string(),
            ));
        }
        let output = self.tensor(self.graph.output(), Order::Plain);
        let batch = self.shaped.batch();
        let layers = options
            .layers
            .iter()
            .map(|layer| {
                let made = self.tensors.get(&(*layer, self.order(*layer)));
                made.copied().ok_or_else(|| {
                    request(format!(
                        "the layer `{}` is not computed from the input on the way to the output",
                        self.graph.value(*layer).name
                    ))
                })
            })
            .collect::<Result<Vec<_>, _>>()?;
        let channels_last = channels_last(self.graph, self.shaped);
        let layouts: Vec<Layout> = options
            .layers
            .iter()
            .map(|&layer| self.layout(layer, channels_last[layer.index()]))
            .collect();
        let misfit =
            |(layer, layout): (&TensorId, &Layout)| self.lens[layer.0] != batch * layout.row_len();
        if let Some(layer) = layers.iter().zip(&layouts).position(misfit) {
            return Err(request(format!(
                "the layer `{}` has no row for each sample",
                self.graph.value(options.layers[layer]).name
            )));
        }
        let entry = self.entry(&layers);
        let beside = std::mem::take(&mut self.beside);
        let needs_gradient = self.needs_gradient(&layers);
        let written_first = assign_gradients(&mut self.steps, &needs_gradient, output);
        if let Some(layer) = layers.iter().position(|layer| !written_first[layer.0]) {
            return Err(request(format!(
                "the layer `{}` has no path to the output",
                self.graph.value(options.layers[layer]).name
            )));
        }
        let visits = self
            .steps
            .iter()
            .map(|step| {
                (0..layers.len())
                    .filter(|&layer| layers[layer] == step.output)
                    .collect()
            })
            .collect();
        let given: Vec<TensorId> = beside.iter().map(|(_, tensor)| *tensor).collect();
        let plan = self.into_plan(Parts {
            output,
            layers,
            layouts,
            entry,
            visits,
            needs_gradient,
            given,
            keep_values: options.keep_values,
        });
        Ok((plan, beside))
    }

    /// A plan that only runs forward and keeps all values, with the tensors of `wanted` in plain order.
    pub fn finish_forward(
        mut self,
        wanted: &[ValueId],
    ) -> Result<(Plan, Vec<TensorId>), EngineError> {
        let output = self.tensor(self.graph.output(), Order::Plain);
        let wanted = wanted
            .iter()
            .map(|&value| self.tensor(value, Order::Plain))
            .collect();
        let parts = Parts {
            output,
            layers: Vec::new(),
            layouts: Vec::new(),
            entry: None,
            visits: vec![Vec::new(); self.steps.len()],
            needs_gradient: vec![false; self.lens.len()],
            given: Vec::new(),
            keep_values: true,
        };
        Ok((self.into_plan(parts), wanted))
    }

    fn into_plan(self, parts: Parts) -> Plan {
        let buffers = Buffers::assign(&Lifetimes {
            steps: &self.steps,
            lens: &self.lens,
            input: INPUT,
            output: parts.output,
            layers: &parts.layers,
            given: &parts.given,
            needs_gradient: &parts.needs_gradient,
            keep_values: parts.keep_values,
        });
        Plan {
            batch: self.shaped.batch(),
            input: INPUT,
            output: parts.output,
            layouts: parts.layouts,
            entry: parts.entry,
            upstream: None,
            level: self.conv.level,
            scratch_len: self
                .steps
                .iter()
                .map(|step| step.kernel.scratch_len())
                .max()
                .unwrap_or(0),
            lens: self.lens,
            steps: self.steps,
            layers: parts.layers,
            visits: parts.visits,
            buffers,
            saved_len: self.saved_len,
            keep_values: parts.keep_values,
        }
    }

    /// How a layer's rows lie in memory.
    fn layout(&self, layer: ValueId, channels_last: bool) -> Layout {
        let (_, blocked) = self.blocks(layer);
        match (self.order(layer), self.shaped.shape(layer).split_last()) {
            (Order::Plain, Some((&channels, rows))) if channels_last => {
                Layout::channels_last(channels, rows.iter().skip(1).product())
            }
            (Order::Plain, _) => Layout::plain(blocked.channels, blocked.positions),
            (Order::Blocked, _) => blocked,
        }
    }

    /// Tensors that are requested or lie between a requested one and the output.
    fn needs_gradient(&self, layers: &[TensorId]) -> Vec<bool> {
        let mut needs = vec![false; self.lens.len()];
        for layer in layers {
            needs[layer.0] = true;
        }
        for step in &self.steps {
            if step.inputs.iter().any(|input| needs[input.0]) {
                needs[step.output.0] = true;
            }
        }
        needs
    }
}
