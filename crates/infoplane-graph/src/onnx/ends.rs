//! Where the logits are: what a model puts behind them is left out, and said.
//!
//! - A softmax or its logarithm, and what only gives their result another shape or name.
//! - A sigmoid of a single unit. Several sigmoids stay: they may be gates or coordinates, and nothing in
//!   a file tells.
//! - The columns 1 − p and p of a sigmoid p (scikit-learn's binary classifier): the targets are their
//!   log-odds, −z and z of the sigmoid's operand z.
//! - Labels: `ArgMax`, `TopK`, a look-up of the class name, `ZipMap`.
//!
//! Of several outputs the first that is no label counts.

use super::inline::{Flat, FlatNode};
use super::proto::{DataType, ValueInfoProto};
use crate::error::GraphError;

/// Where a network ends.
#[derive(Debug, PartialEq)]
pub(super) struct End {
    /// The value that holds the logits, or of which they are made.
    pub value: String,
    pub columns: Columns,
    /// What was left out, for people.
    pub notes: Vec<String>,
}

/// What the output's columns are.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Columns {
    /// Those of the value.
    Own,
    /// The value z of the positive class beside −z; the first is that of the positive class where
    /// `positive_first`.
    LogOdds { axis: i64, positive_first: bool },
}

/// One step from an output towards the input.
enum Step<'a> {
    /// The same elements, so far as labels and probabilities go.
    Same(&'a str),
    /// A probability of these logits.
    Probability(&'a str),
    /// A label chosen by this value.
    Label(&'a str),
    /// Probabilities in a form that is no tensor.
    Map(&'a str),
    /// Columns 1 − p and p.
    Complement {
        probability: &'a str,
        positive_first: bool,
    },
}

/// The way from an output to its logits.
struct Trace<'a> {
    value: &'a str,
    columns: Columns,
    /// Nodes left out, last first.
    left_out: Vec<&'a FlatNode<'a>>,
    is_label: bool,
}

/// Finds the logits of a model with these outputs.
pub(super) fn find<'a>(
    outputs: &'a [ValueInfoProto],
    flat: &'a Flat<'a>,
) -> Result<End, GraphError> {
    let invalid = |reason: &str| GraphError::InvalidModel(reason.to_string());
    let traces: Vec<Trace<'a>> = outputs.iter().map(|output| trace(output, flat)).collect();
    let chosen = traces
        .iter()
        .position(|trace| !trace.is_label)
        .unwrap_or_default();
    let (Some(output), Some(trace)) = (outputs.get(chosen), traces.get(chosen)) else {
        return Err(invalid("it declares no output"));
    };
    if flat.producer(trace.value).is_none() {
        return Err(invalid(&format!(
            "no node makes its output `{}`",
            trace.value
        )));
    }
    Ok(End {
        value: trace.value.to_string(),
        columns: trace.columns,
        notes: trace.notes(output.name(), outputs),
    })
}

fn trace<'a>(output: &'a ValueInfoProto, flat: &'a Flat<'a>) -> Trace<'a> {
    let mut found = Trace {
        value: output.name(),
        columns: Columns::Own,
        left_out: Vec::new(),
        is_label: declares_labels(output),
    };
    let mut value = output.name();
    let mut passed: Vec<&FlatNode<'_>> = Vec::new();
    // No path is longer than there are nodes.
    for _ in 0..flat.nodes.len() {
        let Some(node) = flat.producer(value).map(|index| &flat.nodes[index]) else {
            break;
        };
        let single_unit = output_units(output) == Some(1);
        let Some(step) = step(node, value, single_unit, flat) else {
            break;
        };
        passed.push(node);
        value = match step {
            Step::Same(value) => value,
            Step::Label(value) | Step::Map(value) => {
                found.left_out.append(&mut passed);
                found.is_label |= matches!(step, Step::Label(_));
                found.value = value;
                value
            }
            Step::Probability(value) => {
                found.left_out.append(&mut passed);
                found.value = value;
                break;
            }
            Step::Complement {
                probability,
                positive_first,
            } => {
                let Some((sigmoid, logit)) = logit_of(probability, flat) else {
                    break;
                };
                let axis = attribute(node, "axis").unwrap_or(1);
                passed.push(sigmoid);
                found.left_out.append(&mut passed);
                found.value = logit;
                found.columns = Columns::LogOdds {
                    axis,
                    positive_first,
                };
                break;
            }
        };
    }
    found
}

fn step<'a>(
    node: &'a FlatNode<'a>,
    value: &str,
    single_unit: bool,
    flat: &'a Flat<'a>,
) -> Option<Step<'a>> {
    let input = |position: usize| node.inputs.get(position).map(String::as_str);
    let is_first = node.outputs.first().is_some_and(|first| first == value);
    Some(match (node.domain, node.operator) {
        ("ai.onnx.ml", "ZipMap") => Step::Map(input(0)?),
        ("ai.onnx.ml", "ArrayFeatureExtractor") => Step::Label(input(1)?),
        ("ai.onnx.ml", "LabelEncoder") => Step::Label(input(0)?),
        _ if !node.has_standard_domain() => return None,
        (_, "TopK") => Step::Label(input(0)?),
        _ if !is_first => return None,
        (_, "ArgMax" | "ArgMin" | "Hardmax") => Step::Label(input(0)?),
        (_, "Gather") if flat.constants.contains(input(0)?) => Step::Same(input(1)?),
        (_, "Softmax" | "LogSoftmax") => Step::Probability(input(0)?),
        (_, "Sigmoid") if single_unit => Step::Probability(input(0)?),
        (_, "Identity" | "Dropout" | "Cast" | "Reshape" | "Flatten" | "Squeeze" | "Unsqueeze") => {
            Step::Same(input(0)?)
        }
        (_, "Concat") => {
            let [first, second] = node.inputs.as_slice() else {
                return None;
            };
            match (complement(first, flat), complement(second, flat)) {
                (Some(of), _) if of == second => Step::Complement {
                    probability: second,
                    positive_first: false,
                },
                (_, Some(of)) if of == first => Step::Complement {
                    probability: first,
                    positive_first: true,
                },
                _ => return None,
            }
        }
        _ => return None,
    })
}

/// p, where the value is 1 − p.
fn complement<'a>(value: &str, flat: &'a Flat<'a>) -> Option<&'a str> {
    let node = &flat.nodes[flat.producer(value)?];
    let [one, probability] = node.inputs.as_slice() else {
        return None;
    };
    let subtracts = node.has_standard_domain() && node.operator == "Sub";
    let constant = flat.constants.get(one).ok()??;
    let is_one = constant.floats()?.iter().all(|&element| element == 1.0);
    (subtracts && is_one).then_some(probability)
}

/// The sigmoid that makes a probability, and its operand.
fn logit_of<'a>(probability: &'a str, flat: &'a Flat<'a>) -> Option<(&'a FlatNode<'a>, &'a str)> {
    let node = &flat.nodes[flat.producer(probability)?];
    let is_sigmoid = node.has_standard_domain() && node.operator == "Sigmoid";
    is_sigmoid.then_some((node, node.inputs.first()?))
}

fn attribute(node: &FlatNode<'_>, name: &str) -> Option<i64> {
    let (_, attribute) = node.attributes().find(|(own, _)| *own == name)?;
    attribute.i
}

/// Whether an output is declared as integers, truth values or strings.
fn declares_labels(output: &ValueInfoProto) -> bool {
    let declared = output.tensor().and_then(|tensor| tensor.elem_type);
    declared.is_some_and(|number| {
        !matches!(
            DataType(number),
            DataType(0)
                | DataType::FLOAT
                | DataType::FLOAT16
                | DataType::BFLOAT16
                | DataType::DOUBLE
        )
    })
}

/// Elements of one sample's output, as declared.
fn output_units(output: &ValueInfoProto) -> Option<i64> {
    let dims = &output.tensor()?.shape.as_ref()?.dim;
    dims.get(1..)?
        .iter()
        .try_fold(1i64, |product, dim| product.checked_mul(dim.dim_value?))
}

impl Trace<'_> {
    fn notes(&self, output: &str, outputs: &[ValueInfoProto]) -> Vec<String> {
        let mut notes = Vec::new();
        if let [_, _, ..] = outputs {
            let names: Vec<String> = outputs
                .iter()
                .map(|output| format!("`{}`", output.name()))
                .collect();
            notes.push(format!(
                "it has {} outputs ({}): `{output}` is taken",
                names.len(),
                names.join(", ")
            ));
        }
        let value = self.value;
        // In the order in which they run.
        let nodes: Vec<String> = self
            .left_out
            .iter()
            .rev()
            .map(|node| format!("{} `{}`", node.operator, node.name))
            .collect();
        match (&self.columns, nodes.as_slice()) {
            (_, []) => {}
            (Columns::LogOdds { positive_first, .. }, nodes) => {
                let columns = match positive_first {
                    false => "-z and z",
                    true => "z and -z",
                };
                notes.push(format!(
                    "its end, the probabilities made by {}, is left out: the targets are their \
                     log-odds, {columns} of the operand z = `{value}`",
                    nodes.join(", ")
                ));
            }
            (Columns::Own, [node]) => notes.push(format!(
                "its last operator {node} is left out: the target is its operand `{value}`"
            )),
            (Columns::Own, nodes) => notes.push(format!(
                "its last operators {} are left out: the target is `{value}`, which enters them",
                nodes.join(", ")
            )),
        }
        notes
    }
}
