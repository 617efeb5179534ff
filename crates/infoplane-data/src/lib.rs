//! Samples and their preprocessing.
//!
//! [`open`] finds out what a path holds (a tree of class folders, a list of images, a table, an array, …)
//! and returns a [`Dataset`]: samples with ids and labels that are decoded and preprocessed one at
//! a time, from any thread, into a caller's buffer. Images become what Pillow and torchvision make
//! of them: decoding follows libjpeg, resizing is Pillow's to the bit.
#![forbid(unsafe_code)]

mod array;
mod cifar;
mod classes;
mod dataset;
mod decode;
mod error;
mod feature_table;
mod folder;
mod form;
mod groups;
mod guard;
mod gzip;
mod idx;
mod imagenet;
mod images;
mod inputs;
mod label_list;
mod manifest;
pub mod npy;
mod numpy_pickle;
mod open;
mod parquet_file;
mod parquet_images;
mod preprocess;
mod raw_images;
mod resample;
mod selection;
mod tar;
mod text_table;
mod tree;
mod variables;

pub use classes::{ClassMap, ClassTable};
pub use dataset::{ClassIndex, Dataset, DatasetInfo, kept_indices};
pub use error::{DataError, SampleError};
pub use feature_table::{Standardise, TableOptions};
pub use groups::{GroupMap, group_map};
pub use inputs::{Inputs, read_inputs};
pub use open::{DataKind, DataOptions, kind_of, open, open_npz};
pub use preprocess::{Colours, ImageShape, Placement, Preprocess};
pub use resample::{Interpolation, RgbImage};
pub use selection::Selection;
pub use variables::{REPEATS, Values, Variable, VariableKind};
