//! A mapping file: names of classes, and the class index of each.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use crate::dataset::ClassIndex;
use crate::error::DataError;

/// Names of the column of class indices, the likeliest first.
const INDEX_COLUMNS: [&str; 4] = ["class_index", "index", "class_id", "label"];
/// Names of the column that classes are called by, the likeliest first.
const NAME_COLUMNS: [&str; 4] = ["name", "class_name", "class", "folder"];
/// Larger class indices are taken for errors rather than allocated for.
const MAX_CLASS_INDEX: usize = 1 << 20;

/// Which class index each name stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClassTable {
    /// Class by name.
    classes: HashMap<String, usize>,
    /// Every name, in the order of the file.
    known: Vec<String>,
    /// What each class is called, by class index; the index where the table has none.
    names: Vec<String>,
}

impl ClassTable {
    /// The class that a name stands for.
    pub fn class_of(&self, name: &str) -> Option<ClassIndex> {
        self.classes.get(name).copied().map(ClassIndex)
    }

    /// What each class is called, by class index.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// Every name that stands for a class.
    pub(crate) fn known(&self) -> impl Iterator<Item = &str> {
        self.known.iter().map(String::as_str)
    }

    /// A table with a column of indices; each other column in which every value stands for one index
    /// holds names. One with coarser groups is passed over.
    pub(super) fn read_text(path: &Path, delimiter: u8) -> Result<Self, DataError> {
        let malformed = |reason: String| DataError::malformed(path, reason);
        let bytes = std::fs::read(path).map_err(|error| DataError::io(path, error))?;
        let mut reader = csv::ReaderBuilder::new()
            .trim(csv::Trim::All)
            .delimiter(delimiter)
            .from_reader(bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes));
        let headers = reader
            .headers()
            .map_err(|error| malformed(error.to_string()))?
            .clone();
        let find = |names: &[&str]| {
            names.iter().find_map(|name| {
                headers
                    .iter()
                    .position(|header| header.eq_ignore_ascii_case(name))
            })
        };
        let index_column = find(&INDEX_COLUMNS).ok_or_else(|| DataError::MissingColumn {
            path: path.into(),
            column: INDEX_COLUMNS[0].into(),
            present: headers.iter().map(Into::into).collect(),
        })?;
        let mut rows: Vec<(usize, csv::StringRecord)> = Vec::new();
        for record in reader.records() {
            let record = record.map_err(|error| malformed(error.to_string()))?;
            let line = record.position().map_or(0, csv::Position::line);
            let text = record.get(index_column).unwrap_or_default();
            let index = parse_index(text).ok_or_else(|| {
                malformed(format!(
                    "line {line}: {} `{text}` is no class index (0 to {MAX_CLASS_INDEX})",
                    &headers[index_column]
                ))
            })?;
            rows.push((index, record));
        }
        let columns: Vec<usize> = (0..headers.len())
            .filter(|&column| column != index_column)
            .collect();
        let mut conflict = None;
        let named: Vec<usize> = columns
            .iter()
            .copied()
            .filter(|&column| {
                let pairs = rows.iter().map(|(index, row)| (&row[column], *index));
                match ambiguous(pairs) {
                    None => true,
                    Some(name) => {
                        let header = &headers[column];
                        conflict.get_or_insert(format!(
                            "`{name}` in the column `{header}` stands for more than one class"
                        ));
                        false
                    }
                }
            })
            .collect();
        if named.is_empty() {
            let reason = conflict.unwrap_or_else(|| "no column of class names".into());
            return Err(malformed(reason));
        }
        let main = find(&NAME_COLUMNS)
            .filter(|column| named.contains(column))
            .unwrap_or(named[0]);
        let entries = rows.iter().map(|(index, row)| {
            let names = named.iter().map(|&column| row[column].to_owned());
            (*index, row[main].to_owned(), names.collect())
        });
        Self::of(entries.collect()).map_err(malformed)
    }

    /// A list of names, an object from names to indices, or one from indices to names.
    pub(super) fn read_json(path: &Path) -> Result<Self, DataError> {
        let malformed = |reason: String| DataError::malformed(path, reason);
        let bytes = std::fs::read(path).map_err(|error| DataError::io(path, error))?;
        let value: serde_json::Value = serde_json::from_slice(&bytes)
            .map_err(|error| malformed(format!("not JSON: {error}")))?;
        let entries: Option<Vec<Entry>> = match &value {
            serde_json::Value::Array(names) => {
                let names = names.iter().enumerate();
                names.map(|(index, name)| named(index, name)).collect()
            }
            serde_json::Value::Object(entries) => entries
                .iter()
                .map(|(key, value)| match value.as_u64() {
                    Some(index) => {
                        let index = usize::try_from(index).ok()?;
                        let index = (index <= MAX_CLASS_INDEX).then_some(index)?;
                        Some((index, key.clone(), vec![key.clone()]))
                    }
                    None => named(parse_index(key)?, value),
                })
                .collect(),
            _ => None,
        };
        let entries = entries.ok_or_else(|| {
            malformed(format!(
                "expected a list of class names, an object from names to class indices (0 to \
                 {MAX_CLASS_INDEX}), or one from class indices to names"
            ))
        })?;
        Self::of(entries).map_err(malformed)
    }

    fn of(entries: Vec<Entry>) -> Result<Self, String> {
        if entries.is_empty() {
            return Err("no class names".into());
        }
        let (mut classes, mut known, mut called) = (HashMap::new(), Vec::new(), BTreeMap::new());
        for (index, name, all) in entries {
            called.entry(index).or_insert(name);
            for name in all.into_iter().filter(|name| !name.is_empty()) {
                match classes.insert(name.clone(), index) {
                    None => known.push(name),
                    Some(before) if before == index => {}
                    Some(_) => return Err(format!("`{name}` stands for more than one class")),
                }
            }
        }
        let n_classes = called.keys().next_back().map_or(0, |last| last + 1);
        let name = |index: usize| called.get(&index).cloned().unwrap_or(index.to_string());
        Ok(Self {
            classes,
            known,
            names: (0..n_classes).map(name).collect(),
        })
    }
}

/// A class index, what the class is called, and every name that stands for it.
type Entry = (usize, String, Vec<String>);

/// A class with the name, or the list of names, that JSON has for it. Of a list the last is what the
/// class is called: Keras' lists hold the wnid first.
fn named(index: usize, value: &serde_json::Value) -> Option<Entry> {
    let names: Vec<String> = match value {
        serde_json::Value::Array(names) => names
            .iter()
            .map(|name| name.as_str().map(Into::into))
            .collect::<Option<_>>()?,
        name => vec![name.as_str()?.into()],
    };
    Some((index, names.last()?.clone(), names))
}

fn parse_index(text: &str) -> Option<usize> {
    text.parse().ok().filter(|index| *index <= MAX_CLASS_INDEX)
}

/// A name that stands for two classes.
fn ambiguous<'a>(pairs: impl Iterator<Item = (&'a str, usize)>) -> Option<&'a str> {
    let mut classes = HashMap::new();
    for (name, index) in pairs {
        if *classes.entry(name).or_insert(index) != index {
            return Some(name);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::super::ClassMap;
    use super::*;

    fn read(name: &str, content: &str) -> Result<ClassTable, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        match ClassMap::read(&path) {
            Ok(ClassMap::Table(table)) => Ok(table),
            Ok(other) => panic!("{other:?}"),
            Err(error) => Err(error.to_string()),
        }
    }

    fn classes(table: &ClassTable, names: &[&str]) -> Vec<Option<usize>> {
        let class = |name: &&str| table.class_of(name).map(|class| class.0);
        names.iter().map(class).collect()
    }

    #[test]
    fn every_column_in_which_a_value_stands_for_one_class_holds_names() {
        let table = read(
            "classes.csv",
            "class_index,wnid,name,group\n3,n03,\"cat, tabby\",pet\n1,n01,shark,fish\n0,n00,tench,fish\n",
        )
        .unwrap();
        assert_eq!(
            classes(&table, &["n03", "cat, tabby", "shark", "pet", "fish"]),
            [Some(3), Some(3), Some(1), None, None]
        );
        assert_eq!(table.names(), ["tench", "shark", "2", "cat, tabby"]);
        // Two folders of one class.
        let table = read("map.tsv", "folder\tindex\nkitten\t0\ncat\t0\n").unwrap();
        assert_eq!(classes(&table, &["kitten", "cat"]), [Some(0), Some(0)]);
        assert_eq!(table.names(), ["kitten"]);
    }

    #[test]
    fn json_may_go_either_way() {
        let keras = read(
            "i.json",
            r#"{"0": ["n01440764", "tench"], "1": ["n01443537", "goldfish"]}"#,
        )
        .unwrap();
        assert_eq!(
            classes(&keras, &["goldfish", "n01440764"]),
            [Some(1), Some(0)]
        );
        assert_eq!(keras.names(), ["tench", "goldfish"]);
        let torch = read("i.json", r#"{"dog": 1, "cat": 0}"#).unwrap();
        assert_eq!(torch.names(), ["cat", "dog"]);
        assert_eq!(
            read("i.json", r#"["cat", "dog"]"#).unwrap().names(),
            ["cat", "dog"]
        );
    }

    #[test]
    fn tables_that_make_no_sense_are_refused() {
        for (name, content, reason) in [
            (
                "a.csv",
                "name,number\na,0\n",
                "no column `class_index`; the columns are `name`, `number`",
            ),
            (
                "a.csv",
                "name,index\na,x\n",
                "line 2: index `x` is no class index",
            ),
            (
                "a.csv",
                "name,index\na,99999999\n",
                "line 2: index `99999999`",
            ),
            ("a.csv", "index\n1\n", "no column of class names"),
            ("a.csv", "name,index\n", "no class names"),
            (
                "a.csv",
                "name,index\na,0\na,1\n",
                "`a` in the column `name` stands for more than one",
            ),
            (
                "a.csv",
                "name,wnid,index\na,b,0\nb,c,1\n",
                "`b` stands for more than one class",
            ),
            ("a.json", "{", "not JSON"),
            ("a.json", "3", "expected a list of class names"),
            (
                "a.json",
                r#"{"a": 99999999}"#,
                "expected a list of class names",
            ),
            ("a.json", r#"{"a": 0.5}"#, "expected a list of class names"),
        ] {
            let message = read(name, content).unwrap_err();
            assert!(message.contains(reason), "{message}");
        }
    }
}
