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
    /// The analysed samples of a run. `target` names what was attributed (`predicted`, `label`, …);
    /// with `groups` the label is the class's group.
    ///
    /// # Errors
    /// [`PlaneError::Store`] when a column can't be read.
    pub fn from_run(
        run: &'a RunDir,
        target: &str,
        groups: Option<&ClassGroups>,
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
        let has_labels = classes.iter().any(Option::is_some);
        let label = has_labels.then(|| match groups {
            None => LabelInput {
                kind: "class".to_owned(),
                values: classes.clone(),
                names: manifest.data.class_names.clone(),
            },
            Some(groups) => LabelInput {
                kind: "group".to_owned(),
                values: classes
                    .iter()
                    .map(|class| {
                        let class = usize::try_from((*class)?).ok()?;
                        groups.of_class.get(class).copied().flatten()
                    })
                    .collect(),
                names: groups.names.clone(),
            },
        });
        Ok(Self {
            n_samples: classes.len(),
            vectors: Box::new(RunVectors {
                run,
                names: layers.iter().map(|layer| layer.name.clone()).collect(),
            }),
            layers,
            label,
            classes,
            predicted: run.predicted()?,
            f_input: run.f_input()?,
            f_baseline: run.f_baseline()?,
            steps: run.steps()?,
            target: target.to_owned(),
        })
    }
}
