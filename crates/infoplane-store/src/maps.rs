//! `maps.parquet`: a few samples as images, and where in them each layer's conductance lies.

use std::path::PathBuf;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{ArrowPrimitiveType, Float32Type, UInt32Type, UInt64Type};
use arrow_array::{
    ArrayRef, FixedSizeBinaryArray, FixedSizeListArray, Float32Array, RecordBatch, StringArray,
    UInt32Array, UInt64Array,
};
use arrow_schema::{DataType, Field, Schema};
use parquet::errors::ParquetError;
use serde::{Deserialize, Serialize};

use crate::atomic::write_atomically;
use crate::error::StoreError;
use crate::layout::Layout;
use crate::manifest::RunManifest;
use crate::part::RUN_KEY;
use crate::schema::element_field;
use crate::sealed::{SealedFile, encode_sealed};

const MAPS_FILE: &str = "maps.parquet";
const CHOICE_KEY: &str = "infoplane.maps";

/// The samples of a run that maps are kept of.
#[derive(Debug, Clone, PartialEq)]
pub struct KeptMaps {
    /// How they were chosen.
    pub choice: MapChoice,
    /// The samples, in the order of their groups.
    pub samples: Vec<KeptSample>,
}

/// What the kept samples and their images depend on, beside the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct MapChoice {
    /// Samples asked for.
    pub requested: usize,
    /// Seed of the random ones.
    pub seed: u64,
    /// What the images' values are.
    pub values: ImageValues,
}

/// What the 8-bit values of an image are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ImageValues {
    /// Those of the decoded image, resized and cropped: its normalisation was undone.
    Pixels,
    /// The sample's numbers, from its least (0) to its greatest (255): it was no image file.
    Stretched,
}

/// Why a sample was chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SampleGroup {
    /// Right, by the widest margin.
    Best,
    /// Wrong with the highest confidence; right by the narrowest margin where there are no more wrong
    /// ones.
    Worst,
    /// At random.
    Random,
}

impl SampleGroup {
    /// Every group, in the order of the samples.
    pub const ALL: [Self; 3] = [Self::Best, Self::Worst, Self::Random];

    /// `best`, `worst` or `random`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Best => "best",
            Self::Worst => "worst",
            Self::Random => "random",
        }
    }

    fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|group| group.name() == name)
    }
}

/// A sample with its image and maps.
#[derive(Debug, Clone, PartialEq)]
pub struct KeptSample {
    /// Position in the data set, from 0.
    pub index: u64,
    /// Name in the data set.
    pub id: String,
    /// Why it was chosen.
    pub group: SampleGroup,
    /// Its class, where it has one.
    pub label: Option<u32>,
    /// Output unit of the highest logit.
    pub predicted: u32,
    /// Output unit that was attributed.
    pub target: u32,
    /// Softmax of the logits, at the predicted unit.
    pub probability: f32,
    /// The target's output for the sample, F_t(x).
    pub f_input: f32,
    /// The target's output for the baseline, F_t(x').
    pub f_baseline: f32,
    /// Path steps taken.
    pub steps: u32,
    /// The image, `[channels, height, width]`, red first.
    pub image: Vec<u8>,
    /// For each layer with a map ([`LayerInfo::map_shape`](crate::LayerInfo::map_shape)), in the order of
    /// the manifest, conductance summed over channels, `[height, width]`.
    pub maps: Vec<Vec<f32>>,
}

/// Layers with a map: their columns and lengths.
fn map_columns(manifest: &RunManifest) -> impl Iterator<Item = (String, usize)> + '_ {
    manifest.model.layers.iter().filter_map(|layer| {
        let [height, width] = layer.map_shape()?;
        Some((format!("map/{}", layer.name), height * width))
    })
}

fn n_pixels(manifest: &RunManifest) -> usize {
    let shape = manifest.model.image_shape();
    shape.map_or(0, |shape| shape.iter().product())
}

fn path(layout: &Layout) -> PathBuf {
    layout.path.join(MAPS_FILE)
}

/// Writes the file, whole or not at all. The same content gives the same bytes.
pub(crate) fn write(layout: &Layout, maps: &KeptMaps) -> Result<(), StoreError> {
    let encode = |source| StoreError::Encode {
        path: path(layout),
        source,
    };
    for sample in &maps.samples {
        sample.check(&layout.manifest)?;
    }
    let choice = serde_json::to_string(&maps.choice)
        .map_err(|error| encode(ParquetError::External(Box::new(error))))?;
    let metadata = [(RUN_KEY, layout.hash.clone()), (CHOICE_KEY, choice)];
    let bytes = batch(&layout.manifest, &maps.samples)
        .and_then(|batch| encode_sealed(&batch, metadata))
        .map_err(encode)?;
    write_atomically(&path(layout), &bytes)
}

/// Reads the file, and checks every byte of it; `None` where there is none.
pub(crate) fn read(layout: &Layout) -> Result<Option<KeptMaps>, StoreError> {
    if !path(layout).exists() {
        return Ok(None);
    }
    read_present(layout).map(Some).map_err(|error| match error {
        StoreError::DamagedPart { path, reason } => StoreError::DamagedMaps { path, reason },
        error => error,
    })
}

impl KeptSample {
    fn check(&self, manifest: &RunManifest) -> Result<(), StoreError> {
        let fits = |what: &str, found: usize, expected: usize| {
            if found == expected {
                return Ok(());
            }
            Err(StoreError::InvalidSample {
                index: self.index,
                reason: format!("{what}: {found} values, {expected} expected"),
            })
        };
        fits("image", self.image.len(), n_pixels(manifest))?;
        fits("maps", self.maps.len(), map_columns(manifest).count())?;
        for ((name, length), map) in map_columns(manifest).zip(&self.maps) {
            fits(&name, map.len(), length)?;
        }
        Ok(())
    }
}

fn schema(manifest: &RunManifest) -> Result<Schema, ParquetError> {
    let mut fields = vec![
        Field::new("index", DataType::UInt64, false),
        Field::new("id", DataType::Utf8, false),
        Field::new("group", DataType::Utf8, false),
        Field::new("label", DataType::UInt32, true),
        Field::new("predicted", DataType::UInt32, false),
        Field::new("target", DataType::UInt32, false),
        Field::new("probability", DataType::Float32, false),
        Field::new("f_input", DataType::Float32, false),
        Field::new("f_baseline", DataType::Float32, false),
        Field::new("steps", DataType::UInt32, false),
        Field::new(
            "image",
            DataType::FixedSizeBinary(i32::try_from(n_pixels(manifest))?),
            false,
        ),
    ];
    for (name, length) in map_columns(manifest) {
        let length = i32::try_from(length)?;
        fields.push(Field::new_fixed_size_list(
            name,
            element_field(),
            length,
            false,
        ));
    }
    Ok(Schema::new(fields))
}

/// The columns of samples that were checked against the manifest.
fn batch(manifest: &RunManifest, samples: &[KeptSample]) -> Result<RecordBatch, ParquetError> {
    let integers = |value: fn(&KeptSample) -> u32| -> ArrayRef {
        Arc::new(UInt32Array::from_iter_values(samples.iter().map(value)))
    };
    let numbers = |value: fn(&KeptSample) -> f32| -> ArrayRef {
        Arc::new(Float32Array::from_iter_values(samples.iter().map(value)))
    };
    let texts = |value: fn(&KeptSample) -> &str| -> ArrayRef {
        Arc::new(StringArray::from_iter_values(samples.iter().map(value)))
    };
    let indices = samples.iter().map(|sample| sample.index);
    let labels = samples.iter().map(|sample| sample.label);
    let images = samples.iter().map(|sample| sample.image.as_slice());
    let mut columns = vec![
        Arc::new(UInt64Array::from_iter_values(indices)) as ArrayRef,
        texts(|sample| &sample.id),
        texts(|sample| sample.group.name()),
        Arc::new(labels.collect::<UInt32Array>()),
        integers(|sample| sample.predicted),
        integers(|sample| sample.target),
        numbers(|sample| sample.probability),
        numbers(|sample| sample.f_input),
        numbers(|sample| sample.f_baseline),
        integers(|sample| sample.steps),
        Arc::new(FixedSizeBinaryArray::try_from_iter(images)?),
    ];
    for (position, (_, length)) in map_columns(manifest).enumerate() {
        let values = samples.iter().flat_map(|sample| &sample.maps[position]);
        let values: ArrayRef = Arc::new(Float32Array::from_iter_values(values.copied()));
        let size = i32::try_from(length)?;
        let list = FixedSizeListArray::try_new(element_field(), size, values, None)?;
        columns.push(Arc::new(list));
    }
    Ok(RecordBatch::try_new(Arc::new(schema(manifest)?), columns)?)
}

fn read_present(layout: &Layout) -> Result<KeptMaps, StoreError> {
    let file = SealedFile::open(path(layout))?;
    if file.entry(RUN_KEY) != Some(layout.hash.as_str()) {
        return Err(StoreError::ForeignPart { path: file.path });
    }
    file.check_every_byte()?;
    let choice = file.entry(CHOICE_KEY).unwrap_or_default();
    let choice = serde_json::from_str(choice)
        .map_err(|error| file.damaged(format!("how it was made: {error}")))?;
    let schema = schema(&layout.manifest).map_err(|source| StoreError::Encode {
        path: file.path.clone(),
        source,
    })?;
    if file.fields() != &schema.fields {
        return Err(file.damaged("its columns are not those of the run"));
    }
    let samples = read_samples(&file, &layout.manifest)?;
    Ok(KeptMaps { choice, samples })
}

fn read_samples(file: &SealedFile, manifest: &RunManifest) -> Result<Vec<KeptSample>, StoreError> {
    let mut samples = Vec::new();
    file.read_column("index", |column| {
        let indices = column.as_primitive_opt::<UInt64Type>()?.values();
        samples.extend(indices.iter().map(|&index| blank(index)));
        Some(())
    })?;
    file.read_column("id", |column| {
        let ids = column.as_string_opt::<i32>()?;
        set(&mut samples, ids.iter().flatten(), |sample, id| {
            sample.id = id.to_owned();
        })
    })?;
    file.read_column("group", |column| {
        let names = column.as_string_opt::<i32>()?.iter().flatten();
        let groups: Option<Vec<SampleGroup>> = names.map(SampleGroup::from_name).collect();
        set(&mut samples, groups?.into_iter(), |sample, group| {
            sample.group = group;
        })
    })?;
    file.read_column("label", |column| {
        let labels = column.as_primitive_opt::<UInt32Type>()?;
        set(&mut samples, labels.iter(), |sample, label| {
            sample.label = label;
        })
    })?;
    numbers::<UInt32Type>(file, "predicted", &mut samples, |s| &mut s.predicted)?;
    numbers::<UInt32Type>(file, "target", &mut samples, |s| &mut s.target)?;
    numbers::<UInt32Type>(file, "steps", &mut samples, |s| &mut s.steps)?;
    numbers::<Float32Type>(file, "probability", &mut samples, |s| &mut s.probability)?;
    numbers::<Float32Type>(file, "f_input", &mut samples, |s| &mut s.f_input)?;
    numbers::<Float32Type>(file, "f_baseline", &mut samples, |s| &mut s.f_baseline)?;
    file.read_column("image", |column| {
        let images = column.as_fixed_size_binary_opt()?;
        set(&mut samples, images.iter().flatten(), |sample, image| {
            sample.image = image.to_vec();
        })
    })?;
    for (name, length) in map_columns(manifest) {
        file.read_column(&name, |column| {
            let values = column.as_fixed_size_list_opt()?.values();
            let values = values.as_primitive_opt::<Float32Type>()?.values();
            set(&mut samples, values.chunks_exact(length), |sample, map| {
                sample.maps.push(map.to_vec())
            })
        })?;
    }
    Ok(samples)
}

/// Sets a field of each sample from the column of this name.
fn numbers<T: ArrowPrimitiveType>(
    file: &SealedFile,
    name: &str,
    samples: &mut [KeptSample],
    field: fn(&mut KeptSample) -> &mut T::Native,
) -> Result<(), StoreError> {
    file.read_column(name, |column| {
        let values = column.as_primitive_opt::<T>()?.values();
        set(samples, values.iter(), |sample, value| {
            *field(sample) = *value;
        })
    })
}

/// Sets something in each sample; `None` where there are not as many values as samples.
fn set<T>(
    samples: &mut [KeptSample],
    values: impl Iterator<Item = T>,
    mut to: impl FnMut(&mut KeptSample, T),
) -> Option<()> {
    let mut values = values.fuse();
    for sample in samples {
        to(sample, values.next()?);
    }
    values.next().is_none().then_some(())
}

/// A sample of which only the position is known.
fn blank(index: u64) -> KeptSample {
    KeptSample {
        index,
        id: String::new(),
        group: SampleGroup::Random,
        label: None,
        predicted: 0,
        target: 0,
        probability: 0.0,
        f_input: 0.0,
        f_baseline: 0.0,
        steps: 0,
        image: Vec::new(),
        maps: Vec::new(),
    }
}
