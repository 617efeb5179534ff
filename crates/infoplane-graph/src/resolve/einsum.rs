//! Einstein's notation: an equation and its operands' shapes to labels by axis.

use super::{Operands, Problem, Resolved, invalid, unsupported};
use crate::operation::{Contraction, Operation};

/// What stands for an axis in an equation: a letter, or an axis of the ellipsis counted from its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Symbol {
    Ellipsis(usize),
    Letter(char),
}

/// A term as written: letters before and after an ellipsis.
struct Term {
    before: Vec<char>,
    after: Option<Vec<char>>,
}

impl Term {
    fn parse(text: &str) -> Result<Term, Problem> {
        let letters = |part: &str| -> Result<Vec<char>, Problem> {
            let letters: Vec<char> = part.chars().collect();
            if letters.iter().all(char::is_ascii_alphabetic) {
                Ok(letters)
            } else {
                Err(invalid(format!("the term `{text}` of its equation")))
            }
        };
        Ok(match text.split_once("...") {
            Some((before, after)) => Term {
                before: letters(before)?,
                after: Some(letters(after)?),
            },
            None => Term {
                before: letters(text)?,
                after: None,
            },
        })
    }

    /// The symbols of a term whose ellipsis stands for `n_ellipsis` axes.
    fn symbols(&self, n_ellipsis: usize) -> Vec<Symbol> {
        let ellipsis = self.after.iter().flat_map(|_| (0..n_ellipsis).rev());
        let after = self.after.iter().flatten();
        let before = self.before.iter().map(|&letter| Symbol::Letter(letter));
        before
            .chain(ellipsis.map(Symbol::Ellipsis))
            .chain(after.map(|&letter| Symbol::Letter(letter)))
            .collect()
    }

    fn n_letters(&self) -> usize {
        self.before.len() + self.after.as_ref().map_or(0, Vec::len)
    }
}

/// One or two operands; repeated letters of a term take its diagonal.
pub(super) fn einsum(equation: &str, operands: Operands<'_>) -> Result<Resolved, Problem> {
    let n_operands = operands.0.len();
    if !(1..=2).contains(&n_operands) {
        return Err(unsupported(format!(
            "{n_operands} operands (one or two are supported)"
        )));
    }
    let equation: String = equation.split_whitespace().collect();
    let (left, right) = match equation.split_once("->") {
        Some((left, right)) => (left, Some(Term::parse(right)?)),
        None => (equation.as_str(), None),
    };
    let terms: Vec<Term> = left.split(',').map(Term::parse).collect::<Result<_, _>>()?;
    if terms.len() != n_operands {
        return Err(invalid(format!(
            "the equation `{equation}` for {n_operands} operands"
        )));
    }
    let misfit = |shape: &[usize]| {
        invalid(format!(
            "an operand of shape {shape:?} for the equation `{equation}`"
        ))
    };
    let mut symbols = Vec::new();
    for (position, term) in terms.iter().enumerate() {
        let shape = operands.shape(position)?;
        let n_ellipsis = shape.len().checked_sub(term.n_letters());
        match (n_ellipsis, &term.after) {
            (Some(n), Some(_)) => symbols.push(term.symbols(n)),
            (Some(0), None) => symbols.push(term.symbols(0)),
            _ => return Err(misfit(shape)),
        }
    }
    let result = result_symbols(right, &symbols);

    let mut known: Vec<Symbol> = symbols.iter().flatten().copied().collect();
    known.sort_unstable();
    known.dedup();
    let label = |symbol: &Symbol| known.binary_search(symbol).ok();
    let labels = |symbols: &[Symbol]| symbols.iter().map(label).collect::<Option<Vec<usize>>>();
    let output = labels(&result)
        .filter(|labels| (1..labels.len()).all(|i| !labels[..i].contains(&labels[i])))
        .ok_or_else(|| invalid(format!("the result of the equation `{equation}`")))?;
    let mut extents = vec![1; known.len()];
    let mut by_operand = Vec::new();
    for (position, symbols) in symbols.iter().enumerate() {
        let shape = operands.shape(position)?;
        let own = labels(symbols).ok_or_else(|| misfit(shape))?;
        for (&label, &extent) in own.iter().zip(shape) {
            if extents[label] == 1 {
                extents[label] = extent;
            } else if extent != 1 && extents[label] != extent {
                return Err(misfit(shape));
            }
        }
        by_operand.push(own);
    }
    let shape = output.iter().map(|&label| extents[label]).collect();
    Ok(Resolved {
        operation: Operation::Einsum(Contraction {
            operands: by_operand,
            output,
            extents,
        }),
        operands: (0..n_operands).collect(),
        shape,
    })
}

/// The result as written; without an arrow the ellipsis and then every letter that occurs once, in
/// alphabetical order.
fn result_symbols(written: Option<Term>, operands: &[Vec<Symbol>]) -> Vec<Symbol> {
    let all = || operands.iter().flatten().copied();
    let n_ellipsis = all()
        .filter_map(|symbol| match symbol {
            Symbol::Ellipsis(index) => Some(index + 1),
            Symbol::Letter(_) => None,
        })
        .max()
        .unwrap_or(0);
    if let Some(term) = written {
        return term.symbols(n_ellipsis);
    }
    let mut letters: Vec<Symbol> = all()
        .filter(|symbol| matches!(symbol, Symbol::Letter(_)))
        .filter(|symbol| all().filter(|other| other == symbol).count() == 1)
        .collect();
    letters.sort_unstable();
    let ellipsis = (0..n_ellipsis).rev().map(Symbol::Ellipsis);
    ellipsis.chain(letters).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shaped::ValueState;

    fn attempt(equation: &str, shapes: &[&[usize]]) -> Result<Resolved, Problem> {
        let states: Vec<ValueState> = shapes
            .iter()
            .map(|shape| ValueState::Runtime {
                shape: shape.to_vec(),
                changes: crate::Change::AlongPath,
            })
            .collect();
        let states: Vec<Option<&ValueState>> = states.iter().map(Some).collect();
        einsum(equation, Operands(&states))
    }

    fn shape(equation: &str, shapes: &[&[usize]]) -> Vec<usize> {
        attempt(equation, shapes).unwrap().shape
    }

    #[test]
    fn shapes_follow_the_equation() {
        assert_eq!(shape("ij,jk->ik", &[&[2, 3], &[3, 4]]), [2, 4]);
        assert_eq!(
            shape("b n h , h d -> d n b", &[&[2, 3, 4], &[4, 5]]),
            [5, 3, 2]
        );
        assert_eq!(shape("ij,jk", &[&[2, 3], &[3, 4]]), [2, 4]);
        assert_eq!(shape("ba", &[&[2, 3]]), [3, 2]);
        assert_eq!(shape("ii->i", &[&[3, 3]]), [3]);
        assert_eq!(
            shape("...ij,...jk->...ik", &[&[7, 1, 2, 3], &[5, 3, 4]]),
            [7, 5, 2, 4]
        );
        assert_eq!(shape("...ii->...i", &[&[2, 3, 3]]), [2, 3]);
        assert_eq!(shape("i,i", &[&[3], &[3]]), [0usize; 0]);
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        for (equation, shapes) in [
            ("ij,jk->ik", &[&[2, 3][..], &[4, 5]][..]),
            ("ij->ik", &[&[2, 3]]),
            ("ij->ii", &[&[2, 3]]),
            ("ij", &[&[2, 3, 4]]),
            ("i.j->i", &[&[2, 3]]),
            ("ij,jk->ik", &[&[2, 3]]),
            ("...i......", &[&[2, 3]]),
        ] {
            let problem = attempt(equation, shapes).unwrap_err();
            assert!(matches!(problem, Problem::Invalid(_)), "{equation}");
        }
        let three: &[&[usize]] = &[&[2, 3], &[3, 4], &[4, 5]];
        let problem = attempt("ij,jk,kl->il", three).unwrap_err();
        assert!(matches!(problem, Problem::Unsupported(_)));
    }
}
