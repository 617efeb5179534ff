//! Whether a model and a data set can be analysed, and what keeps them from it.
//!
//! [`doctor`] looks at everything it can get at: a thing that does not fit never keeps it from looking at
//! the next.

mod data;
mod model;
mod next;
mod trial;

use std::path::Path;

use serde::Serialize;

use crate::config::RunConfig;

/// What was found, and what to do next.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Diagnosis {
    /// Everything that was looked at: the model, the data, the two together.
    pub findings: Vec<Finding>,
    /// Whether the analysis can be run as it stands.
    pub fits: bool,
    /// The command to run next.
    pub next: String,
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What it is of.
    pub part: Part,
    /// What it is, in a word or two.
    pub topic: &'static str,
    /// How it stands.
    pub verdict: Verdict,
    /// What was found.
    pub said: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

/// What a finding is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// The network.
    Model,
    /// The samples.
    Data,
    /// The two together.
    Run,
}

/// How a thing stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// As it should.
    Fits,
    /// The analysis can be run, but a person should know this first.
    Note,
    /// The analysis can't be run.
    Fails,
}

/// Looks at the model of a configuration, at its data where it names some, and at both together.
/// `input_shape` is the shape of a sample where the network leaves it free.
///
/// Reads the model as a whole, the names and labels of the data, and a few of the samples.
pub fn doctor(config: &RunConfig, input_shape: Option<&[usize]>) -> Diagnosis {
    let mut findings = Findings::default();
    let model = model::examine(config, &mut findings);
    let data = config.data.as_deref();
    let data = data.map(|path| data::examine(path, config, model.as_ref(), &mut findings));
    let sample_shape = input_shape.map(<[usize]>::to_vec).or_else(|| {
        let of_data = data.as_ref().and_then(|data| data.fitting_shape());
        of_data.or_else(|| model.as_ref()?.graph().usual_sample_shape())
    });
    if let Some(model) = &model {
        match &sample_shape {
            Some(shape) => trial::examine(model, shape, data.as_ref(), config, &mut findings),
            None => findings.note_with(
                Part::Model,
                "shape",
                "the network leaves the shape of a sample free".to_string(),
                "name the data too, or the shape: --input-shape 3,224,224".to_string(),
            ),
        }
    }
    findings.list.sort_by_key(|finding| finding.part);
    let fits = findings
        .list
        .iter()
        .all(|finding| finding.verdict != Verdict::Fails);
    Diagnosis {
        next: next::command(config, fits, findings.remedy.take()),
        findings: findings.list,
        fits,
    }
}

/// Findings in the making.
#[derive(Default)]
struct Findings {
    list: Vec<Finding>,
    /// Flags that would make the data fit.
    remedy: Option<String>,
}

impl Findings {
    fn add(
        &mut self,
        (part, topic): (Part, &'static str),
        verdict: Verdict,
        said: String,
        hint: Option<String>,
    ) {
        self.list.push(Finding {
            part,
            topic,
            verdict,
            said,
            hint,
        });
    }

    fn fits(&mut self, part: Part, topic: &'static str, said: String) {
        self.add((part, topic), Verdict::Fits, said, None);
    }

    fn note(&mut self, part: Part, topic: &'static str, said: String) {
        self.add((part, topic), Verdict::Note, said, None);
    }

    fn note_with(&mut self, part: Part, topic: &'static str, said: String, hint: String) {
        self.add((part, topic), Verdict::Note, said, Some(hint));
    }

    fn fails(&mut self, part: Part, topic: &'static str, said: String) {
        self.add((part, topic), Verdict::Fails, said, None);
    }

    fn fails_with(&mut self, part: Part, topic: &'static str, said: String, hint: String) {
        self.add((part, topic), Verdict::Fails, said, Some(hint));
    }
}

/// A shape as people write it.
fn times(shape: &[usize]) -> String {
    let sizes: Vec<String> = shape.iter().map(ToString::to_string).collect();
    match sizes.is_empty() {
        true => "a single number".to_string(),
        false => sizes.join(" × "),
    }
}

/// A number of things.
fn count(n: usize, what: &str) -> String {
    match n {
        1 => format!("1 {what}"),
        n => format!("{n} {what}s"),
    }
}

/// A large number.
fn amount(n: u64) -> String {
    match n {
        0..=9_999 => n.to_string(),
        10_000..=999_999 => format!("{:.0} thousand", n as f64 / 1e3),
        1_000_000..=999_999_999 => format!("{:.1} million", n as f64 / 1e6),
        _ => format!("{:.2} billion", n as f64 / 1e9),
    }
}

/// A number of bytes.
fn bytes(n: u64) -> String {
    match n {
        0..=9_999 => format!("{n} bytes"),
        10_000..=999_999 => format!("{:.0} kB", n as f64 / 1e3),
        1_000_000..=999_999_999 => format!("{:.1} MB", n as f64 / 1e6),
        _ => format!("{:.1} GB", n as f64 / 1e9),
    }
}

/// A path for a person.
fn shown(path: &Path) -> String {
    path.display().to_string()
}
