//! The columns of a part.

use std::collections::HashSet;
use std::sync::Arc;

use arrow_schema::{DataType, Field, FieldRef, Schema, SchemaRef};

use crate::error::StoreError;
use crate::manifest::RunManifest;

/// Which of a layer's vectors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum VectorKind {
    /// Layer conductance.
    Conductance,
    /// Activation.
    Activation,
}

impl VectorKind {
    /// Both kinds, in the order of a part's columns.
    pub const ALL: [Self; 2] = [Self::Conductance, Self::Activation];

    /// `conductance` or `activation`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Conductance => "conductance",
            Self::Activation => "activation",
        }
    }

    /// The column of a layer's vectors of this kind.
    pub(crate) fn column(self, layer: &str) -> String {
        format!("{}/{layer}", self.name())
    }
}

/// The column of a cut layer's completeness errors.
pub(crate) fn delta_column(layer: &str) -> String {
    format!("delta/{layer}")
}

/// The element of a fixed-size list of `f32`.
pub(crate) fn element_field() -> FieldRef {
    Arc::new(Field::new("element", DataType::Float32, false))
}

/// The columns of every part of a run: one row a sample; `delta/<layer>` for each cut layer,
/// `conductance/<layer>` and `activation/<layer>` (fixed-size lists of `n_channels`) for each layer.
pub(crate) fn part_schema(manifest: &RunManifest) -> Result<SchemaRef, StoreError> {
    let invalid = |reason| StoreError::InvalidManifest { reason };
    let mut names = HashSet::new();
    for layer in &manifest.model.layers {
        if !names.insert(&layer.name) {
            return Err(invalid(format!("layer `{}` is named twice", layer.name)));
        }
    }

    let list = |name: String, width: usize| match i32::try_from(width) {
        Ok(size) if size > 0 => Ok(Field::new_fixed_size_list(
            name,
            element_field(),
            size,
            false,
        )),
        _ => Err(invalid(format!(
            "vectors `{name}` have length {width}; 1 to {} is possible",
            i32::MAX
        ))),
    };
    let mut fields = vec![
        Field::new("index", DataType::UInt64, false),
        Field::new("id", DataType::Utf8, false),
        Field::new("label", DataType::UInt32, true),
        Field::new("predicted", DataType::UInt32, false),
        Field::new("target", DataType::UInt32, false),
        Field::new("f_input", DataType::Float32, false),
        Field::new("f_baseline", DataType::Float32, false),
        list("logits".to_owned(), manifest.model.n_outputs)?,
        Field::new("steps", DataType::UInt32, false),
        Field::new("error", DataType::Float32, false),
    ];
    let layers = &manifest.model.layers;
    for layer in layers.iter().filter(|layer| layer.cut) {
        let name = delta_column(&layer.name);
        fields.push(Field::new(name, DataType::Float32, false));
    }
    for kind in VectorKind::ALL {
        for layer in layers {
            fields.push(list(kind.column(&layer.name), layer.n_channels)?);
        }
    }
    Ok(Arc::new(Schema::new(fields)))
}
