//! Puts weights into an architecture, or tells what does not fit.

use std::collections::HashSet;
use std::fmt;

use super::net::{Described, Expected};
use super::{Architecture, architectures};
use crate::error::GraphError;
use crate::graph::Graph;
use crate::layers::nearest;
use crate::tensor::Tensor;
use crate::weights::Weights;

/// Classes where the weights don't tell.
const DEFAULT_CLASSES: usize = 1000;
/// Tensors of each kind that a message names one by one.
const LISTED: usize = 12;

/// What keeps weights from fitting an architecture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Misfit {
    /// The architecture.
    pub architecture: String,
    /// Tensors that it needs and the weights don't have.
    pub missing: Vec<Missing>,
    /// Tensors that it has no place for.
    pub extra: Vec<String>,
    /// Tensors of another shape.
    pub misshapen: Vec<Misshapen>,
    /// Another architecture that the weights do fit.
    pub fits: Option<&'static str>,
}

/// A tensor that is not there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missing {
    /// Its name.
    pub name: String,
    /// The shape that it should have.
    pub shape: Vec<usize>,
    /// What the weights have by a similar name.
    pub nearest: Vec<String>,
}

/// A tensor that has another shape.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Misshapen {
    /// Its name.
    pub name: String,
    /// The shape that it should have.
    pub expected: Vec<usize>,
    /// The shape that it has.
    pub found: Vec<usize>,
}

/// The graph of an architecture with these weights.
pub(super) fn fill(architecture: &Architecture, weights: &Weights) -> Result<Graph, GraphError> {
    let fit = Fit::of(architecture, weights);
    if !fit.is_perfect() {
        let mut misfit = fit.misfit(weights);
        misfit.fits = architectures()
            .find(|other| Fit::of(other, weights).is_perfect())
            .map(|other| other.name);
        return Err(GraphError::WeightsMismatch {
            path: weights.path().to_path_buf(),
            misfit: Box::new(misfit),
        });
    }
    let tensors: Vec<Result<Tensor, GraphError>> = fit
        .places
        .iter()
        .map(|place| {
            let tensor = weights.read(&place.name)?;
            let shape = &place.expected.shape;
            let same = tensor.shape() == shape.as_slice();
            // The shapes were compared before: the number of elements is the same.
            Ok(match same {
                true => tensor,
                false => tensor.reshaped(shape.clone()).unwrap_or(tensor),
            })
        })
        .collect();
    fit.described.fill(tensors)
}

/// An architecture beside weights.
struct Fit<'a> {
    architecture: &'a Architecture,
    described: Described,
    places: Vec<Place>,
    extra: Vec<String>,
}

/// A tensor of an architecture, and what the weights have for it.
struct Place {
    expected: Expected,
    /// Its name in the weights.
    name: String,
    found: Option<Vec<usize>>,
    fits: bool,
}

impl<'a> Fit<'a> {
    fn of(architecture: &'a Architecture, weights: &Weights) -> Fit<'a> {
        let other = |name: &str| (architecture.other_name)(name);
        let n_classes = [architecture.head.to_string(), other(architecture.head)]
            .iter()
            .find_map(|head| weights.shape(head)?.first().copied())
            .unwrap_or(DEFAULT_CLASSES);
        let described = architecture.described(n_classes);
        let hits = |rename: &dyn Fn(&str) -> String| {
            let renamed = described.expected.iter().map(|tensor| rename(&tensor.name));
            renamed.filter(|name| weights.shape(name).is_some()).count()
        };
        let by_other = hits(&other) > hits(&|name| name.to_string());
        let places: Vec<Place> = described
            .expected
            .iter()
            .map(|expected| {
                let name = match by_other {
                    true => other(&expected.name),
                    false => expected.name.clone(),
                };
                let found = weights.shape(&name).map(<[usize]>::to_vec);
                let fits = found
                    .as_ref()
                    .is_some_and(|found| same_shape(&expected.shape, found, by_other));
                Place {
                    expected: expected.clone(),
                    name,
                    found,
                    fits,
                }
            })
            .collect();
        let used: HashSet<&str> = places.iter().map(|place| place.name.as_str()).collect();
        let extra = weights
            .names()
            // A counter of the training.
            .filter(|name| !name.ends_with("num_batches_tracked") && !used.contains(name))
            .filter(|name| {
                !architecture
                    .training_only
                    .iter()
                    .any(|m| name.starts_with(m))
            })
            .map(str::to_string)
            .collect();
        Fit {
            architecture,
            described,
            places,
            extra,
        }
    }

    fn is_perfect(&self) -> bool {
        self.extra.is_empty() && self.places.iter().all(|place| place.fits)
    }

    fn misfit(&self, weights: &Weights) -> Misfit {
        let unused = || self.extra.iter().map(String::as_str);
        let mut misfit = Misfit {
            architecture: self.architecture.name.to_string(),
            missing: Vec::new(),
            extra: self.extra.clone(),
            misshapen: Vec::new(),
            fits: None,
        };
        for place in self.places.iter().filter(|place| !place.fits) {
            match &place.found {
                Some(found) => misfit.misshapen.push(Misshapen {
                    name: place.name.clone(),
                    expected: place.expected.shape.clone(),
                    found: found.clone(),
                }),
                None => {
                    let mut similar = match misfit.missing.len() < LISTED {
                        true => nearest(&place.name, unused()),
                        false => Vec::new(),
                    };
                    // One of the same shape is what was meant, if any is.
                    similar.sort_by_key(|name| {
                        weights.shape(name) != Some(place.expected.shape.as_slice())
                    });
                    similar.truncate(1);
                    misfit.missing.push(Missing {
                        name: place.name.clone(),
                        shape: place.expected.shape.clone(),
                        nearest: similar,
                    });
                }
            }
        }
        misfit
    }
}

/// Whether a tensor fits. Under other names it may have more axes (timm's convolutions in place of linear
/// layers) or fewer (its scales of layers), all else being the same.
fn same_shape(expected: &[usize], found: &[usize], by_other: bool) -> bool {
    let count = |shape: &[usize]| {
        shape
            .iter()
            .try_fold(1usize, |product, &dim| product.checked_mul(dim))
    };
    expected == found
        || (by_other
            && found.len() != expected.len()
            && expected.first() == found.first()
            && count(expected) == count(found))
}

impl fmt::Display for Misfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(fits) = self.fits {
            write!(f, "they are those of {fits} (--model {fits})")?;
        } else {
            write!(
                f,
                "{} missing, {} left over, {} of another shape",
                self.missing.len(),
                self.extra.len(),
                self.misshapen.len()
            )?;
        }
        list(f, &self.missing, |f, tensor| {
            write!(f, "missing: `{}` {:?}", tensor.name, tensor.shape)?;
            match tensor.nearest.as_slice() {
                [] => Ok(()),
                names => write!(f, " (nearest: `{}`)", names.join("`, `")),
            }
        })?;
        list(f, &self.misshapen, |f, tensor| {
            write!(
                f,
                "of another shape: `{}` is {:?}, not {:?}",
                tensor.name, tensor.found, tensor.expected
            )
        })?;
        list(f, &self.extra, |f, name| write!(f, "left over: `{name}`"))
    }
}

fn list<T>(
    f: &mut fmt::Formatter<'_>,
    items: &[T],
    show: impl Fn(&mut fmt::Formatter<'_>, &T) -> fmt::Result,
) -> fmt::Result {
    for item in items.iter().take(LISTED) {
        f.write_str("\n  ")?;
        show(f, item)?;
    }
    match items.len().checked_sub(LISTED) {
        Some(more) if more > 0 => write!(f, "\n  … and {more} more like the last"),
        _ => Ok(()),
    }
}
