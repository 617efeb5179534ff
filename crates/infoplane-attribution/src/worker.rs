//! Attributes one sample after another.

use crate::adaptive::{AdaptiveRule, Interval, to_split, total_error};
use crate::error::AttributionError;
use crate::pass::{Link, Pass, PassResult};
use crate::quadrature::Quadrature;
use crate::reduction::IntervalRule;
use crate::sweep::{Sweep, Target};

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

/// Attributes samples of one [`Sweep`]. Holds all memory; nothing depends on the sample before.
pub struct Worker<'a> {
    sweep: &'a Sweep<'a>,
    pass: Pass<'a>,
}

impl<'a> Worker<'a> {
    pub(crate) fn new(sweep: &'a Sweep<'a>) -> Worker<'a> {
        Worker {
            sweep,
            pass: Pass::new(sweep),
        }
    }

    /// Attributes one sample. `label` and `given` are used where the target is
    /// [`Target::Label`] or [`Target::Given`].
    pub fn attribute(
        &mut self,
        input: &[f32],
        label: Option<usize>,
        given: Option<usize>,
    ) -> Result<Attribution, AttributionError> {
        let expected = self.sweep.backend.input_len();
        if input.len() != expected {
            return Err(AttributionError::Length {
                what: "the sample",
                expected,
                actual: input.len(),
            });
        }
        self.pass.reset();
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
            Quadrature::Captum { .. } => self.captum(input, &mut choose)?,
            Quadrature::Adaptive(rule) => self.adaptive(input, rule, &mut choose)?,
            _ => self.fixed(input, &mut choose)?,
        };
        let logits = self.pass.logits.clone();
        let target = choose(&logits)?;
        Ok(self.finish(run, logits, target))
    }

    fn fixed(
        &mut self,
        input: &[f32],
        choose: &mut dyn FnMut(&[f32]) -> Result<usize, AttributionError>,
    ) -> Result<Ends, AttributionError> {
        let (alphas, links) = chain(&self.sweep.nodes);
        let result = self.pass.run(
            input,
            &alphas,
            &links,
            IntervalRule::Trapezoid,
            true,
            choose,
        )?;
        Ok(Ends::of(&result, links.len()))
    }

    /// The Gauss-Legendre nodes, with input and baseline beside them for the output difference.
    fn captum(
        &mut self,
        input: &[f32],
        choose: &mut dyn FnMut(&[f32]) -> Result<usize, AttributionError>,
    ) -> Result<Ends, AttributionError> {
        let (mut alphas, mut links) = chain(&self.sweep.nodes);
        alphas.insert(0, 1.0);
        alphas.push(0.0);
        for link in &mut links {
            link.high += 1;
            link.low += 1;
        }
        let result = self
            .pass
            .run(input, &alphas, &links, IntervalRule::Left, true, choose)?;
        Ok(Ends::of(&result, links.len()))
    }

    fn adaptive(
        &mut self,
        input: &[f32],
        rule: AdaptiveRule,
        choose: &mut dyn FnMut(&[f32]) -> Result<usize, AttributionError>,
    ) -> Result<Ends, AttributionError> {
        let (alphas, links) = chain(&self.sweep.nodes);
        let result = self.pass.run(
            input,
            &alphas,
            &links,
            IntervalRule::Trapezoid,
            true,
            choose,
        )?;
        let mut ends = Ends::of(&result, links.len());
        let mut mesh: Vec<Interval> = links
            .iter()
            .zip(&result.totals)
            .map(|(link, totals)| self.interval(&alphas, &result, *link, totals))
            .collect();
        let allowed = rule.tolerance * (ends.input - ends.baseline).abs();
        while total_error(&mesh) > allowed && mesh.len() < rule.max_steps {
            let chosen = to_split(&mesh, rule.max_steps - mesh.len());
            if chosen.is_empty() {
                break;
            }
            mesh = self.refine(input, mesh, &chosen, choose)?;
        }
        ends.steps = mesh.len();
        Ok(ends)
    }

    /// Splits intervals of a mesh (descending) in the middle: what they contributed is taken back,
    /// and what their halves contribute added.
    fn refine(
        &mut self,
        input: &[f32],
        mesh: Vec<Interval>,
        chosen: &[usize],
        choose: &mut dyn FnMut(&[f32]) -> Result<usize, AttributionError>,
    ) -> Result<Vec<Interval>, AttributionError> {
        let mut alphas: Vec<f64> = Vec::new();
        let mut links = Vec::new();
        for &index in chosen {
            let Interval { low, high, .. } = mesh[index];
            if alphas.last() != Some(&high) {
                alphas.push(high);
            }
            let top = alphas.len() - 1;
            alphas.extend([(low + high) / 2.0, low]);
            let link = |high, low, sign| Link { high, low, sign };
            links.push(link(top, top + 1, 1.0));
            links.push(link(top + 1, top + 2, 1.0));
            links.push(link(top, top + 2, -1.0));
        }
        let result = self.pass.run(
            input,
            &alphas,
            &links,
            IntervalRule::Trapezoid,
            false,
            choose,
        )?;
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
        Ok(refined)
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
            errors: self
                .sweep
                .layers
                .iter()
                .zip(totals)
                .filter(|(layer, _)| layer.cut)
                .map(|(_, total)| total - rise)
                .collect(),
        }
    }

    fn finish(&self, ends: Ends, logits: Vec<f32>, target: usize) -> Attribution {
        let difference = ends.input - ends.baseline;
        let conductance: Vec<Vec<f64>> = self
            .pass
            .sums
            .iter()
            .zip(self.sweep.backend.layouts())
            .map(|(sums, &layout)| self.sweep.options.reduction.vector(sums, layout))
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

/// The target's value at both ends of the path, and the number of intervals between.
struct Ends {
    input: f64,
    baseline: f64,
    steps: usize,
}

impl Ends {
    fn of(result: &PassResult, steps: usize) -> Ends {
        Ends {
            input: result.outputs.first().copied().unwrap_or(0.0),
            baseline: result.outputs.last().copied().unwrap_or(0.0),
            steps,
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
