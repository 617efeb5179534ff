//! What the targets of weight files do with their bytes.

use std::path::Path;
use std::sync::Arc;

use infoplane_graph::{Blob, Weights};

use crate::memory::{MIB, at_most};

/// Finds and reads every tensor; each must end in floats of its shape or in an error.
///
/// # Panics
/// Where a tensor is larger than the file, or reading took more than 64 MiB and 16 times the file.
pub fn read_everything(bytes: &[u8]) {
    let n_bytes = bytes.len();
    at_most(64 * MIB + 16 * n_bytes, || {
        let blob = Arc::new(Blob::from(bytes.to_vec()));
        let Ok(weights) = Weights::parse(blob, Path::new("fuzzed")) else {
            return;
        };
        // Tensors may share their storage; what matters is that none of them alone outgrows the file.
        for name in weights.names().take(100) {
            if let Ok(tensor) = weights.read(name) {
                let floats = tensor.floats().map_or(0, <[f32]>::len);
                assert_eq!(floats, tensor.shape().iter().product::<usize>());
                assert!(floats <= n_bytes, "{floats} floats of {n_bytes} bytes");
            }
        }
    });
}
