//! From the name of a class, as a folder or a label has it, to the class index of the network.

use std::path::Path;

use crate::dataset::ClassIndex;
use crate::error::DataError;
use crate::imagenet;

mod table;

pub use table::ClassTable;

/// How the names of classes become class indices.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum ClassMap {
    /// For a network of ImageNet's 1,000 outputs, [`Wnid`](Self::Wnid) or [`ImageNet`](Self::ImageNet)
    /// where most names are such; labels that are whole numbers by [`Index`](Self::Index); else
    /// [`Order`](Self::Order).
    #[default]
    Auto,
    /// The place among the names that occur, sorted: torchvision's `ImageFolder`.
    Order,
    /// The name is the index.
    Index,
    /// The name is a WordNet id of ImageNet-1k.
    Wnid,
    /// The name is one of torchvision's names of ImageNet-1k's classes, in any case, with spaces or
    /// underscores.
    ImageNet,
    /// The position of the name in this list.
    Names(Vec<String>),
    /// What a table says of the name.
    Table(ClassTable),
}

impl ClassMap {
    /// The words that [`from_argument`](Self::from_argument) takes besides a file.
    pub const RULES: [&str; 4] = ["order", "index", "wnid", "name"];

    /// `order`, `index`, `wnid`, `name`, or a file to [`read`](Self::read).
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn from_argument(argument: &Path) -> Result<Self, DataError> {
        match argument.to_str() {
            Some("order") => Ok(Self::Order),
            Some("index") => Ok(Self::Index),
            Some("wnid") => Ok(Self::Wnid),
            Some("name") => Ok(Self::ImageNet),
            _ => Self::read(argument),
        }
    }

    /// Reads a file:
    ///
    /// - text: class names, one a line in the order of the class indices;
    /// - `.csv`, `.tsv`: a table with a column of indices, `class_index` or `index`, and columns of names;
    /// - `.json`: a list of names, an object from names to indices, or one from indices to a name or a
    ///   list of them, as Keras' `imagenet_class_index.json`.
    ///
    /// # Errors
    /// [`DataError`] where the file cannot be read, holds nothing, or a name stands for two classes.
    pub fn read(path: &Path) -> Result<Self, DataError> {
        match crate::inputs::lower_extension(path).as_str() {
            "csv" => return ClassTable::read_text(path, b',').map(Self::Table),
            "tsv" => return ClassTable::read_text(path, b'\t').map(Self::Table),
            "json" => return ClassTable::read_json(path).map(Self::Table),
            _ => {}
        }
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

    /// The names that were given, by class index; empty where none were.
    pub(crate) fn given_names(&self) -> Vec<String> {
        match self {
            Self::Names(names) => names.clone(),
            Self::Table(table) => table.names().to_vec(),
            Self::Wnid | Self::ImageNet => imagenet::names().map(Into::into).collect(),
            Self::Auto | Self::Order | Self::Index => Vec::new(),
        }
    }
}

/// What bears the names of classes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Bearer {
    /// A class's folder.
    Folder,
    /// A sample's label.
    Label,
}

impl Bearer {
    /// What it is called, in the singular.
    fn word(self) -> &'static str {
        match self {
            Self::Folder => "class folder",
            Self::Label => "label",
        }
    }
}

/// The classes of a set of names.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Labelling {
    /// Class of each name.
    pub(crate) classes: Vec<ClassIndex>,
    /// Names by class index.
    pub(crate) names: Vec<String>,
    /// The rule, in words.
    pub(crate) rule: String,
    /// What a person should know before trusting it.
    pub(crate) warnings: Vec<String>,
}

/// Finds the class of each of `words`, which are sorted and distinct. `n_outputs` is the network's;
/// `path` is for messages.
pub(crate) fn classes_of(
    path: &Path,
    bearer: Bearer,
    words: &[String],
    map: &ClassMap,
    n_outputs: Option<usize>,
) -> Result<Labelling, DataError> {
    let asked = Asked {
        path,
        bearer,
        words,
    };
    match map {
        ClassMap::Names(names) => asked.by_names(names),
        ClassMap::Table(table) => asked.by_table(table),
        ClassMap::Wnid => asked.by_wnid(),
        ClassMap::ImageNet => asked.by_imagenet_name(),
        ClassMap::Index => asked.by_index(),
        ClassMap::Order => Ok(asked.by_order(n_outputs)),
        ClassMap::Auto => {
            let imagenet_network = n_outputs.is_none_or(|n| n >= imagenet::N_CLASSES);
            let mostly = |known: &dyn Fn(&str) -> bool| {
                let n_known = words.iter().filter(|word| known(word)).count();
                imagenet_network && n_known * 2 > words.len()
            };
            let are_numbers = words.iter().all(|word| index_of(word).is_some());
            if bearer == Bearer::Label && are_numbers && !words.is_empty() {
                asked.by_index()
            } else if mostly(&|word| imagenet::class_of_wnid(word).is_some()) {
                asked.by_wnid()
            } else if n_outputs.is_some() && mostly(&|word| imagenet::class_of_name(word).is_some())
            {
                asked.by_imagenet_name()
            } else {
                Ok(asked.by_order(n_outputs))
            }
        }
    }
}

/// A class index as a name has it, `7` or, as tables may write it, `7.0`.
fn index_of(word: &str) -> Option<usize> {
    let whole = word.strip_suffix(".0").unwrap_or(word);
    whole
        .parse()
        .ok()
        .filter(|_| whole.bytes().all(|b| b.is_ascii_digit()))
}

/// Names to find the classes of.
struct Asked<'a> {
    path: &'a Path,
    bearer: Bearer,
    words: &'a [String],
}

impl Asked<'_> {
    fn by_wnid(&self) -> Result<Labelling, DataError> {
        let known: Vec<&str> = imagenet::wnids().collect();
        let classes = self.look_up(&known, imagenet::class_of_wnid, || {
            let fix = match self.bearer {
                Bearer::Folder => "move other folders away or give a list of class names",
                Bearer::Label => "correct the others or give a list of class names",
            };
            format!("the wnids of ImageNet-1k, such as `n01440764` (tench); {fix}")
        })?;
        let what = self.bearer.word();
        Ok(imagenet_labelling(
            classes,
            format!("{what} names are wnids, mapped to the class indices of ImageNet-1k"),
        ))
    }

    fn by_imagenet_name(&self) -> Result<Labelling, DataError> {
        let known: Vec<&str> = imagenet::names().collect();
        let classes = self.look_up(&known, imagenet::class_of_name, || {
            "torchvision's names of the classes of ImageNet-1k, such as `tench` or `tabby`; a mapping \
             file settles others"
                .into()
        })?;
        let what = self.bearer.word();
        Ok(imagenet_labelling(
            classes,
            format!("{what} names are those of the classes of ImageNet-1k"),
        ))
    }

    fn by_names(&self, names: &[String]) -> Result<Labelling, DataError> {
        let known: Vec<&str> = names.iter().map(String::as_str).collect();
        let positions: std::collections::HashMap<&str, usize> = known
            .iter()
            .enumerate()
            .map(|(index, &name)| (name, index))
            .collect();
        let find = |word: &str| positions.get(word).copied().map(ClassIndex);
        let classes = self.look_up(&known, find, || {
            format!("the given class names: {}", examples(&known))
        })?;
        Ok(Labelling {
            classes,
            names: names.to_vec(),
            rule: format!(
                "{} names looked up in the given class names",
                self.bearer.word()
            ),
            warnings: Vec::new(),
        })
    }

    fn by_table(&self, table: &ClassTable) -> Result<Labelling, DataError> {
        let known: Vec<&str> = table.known().collect();
        let classes = self.look_up(
            &known,
            |word| table.class_of(word),
            || format!("the names in the given table: {}", examples(&known)),
        )?;
        Ok(Labelling {
            classes,
            names: table.names().to_vec(),
            rule: format!("{} names looked up in the given table", self.bearer.word()),
            warnings: Vec::new(),
        })
    }

    fn by_index(&self) -> Result<Labelling, DataError> {
        let find = |word: &str| index_of(word).map(ClassIndex);
        let classes = self.look_up(&[], find, || "class indices, whole numbers from 0".into())?;
        Ok(Labelling {
            classes,
            names: Vec::new(),
            rule: format!("the {} is the class index", self.bearer.word()),
            warnings: Vec::new(),
        })
    }

    /// torchvision's `ImageFolder`: the class index is the name's place in sorted order.
    fn by_order(&self, n_outputs: Option<usize>) -> Labelling {
        let (what, n_words) = (self.bearer.word(), self.words.len());
        let mut warnings = Vec::new();
        if let Some(n) = n_outputs
            && n != n_words
        {
            warnings.push(format!(
                "{n_words} {what}s but the model has {n} outputs: class indices are taken from the \
                 sorted order of the {what}s and may be another network's; a list of class names \
                 settles it"
            ));
        }
        let differing = (self.words.iter().enumerate())
            .find(|(place, word)| index_of(word).is_some_and(|index| index != *place));
        let are_numbers = self.words.iter().all(|word| index_of(word).is_some());
        if let (true, Some((place, word))) = (are_numbers, differing) {
            warnings.push(format!(
                "the {what}s are numbers but are taken in sorted order, as torchvision's ImageFolder \
                 does: `{word}` is class {place}; `--classes index` takes the numbers as they are"
            ));
        }
        Labelling {
            classes: (0..n_words).map(ClassIndex).collect(),
            names: self.words.to_vec(),
            rule: format!("class index = place of the {what} in sorted order"),
            warnings,
        }
    }

    /// The class of each name, or an error that lists all that have none.
    fn look_up(
        &self,
        known: &[&str],
        find: impl Fn(&str) -> Option<ClassIndex>,
        allowed: impl Fn() -> String,
    ) -> Result<Vec<ClassIndex>, DataError> {
        let mut unknown = Vec::new();
        let mut classes = Vec::with_capacity(self.words.len());
        for word in self.words {
            match find(word) {
                Some(class) => classes.push(class),
                None => unknown.push(word.clone()),
            }
        }
        if unknown.is_empty() {
            return Ok(classes);
        }
        // Only those that are shown are compared with all that are known.
        let with_nearest = unknown.iter().take(UNKNOWN_SHOWN);
        Err(DataError::UnknownClasses {
            path: self.path.to_path_buf(),
            bearer: self.bearer.word(),
            n_unknown: unknown.len(),
            unknown: with_nearest
                .map(|word| (word.clone(), nearest(word, known)))
                .collect(),
            n_known: known.len(),
            known: allowed(),
        })
    }
}

/// Unknown names that a message shows.
const UNKNOWN_SHOWN: usize = 10;

fn imagenet_labelling(classes: Vec<ClassIndex>, rule: String) -> Labelling {
    Labelling {
        classes,
        names: imagenet::names().map(Into::into).collect(),
        rule,
        warnings: Vec::new(),
    }
}

/// The first of the known names.
fn examples(known: &[&str]) -> String {
    const SHOWN: usize = 5;
    let shown = known.iter().take(SHOWN);
    let mut examples: Vec<String> = shown.map(|name| format!("`{name}`")).collect();
    if known.len() > SHOWN {
        examples.push("…".into());
    }
    examples.join(", ")
}

/// Up to three known names that a typing error could have meant.
pub(crate) fn nearest(name: &str, known: &[&str]) -> Vec<String> {
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
        classes_of(Path::new("root"), Bearer::Folder, &folders(names), map, n)
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
    fn numbered_folders_are_sorted_as_text_with_a_warning_or_taken_as_they_are() {
        let names: Vec<String> = (0..11).map(|n| n.to_string()).collect();
        let mut names: Vec<&str> = names.iter().map(String::as_str).collect();
        names.sort();
        let found = label(&names, &ClassMap::Auto, Some(11)).unwrap();
        assert_eq!(found.names[2], "10");
        assert!(
            found.warnings[0].contains("`10` is class 2"),
            "{:?}",
            found.warnings
        );
        let found = label(&names, &ClassMap::Index, Some(11)).unwrap();
        assert_eq!(found.classes[2], ClassIndex(10));
        assert!(found.warnings.is_empty());
        let message = label(&["1", "x"], &ClassMap::Index, None)
            .unwrap_err()
            .to_string();
        assert!(
            message.contains("`x`; allowed are class indices"),
            "{message}"
        );
        let found = label(&names[..2], &ClassMap::Auto, Some(2)).unwrap();
        assert!(found.warnings.is_empty());
    }

    #[test]
    fn labels_are_indices_where_all_of_them_are_numbers() {
        let label = |words: &[&str], n| {
            classes_of(
                Path::new("t"),
                Bearer::Label,
                &folders(words),
                &ClassMap::Auto,
                n,
            )
            .unwrap()
        };
        assert_eq!(
            label(&["3", "7.0"], None).classes,
            [ClassIndex(3), ClassIndex(7)]
        );
        assert_eq!(
            label(&["3", "x"], Some(2)).classes,
            [ClassIndex(0), ClassIndex(1)]
        );
        assert_eq!(label(&["n01440764"], Some(1000)).classes, [ClassIndex(0)]);
        let found = label(&["Great_white_shark", "tench"], Some(1000));
        assert_eq!(found.classes, [ClassIndex(2), ClassIndex(0)]);
        assert_eq!(
            label(&["tabby", "tench"], Some(2)).classes,
            [ClassIndex(0), ClassIndex(1)]
        );
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
