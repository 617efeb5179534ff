//! What the targets of data files do with them.

use std::path::Path;
use std::sync::Once;

use infoplane_data::{DataOptions, Preprocess, open};

/// Opens a data source and loads its first and last samples; both must end in samples or errors.
///
/// Panics of other crates that infoplane makes errors of are none to the fuzzer.
///
/// # Panics
/// Where a sample that was loaded holds another number of elements than its shape says.
pub fn open_and_load(path: &Path) {
    // The fuzzer's hook ends the process at a panic, even at one that is caught.
    static HOOK: Once = Once::new();
    HOOK.call_once(|| drop(std::panic::take_hook()));
    let options = DataOptions {
        preprocess: Preprocess {
            resize: Some(16),
            crop: Some(16),
            ..Preprocess::default()
        },
        ..DataOptions::default()
    };
    let Ok(dataset) = open(path, &options) else {
        return;
    };
    let n_elements: usize = dataset.sample_shape().iter().product();
    let mut sample = vec![0.0; n_elements];
    for index in [0, dataset.len() - 1] {
        assert!(!dataset.id(index).is_empty());
        let _ = dataset.load(index, &mut sample);
    }
}
