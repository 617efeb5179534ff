//! What every target does with its bytes.

use std::path::Path;
use std::sync::Arc;

use infoplane_graph::{Blob, Weights};

/// Finds and reads every tensor; each must end in floats of its shape or in an error.
pub fn read_everything(bytes: Vec<u8>) {
    let n_bytes = bytes.len();
    let Ok(weights) = Weights::parse(Arc::new(Blob::from(bytes)), Path::new("fuzzed")) else {
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
}
