//! Which samples of a source are kept.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::dataset::{ClassIndex, kept_indices};
use crate::error::DataError;
use crate::images::{About, Listed};
use crate::open::DataOptions;

/// Which samples are kept. Those that are stay in the order of the source.
///
/// First `per_class` of each class, then `limit` of what is left; either spread evenly, or drawn.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Selection {
    /// At most this many samples.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<usize>,
    /// At most this many of each class; samples without a class are then left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub per_class: Option<usize>,
    /// Draw them at random by this seed instead of spreading them evenly. A sample's lot depends on
    /// the seed and its id alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shuffle: Option<u64>,
}

/// Places that are kept, and short classes with how many samples they have.
type Selected = (Vec<usize>, Vec<(ClassIndex, usize)>);

/// Classes that a warning names.
const NAMED_CLASSES: usize = 5;

impl Selection {
    /// At most that many samples, spread evenly.
    pub fn limit(limit: Option<usize>) -> Self {
        Self {
            limit,
            ..Self::default()
        }
    }

    /// Fails where it can't give samples from `path`, whatever it holds.
    pub(crate) fn validate(&self, path: &Path) -> Result<(), DataError> {
        for (name, value) in [("limit", self.limit), ("number per class", self.per_class)] {
            if value == Some(0) {
                return Err(DataError::Empty {
                    path: path.into(),
                    reason: format!("the {name} is 0"),
                });
            }
        }
        if self.shuffle.is_some() && self.limit.is_none() && self.per_class.is_none() {
            return Err(DataError::Selection(
                "shuffle draws which samples a limit or a number per class keeps; give one of them"
                    .into(),
            ));
        }
        Ok(())
    }

    /// Of `places`, which are in order, at most `n`, in order.
    fn keep(&self, n: usize, places: Vec<usize>, id: &dyn Fn(usize) -> String) -> Vec<usize> {
        let Some(seed) = self.shuffle else {
            let kept = kept_indices(places.len(), Some(n));
            return kept.into_iter().map(|index| places[index]).collect();
        };
        let mut lots: Vec<([u8; 32], usize)> = places
            .into_iter()
            .map(|place| {
                let mut hash = Sha256::new_with_prefix(seed.to_le_bytes());
                hash.update(id(place));
                (hash.finalize().into(), place)
            })
            .collect();
        lots.sort_unstable();
        let mut kept: Vec<usize> = lots.into_iter().take(n).map(|(_, place)| place).collect();
        kept.sort_unstable();
        kept
    }

    /// The places that are kept, in order, and the classes that have fewer samples than asked for,
    /// with how many they have. Fails where numbers per class are asked for and no sample has one.
    fn places(
        &self,
        path: &Path,
        labels: &[Option<ClassIndex>],
        id: &dyn Fn(usize) -> String,
    ) -> Result<Selected, DataError> {
        let mut places: Vec<usize> = (0..labels.len()).collect();
        let mut short = Vec::new();
        if let Some(per_class) = self.per_class {
            let mut by_class: BTreeMap<ClassIndex, Vec<usize>> = BTreeMap::new();
            for (place, label) in labels.iter().enumerate() {
                if let Some(label) = label {
                    by_class.entry(*label).or_default().push(place);
                }
            }
            if by_class.is_empty() {
                return Err(DataError::Selection(format!(
                    "a number per class needs labels, and {} has none",
                    path.display()
                )));
            }
            places.clear();
            for (class, of_class) in by_class {
                if of_class.len() < per_class {
                    short.push((class, of_class.len()));
                }
                places.extend(self.keep(per_class, of_class, id));
            }
            places.sort_unstable();
        }
        if let Some(limit) = self.limit {
            places = self.keep(limit, places, id);
        }
        Ok((places, short))
    }
}

/// The places of `labels` that the options select, in order, with a warning where classes are short.
pub(crate) fn selected(
    path: &Path,
    labels: &[Option<ClassIndex>],
    id: impl Fn(usize) -> String,
    options: &DataOptions,
    class_names: &[String],
    warnings: &mut Vec<String>,
) -> Result<Vec<usize>, DataError> {
    let selection = &options.selection;
    let (places, short) = selection.places(path, labels, &id)?;
    if !short.is_empty() {
        let mut named: Vec<String> = short
            .iter()
            .take(NAMED_CLASSES)
            .map(|(class, n)| match class_names.get(class.0) {
                Some(name) => format!("`{name}` has {n}"),
                None => format!("{} has {n}", class.0),
            })
            .collect();
        if short.len() > NAMED_CLASSES {
            named.push(format!("and {} more", short.len() - NAMED_CLASSES));
        }
        warnings.push(format!(
            "{} of the classes have fewer than {} samples: {}",
            short.len(),
            selection.per_class.unwrap_or_default(),
            named.join(", ")
        ));
    }
    Ok(places)
}

/// The same for a list of pictures.
pub(crate) fn select(
    path: &Path,
    list: &[Listed],
    options: &DataOptions,
    about: &mut About,
) -> Result<Vec<usize>, DataError> {
    let labels: Vec<Option<ClassIndex>> = list.iter().map(|listed| listed.label).collect();
    let id = |place: usize| list[place].id.clone();
    selected(
        path,
        &labels,
        id,
        options,
        &about.class_names,
        &mut about.warnings,
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn places(selection: &Selection, labels: &[usize]) -> (Vec<usize>, Vec<(ClassIndex, usize)>) {
        let labels: Vec<_> = labels
            .iter()
            .map(|&label| Some(ClassIndex(label)))
            .collect();
        let id = |place: usize| format!("sample {place}");
        selection.places(Path::new("data"), &labels, &id).unwrap()
    }

    #[test]
    fn each_class_keeps_its_number_and_short_ones_are_told() {
        let labels = [0, 0, 0, 0, 1, 1, 2, 2, 2, 2];
        let selection = Selection {
            per_class: Some(2),
            ..Selection::default()
        };
        let (kept, short) = places(&selection, &labels);
        assert_eq!(kept, [0, 2, 4, 5, 6, 8]);
        assert!(short.is_empty());
        let selection = Selection {
            per_class: Some(3),
            limit: Some(4),
            shuffle: None,
        };
        let (kept, short) = places(&selection, &labels);
        // Of 0, 1, 2, 4, 5, 6, 7, 8.
        assert_eq!(kept, [0, 2, 5, 7]);
        assert_eq!(short, [(ClassIndex(1), 2)]);
    }

    #[test]
    fn a_draw_depends_on_seed_and_id_alone() {
        let draw = |seed: u64, n: usize| {
            let selection = Selection {
                limit: Some(20),
                shuffle: Some(seed),
                per_class: None,
            };
            places(&selection, &vec![0; n]).0
        };
        assert_eq!(draw(1, 1000), draw(1, 1000));
        assert_ne!(draw(1, 1000), draw(2, 1000));
        assert_ne!(draw(1, 1000), kept_indices(1000, Some(20)));
        // Samples that are added take places, and change nothing among the others.
        let (small, large) = (draw(1, 500), draw(1, 1000));
        let of_small = large.iter().filter(|place| **place < 500);
        assert!(of_small.clone().count() < 20);
        assert!(of_small.into_iter().all(|place| small.contains(place)));
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        let refused = |selection: Selection| {
            let error = selection.validate(Path::new("data")).unwrap_err();
            error.to_string()
        };
        let all = Selection::default();
        assert!(
            refused(Selection {
                per_class: Some(0),
                ..all.clone()
            })
            .contains("the number per class is 0")
        );
        assert!(
            refused(Selection {
                shuffle: Some(0),
                ..all.clone()
            })
            .contains("shuffle draws")
        );
        let per_class = Selection {
            per_class: Some(1),
            ..all
        };
        let error = per_class.places(Path::new("data"), &[None], &|_| String::new());
        assert!(error.unwrap_err().to_string().contains("data has none"));
    }

    proptest! {
        #[test]
        fn places_are_in_order_and_no_more_than_asked_for(
            labels in proptest::collection::vec(0usize..5, 0..60),
            limit in proptest::option::of(1usize..40),
            per_class in proptest::option::of(1usize..12), shuffle in proptest::option::of(0u64..9),
        ) {
            let selection = Selection { limit, per_class, shuffle };
            if labels.is_empty() && per_class.is_some() {
                return Ok(());
            }
            let (kept, _) = places(&selection, &labels);
            prop_assert!(kept.is_sorted_by(|a, b| a < b));
            for class in 0..5 {
                let all = labels.iter().filter(|&&label| label == class).count();
                let n = kept.iter().filter(|&&place| labels[place] == class).count();
                prop_assert!(n <= per_class.unwrap_or(all));
                if limit.is_none() {
                    prop_assert_eq!(n, per_class.unwrap_or(all).min(all));
                }
            }
            prop_assert!(kept.len() <= limit.unwrap_or(labels.len()));
        }
    }
}
