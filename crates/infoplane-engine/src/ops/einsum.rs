//! Sums of products in Einstein's notation, of one or two operands.
//!
//! Two operands become matrices, one pair for every combination of the labels that both have and the
//! result keeps; labels of one operand that the result lacks are summed before.

use infoplane_graph::Contraction;

use super::loops::{Loops, dense_strides};
use super::operands::Source;
use crate::error::EngineError;
use crate::gemm::{Matrix, MatrixMut, gemm};
use crate::kernel::{Gradient, Kernel, Operand, Reads, VjpContext};

/// Builds the kernel of a contraction.
pub(crate) fn build(
    operator: &'static str,
    contraction: &Contraction,
    operands: &[Operand],
    output_shape: &[usize],
) -> Result<Box<dyn Kernel>, EngineError> {
    let misfit = || {
        let shapes: Vec<&[usize]> = operands.iter().map(|o| o.shape.as_slice()).collect();
        EngineError::unsupported(
            operator,
            format!("{contraction:?} of {shapes:?} to {output_shape:?}"),
        )
    };
    let Contraction {
        operands: labels,
        output,
        extents,
    } = contraction;
    let labelled = |labels: &[usize], shape: &[usize]| {
        labels.len() == shape.len()
            && labels.iter().zip(shape).all(|(&label, &extent)| {
                extents
                    .get(label)
                    .is_some_and(|&e| e == extent || extent == 1)
            })
    };
    let mut known = labels.iter().flatten();
    let fits = labels.len() == operands.len()
        && labels
            .iter()
            .zip(operands)
            .all(|(l, o)| labelled(l, &o.shape))
        && output
            .iter()
            .all(|label| known.clone().any(|other| other == label))
        && known.all(|label| extents[*label] > 0)
        && labelled(output, output_shape)
        && output
            .iter()
            .zip(output_shape)
            .all(|(&label, &e)| extents[label] == e);
    if !fits {
        return Err(misfit());
    }
    let sources = Source::of_all(operator, operands)?;
    let views = |position: usize| View::new(&labels[position], &operands[position].shape);
    let contains = |position: usize, label: usize| labels[position].contains(&label);
    let len = |labels: &[usize]| {
        labels
            .iter()
            .map(|&label| extents[label])
            .product::<usize>()
    };
    match &sources[..] {
        [source] => {
            let summed = summed(&labels[0], output);
            let walk = Walk::new(output, &summed, &views(0), extents);
            if !source.is_runtime() {
                return Err(misfit());
            }
            Ok(Box::new(Arrangement { walk }))
        }
        [first, second] => {
            let of_output = |wanted: [bool; 2]| -> Vec<usize> {
                let matches = |label: &&usize| [0, 1].map(|p| contains(p, **label)) == wanted;
                output.iter().filter(matches).copied().collect()
            };
            let batch = of_output([true, true]);
            let (rows, cols) = (of_output([true, false]), of_output([false, true]));
            let mut inner: Vec<usize> = labels[0].clone();
            inner.retain(|&label| contains(1, label) && !output.contains(&label));
            inner.sort_unstable();
            inner.dedup();
            let side = |position: usize, matrix: [&[usize]; 2], source: &Source| {
                let kept = [&batch, matrix[0], matrix[1]].concat();
                let summed = summed(&labels[position], &kept);
                let walk = Walk::new(&kept, &summed, &views(position), extents);
                Side::new(walk, len(&kept), source.clone())
            };
            let sides = [
                side(0, [&rows, &inner], first),
                side(1, [&inner, &cols], second),
            ];
            let result = [batch.as_slice(), &rows, &cols].concat();
            let walk = Walk::new(&result, &[], &View::new(output, output_shape), extents);
            Ok(Box::new(Product {
                sides,
                result: walk,
                result_len: len(&result),
                batch: len(&batch),
                rows: len(&rows),
                inner: len(&inner),
                cols: len(&cols),
            }))
        }
        _ => Err(misfit()),
    }
}

/// Labels of an operand that are not kept, each once.
fn summed(labels: &[usize], kept: &[usize]) -> Vec<usize> {
    let mut summed: Vec<usize> = labels.to_vec();
    summed.retain(|label| !kept.contains(label));
    summed.sort_unstable();
    summed.dedup();
    summed
}

/// A tensor by labels: how far apart neighbours along each label are.
struct View {
    strides: Vec<(usize, isize)>,
}

impl View {
    /// Axes of extent 1 are broadcast, and axes of the same label walk together.
    fn new(labels: &[usize], shape: &[usize]) -> View {
        let strides = dense_strides(shape);
        let along = labels.iter().zip(shape).zip(strides);
        View {
            strides: along
                .map(|((&label, &extent), stride)| (label, if extent == 1 { 0 } else { stride }))
                .collect(),
        }
    }

    fn stride(&self, label: usize) -> isize {
        let own = self.strides.iter().filter(|(other, _)| *other == label);
        own.map(|(_, stride)| stride).sum()
    }
}

/// From a dense tensor of the labels kept (in their order) to a tensor's own places; summed labels
/// stay at the same place of the dense one.
struct Walk {
    /// Dense, own.
    loops: Loops<2>,
    /// Whether both have the same elements in the same order.
    is_identity: bool,
}

impl Walk {
    fn new(kept: &[usize], summed: &[usize], view: &View, extents: &[usize]) -> Walk {
        let extents_of = |labels: &[usize]| {
            labels
                .iter()
                .map(|&label| extents[label])
                .collect::<Vec<_>>()
        };
        let mut dense = dense_strides(&extents_of(kept));
        dense.resize(kept.len() + summed.len(), 0);
        let labels = [kept, summed].concat();
        let own: Vec<isize> = labels.iter().map(|&label| view.stride(label)).collect();
        let loops = Loops::new(&extents_of(&labels), [&dense, &own], [0, 0]);
        let is_identity = loops.axes().len() <= 1 && loops.inner().strides == [1, 1];
        Walk { loops, is_identity }
    }

    /// Sums the tensor's elements into the dense one.
    fn gather(&self, own: &[f32], dense: &mut [f32]) {
        dense.fill(0.0);
        let inner = self.loops.inner();
        let [to_step, from_step] = inner.strides.map(|stride| stride as usize);
        self.loops.for_each_run(|[to, from]| {
            for step in 0..inner.extent {
                dense[to + step * to_step] += own[from + step * from_step];
            }
        });
    }

    /// Adds the dense tensor's elements to the tensor's.
    fn scatter(&self, dense: &[f32], own: &mut [f32]) {
        let inner = self.loops.inner();
        let [from_step, to_step] = inner.strides.map(|stride| stride as usize);
        self.loops.for_each_run(|[from, to]| {
            for step in 0..inner.extent {
                own[to + step * to_step] += dense[from + step * from_step];
            }
        });
    }
}

/// One operand: its axes in another order, its diagonals, its sums.
struct Arrangement {
    walk: Walk,
}

impl Kernel for Arrangement {
    fn name(&self) -> &'static str {
        "einsum, one operand"
    }

    fn forward(&self, inputs: &[&[f32]], output: &mut [f32], _: &mut [u32], _: &mut [f32]) {
        self.walk.gather(inputs[0], output);
    }

    fn vjp(&self, _: usize, context: VjpContext<'_>, mut gradient: Gradient<'_>) {
        gradient.clear_unless_accumulating();
        self.walk.scatter(context.grad_output, gradient.data);
    }
}

/// One factor of a product, as matrices one after another.
struct Side {
    walk: Walk,
    /// Elements of all matrices.
    len: usize,
    source: Source,
    /// The matrices of a constant.
    packed: Vec<f32>,
}

impl Side {
    fn new(walk: Walk, len: usize, source: Source) -> Side {
        let mut packed = Vec::new();
        if let Source::Constant(values) = &source {
            packed.resize(len, 0.0);
            walk.gather(values, &mut packed);
        }
        Side {
            walk,
            len,
            source,
            packed,
        }
    }

    /// The matrices, made in `space` where they have to be.
    fn matrices<'a>(&'a self, inputs: &[&'a [f32]], space: &'a mut [f32]) -> &'a [f32] {
        match &self.source {
            Source::Constant(_) => &self.packed,
            Source::Runtime(index) if self.walk.is_identity => inputs[*index],
            Source::Runtime(index) => {
                self.walk.gather(inputs[*index], space);
                space
            }
        }
    }
}

struct Product {
    sides: [Side; 2],
    /// From the result's matrices to its own order.
    result: Walk,
    result_len: usize,
    batch: usize,
    rows: usize,
    inner: usize,
    cols: usize,
}

impl Product {
    /// Working memory for the matrices of both sides and of the result.
    fn spaces<'a>(&self, scratch: &'a mut [f32]) -> [&'a mut [f32]; 3] {
        let (first, rest) = scratch.split_at_mut(self.sides[0].len);
        let (second, rest) = rest.split_at_mut(self.sides[1].len);
        [first, second, &mut rest[..self.result_len]]
    }
}

impl Kernel for Product {
    fn name(&self) -> &'static str {
        "einsum, two operands"
    }

    fn reads(&self) -> Reads {
        Reads {
            inputs: self.sides.iter().all(|side| side.source.is_runtime()),
            output: false,
        }
    }

    fn scratch_len(&self) -> usize {
        self.sides[0].len + self.sides[1].len + self.result_len
    }

    fn constant_bytes(&self) -> usize {
        let bytes =
            |side: &Side| size_of_val(side.packed.as_slice()) + side.source.constant_bytes();
        self.sides.iter().map(bytes).sum()
    }

    fn forward(&self, inputs: &[&[f32]], output: &mut [f32], _: &mut [u32], scratch: &mut [f32]) {
        let Product {
            batch,
            rows,
            inner,
            cols,
            ..
        } = *self;
        let [first, second, result] = self.spaces(scratch);
        let a = self.sides[0].matrices(inputs, first);
        let b = self.sides[1].matrices(inputs, second);
        for index in 0..batch {
            gemm(
                1.0,
                Matrix::row_major(&a[index * rows * inner..], rows, inner),
                Matrix::row_major(&b[index * inner * cols..], inner, cols),
                0.0,
                MatrixMut::row_major(&mut result[index * rows * cols..], rows, cols),
            );
        }
        output.fill(0.0);
        self.result.scatter(result, output);
    }

    fn vjp(&self, operand: usize, context: VjpContext<'_>, mut gradient: Gradient<'_>) {
        let Product {
            batch,
            rows,
            inner,
            cols,
            ..
        } = *self;
        let [first, second, result] = self.spaces(context.scratch);
        self.result.gather(context.grad_output, result);
        let is_first = self.sides[0].source.is_operand(operand);
        if is_first {
            let b = self.sides[1].matrices(context.inputs, second);
            for index in 0..batch {
                gemm(
                    1.0,
                    Matrix::row_major(&result[index * rows * cols..], rows, cols),
                    Matrix::row_major(&b[index * inner * cols..], inner, cols).transposed(),
                    0.0,
                    MatrixMut::row_major(&mut first[index * rows * inner..], rows, inner),
                );
            }
        } else {
            let a = self.sides[0].matrices(context.inputs, first);
            for index in 0..batch {
                gemm(
                    1.0,
                    Matrix::row_major(&a[index * rows * inner..], rows, inner).transposed(),
                    Matrix::row_major(&result[index * rows * cols..], rows, cols),
                    0.0,
                    MatrixMut::row_major(&mut second[index * inner * cols..], inner, cols),
                );
            }
        }
        gradient.clear_unless_accumulating();
        let (side, own) = if is_first {
            (&self.sides[0], first)
        } else {
            (&self.sides[1], second)
        };
        side.walk.scatter(own, gradient.data);
    }
}

#[cfg(test)]
mod tests {
    use infoplane_graph::Contraction;
    use proptest::prelude::*;

    use super::build;
    use crate::kernel::{Kernel, Operand};
    use crate::ops::testing::{
        check_against_reference, check_laws, constant_operand, operand, values,
    };

    /// A contraction by letters, with the extent of each letter, `a` first.
    struct Case {
        contraction: Contraction,
        shapes: Vec<Vec<usize>>,
    }

    impl Case {
        /// Letters in upper case have the extent 1 and are broadcast.
        fn new(terms: &[&str], output: &str, extents: &[usize]) -> Case {
            let label = |letter: char| usize::from(letter.to_ascii_lowercase() as u8 - b'a');
            let labels = |term: &str| term.chars().map(label).collect::<Vec<_>>();
            let extent = |letter: char| match letter.is_ascii_uppercase() {
                true => 1,
                false => extents[label(letter)],
            };
            Case {
                contraction: Contraction {
                    operands: terms.iter().map(|term| labels(term)).collect(),
                    output: labels(output),
                    extents: extents.to_vec(),
                },
                shapes: terms
                    .iter()
                    .map(|term| term.chars().map(extent).collect())
                    .collect(),
            }
        }

        fn output_shape(&self) -> Vec<usize> {
            let labels = self.contraction.output.iter();
            labels
                .map(|&label| self.contraction.extents[label])
                .collect()
        }

        fn kernel(&self, operands: &[Operand]) -> Box<dyn Kernel> {
            build("Einsum", &self.contraction, operands, &self.output_shape()).unwrap()
        }

        fn operands(&self) -> Vec<Operand> {
            self.shapes.iter().map(|shape| operand(shape)).collect()
        }

        /// The sum over every combination of all labels.
        fn reference(&self, operands: &[Vec<f64>]) -> Vec<f64> {
            let Contraction {
                operands: labels,
                output,
                extents,
            } = &self.contraction;
            let mut result = vec![0.0; self.output_shape().iter().product()];
            for combination in 0..extents.iter().product::<usize>() {
                let mut rest = combination;
                let places: Vec<usize> = extents
                    .iter()
                    .map(|extent| {
                        let place = rest % extent;
                        rest /= extent;
                        place
                    })
                    .collect();
                let at = |labels: &[usize], shape: &[usize]| {
                    let axes = labels.iter().zip(shape);
                    axes.fold(0, |flat, (&label, &extent)| {
                        flat * extent + if extent == 1 { 0 } else { places[label] }
                    })
                };
                let factors = labels.iter().zip(&self.shapes).zip(operands);
                let product: f64 = factors.map(|((l, s), values)| values[at(l, s)]).product();
                result[at(output, &self.output_shape())] += product;
            }
            result
        }
    }

    fn cases() -> Vec<Case> {
        vec![
            Case::new(&["ab"], "ba", &[3, 5]),
            Case::new(&["abc"], "b", &[3, 5, 2]),
            Case::new(&["aab"], "ab", &[3, 4]),
            Case::new(&["ab"], "", &[3, 5]),
            Case::new(&["ab", "bc"], "ac", &[3, 5, 2]),
            Case::new(&["ab", "cb"], "ca", &[3, 5, 2]),
            Case::new(&["abc", "acd"], "abd", &[2, 3, 4, 5]),
            Case::new(&["abcd", "aecd"], "abce", &[2, 3, 4, 5, 3]),
            Case::new(&["abcd", "cde"], "eab", &[2, 3, 2, 4, 5]),
            Case::new(&["a", "b"], "ab", &[3, 5]),
            Case::new(&["a", "a"], "", &[5]),
            Case::new(&["a", "a"], "a", &[5]),
            Case::new(&["abc", "cd"], "d", &[2, 3, 4, 5]),
            Case::new(&["aab", "bc"], "ac", &[3, 4, 2]),
            Case::new(&["Abc", "acd"], "abd", &[2, 3, 4, 5]),
            Case::new(&["aB", "bc"], "ac", &[3, 4, 2]),
        ]
    }

    #[test]
    fn contractions_match_the_reference() {
        for case in cases() {
            let operands = case.operands();
            let inputs: Vec<Vec<f32>> = operands
                .iter()
                .enumerate()
                .map(|(seed, operand)| values(operand.n_elements(), seed as u64 + 5))
                .collect();
            let kernel = case.kernel(&operands);
            check_against_reference(&*kernel, &inputs, |wide| case.reference(wide), 1e-5);
        }
    }

    #[test]
    fn constants_on_either_side_match_the_reference() {
        for case in cases().into_iter().filter(|case| case.shapes.len() == 2) {
            for fixed in 0..2 {
                let mut operands = case.operands();
                operands[fixed] = constant_operand(&case.shapes[fixed], 9);
                let constant = operands[fixed].constant.as_ref().unwrap();
                let constant: Vec<f64> = constant.iter().map(|&value| f64::from(value)).collect();
                let input = values(operands[1 - fixed].n_elements(), 4);
                let kernel = case.kernel(&operands);
                let reference = |wide: &[Vec<f64>]| {
                    let mut both = [constant.clone(), constant.clone()];
                    both[1 - fixed].clone_from(&wide[0]);
                    case.reference(&both)
                };
                check_against_reference(&*kernel, &[input], reference, 1e-5);
            }
        }
    }

    #[test]
    fn labels_that_do_not_fit_are_refused() {
        let good = Case::new(&["ab", "bc"], "ac", &[3, 5, 2]);
        let attempt = |contraction: &Contraction, shapes: [&[usize]; 2], output: &[usize]| {
            build("Einsum", contraction, &shapes.map(operand), output).is_err()
        };
        let contraction = &good.contraction;
        assert!(!attempt(contraction, [&[3, 5], &[5, 2]], &[3, 2]));
        assert!(attempt(contraction, [&[3, 4], &[5, 2]], &[3, 2]));
        assert!(attempt(contraction, [&[3, 5], &[5, 2]], &[2, 3]));
        assert!(attempt(contraction, [&[3, 5, 1], &[5, 2]], &[3, 2]));
        let foreign = Contraction {
            output: vec![0, 3],
            ..good.contraction.clone()
        };
        assert!(attempt(&foreign, [&[3, 5], &[5, 2]], &[3, 2]));
    }

    proptest! {
        #[test]
        fn vjp_is_linear(which in 0usize..16, seed: u64) {
            let case = &cases()[which];
            let operands = case.operands();
            let inputs: Vec<Vec<f32>> = operands
                .iter()
                .map(|operand| values(operand.n_elements(), seed))
                .collect();
            let output_len = case.output_shape().iter().product();
            check_laws(&*case.kernel(&operands), &inputs, output_len, seed);
        }
    }
}
