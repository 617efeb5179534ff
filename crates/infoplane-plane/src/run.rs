//! An analysis's input from a run directory.

use infoplane_store::RunDir;

use crate::{LabelInput, LayerInput, Matrix, PlaneError, PlaneInput, VectorKind, VectorSource};

/// A map from classes to coarser groups.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClassGroups {
    /// Names of the groups.
    pub names: Vec<String>,
    /// Group (position in `names`) of each class index; `None` for a class in no group.
    pub of_class: Vec<Option<u32>>,
}

/// A label that the vectors are compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Against {
    /// The true class.
    Class,
    /// The group of the true class.
    Group,
    /// The class with the highest output.
    Predicted,
}

impl Against {
    /// `label`, `groups` or `predicted`.
    pub fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "label" => Self::Class,
            "groups" => Self::Group,
            "predicted" => Self::Predicted,
            _ => return None,
        })
    }
}

struct RunVectors<'a> {
    run: &'a RunDir,
    names: Vec<String>,
}

impl VectorSource for RunVectors<'_> {
    fn vectors(&self, layer: usize, kind: VectorKind) -> Result<Matrix, PlaneError> {
        let kind = match kind {
            VectorKind::Conductance => infoplane_store::VectorKind::Conductance,
            VectorKind::Activation => infoplane_store::VectorKind::Activation,
        };
        let vectors = self.run.vectors(&self.names[layer], kind)?;
        Ok(Matrix {
            data: vectors.data,
            n_samples: vectors.n,
            width: vectors.width,
        })
    }
}

impl<'a> PlaneInput<'a> {
    /// The analysed samples of a run. `target` names what was attributed (`predicted`, `label`, …).
    /// The first of `against` is the plane's label, and further rows are made for the others; by
    /// default it is the class's group where there are `groups`, else the class.
    ///
    /// # Errors
    /// [`PlaneError::Store`] when a column can't be read; [`PlaneError::NoGroups`] for
    /// [`Against::Group`] without `groups`.
    pub fn from_run(
        run: &'a RunDir,
        target: &str,
        groups: Option<&ClassGroups>,
        against: &[Against],
    ) -> Result<Self, PlaneError> {
        let manifest = run.manifest();
        let layers = manifest
            .model
            .layers
            .iter()
            .map(|layer| {
                let delta = layer.cut.then(|| run.deltas(&layer.name)).transpose()?;
                Ok(LayerInput {
                    name: layer.name.clone(),
                    depth: layer.depth,
                    cut: layer.cut,
                    delta,
                })
            })
            .collect::<Result<Vec<_>, PlaneError>>()?;
        let classes = run.labels()?;
        let predicted = run.predicted()?;
        let names = &manifest.data.class_names;
        let has_labels = classes.iter().any(Option::is_some);
        let by_default = match groups {
            None => Against::Class,
            Some(_) => Against::Group,
        };
        let mut chosen = against.to_vec();
        if chosen.is_empty() {
            chosen.push(by_default);
        }
        let mut labels = chosen.iter().map(|against| {
            Ok(match against {
                Against::Class => has_labels.then(|| LabelInput {
                    kind: "class".to_owned(),
                    values: classes.clone(),
                    names: names.clone(),
                }),
                Against::Group => {
                    let groups = groups.ok_or(PlaneError::NoGroups)?;
                    let group = |class: &Option<u32>| {
                        let class = usize::try_from((*class)?).ok()?;
                        groups.of_class.get(class).copied().flatten()
                    };
                    has_labels.then(|| LabelInput {
                        kind: "group".to_owned(),
                        values: classes.iter().map(group).collect(),
                        names: groups.names.clone(),
                    })
                }
                Against::Predicted => Some(LabelInput {
                    kind: "predicted".to_owned(),
                    values: predicted.iter().copied().map(Some).collect(),
                    names: names.clone(),
                }),
            })
        });
        let label = labels.next().transpose()?.flatten();
        let further_labels = labels
            .filter_map(Result::transpose)
            .collect::<Result<Vec<_>, PlaneError>>()?;
        Ok(Self {
            n_samples: classes.len(),
            vectors: Box::new(RunVectors {
                run,
                names: layers.iter().map(|layer| layer.name.clone()).collect(),
            }),
            layers,
            label,
            further_labels,
            classes,
            predicted,
            f_input: run.f_input()?,
            f_baseline: run.f_baseline()?,
            steps: run.steps()?,
            target: target.to_owned(),
        })
    }
}
