//! One pass over path nodes: the network runs at each, micro-batch by micro-batch, and every interval
//! between nodes adds to every layer's sums.

use infoplane_engine::Session;

use crate::error::AttributionError;
use crate::reduction::{
    IntervalRule, NodeState, Reduction, add_interval, add_interval_and_move_on, channel_means,
};
use crate::sweep::{Baseline, Sweep};

/// How many nodes back an interval may reach.
const REACH: usize = 2;

/// An interval between two nodes of a pass, by their position in it. Nodes run from the input to
/// the baseline, so `high` (nearer to the input) comes first.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Link {
    pub high: usize,
    pub low: usize,
    /// 1 to add the interval, −1 to take it back.
    pub sign: f64,
}

impl Link {
    /// Whether it adds the interval between neighbours.
    fn is_step(&self) -> bool {
        self.high + 1 == self.low && self.sign == 1.0
    }
}

/// What a pass found.
#[derive(Debug, Default)]
pub(crate) struct PassResult {
    /// The target's value at each node.
    pub outputs: Vec<f64>,
    /// For each link, for each layer, the interval's total over all units.
    pub totals: Vec<Vec<f64>>,
}

/// Values and gradients of a layer at the last nodes of the micro-batch before.
struct Carry {
    h: [Vec<f32>; REACH],
    g: [Vec<f32>; REACH],
}

/// The memory of a pass.
pub(crate) struct Pass<'a> {
    sweep: &'a Sweep<'a>,
    session: Box<dyn Session + 'a>,
    carries: Vec<Carry>,
    seeds: Vec<f32>,
    /// By layer: the sums, in the layer's order.
    pub sums: Vec<Vec<f64>>,
    /// By layer: the activation vector at the input.
    pub activations: Vec<Vec<f32>>,
    /// The logits at the input.
    pub logits: Vec<f32>,
}

impl<'a> Pass<'a> {
    pub fn new(sweep: &'a Sweep<'a>) -> Pass<'a> {
        let layouts = sweep.backend.layouts();
        let empty = |len: usize| [0; REACH].map(|_| vec![0.0; len]);
        Pass {
            sweep,
            session: sweep.backend.session(),
            carries: layouts
                .iter()
                .map(|layout| Carry {
                    h: empty(layout.row_len()),
                    g: empty(layout.row_len()),
                })
                .collect(),
            seeds: vec![0.0; sweep.backend.batch() * sweep.backend.n_outputs()],
            sums: layouts
                .iter()
                .map(|layout| vec![0.0; sweep.options.reduction.n_sums(layout)])
                .collect(),
            activations: sweep
                .layers
                .iter()
                .map(|layer| vec![0.0; layer.n_channels])
                .collect(),
            logits: vec![0.0; sweep.backend.n_outputs()],
        }
    }

    /// Forgets the sample before.
    pub fn reset(&mut self) {
        for sums in &mut self.sums {
            sums.fill(0.0);
        }
    }

    /// Runs over `alphas` (descending). Where the first node is the input itself (`at_input`), its
    /// logits and activations are taken, and `choose_target` is asked for the target once they are
    /// known.
    pub fn run(
        &mut self,
        input: &[f32],
        alphas: &[f64],
        links: &[Link],
        rule: IntervalRule,
        at_input: bool,
        choose_target: &mut dyn FnMut(&[f32]) -> Result<usize, AttributionError>,
    ) -> Result<PassResult, AttributionError> {
        let n_layers = self.sweep.layers.len();
        let mut result = PassResult {
            outputs: Vec::with_capacity(alphas.len()),
            totals: vec![vec![0.0; n_layers]; links.len()],
        };
        let batch = self.sweep.backend.batch();
        let n_outputs = self.sweep.backend.n_outputs();
        for (chunk, nodes) in alphas.chunks(batch).enumerate() {
            let first = chunk * batch;
            self.fill_rows(input, nodes);
            let logits = self.session.forward();
            if at_input && first == 0 {
                self.logits.copy_from_slice(&logits[..n_outputs]);
            }
            let target = choose_target(&self.logits)?;
            for (row, &alpha) in nodes.iter().enumerate() {
                let output = logits[row * n_outputs + target];
                if !output.is_finite() {
                    return Err(AttributionError::NotFinite { alpha });
                }
                result.outputs.push(f64::from(output));
            }
            self.seeds.fill(0.0);
            for row in 0..batch {
                self.seeds[row * n_outputs + target] = 1.0;
            }
            let means = at_input && first == 0;
            self.collect(first..first + nodes.len(), links, rule, means, &mut result)?;
        }
        Ok(result)
    }

    /// Fills the micro-batch with x' + α (x − x'); rows beyond the nodes repeat the last one.
    fn fill_rows(&mut self, input: &[f32], nodes: &[f64]) {
        let rows = self.session.input().chunks_exact_mut(input.len());
        let last = nodes.len() - 1;
        for (index, row) in rows.enumerate() {
            let alpha = nodes[index.min(last)];
            if alpha == 1.0 {
                row.copy_from_slice(input);
                continue;
            }
            let alpha = alpha as f32;
            match &self.sweep.options.baseline {
                Baseline::Zero => {
                    for (value, x) in row.iter_mut().zip(input) {
                        *value = alpha * x;
                    }
                }
                Baseline::Fixed { row: start, .. } => {
                    for ((value, x), x0) in row.iter_mut().zip(input).zip(start) {
                        *value = x0 + alpha * (x - x0);
                    }
                }
            }
        }
    }

    /// Runs the vector-Jacobian product and adds what the links that end in `nodes` contribute.
    fn collect(
        &mut self,
        nodes: std::ops::Range<usize>,
        links: &[Link],
        rule: IntervalRule,
        means: bool,
        result: &mut PassResult,
    ) -> Result<(), AttributionError> {
        // Links are in the order of their low ends.
        let first_link = links.partition_point(|link| link.low < nodes.start);
        let end_link = links.partition_point(|link| link.low < nodes.end);
        let ending = &links[first_link..end_link];
        // Where every interval lies between neighbours, nothing reaches back further than one node.
        let only_steps = links.iter().all(Link::is_step);
        let (layouts, carries) = (self.sweep.backend.layouts(), &mut self.carries);
        let reduction = self.sweep.options.reduction;
        let (sums, activations) = (&mut self.sums, &mut self.activations);
        self.session.vjp(&self.seeds, &mut |layer, h, g| {
            let layout = layouts[layer];
            let len = layout.row_len();
            let carry = &mut carries[layer];
            if means {
                channel_means(&h[..len], layout, &mut activations[layer]);
            }
            let row = |node: usize| NodeState {
                h: &h[(node - nodes.start) * len..][..len],
                g: &g[(node - nodes.start) * len..][..len],
            };
            if let ([link], 1) = (ending, nodes.len())
                && only_steps
            {
                let slot = link.high % REACH;
                result.totals[first_link][layer] = add_interval_and_move_on(
                    row(link.low),
                    (&mut carry.h[slot], &mut carry.g[slot]),
                    (rule, reduction, layout),
                    &mut sums[layer],
                );
                // The next node looks for this one in the other slot.
                carry.h.swap(0, 1);
                carry.g.swap(0, 1);
                return;
            }
            let state = |node: usize| {
                if node >= nodes.start {
                    row(node)
                } else {
                    NodeState {
                        h: &carry.h[node % REACH],
                        g: &carry.g[node % REACH],
                    }
                }
            };
            for (link, totals) in ending.iter().zip(&mut result.totals[first_link..]) {
                totals[layer] = add_interval(
                    state(link.low),
                    state(link.high),
                    (rule, reduction, layout),
                    link.sign,
                    &mut sums[layer],
                );
            }
            let kept = nodes.end.saturating_sub(REACH).max(nodes.start)..nodes.end;
            for node in kept {
                let current = row(node);
                carry.h[node % REACH].copy_from_slice(current.h);
                carry.g[node % REACH].copy_from_slice(current.g);
            }
        })?;
        Ok(())
    }
}
