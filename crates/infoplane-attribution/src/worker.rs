//! Attributes one sample after another.

use crate::adaptive::{AdaptiveRule, Interval, largest, to_split, total_errors};
use crate::error::AttributionError;
use crate::pass::{ChooseTarget, Link, Pass, PassResult, Path};
use crate::quadrature::{Quadrature, midpoint};
use crate::reduction::IntervalRule;
use crate::sweep::{Baseline, Sweep, Target};

/// Steps of f32 at the size of the outputs below which a completeness error is rounding.
const ROUNDING_STEPS: f64 = 4.0;

/// A sample to attribute.
#[derive(Debug, Clone, Copy, Default)]
pub struct Sample<'s> {
    /// One row of the network's input.
    pub input: &'s [f32],
    /// Its class, where known; for [`Target::Label`].
    pub label: Option<usize>,
    /// The unit to attribute; for [`Target::Given`].
    pub target: Option<usize>,
    /// Where its path starts; for [`Baseline::Given`].
    pub baseline: Option<&'s [f32]>,
}

/// The attribution of one sample.
#[derive(Debug, Clone, PartialEq)]
pub struct Attribution {
    /// The network's output at the input.
    pub logits: Vec<f32>,
    /// The unit with the largest value; the first of several.
    pub predicted: usize,
    /// The unit that was attributed.
    pub target: usize,
    /// The target's value at the input, F(x).
    pub f_input: f32,
    /// The target's value at the baseline, F(x').
    pub f_baseline: f32,
    /// Intervals of the final mesh.
    pub steps: usize,
    /// Nodes at which the network ran, forward and backward. Unlike all else this depends on what the
    /// worker held: on its memory and on the sample before.
    pub evaluated: usize,
    /// For each layer, the conductance as the reduction keeps it.
    pub conductance: Vec<Vec<f32>>,
    /// For each layer, the activation at the input averaged over positions.
    pub activation: Vec<Vec<f32>>,
    /// For each layer, ΣC − (F(x) − F(x')) where it is a cut layer.
    pub delta: Vec<Option<f32>>,
    /// Largest |delta| over the cut layers relative to |F(x) − F(x')|; 0 where there is no cut
    /// layer.
    pub error: f32,
}

/// Attributes samples of one [`Sweep`]. Holds all memory; no result depends on the sample before.
pub struct Worker<'a> {
    sweep: &'a Sweep<'a>,
    pass: Pass<'a>,
    buffers: Buffers,
}

/// Memory for the ends of a path.
#[derive(Default)]
struct Buffers {
    /// The baseline of a sample that is blurred.
    blurred: Vec<f32>,
    /// Where the path starts.
    start: Vec<f32>,
    /// Whether that is there already, and the same for all samples.
    has_start: bool,
    /// Where the path ends.
    end: Vec<f32>,
}

impl<'a> Worker<'a> {
    pub(crate) fn new(sweep: &'a Sweep<'a>) -> Worker<'a> {
        Worker {
            sweep,
            pass: Pass::new(sweep),
            buffers: Buffers {
                blurred: match sweep.options.baseline {
                    Baseline::Blur(_) => vec![0.0; sweep.backend.sample_len()],
                    _ => Vec::new(),
                },
                start: match sweep.options.baseline {
                    Baseline::Zero => Vec::new(),
                    _ => vec![0.0; sweep.backend.input_len()],
                },
                has_start: false,
                end: vec![0.0; sweep.backend.input_len()],
            },
        }
    }

    /// Attributes one sample.
    pub fn attribute(&mut self, sample: Sample<'_>) -> Result<Attribution, AttributionError> {
        // Taken out while the pass borrows the rest.
        let mut buffers = std::mem::take(&mut self.buffers);
        let result = self.attribute_between(sample, &mut buffers);
        self.buffers = buffers;
        result
    }

    fn attribute_between(
        &mut self,
        sample: Sample<'_>,
        buffers: &mut Buffers,
    ) -> Result<Attribution, AttributionError> {
        let Sample { input, label, .. } = sample;
        let expected = self.sweep.backend.sample_len();
        let check = |what: &'static str, row: &[f32]| match row.len() {
            actual if actual != expected => Err(AttributionError::Length {
                what,
                expected,
                actual,
            }),
            _ => Ok(()),
        };
        check("the sample", input)?;
        let start = match &self.sweep.options.baseline {
            Baseline::Zero => None,
            Baseline::Fixed { row, .. } => Some(row.as_slice()),
            Baseline::Blur(blur) => {
                blur.apply(input, &mut buffers.blurred);
                Some(buffers.blurred.as_slice())
            }
            Baseline::Given => Some(sample.baseline.ok_or(AttributionError::NoBaseline)?),
        };
        if let Some(start) = start {
            check("the baseline", start)?;
            if !buffers.has_start {
                self.pass.enter(start, &mut buffers.start);
                buffers.has_start = self.sweep.options.baseline.is_fixed();
            }
        }
        // The sample last: what stands beside the path is its own.
        self.pass.enter(input, &mut buffers.end);
        let rule = match self.sweep.options.quadrature {
            Quadrature::Captum { .. } => IntervalRule::Left,
            _ => IntervalRule::Trapezoid,
        };
        let path = Path {
            input: &buffers.end,
            start: start.map(|_| buffers.start.as_slice()),
            rule,
        };
        self.along(&path, label, sample.target)
    }

    fn along(
        &mut self,
        path: &Path<'_>,
        label: Option<usize>,
        given: Option<usize>,
    ) -> Result<Attribution, AttributionError> {
        self.pass.begin(path);
        let n_outputs = self.sweep.backend.n_outputs();
        let wish = self.sweep.options.target;
        let mut target = None;
        let mut choose = |logits: &[f32]| {
            if let Some(target) = target {
                return Ok(target);
            }
            let chosen = match wish {
                Target::Predicted => argmax(logits),
                Target::Label => label.ok_or(AttributionError::NoLabel)?,
                Target::Index(index) => index,
                Target::Given => given.ok_or(AttributionError::NoLabel)?,
            };
            if chosen >= n_outputs {
                return Err(AttributionError::TargetOutOfRange {
                    target: chosen,
                    n_outputs,
                });
            }
            target = Some(chosen);
            Ok(chosen)
        };
        let run = match self.sweep.options.quadrature {
            Quadrature::Captum { .. } => self.captum(path, &mut choose)?,
            Quadrature::Adaptive(rule) => self.adaptive(path, rule, &mut choose)?,
            _ => self.fixed(path, &mut choose)?,
        };
        let logits = self.pass.logits.clone();
        let target = choose(&logits)?;
        Ok(self.finish(run, logits, target))
    }

    fn fixed(
        &mut self,
        path: &Path<'_>,
        choose: &mut ChooseTarget<'_>,
    ) -> Result<Ends, AttributionError> {
        let (alphas, links) = chain(&self.sweep.nodes);
        let result = self.pass.run(path, &alphas, &links, true, choose)?;
        Ok(Ends::of(&result, links.len()))
    }

    /// The Gauss-Legendre nodes, with input and baseline beside them for the output difference.
    fn captum(
        &mut self,
        path: &Path<'_>,
        choose: &mut ChooseTarget<'_>,
    ) -> Result<Ends, AttributionError> {
        let (mut alphas, mut links) = chain(&self.sweep.nodes);
        alphas.insert(0, 1.0);
        alphas.push(0.0);
        for link in &mut links {
            link.high += 1;
            link.low += 1;
        }
        let result = self.pass.run(path, &alphas, &links, true, choose)?;
        Ok(Ends::of(&result, links.len()))
    }

    fn adaptive(
        &mut self,
        path: &Path<'_>,
        rule: AdaptiveRule,
        choose: &mut ChooseTarget<'_>,
    ) -> Result<Ends, AttributionError> {
        let (alphas, links) = chain(&self.sweep.nodes);
        let result = self.pass.run(path, &alphas, &links, true, choose)?;
        let mut ends = Ends::of(&result, links.len());
        let mut mesh: Vec<Interval> = links
            .iter()
            .zip(&result.totals)
            .map(|(link, totals)| self.interval(&alphas, &result, *link, totals))
            .collect();
        // Outputs are f32; where they hardly differ, their rounding can't be split away.
        let rounding =
            ROUNDING_STEPS * f64::from(f32::EPSILON) * ends.input.abs().max(ends.baseline.abs());
        let allowed = (rule.tolerance * (ends.input - ends.baseline).abs()).max(rounding);
        while largest(&total_errors(&mesh)) > allowed && mesh.len() < rule.max_steps {
            let room = (rule.max_steps - mesh.len()).min(self.sweep.backend.batch());
            let chosen = to_split(&mesh, room);
            if chosen.is_empty() {
                break;
            }
            let (refined, evaluated) = self.refine(path, mesh, &chosen, choose)?;
            mesh = refined;
            ends.evaluated += evaluated;
            // The ends of the intervals of largest error are the most likely to be needed again.
            self.pass.nodes.appraise(|alpha| {
                let beside = mesh.iter().filter(|i| i.low == alpha || i.high == alpha);
                beside.map(Interval::squared_error).fold(0.0, f64::max)
            });
        }
        ends.steps = mesh.len();
        Ok(ends)
    }

    /// Splits intervals of a mesh (descending) in the middle: what they contributed is taken back,
    /// and what their halves contribute added.
    fn refine(
        &mut self,
        path: &Path<'_>,
        mesh: Vec<Interval>,
        chosen: &[usize],
        choose: &mut ChooseTarget<'_>,
    ) -> Result<(Vec<Interval>, usize), AttributionError> {
        let mut alphas: Vec<f64> = Vec::new();
        let mut links = Vec::new();
        for &index in chosen {
            let Interval { low, high, .. } = mesh[index];
            if alphas.last() != Some(&high) {
                alphas.push(high);
            }
            let top = alphas.len() - 1;
            alphas.extend([midpoint(low, high), low]);
            let link = |high, low, sign| Link { high, low, sign };
            links.push(link(top, top + 1, 1.0));
            links.push(link(top + 1, top + 2, 1.0));
            links.push(link(top, top + 2, -1.0));
        }
        let result = self.pass.run(path, &alphas, &links, false, choose)?;
        let mut refined = Vec::with_capacity(mesh.len() + chosen.len());
        let mut halves = links.chunks_exact(3).zip(result.totals.chunks_exact(3));
        for (index, interval) in mesh.into_iter().enumerate() {
            if chosen.binary_search(&index).is_err() {
                refined.push(interval);
            } else if let Some((links, totals)) = halves.next() {
                for half in 0..2 {
                    refined.push(self.interval(&alphas, &result, links[half], &totals[half]));
                }
            }
        }
        Ok((refined, result.evaluated))
    }

    fn interval(
        &self,
        alphas: &[f64],
        result: &PassResult,
        link: Link,
        totals: &[f64],
    ) -> Interval {
        let rise = result.outputs[link.high] - result.outputs[link.low];
        Interval {
            low: alphas[link.low],
            high: alphas[link.high],
            errors: self.sweep.cut_errors(totals, rise).collect(),
        }
    }

    fn finish(&self, ends: Ends, logits: Vec<f32>, target: usize) -> Attribution {
        let difference = ends.input - ends.baseline;
        let conductance: Vec<Vec<f64>> = self
            .pass
            .sums
            .iter()
            .zip(self.sweep.backend.layouts())
            .zip(&self.sweep.layers)
            .map(|((sums, &layout), layer)| {
                let reduction = self.sweep.options.reduction;
                reduction.vector(sums, layout, layer.channels_last)
            })
            .collect();
        let delta: Vec<Option<f32>> = self
            .sweep
            .layers
            .iter()
            .zip(&conductance)
            .map(|(layer, vector)| {
                layer
                    .cut
                    .then(|| (vector.iter().sum::<f64>() - difference) as f32)
            })
            .collect();
        let worst = delta
            .iter()
            .flatten()
            .fold(0.0f32, |worst, d| worst.max(d.abs()));
        let scale = (difference.abs() as f32).max(f32::MIN_POSITIVE);
        Attribution {
            predicted: argmax(&logits),
            target,
            f_input: ends.input as f32,
            f_baseline: ends.baseline as f32,
            steps: ends.steps,
            evaluated: ends.evaluated,
            conductance: conductance
                .iter()
                .map(|vector| vector.iter().map(|&sum| sum as f32).collect())
                .collect(),
            activation: self.pass.activations.clone(),
            delta,
            error: (worst / scale).min(f32::MAX),
            logits,
        }
    }
}

/// The target's value at both ends of the path, and the work between.
struct Ends {
    input: f64,
    baseline: f64,
    steps: usize,
    evaluated: usize,
}

impl Ends {
    fn of(result: &PassResult, steps: usize) -> Ends {
        Ends {
            input: result.outputs.first().copied().unwrap_or(0.0),
            baseline: result.outputs.last().copied().unwrap_or(0.0),
            steps,
            evaluated: result.evaluated,
        }
    }
}

/// Ascending nodes as a descending pass, with the intervals between neighbours.
fn chain(nodes: &[f64]) -> (Vec<f64>, Vec<Link>) {
    let alphas: Vec<f64> = nodes.iter().rev().copied().collect();
    let links = (1..alphas.len())
        .map(|low| Link {
            high: low - 1,
            low,
            sign: 1.0,
        })
        .collect();
    (alphas, links)
}

/// Index of the largest value; the first of several.
pub fn argmax(values: &[f32]) -> usize {
    let mut best = 0;
    for (index, value) in values.iter().enumerate() {
        if *value > values[best] {
            best = index;
        }
    }
    best
}
