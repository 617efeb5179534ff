//! What image folders and image parquet files share: from encoded bytes to the network's input.

use std::path::Path;

use crate::decode::decode;
use crate::error::DataError;
use crate::open::{DataOptions, check_shape};
use crate::preprocess::Preprocess;

/// Decodes and preprocesses images to one shape.
pub(crate) struct ImageLoader {
    preprocess: Preprocess,
    /// `[3, height, width]`.
    shape: [usize; 3],
}

impl ImageLoader {
    /// Settles the shape of a sample: that of the crop, else that of the first readable image,
    /// which `read` is asked for by index. Fails where none is readable.
    pub(crate) fn new(
        path: &Path,
        options: &DataOptions,
        n_samples: usize,
        read: impl Fn(usize) -> Result<Vec<u8>, String>,
    ) -> Result<Self, DataError> {
        let preprocess = options.preprocess.clone();
        let mut failure = None;
        let first = (0..n_samples).find_map(|index| {
            let image = read(index).and_then(|bytes| decode(&bytes));
            image
                .map_err(|reason| failure.get_or_insert(reason).clone())
                .ok()
        });
        let image = first.ok_or_else(|| DataError::Empty {
            path: path.into(),
            reason: format!(
                "none of the {n_samples} images can be read; the first: {}",
                failure.unwrap_or_default()
            ),
        })?;
        let (height, width) = preprocess.output_size(image.width, image.height);
        let shape = [3, height, width];
        check_shape(path, &shape, options, &preprocess.describe())?;
        Ok(Self { preprocess, shape })
    }

    pub(crate) fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// Decodes one image into `out`, `[3, height, width]`. The error is a reason for a person.
    pub(crate) fn load(&self, bytes: &[u8], out: &mut [f32]) -> Result<(), String> {
        let [channels, height, width] = self.shape;
        assert_eq!(
            out.len(),
            channels * height * width,
            "a sample's buffer has the sample's size"
        );
        let image = decode(bytes)?;
        let found = self.preprocess.output_size(image.width, image.height);
        if found != (height, width) {
            return Err(format!(
                "{} × {} pixels after preprocessing, but other samples have {height} × {width} \
                 (height × width); crop or resize to one size",
                found.0, found.1
            ));
        }
        let image = self.preprocess.resize_and_crop(&image);
        self.preprocess.normalise(&image, out);
        Ok(())
    }
}
