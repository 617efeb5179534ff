//! One pass over path nodes: the network runs at each that is not held, micro-batch by micro-batch,
//! and every interval between nodes adds to every layer's sums.

use std::ops::Range;

use infoplane_engine::Session;

use crate::error::AttributionError;
use crate::node_store::{NewNode, NodeStore};
use crate::quadrature::Quadrature;
use crate::reduction::{
    IntervalRule, NodeState, add_interval, add_interval_and_move_on, channel_means,
};
use crate::sweep::Sweep;

/// An interval between two nodes of a pass, by their position in it. Nodes run from the input to
/// the baseline, so `high` (nearer to the input) comes first.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Link {
    pub high: usize,
    pub low: usize,
    /// 1 to add the interval, −1 to take it back.
    pub sign: f64,
}

/// A path, and how its intervals count.
pub(crate) struct Path<'p> {
    /// Where it ends (α = 1).
    pub input: &'p [f32],
    /// Where it starts (α = 0); zero everywhere where `None`.
    pub start: Option<&'p [f32]>,
    pub rule: IntervalRule,
}

/// What a pass found.
#[derive(Debug, Default)]
pub(crate) struct PassResult {
    /// The target's value at each node.
    pub outputs: Vec<f64>,
    /// For each link, for each layer, the interval's total over all units.
    pub totals: Vec<Vec<f64>>,
    /// Nodes at which the network ran.
    pub evaluated: usize,
}

/// Asks for the target once the logits at the input are known.
pub(crate) type ChooseTarget<'c> = dyn FnMut(&[f32]) -> Result<usize, AttributionError> + 'c;

/// The memory of a pass.
pub(crate) struct Pass<'a> {
    sweep: &'a Sweep<'a>,
    session: Box<dyn Session + 'a>,
    seeds: Vec<f32>,
    /// Whether the session fills the path by itself; unknown before the first sample.
    fills_path: Option<bool>,
    /// Whether nodes are kept for later passes over the same sample.
    keep_nodes: bool,
    /// The nodes that are held.
    pub nodes: NodeStore,
    /// By layer: the sums, in the layer's order.
    pub sums: Vec<Vec<f64>>,
    /// By layer: the activation vector at the input.
    pub activations: Vec<Vec<f32>>,
    /// The logits at the input.
    pub logits: Vec<f32>,
}

/// Nodes that are taken together: those that run in one micro-batch, and held ones beside them.
struct Group {
    nodes: Range<usize>,
    /// For each node, where it is.
    sources: Vec<Source>,
    /// Links that become complete, by position.
    links: Range<usize>,
    /// For each of them, where its high and its low end are.
    ends: Vec<(Source, Source)>,
    /// Rows whose states are to be held, with their places.
    kept: Vec<(usize, usize)>,
    first: bool,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Source {
    Row(usize),
    Held(usize),
}

impl<'a> Pass<'a> {
    pub fn new(sweep: &'a Sweep<'a>) -> Pass<'a> {
        let layouts = sweep.backend.layouts();
        let lens: Vec<usize> = layouts.iter().map(|layout| layout.row_len()).collect();
        Pass {
            sweep,
            session: sweep.backend.session(),
            seeds: vec![0.0; sweep.backend.batch() * sweep.backend.n_outputs()],
            fills_path: None,
            keep_nodes: matches!(sweep.options.quadrature, Quadrature::Adaptive(_)),
            nodes: NodeStore::new(
                &lens,
                sweep.options.quadrature.held_nodes(),
                sweep.node_memory,
            ),
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

    /// Runs what comes before the path for a sample; writes where on the path's space it lies. What stands
    /// beside the path is that of the last call.
    pub fn enter(&mut self, sample: &[f32], content: &mut [f32]) {
        self.session.enter(sample, content);
    }

    /// Forgets the sample before, all but the node at the path's start if that is the same again, and
    /// sets out on another path.
    pub fn begin(&mut self, path: &Path<'_>) {
        if !self.sweep.shares_first_layer {
            self.fills_path = Some(false);
        } else if self.fills_path.is_none() || !self.sweep.starts_alike() {
            self.fills_path = Some(self.session.set_start(path.start));
        }
        if self.fills_path == Some(true) {
            self.session.set_end(path.input);
        }
        self.nodes.begin_sample();
        for sums in &mut self.sums {
            sums.fill(0.0);
        }
    }

    /// Runs over `alphas` (descending). Where the first node is the input itself (`at_input`), its
    /// logits and activations are taken, and `choose_target` is asked for the target once they are
    /// known.
    ///
    /// `links` are in the order of their low ends; none reaches back over more than one node.
    pub fn run(
        &mut self,
        path: &Path<'_>,
        alphas: &[f64],
        links: &[Link],
        at_input: bool,
        choose_target: &mut ChooseTarget<'_>,
    ) -> Result<PassResult, AttributionError> {
        let n_layers = self.sweep.layers.len();
        let mut result = PassResult {
            outputs: Vec::with_capacity(alphas.len()),
            totals: vec![vec![0.0; n_layers]; links.len()],
            evaluated: 0,
        };
        while result.outputs.len() < alphas.len() {
            let first = result.outputs.len();
            // Before the target is known no held node can be told from one of another target.
            let known = match at_input && first == 0 {
                true => None,
                false => Some(choose_target(&self.logits)?),
            };
            let (sources, rows) = self.sources(&alphas[first..], known);
            let mut logits: &[f32] = &[];
            if !rows.is_empty() {
                logits = if self.fills_path == Some(true) {
                    self.session.forward_at(&rows)
                } else {
                    fill_rows(self.session.input(), path, &rows);
                    self.session.forward()
                };
            }
            let n_outputs = self.sweep.backend.n_outputs();
            if known.is_none() {
                self.logits.copy_from_slice(&logits[..n_outputs]);
            }
            let target = choose_target(&self.logits)?;
            for (source, &alpha) in sources.iter().zip(&alphas[first..]) {
                let output = match *source {
                    Source::Row(row) => f64::from(logits[row * n_outputs + target]),
                    Source::Held(place) => self.nodes.output(place),
                };
                if !output.is_finite() {
                    return Err(AttributionError::NotFinite { alpha });
                }
                result.outputs.push(output);
            }
            result.evaluated += rows.len();
            let nodes = first..first + sources.len();
            let mut group = Group {
                links: links.partition_point(|link| link.low < nodes.start)
                    ..links.partition_point(|link| link.low < nodes.end),
                nodes,
                sources,
                ends: Vec::new(),
                kept: Vec::new(),
                first: known.is_none(),
            };
            self.find_ends(&mut group, alphas, links, target);
            self.make_room(&mut group, alphas, links, &result.outputs, target);
            self.collect(path.rule, links, &group, target, &mut result)?;
            self.appraise(alphas, links, &group, target, &result);
        }
        Ok(result)
    }

    /// Where the next nodes are, and the α of those that have to run: at most a micro-batch.
    fn sources(&self, alphas: &[f64], target: Option<usize>) -> (Vec<Source>, Vec<f64>) {
        let (mut sources, mut rows) = (Vec::new(), Vec::new());
        for &alpha in alphas {
            match target.and_then(|target| self.nodes.find(alpha, target)) {
                Some(place) => sources.push(Source::Held(place)),
                None if rows.len() < self.sweep.backend.batch() => {
                    sources.push(Source::Row(rows.len()));
                    rows.push(alpha);
                }
                None => break,
            }
        }
        (sources, rows)
    }

    /// Finds the ends of the group's links before any place is given away.
    fn find_ends(&self, group: &mut Group, alphas: &[f64], links: &[Link], target: usize) {
        let source = |node: usize| match node.checked_sub(group.nodes.start) {
            Some(offset) => Some(group.sources[offset]),
            None => self.nodes.find(alphas[node], target).map(Source::Held),
        };
        group.ends = links[group.links.clone()]
            .iter()
            // `make_room` held what a link was going to need.
            .filter_map(|link| Some((source(link.high)?, source(link.low)?)))
            .collect();
        debug_assert_eq!(group.ends.len(), group.links.len());
    }

    /// Finds places for the rows that are worth holding. A place is overwritten when the group's links
    /// are done, so it must not be that of a node which a later link needs.
    fn make_room(
        &mut self,
        group: &mut Group,
        alphas: &[f64],
        links: &[Link],
        outputs: &[f64],
        target: usize,
    ) {
        let later = &links[group.links.end..];
        let needed = |node: usize| {
            let ends_at = |link: &Link| link.high == node || link.low == node;
            later.iter().any(ends_at)
        };
        // A node that is still to come can run again; one that has passed can't.
        let mut taken: Vec<usize> = (0..group.nodes.end)
            .filter(|&node| needed(node))
            .filter_map(|node| self.nodes.find(alphas[node], target))
            .collect();
        let preferred = match group.ends.last() {
            Some((Source::Held(place), _)) if !self.keep_nodes => Some(*place),
            _ => None,
        };
        // What is needed comes first, so that what is merely worth holding takes no place from it.
        for mandatory in [true, false] {
            for (offset, source) in group.sources.iter().enumerate() {
                let node = group.nodes.start + offset;
                let pinned = alphas[node] == 0.0 && self.sweep.starts_alike();
                let Source::Row(row) = *source else { continue };
                if needed(node) != mandatory || !(mandatory || pinned || self.keep_nodes) {
                    continue;
                }
                let new = NewNode {
                    alpha: alphas[node],
                    target,
                    output: outputs[node],
                    needed: mandatory,
                    pinned,
                    preferred,
                };
                if let Some(place) = self.nodes.assign(new, &taken) {
                    taken.push(place);
                    group.kept.push((row, place));
                }
            }
        }
    }

    /// Runs the vector-Jacobian product, adds what the group's links contribute and stores its nodes.
    fn collect(
        &mut self,
        rule: IntervalRule,
        links: &[Link],
        group: &Group,
        target: usize,
        result: &mut PassResult,
    ) -> Result<(), AttributionError> {
        let (sweep, nodes) = (self.sweep, &mut self.nodes);
        let (sums, activations) = (&mut self.sums, &mut self.activations);
        let totals = &mut result.totals[group.links.clone()];
        let links = &links[group.links.clone()];
        let mut visit = |layer: usize, h: &[f32], g: &[f32]| {
            let layout = sweep.backend.layouts()[layer];
            let len = layout.row_len();
            let adding = (rule, sweep.options.reduction, layout);
            if group.first {
                channel_means(&h[..len], layout, &mut activations[layer]);
            }
            let row = |row: usize| NodeState {
                h: &h[row * len..][..len],
                g: &g[row * len..][..len],
            };
            let sums = &mut sums[layer];
            if let ([link], [(Source::Held(high), Source::Row(low))], [(kept, place)]) =
                (links, group.ends.as_slice(), group.kept.as_slice())
                && (high, low, link.sign) == (place, kept, 1.0)
            {
                let high = nodes.state_mut(*high, layer);
                totals[0][layer] = add_interval_and_move_on(row(*low), high, adding, sums);
                return;
            }
            let state = |source: Source| match source {
                Source::Row(index) => row(index),
                Source::Held(place) => nodes.state(place, layer),
            };
            for ((link, (high, low)), totals) in links.iter().zip(&group.ends).zip(&mut *totals) {
                totals[layer] = add_interval(state(*low), state(*high), adding, link.sign, sums);
            }
            for &(kept, place) in &group.kept {
                let current = row(kept);
                let (h, g) = nodes.state_mut(place, layer);
                h.copy_from_slice(current.h);
                g.copy_from_slice(current.g);
            }
        };
        if group.sources.iter().all(|s| matches!(s, Source::Held(_))) {
            for layer in 0..sweep.layers.len() {
                visit(layer, &[], &[]);
            }
            return Ok(());
        }
        let n_outputs = sweep.backend.n_outputs();
        self.seeds.fill(0.0);
        for seeds in self.seeds.chunks_exact_mut(n_outputs) {
            seeds[target] = 1.0;
        }
        self.session.vjp(&self.seeds, &mut visit)?;
        Ok(())
    }

    /// What the group's nodes are worth is the error of the intervals beside them.
    fn appraise(
        &mut self,
        alphas: &[f64],
        links: &[Link],
        group: &Group,
        target: usize,
        result: &PassResult,
    ) {
        for index in group.links.clone() {
            let Link { high, low, .. } = links[index];
            let rise = result.outputs[high] - result.outputs[low];
            let worth = self
                .sweep
                .cut_errors(&result.totals[index], rise)
                .map(|error| error * error)
                .sum();
            for node in [high, low] {
                self.nodes.raise(alphas[node], target, worth);
            }
        }
    }
}

/// Fills the micro-batch with x' + α (x − x'); rows beyond the nodes repeat the last one.
fn fill_rows(input: &mut [f32], path: &Path<'_>, nodes: &[f64]) {
    let last = nodes.len() - 1;
    for (index, row) in input.chunks_exact_mut(path.input.len()).enumerate() {
        let alpha = nodes[index.min(last)];
        if alpha == 1.0 {
            row.copy_from_slice(path.input);
            continue;
        }
        let alpha = alpha as f32;
        match path.start {
            None => {
                for (value, x) in row.iter_mut().zip(path.input) {
                    *value = alpha * x;
                }
            }
            Some(start) => {
                for ((value, x), x0) in row.iter_mut().zip(path.input).zip(start) {
                    *value = x0 + alpha * (x - x0);
                }
            }
        }
    }
}
