//! Nested loops over the axes of several tensors at once.

/// Loops over common axes of `K` tensors, each with its own stride along every axis (0 where it is
/// broadcast, negative where it is reversed).
///
/// Axes that every tensor walks in one stride are merged, so that the last loop is as long as
/// possible.
#[derive(Debug, Clone)]
pub(crate) struct Loops<const K: usize> {
    axes: Vec<Axis<K>>,
    offsets: [usize; K],
}

/// One loop: its length and the distance between neighbours in every tensor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Axis<const K: usize> {
    pub extent: usize,
    pub strides: [isize; K],
}

impl<const K: usize> Loops<K> {
    /// Loops over `extents`; `strides[k][axis]` is tensor `k`'s stride, `offsets[k]` its first
    /// element.
    pub fn new(extents: &[usize], strides: [&[isize]; K], offsets: [usize; K]) -> Loops<K> {
        let mut axes: Vec<Axis<K>> = Vec::new();
        for (position, &extent) in extents.iter().enumerate() {
            let axis = Axis {
                extent,
                strides: strides.map(|strides| strides[position]),
            };
            if extent == 1 {
                continue;
            }
            match axes.last_mut() {
                Some(outer) if outer.continues_into(&axis) => {
                    *outer = Axis {
                        extent: outer.extent * extent,
                        strides: axis.strides,
                    };
                }
                _ => axes.push(axis),
            }
        }
        Loops { axes, offsets }
    }

    /// Loops over the axes given, unmerged.
    pub fn over(axes: Vec<Axis<K>>, offsets: [usize; K]) -> Loops<K> {
        Loops { axes, offsets }
    }

    /// The merged axes, outermost first.
    pub fn axes(&self) -> &[Axis<K>] {
        &self.axes
    }

    /// The innermost loop.
    pub fn inner(&self) -> Axis<K> {
        self.axes.last().copied().unwrap_or(Axis {
            extent: 1,
            strides: [1; K],
        })
    }

    /// Calls `visit` with the tensors' positions at the start of every innermost loop, in order.
    pub fn for_each_run(&self, mut visit: impl FnMut([usize; K])) {
        let n_outer = self.axes.len().saturating_sub(1);
        walk(&self.axes[..n_outer], self.offsets, &mut visit);
    }

    /// Calls `visit` with the tensors' positions at every step of every loop, in order.
    pub fn for_each(&self, mut visit: impl FnMut([usize; K])) {
        walk(&self.axes, self.offsets, &mut visit);
    }
}

impl<const K: usize> Axis<K> {
    /// Whether this axis and the next inner one are a single stride in every tensor.
    fn continues_into(&self, inner: &Axis<K>) -> bool {
        (0..K).all(|k| self.strides[k] == inner.strides[k] * inner.extent as isize)
    }
}

fn walk<const K: usize>(
    axes: &[Axis<K>],
    mut positions: [usize; K],
    visit: &mut impl FnMut([usize; K]),
) {
    let Some((axis, inner)) = axes.split_first() else {
        return visit(positions);
    };
    for _ in 0..axis.extent {
        walk(inner, positions, visit);
        for (position, stride) in positions.iter_mut().zip(axis.strides) {
            // The step after the last may leave the tensor; it is never visited.
            *position = position.wrapping_add_signed(stride);
        }
    }
}

/// Strides of a dense row-major tensor.
pub(crate) fn dense_strides(shape: &[usize]) -> Vec<isize> {
    let mut strides = vec![1; shape.len()];
    for axis in (1..shape.len()).rev() {
        strides[axis - 1] = strides[axis] * shape[axis] as isize;
    }
    strides
}

/// Strides along the axes of `target` of a dense tensor broadcast to it as NumPy does; `None` where
/// the shapes don't fit.
pub(crate) fn broadcast_strides(shape: &[usize], target: &[usize]) -> Option<Vec<isize>> {
    let missing = target.len().checked_sub(shape.len())?;
    let dense = dense_strides(shape);
    let mut strides = vec![0; missing];
    for (axis, &extent) in shape.iter().enumerate() {
        strides.push(match (extent, target[missing + axis]) {
            (extent, wanted) if extent == wanted => dense[axis],
            (1, _) => 0,
            _ => return None,
        });
    }
    Some(strides)
}

#[cfg(test)]
mod tests {
    use super::{Axis, Loops, broadcast_strides, dense_strides};

    #[test]
    fn dense_axes_merge_into_one_loop() {
        let strides = dense_strides(&[3, 1, 4, 5]);
        let loops = Loops::new(&[3, 1, 4, 5], [&strides], [0]);
        assert_eq!(
            loops.axes(),
            [Axis {
                extent: 60,
                strides: [1]
            }]
        );
    }

    #[test]
    fn a_channel_vector_is_constant_along_the_inner_loop() {
        let shape = [2, 3, 4, 5];
        let channels = broadcast_strides(&[3, 1, 1], &shape).unwrap();
        let loops = Loops::new(&shape, [&dense_strides(&shape), &channels], [0, 0]);
        assert_eq!(
            loops.inner(),
            Axis {
                extent: 20,
                strides: [1, 0]
            }
        );
        let mut starts = Vec::new();
        loops.for_each_run(|[dense, channel]| starts.push((dense, channel)));
        assert_eq!(
            starts,
            [(0, 0), (20, 1), (40, 2), (60, 0), (80, 1), (100, 2)]
        );
    }

    #[test]
    fn negative_strides_walk_backwards() {
        let loops = Loops::new(&[2, 2], [&[-2, -1]], [3]);
        let mut visited = Vec::new();
        loops.for_each(|[position]| visited.push(position));
        assert_eq!(visited, [3, 2, 1, 0]);
    }

    #[test]
    fn shapes_that_do_not_broadcast_have_no_strides() {
        assert_eq!(broadcast_strides(&[2], &[3]), None);
        assert_eq!(broadcast_strides(&[2, 3], &[3]), None);
        assert_eq!(broadcast_strides(&[], &[3]), Some(vec![0]));
    }
}
