//! Operands while a kernel is built: where each is found later, and the checks on constants.

use infoplane_graph::Floats;

use crate::error::EngineError;
use crate::kernel::Operand;

/// Where a kernel finds an operand when it runs.
#[derive(Debug, Clone)]
pub(crate) enum Source {
    /// Among the runtime operands, at this index.
    Runtime(usize),
    /// In the kernel itself.
    Constant(Floats),
}

impl Source {
    /// The sources of all operands, in order; checks the length of every constant.
    pub fn of_all(
        operator: &'static str,
        operands: &[Operand],
    ) -> Result<Vec<Source>, EngineError> {
        let mut n_runtime = 0;
        operands
            .iter()
            .enumerate()
            .map(|(position, operand)| match &operand.constant {
                Some(_) => constant(operator, operands, position).map(Source::Constant),
                None => {
                    n_runtime += 1;
                    Ok(Source::Runtime(n_runtime - 1))
                }
            })
            .collect()
    }

    /// The operand's elements; none for a runtime operand that is withheld.
    pub fn get<'a>(&'a self, inputs: &[&'a [f32]]) -> &'a [f32] {
        match self {
            Source::Runtime(index) => inputs[*index],
            Source::Constant(values) => values,
        }
    }

    pub fn is_runtime(&self) -> bool {
        matches!(self, Source::Runtime(_))
    }

    /// Whether it is the runtime operand of this index.
    pub fn is_operand(&self, operand: usize) -> bool {
        matches!(self, Source::Runtime(index) if *index == operand)
    }

    pub fn constant_bytes(&self) -> usize {
        match self {
            Source::Runtime(_) => 0,
            Source::Constant(values) => size_of_val(values.as_ref()),
        }
    }
}

/// The operand at a position, or an error that it is missing.
pub(crate) fn operand<'a>(
    operator: &'static str,
    operands: &'a [Operand],
    position: usize,
) -> Result<&'a Operand, EngineError> {
    operands.get(position).ok_or_else(|| {
        EngineError::unsupported(
            operator,
            format!(
                "operand {position} is missing: there are {}",
                operands.len()
            ),
        )
    })
}

/// The shape of an operand that must depend on the network's input.
pub(crate) fn runtime<'a>(
    operator: &'static str,
    operands: &'a [Operand],
    position: usize,
) -> Result<&'a [usize], EngineError> {
    let operand = operand(operator, operands, position)?;
    match operand.constant {
        None => Ok(&operand.shape),
        Some(_) => Err(EngineError::unsupported(
            operator,
            format!("operand {position} is a constant"),
        )),
    }
}

/// The content of an operand that must be constant.
pub(crate) fn constant(
    operator: &'static str,
    operands: &[Operand],
    position: usize,
) -> Result<Floats, EngineError> {
    let operand = operand(operator, operands, position)?;
    let values = operand.constant.as_ref().ok_or_else(|| {
        EngineError::unsupported(
            operator,
            format!(
                "operand {position} depends on the network's input; only a constant is supported"
            ),
        )
    })?;
    if values.len() != operand.n_elements() {
        return Err(EngineError::unsupported(
            operator,
            format!(
                "operand {position} has {} elements where its shape {:?} has {}",
                values.len(),
                operand.shape,
                operand.n_elements()
            ),
        ));
    }
    Ok(values.clone())
}

/// Fails where the result of an element-wise or copying operator has another number of elements.
pub(crate) fn same_len(
    operator: &'static str,
    shape: &[usize],
    output_shape: &[usize],
) -> Result<usize, EngineError> {
    let len = shape.iter().product();
    if len == output_shape.iter().product::<usize>() {
        Ok(len)
    } else {
        Err(EngineError::unsupported(
            operator,
            format!("the shape {shape:?} to {output_shape:?}"),
        ))
    }
}
