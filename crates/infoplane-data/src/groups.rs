//! Coarse groups of classes from a CSV table.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::dataset::ClassIndex;
use crate::error::DataError;

/// The column that holds the class index.
const CLASS_COLUMN: &str = "class_index";

/// Which group each class belongs to. Groups are numbered in the sorted order of their names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupMap {
    /// Group names by group index, sorted.
    pub names: Vec<String>,
    /// Group of each class, by class index; none for classes that the table does not hold.
    groups: Vec<Option<usize>>,
}

impl GroupMap {
    /// One more than the largest class index in the table.
    pub fn n_classes(&self) -> usize {
        self.groups.len()
    }

    /// The group index of a class, where the table holds the class.
    pub fn group_of(&self, class: ClassIndex) -> Option<usize> {
        self.groups.get(class.0).copied().flatten()
    }
}

/// Reads `FILE:COLUMN`: a CSV table with a column `class_index` and the named column, which holds
/// the group's name.
///
/// # Errors
/// [`DataError::GroupSpec`] without a column; [`DataError::MissingColumn`] listing the columns that
/// are there; [`DataError::Malformed`] naming the row of a class index that is no number, an empty
/// group, or a class with two groups; [`DataError::NotFound`].
pub fn group_map(spec: &str) -> Result<GroupMap, DataError> {
    let (file, column) = spec
        .rsplit_once(':')
        .filter(|(file, column)| !file.is_empty() && !column.is_empty())
        .ok_or_else(|| DataError::GroupSpec(spec.into()))?;
    read_groups(Path::new(file), column)
}

/// Larger class indices are taken for errors rather than allocated for.
const MAX_CLASS_INDEX: usize = 1 << 24;

fn read_groups(path: &Path, column: &str) -> Result<GroupMap, DataError> {
    let bytes = std::fs::read(path).map_err(|error| DataError::io(path, error))?;
    let mut reader = csv::ReaderBuilder::new()
        .trim(csv::Trim::All)
        .from_reader(bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes));
    let malformed = |reason: String| DataError::malformed(path, reason);
    let headers = reader
        .headers()
        .map_err(|error| malformed(error.to_string()))?
        .clone();
    let position = |name: &str| {
        headers
            .iter()
            .position(|header| header == name)
            .ok_or_else(|| DataError::MissingColumn {
                path: PathBuf::from(path),
                column: name.into(),
                present: headers.iter().map(Into::into).collect(),
            })
    };
    let (class_column, group_column) = (position(CLASS_COLUMN)?, position(column)?);

    let mut rows: Vec<(usize, String)> = Vec::new();
    for record in reader.records() {
        let record = record.map_err(|error| malformed(error.to_string()))?;
        let line = record.position().map_or(0, csv::Position::line);
        let class = record.get(class_column).unwrap_or_default();
        let class = class
            .parse()
            .ok()
            .filter(|&class| class <= MAX_CLASS_INDEX)
            .ok_or_else(|| {
                malformed(format!(
                    "line {line}: {CLASS_COLUMN} `{class}` is no class index"
                ))
            })?;
        let group = record.get(group_column).unwrap_or_default();
        if group.is_empty() {
            return Err(malformed(format!(
                "line {line}: no `{column}` for class {class}"
            )));
        }
        rows.push((class, group.into()));
    }
    if rows.is_empty() {
        return Err(malformed("no rows".into()));
    }

    let mut names: Vec<String> = rows.iter().map(|(_, group)| group.clone()).collect();
    names.sort();
    names.dedup();
    let n_classes = rows.iter().map(|(class, _)| class + 1).max().unwrap_or(0);
    let mut groups = vec![None; n_classes];
    for (class, group) in &rows {
        let index = names.binary_search(group).ok();
        match groups.get_mut(*class) {
            Some(slot @ None) => *slot = index,
            Some(slot) if *slot == index => {}
            _ => {
                return Err(malformed(format!(
                    "class {class} is in more than one `{column}`"
                )));
            }
        }
    }
    Ok(GroupMap { names, groups })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(content: &str, column: &str) -> Result<GroupMap, DataError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("classes.csv");
        std::fs::write(&path, content).unwrap();
        group_map(&format!("{}:{column}", path.display()))
    }

    #[test]
    fn classes_get_the_sorted_index_of_their_group() {
        let map = read(
            "name,class_index,group\n\"cat, tabby\",3,pet\nshark,1,fish\ntench,0,fish\n",
            "group",
        )
        .unwrap();
        assert_eq!(map.names, ["fish", "pet"]);
        let groups: Vec<_> = (0..5)
            .map(|class| map.group_of(ClassIndex(class)))
            .collect();
        assert_eq!(groups, [Some(0), Some(0), None, Some(1), None]);
    }

    #[test]
    fn a_missing_column_is_named_with_the_columns_that_are_there() {
        let message = read("class_index,group\n0,a\n", "grp")
            .unwrap_err()
            .to_string();
        assert!(
            message.contains("no column `grp`; the columns are `class_index`, `group`"),
            "{message}"
        );
        let message = read("class,group\n0,a\n", "group").unwrap_err().to_string();
        assert!(message.contains("no column `class_index`"), "{message}");
    }

    #[test]
    fn rows_that_make_no_sense_are_named() {
        for (content, reason) in [
            (
                "class_index,group\nx,a\n",
                "line 2: class_index `x` is no class index",
            ),
            ("class_index,group\n0,a\n-1,a\n", "line 3: class_index `-1`"),
            ("class_index,group\n99999999999,a\n", "is no class index"),
            ("class_index,group\n0,\n", "line 2: no `group` for class 0"),
            (
                "class_index,group\n0,a\n0,b\n",
                "class 0 is in more than one `group`",
            ),
            ("class_index,group\n", "no rows"),
            ("class_index,group\n0\n", "line: 2"),
        ] {
            let message = read(content, "group").unwrap_err().to_string();
            assert!(message.contains(reason), "{message}");
        }
        assert!(matches!(
            group_map("classes.csv"),
            Err(DataError::GroupSpec(_))
        ));
        assert!(matches!(
            group_map("absent.csv:group"),
            Err(DataError::NotFound { .. })
        ));
    }
}
