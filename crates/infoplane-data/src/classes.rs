//! From the name of a class folder to the class index of the network.

use std::path::Path;

use crate::dataset::ClassIndex;
use crate::error::DataError;
use crate::imagenet;

/// How class folders become class indices.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum ClassMap {
    /// ImageNet's indices where the folders are ImageNet wnids, else the sorted order of the
    /// folders.
    #[default]
    Auto,
    /// The position of the folder's name in this list.
    Names(Vec<String>),
}

impl ClassMap {
    /// Reads a list of class names from a text file, one a line in the order of the class indices.
    ///
    /// # Errors
    /// [`DataError`] where the file cannot be read, is empty or holds a name twice.
    pub fn read(path: &Path) -> Result<Self, DataError> {
        let text = std::fs::read_to_string(path).map_err(|error| DataError::io(path, error))?;
        let names: Vec<String> = text.lines().map(|line| line.trim().to_string()).collect();
        if names.is_empty() {
            return Err(DataError::malformed(
                path,
                "no class names; expected one a line",
            ));
        }
        let mut sorted: Vec<&String> = names.iter().collect();
        sorted.sort();
        for pair in sorted.windows(2) {
            if let [a, b] = pair
                && a == b
            {
                return Err(DataError::malformed(
                    path,
                    format!("class name `{a}` stands twice"),
                ));
            }
        }
        Ok(Self::Names(names))
    }
}

/// The classes of a set of folders.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Labelling {
    /// Class of each folder.
    pub(crate) classes: Vec<ClassIndex>,
    /// Names by class index.
    pub(crate) names: Vec<String>,
    /// The rule, in words.
    pub(crate) rule: String,
    /// What a person should know before trusting it.
    pub(crate) warnings: Vec<String>,
}

/// Finds the class of each of `folders`, which are sorted. `n_outputs` is the network's.
pub(crate) fn label_folders(
    root: &Path,
    folders: &[String],
    map: &ClassMap,
    n_outputs: Option<usize>,
) -> Result<Labelling, DataError> {
    match map {
        ClassMap::Names(names) => by_names(root, folders, names),
        ClassMap::Auto if are_imagenet(folders, n_outputs) => by_wnid(root, folders),
        ClassMap::Auto => Ok(by_order(folders, n_outputs)),
    }
}

/// Most folders are wnids of ImageNet-1k, and the network is not one with fewer classes.
fn are_imagenet(folders: &[String], n_outputs: Option<usize>) -> bool {
    let known = folders
        .iter()
        .filter(|folder| imagenet::class_of_wnid(folder).is_some())
        .count();
    known * 2 > folders.len() && n_outputs.is_none_or(|n| n >= imagenet::N_CLASSES)
}

fn by_wnid(root: &Path, folders: &[String]) -> Result<Labelling, DataError> {
    let known: Vec<&str> = imagenet::wnids().collect();
    let classes = look_up(root, folders, &known, |_| {
        "the wnids of ImageNet-1k, such as `n01440764` (tench); move other folders away or \
         give a list of class names"
            .into()
    })?;
    Ok(Labelling {
        classes,
        names: imagenet::names().map(Into::into).collect(),
        rule: "folder names are wnids, mapped to the class indices of ImageNet-1k".into(),
        warnings: Vec::new(),
    })
}

fn by_names(root: &Path, folders: &[String], names: &[String]) -> Result<Labelling, DataError> {
    let known: Vec<&str> = names.iter().map(String::as_str).collect();
    let classes = look_up(root, folders, &known, |known| {
        const SHOWN: usize = 5;
        let mut examples: Vec<String> = known
            .iter()
            .take(SHOWN)
            .map(|name| format!("`{name}`"))
            .collect();
        if known.len() > SHOWN {
            examples.push("…".into());
        }
        format!("the given class names: {}", examples.join(", "))
    })?;
    Ok(Labelling {
        classes,
        names: names.to_vec(),
        rule: "folder names looked up in the given class names".into(),
        warnings: Vec::new(),
    })
}

/// torchvision's `ImageFolder`: the class index is the folder's place in sorted order.
fn by_order(folders: &[String], n_outputs: Option<usize>) -> Labelling {
    let warnings = match n_outputs {
        Some(n) if n != folders.len() => vec![format!(
            "{} class folders but the model has {n} outputs: class indices are taken from the \
             sorted order of the folders and may be another network's; a list of class names \
             settles it",
            folders.len()
        )],
        _ => Vec::new(),
    };
    Labelling {
        classes: (0..folders.len()).map(ClassIndex).collect(),
        names: folders.to_vec(),
        rule: "class index = place of the folder in sorted order".into(),
        warnings,
    }
}

/// The position of each folder in `known`, or an error that lists all that are not there.
fn look_up(
    root: &Path,
    folders: &[String],
    known: &[&str],
    allowed: impl Fn(&[&str]) -> String,
) -> Result<Vec<ClassIndex>, DataError> {
    let positions: std::collections::HashMap<&str, usize> = known
        .iter()
        .enumerate()
        .map(|(index, &name)| (name, index))
        .collect();
    let mut unknown = Vec::new();
    let mut classes = Vec::with_capacity(folders.len());
    for folder in folders {
        match positions.get(folder.as_str()) {
            Some(&index) => classes.push(ClassIndex(index)),
            None => unknown.push((folder.clone(), nearest(folder, known))),
        }
    }
    if unknown.is_empty() {
        return Ok(classes);
    }
    Err(DataError::UnknownClasses {
        path: root.to_path_buf(),
        folders: unknown,
        n_known: known.len(),
        known: allowed(known),
    })
}

/// Up to three known names that a typing error could have meant.
fn nearest(name: &str, known: &[&str]) -> Vec<String> {
    const ENOUGH: f64 = 0.7;
    let lower = name.to_lowercase();
    let mut scored: Vec<(f64, &str)> = known
        .iter()
        .map(|&known| {
            (
                strsim::normalized_damerau_levenshtein(&lower, &known.to_lowercase()),
                known,
            )
        })
        .filter(|(score, _)| *score >= ENOUGH)
        .collect();
    scored.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(b.1)));
    scored
        .iter()
        .take(3)
        .map(|(_, known)| format!("`{known}`"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folders(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| name.to_string()).collect()
    }

    fn label(names: &[&str], map: &ClassMap, n: Option<usize>) -> Result<Labelling, DataError> {
        label_folders(Path::new("root"), &folders(names), map, n)
    }

    #[test]
    fn wnids_get_imagenet_indices_for_a_network_of_1000_outputs() {
        let found = label(&["n01440764", "n02123045"], &ClassMap::Auto, Some(1000)).unwrap();
        assert_eq!(found.classes, [ClassIndex(0), ClassIndex(281)]);
        assert_eq!(found.names.len(), 1000);
    }

    #[test]
    fn wnids_are_ordered_folders_for_a_network_of_fewer_outputs() {
        let found = label(&["n01440764", "n02123045"], &ClassMap::Auto, Some(2)).unwrap();
        assert_eq!(found.classes, [ClassIndex(0), ClassIndex(1)]);
        assert!(found.warnings.is_empty());
    }

    #[test]
    fn other_folders_are_numbered_in_sorted_order() {
        let found = label(&["cat", "dog"], &ClassMap::Auto, None).unwrap();
        assert_eq!(found.classes, [ClassIndex(0), ClassIndex(1)]);
        assert_eq!(found.names, ["cat", "dog"]);
        let warnings = label(&["cat", "dog"], &ClassMap::Auto, Some(10))
            .unwrap()
            .warnings;
        assert!(warnings[0].contains("2 class folders but the model has 10 outputs"));
    }

    #[test]
    fn a_folder_among_wnids_that_is_no_class_is_named_with_the_nearest() {
        let error = label(
            &["n01440764", "n02123045", "n0244076"],
            &ClassMap::Auto,
            None,
        )
        .unwrap_err();
        let message = error.to_string();
        assert!(
            message.contains("`n0244076` (nearest: `n01440764`"),
            "{message}"
        );
        assert!(message.contains("1000 known classes"), "{message}");
        let error = label(&["n01440764", "n02123045", "extra"], &ClassMap::Auto, None).unwrap_err();
        assert!(error.to_string().contains("`extra`;"), "{error}");
    }

    #[test]
    fn given_names_decide_and_unknown_folders_are_all_listed() {
        let map = ClassMap::Names(folders(&["frog", "cat", "deer"]));
        let found = label(&["cat", "frog"], &map, None).unwrap();
        assert_eq!(found.classes, [ClassIndex(1), ClassIndex(0)]);
        let message = label(&["car", "frog", "frogs"], &map, None)
            .unwrap_err()
            .to_string();
        assert!(
            message.contains("2 class folders are not among the 3"),
            "{message}"
        );
        assert!(message.contains("`frogs` (nearest: `frog`)"), "{message}");
        assert!(
            message.contains("the given class names: `frog`, `cat`, `deer`"),
            "{message}"
        );
    }

    #[test]
    fn a_class_list_with_a_repeated_name_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("classes.txt");
        std::fs::write(&path, "cat\ndog\n").unwrap();
        assert_eq!(
            ClassMap::read(&path).unwrap(),
            ClassMap::Names(folders(&["cat", "dog"]))
        );
        std::fs::write(&path, "cat\ndog\ncat\n").unwrap();
        assert!(
            ClassMap::read(&path)
                .unwrap_err()
                .to_string()
                .contains("`cat` stands twice")
        );
    }
}
