//! The run directory: what was run, and every sample's conductance and activation vectors.
//!
//! ```text
//! run.json                       the manifest: settings, model, data, machine, part size
//! samples/part-00000.parquet     samples 0 to part_size − 1, one row each
//! samples/part-00001.parquet     the next part_size samples, and so on
//! maps.parquet                   a few samples as images, with their spatial conductance ([`KeptMaps`])
//! .lock                          held by the process that writes
//! ```
//!
//! A part holds a fixed range of sample positions, so its bytes depend neither on the order in which
//! samples were finished nor on how often the run was stopped, nor on which machine of several
//! computed it ([`Shard`]). It appears under its name only when it is whole, and checksums over all
//! its bytes tell later whether it still is. [`RunDir::open_for_writing`] starts or resumes a run;
//! [`RunDir::open`] reads one, a column at a time.
//!
//! Whoever writes into the directory holds its lock, also to write files made from the parts
//! ([`RunDir::open_exclusively`]). Reading needs none: every file is replaced as a whole.

mod atomic;
mod directory;
mod error;
mod identity;
mod layout;
mod lock;
mod manifest;
mod maps;
mod part;
mod record;
mod schema;
mod seal;
mod sealed;
mod shard;
mod table;
mod writer;

pub use atomic::write_atomically;
pub use directory::{RunDir, Vectors};
pub use error::StoreError;
pub use layout::{DEFAULT_PART_SIZE, FORMAT};
pub use manifest::{
    DataInfo, HardwareInfo, LayerEdge, LayerInfo, ModelInfo, RunManifest, SourceInfo,
};
pub use maps::{ImageValues, KeptMaps, KeptSample, MapChoice, SampleGroup};
pub use record::{SampleOutcome, SampleRecord, SkippedSample};
pub use schema::VectorKind;
pub use shard::{Shard, ShardError};
pub use table::{Column, ColumnData, write_table};
pub use writer::{Counts, DamagedPart, RunWriter};
