//! Reading a run, one column at a time.

use std::path::Path;

use arrow_array::cast::AsArray;
use arrow_array::types::{ArrowPrimitiveType, Float32Type, UInt32Type, UInt64Type};
use arrow_array::{Array, ArrayRef};

use crate::atomic::remove_leftovers;
use crate::error::StoreError;
use crate::layout::Layout;
use crate::lock::RunLock;
use crate::manifest::RunManifest;
use crate::maps::{self, KeptMaps};
use crate::part::{PartHeader, inspect, read_column};
use crate::record::SkippedSample;
use crate::schema::{VectorKind, delta_column};
use crate::writer::{Counts, RunWriter};

/// A run directory, opened for reading. Its columns hold the analysed samples in order of position;
/// skipped samples have no entry.
#[derive(Debug, Clone)]
pub struct RunDir {
    layout: Layout,
    parts: Vec<PartHeader>,
    /// Of a run that is more than read.
    _lock: Option<RunLock>,
}

/// One vector for each sample.
#[derive(Debug, Clone, PartialEq)]
pub struct Vectors {
    /// Samples.
    pub n: usize,
    /// Length of each vector.
    pub width: usize,
    /// The vectors one after the other, `[n, width]`.
    pub data: Vec<f32>,
}

impl Vectors {
    /// The vectors, one a sample.
    pub fn rows(&self) -> impl ExactSizeIterator<Item = &[f32]> {
        self.data.chunks_exact(self.width)
    }
}

impl RunDir {
    /// Starts a run in `path`, or resumes it where `path` holds the same run: same format, settings,
    /// model, layers and data. Machine and program version may differ; `run.json` stays as it was.
    ///
    /// `part_size` is the number of samples in a part of a new run; a run that is resumed keeps its
    /// own. The directory is locked until the writer, and the run that it becomes, are dropped.
    /// Leftovers of a killed process are removed. Every part that is there is read whole; damaged ones
    /// are reported by [`RunWriter::damaged_parts`] and count as missing.
    ///
    /// # Errors
    /// [`StoreError::DifferentRun`], [`StoreError::Occupied`], [`StoreError::NotAFolder`],
    /// [`StoreError::Locked`], [`StoreError::ForeignPart`], [`StoreError::UnsupportedFormat`],
    /// [`StoreError::UnreadableManifest`], [`StoreError::InvalidManifest`] or [`StoreError::Io`].
    pub fn open_for_writing(
        path: &Path,
        manifest: &RunManifest,
        part_size: usize,
    ) -> Result<RunWriter, StoreError> {
        RunWriter::open(path, manifest, part_size)
    }

    /// Opens a run for reading, complete or not; see [`RunDir::is_complete`]. Every part is read whole
    /// and checked. The directory is not locked, and another process may add parts, which are then
    /// not seen.
    ///
    /// # Errors
    /// [`StoreError::NotARun`], [`StoreError::ForeignPart`], [`StoreError::DamagedPart`],
    /// [`StoreError::UnsupportedFormat`], [`StoreError::UnreadableManifest`] or [`StoreError::Io`].
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        Self::with_lock(path, None)
    }

    /// Opens a run as [`RunDir::open`] does, and locks its directory until the run is dropped: for
    /// those who write files into it that are made from the parts. Leftovers of a killed process are
    /// removed.
    ///
    /// # Errors
    /// As [`RunDir::open`], and [`StoreError::Locked`].
    pub fn open_exclusively(path: &Path) -> Result<Self, StoreError> {
        // Looked at before the lock file is made, so that a folder that is no run stays untouched.
        Self::layout(path)?;
        let lock = RunLock::take(path)?;
        remove_leftovers(path)?;
        Self::with_lock(path, Some(lock))
    }

    fn layout(path: &Path) -> Result<Layout, StoreError> {
        Layout::read(path)?.ok_or_else(|| StoreError::NotARun {
            path: path.to_owned(),
        })
    }

    pub(crate) fn with_lock(path: &Path, lock: Option<RunLock>) -> Result<Self, StoreError> {
        let layout = Self::layout(path)?;
        let parts = layout
            .present_parts()?
            .into_iter()
            .map(|part| inspect(&layout, part))
            .collect::<Result<_, _>>()?;
        Ok(Self {
            layout,
            parts,
            _lock: lock,
        })
    }

    /// What was run.
    pub fn manifest(&self) -> &RunManifest {
        &self.layout.manifest
    }

    /// SHA-256, in hexadecimal, of everything the run's vectors depend on and of its part size: files
    /// derived from a run say by it which one they belong to.
    pub fn identity(&self) -> &str {
        &self.layout.hash
    }

    /// Samples of the run, and how many of them are there.
    pub fn counts(&self) -> Counts {
        Counts {
            total: self.layout.n_samples(),
            analysed: self.parts.iter().map(|part| part.n_rows).sum(),
            skipped: self
                .parts
                .iter()
                .map(|part| part.skipped.len() as u64)
                .sum(),
        }
    }

    /// Whether every sample of the run is there, or has a reason why not.
    pub fn is_complete(&self) -> bool {
        self.counts().missing() == 0
    }

    /// The parts that are not there, in order of position.
    pub fn missing_parts(&self) -> Vec<u64> {
        let mut present = self.parts.iter().map(|part| part.part).peekable();
        (0..self.layout.n_parts())
            .filter(|part| present.next_if_eq(part).is_none())
            .collect()
    }

    /// Refuses a run of which parts are missing.
    ///
    /// # Errors
    /// [`StoreError::Incomplete`], which names them.
    pub fn check_complete(&self) -> Result<(), StoreError> {
        match self.missing_parts() {
            missing if missing.is_empty() => Ok(()),
            missing => Err(self.layout.incomplete(missing)),
        }
    }

    /// The skipped samples, in order of position.
    pub fn skipped(&self) -> impl Iterator<Item = &SkippedSample> {
        self.parts.iter().flat_map(|part| &part.skipped)
    }

    /// Positions in the data set.
    ///
    /// # Errors
    /// Reading a column fails with [`StoreError::DamagedPart`] or [`StoreError::Io`], here and below.
    pub fn indices(&self) -> Result<Vec<u64>, StoreError> {
        self.primitive::<UInt64Type>("index")
    }

    /// Names of the samples in their data set.
    ///
    /// # Errors
    /// As [`RunDir::indices`].
    pub fn ids(&self) -> Result<Vec<String>, StoreError> {
        let mut ids = Vec::with_capacity(self.n_rows());
        self.for_each_array("id", |column| {
            let texts = column.as_string_opt::<i32>()?;
            ids.extend(texts.iter().map(|id| id.unwrap_or_default().to_owned()));
            Some(())
        })?;
        Ok(ids)
    }

    /// Classes; `None` for a sample without one.
    ///
    /// # Errors
    /// As [`RunDir::indices`].
    pub fn labels(&self) -> Result<Vec<Option<u32>>, StoreError> {
        let mut labels = Vec::with_capacity(self.n_rows());
        self.for_each_array("label", |column| {
            labels.extend(column.as_primitive_opt::<UInt32Type>()?.iter());
            Some(())
        })?;
        Ok(labels)
    }

    /// Output units of the highest logit.
    ///
    /// # Errors
    /// As [`RunDir::indices`].
    pub fn predicted(&self) -> Result<Vec<u32>, StoreError> {
        self.primitive::<UInt32Type>("predicted")
    }

    /// Output units that were attributed.
    ///
    /// # Errors
    /// As [`RunDir::indices`].
    pub fn targets(&self) -> Result<Vec<u32>, StoreError> {
        self.primitive::<UInt32Type>("target")
    }

    /// The target's output for the sample, F_t(x).
    ///
    /// # Errors
    /// As [`RunDir::indices`].
    pub fn f_input(&self) -> Result<Vec<f32>, StoreError> {
        self.primitive::<Float32Type>("f_input")
    }

    /// The target's output for the baseline, F_t(x').
    ///
    /// # Errors
    /// As [`RunDir::indices`].
    pub fn f_baseline(&self) -> Result<Vec<f32>, StoreError> {
        self.primitive::<Float32Type>("f_baseline")
    }

    /// All outputs.
    ///
    /// # Errors
    /// As [`RunDir::indices`].
    pub fn logits(&self) -> Result<Vectors, StoreError> {
        self.lists("logits", self.manifest().model.n_outputs)
    }

    /// Path steps taken.
    ///
    /// # Errors
    /// As [`RunDir::indices`].
    pub fn steps(&self) -> Result<Vec<u32>, StoreError> {
        self.primitive::<UInt32Type>("steps")
    }

    /// Largest relative completeness error over the cut layers.
    ///
    /// # Errors
    /// As [`RunDir::indices`].
    pub fn errors(&self) -> Result<Vec<f32>, StoreError> {
        self.primitive::<Float32Type>("error")
    }

    /// Completeness errors Σ C − (F_t(x) − F_t(x')) at a cut layer.
    ///
    /// # Errors
    /// [`StoreError::UnknownLayer`], [`StoreError::NotACutLayer`], or as [`RunDir::indices`].
    pub fn deltas(&self, layer: &str) -> Result<Vec<f32>, StoreError> {
        let layers = &self.manifest().model.layers;
        if !layers.iter().any(|known| known.name == layer) {
            return Err(self.unknown_layer(layer));
        }
        let cut_layers = || layers.iter().filter(|known| known.cut);
        if !cut_layers().any(|known| known.name == layer) {
            return Err(StoreError::NotACutLayer {
                layer: layer.to_owned(),
                cut_layers: cut_layers().map(|known| known.name.clone()).collect(),
            });
        }
        self.primitive::<Float32Type>(&delta_column(layer))
    }

    /// A layer's vectors. Only this column is read.
    ///
    /// # Errors
    /// [`StoreError::UnknownLayer`], or as [`RunDir::indices`].
    pub fn vectors(&self, layer: &str, kind: VectorKind) -> Result<Vectors, StoreError> {
        let mut layers = self.manifest().model.layers.iter();
        let known = layers
            .find(|known| known.name == layer)
            .ok_or_else(|| self.unknown_layer(layer))?;
        self.lists(&kind.column(layer), known.n_channels)
    }

    /// The kept samples with their maps; `None` where none are kept. Every byte is checked.
    ///
    /// # Errors
    /// [`StoreError::DamagedMaps`], [`StoreError::ForeignPart`] or [`StoreError::Io`].
    pub fn maps(&self) -> Result<Option<KeptMaps>, StoreError> {
        maps::read(&self.layout)
    }

    /// Writes the kept samples with their maps, at least one, replacing what is there. The same content
    /// gives the same bytes. Only for a run that is locked: see [`RunDir::open_exclusively`].
    ///
    /// # Errors
    /// [`StoreError::InvalidSample`] where a sample does not fit the run; [`StoreError::Encode`] or
    /// [`StoreError::Io`].
    pub fn write_maps(&self, maps: &KeptMaps) -> Result<(), StoreError> {
        maps::write(&self.layout, maps)
    }

    fn unknown_layer(&self, layer: &str) -> StoreError {
        let layers = self.manifest().model.layers.iter();
        StoreError::UnknownLayer {
            layer: layer.to_owned(),
            layers: layers.map(|layer| layer.name.clone()).collect(),
        }
    }

    fn n_rows(&self) -> usize {
        self.counts().analysed as usize
    }

    fn primitive<T: ArrowPrimitiveType>(&self, name: &str) -> Result<Vec<T::Native>, StoreError> {
        let mut values = Vec::with_capacity(self.n_rows());
        self.for_each_array(name, |column| {
            values.extend_from_slice(column.as_primitive_opt::<T>()?.values());
            Some(())
        })?;
        Ok(values)
    }

    fn lists(&self, name: &str, width: usize) -> Result<Vectors, StoreError> {
        let mut data = Vec::with_capacity(self.n_rows() * width);
        self.for_each_array(name, |column| {
            let lists = column.as_fixed_size_list_opt()?;
            let values = lists.values().as_primitive_opt::<Float32Type>()?;
            if values.len() != lists.len() * width {
                return None;
            }
            data.extend_from_slice(values.values());
            Some(())
        })?;
        Ok(Vectors {
            n: data.len() / width,
            width,
            data,
        })
    }

    fn for_each_array(
        &self,
        name: &str,
        mut visit: impl FnMut(&ArrayRef) -> Option<()>,
    ) -> Result<(), StoreError> {
        for part in &self.parts {
            read_column(&self.layout, part.part, name, &mut visit)?;
        }
        Ok(())
    }
}
