//! What `torch.save` writes since PyTorch 1.6: a zip archive of a pickle and one entry a storage.

use std::collections::{BTreeMap, HashMap};
use std::io::Cursor;
use std::ops::Range;

use super::pickle;
use super::problem::WeightsProblem;
use super::state_dict;
use super::stored::StoredTensor;

/// Whether the file begins as a zip archive does.
pub(super) fn recognises(bytes: &[u8]) -> bool {
    bytes.starts_with(b"PK\x03\x04") || bytes.starts_with(b"PK\x05\x06")
}

/// The tensors by name.
pub(super) fn read(bytes: &[u8]) -> Result<BTreeMap<String, StoredTensor>, WeightsProblem> {
    let entries = Entries::read(bytes)?;
    let prefix = entries.prefix().ok_or_else(|| {
        WeightsProblem::UnknownFormat("it is a zip archive without a data.pkl".to_string())
    })?;
    let little = entries
        .find(&format!("{prefix}byteorder"))?
        .is_none_or(|range| bytes[range].trim_ascii() == b"little");
    if !little {
        return Err(WeightsProblem::Unsupported(
            "it was saved in big-endian byte order; load and save it again with PyTorch on a little-endian machine"
                .to_string(),
        ));
    }
    let pickled = entries
        .find(&format!("{prefix}data.pkl"))?
        .ok_or_else(|| WeightsProblem::damaged("its data.pkl is missing"))?;
    let pickle = pickle::load(&bytes[pickled])?;
    state_dict::tensors(&pickle, |storage| {
        let name = format!("{prefix}data/{}", storage.key);
        entries
            .find(&name)?
            .ok_or_else(|| WeightsProblem::damaged(format!("the archive has no entry `{name}`")))
    })
}

/// The archive's entries and where their bytes lie.
struct Entries(HashMap<String, Entry>);

enum Entry {
    At(Range<usize>),
    /// One that can't be used, and why.
    Unusable(&'static str),
}

impl Entries {
    fn read(bytes: &[u8]) -> Result<Entries, WeightsProblem> {
        let broken = |error: zip::result::ZipError| {
            WeightsProblem::damaged(format!("the zip archive can't be read ({error})"))
        };
        let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).map_err(broken)?;
        let mut entries = HashMap::with_capacity(archive.len());
        for index in 0..archive.len() {
            let file = archive.by_index_raw(index).map_err(broken)?;
            let place = file
                .data_start()
                .and_then(|start| usize::try_from(start).ok())
                .and_then(|start| {
                    let end = start.checked_add(usize::try_from(file.compressed_size()).ok()?)?;
                    bytes.get(start..end).map(|_| start..end)
                });
            let entry = match place {
                _ if file.encrypted() => Entry::Unusable("is encrypted"),
                _ if file.compression() != zip::CompressionMethod::Stored => {
                    Entry::Unusable("is compressed, which torch.save does not do")
                }
                Some(range) => Entry::At(range),
                None => Entry::Unusable("reaches beyond the end of the file"),
            };
            let name = String::from_utf8_lossy(file.name_raw()).into_owned();
            entries.insert(name, entry);
        }
        Ok(Entries(entries))
    }

    /// The bytes of an entry, where there is one.
    fn find(&self, name: &str) -> Result<Option<Range<usize>>, WeightsProblem> {
        match self.0.get(name) {
            None => Ok(None),
            Some(Entry::At(range)) => Ok(Some(range.clone())),
            Some(Entry::Unusable(reason)) => Err(WeightsProblem::damaged(format!(
                "the entry `{name}` of the archive {reason}"
            ))),
        }
    }

    /// What the names begin with: the folder that holds `data.pkl`.
    fn prefix(&self) -> Option<String> {
        self.0
            .keys()
            .filter_map(|name| name.strip_suffix("data.pkl"))
            .filter(|prefix| prefix.is_empty() || prefix.ends_with('/'))
            .min_by_key(|prefix| (prefix.len(), *prefix))
            .map(str::to_string)
    }
}
