//! Tables that list images: a column of paths, relative to the table, and one of labels.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use crate::decode::decode;
use crate::error::DataError;
use crate::folder::{file_size, read_file};
use crate::images::{About, ImageDataset, ImageSource, Listed};
use crate::open::DataOptions;
use crate::resample::RgbImage;
use crate::text_table::TextTable;
use crate::tree::{Labels, is_image_name};

/// Names of the column of paths, the likeliest first.
const PATH_COLUMNS: [&str; 9] = [
    "path",
    "file",
    "filename",
    "file_name",
    "filepath",
    "file_path",
    "image",
    "image_path",
    "img",
];
/// Names of the column of labels, the likeliest first.
const LABEL_COLUMNS: [&str; 9] = [
    "label",
    "labels",
    "class",
    "class_name",
    "class_index",
    "target",
    "category",
    "wnid",
    "y",
];
/// Rows whose paths are looked for, to tell a list of images from a table of features.
const LOOKED_AT: usize = 20;

/// Images by their places in a table.
pub(crate) struct Manifest {
    paths: Vec<PathBuf>,
}

/// A table that lists images.
pub(crate) struct ImageTable {
    table: TextTable,
    /// The column of paths.
    paths: usize,
    /// Whether the columns have names.
    has_header: bool,
}

impl ImageTable {
    /// Takes a table for a list of images where a column holds paths of files that are there, or is named
    /// as one, or names images; gives the table back otherwise.
    pub(crate) fn recognise(table: TextTable) -> Result<Self, TextTable> {
        let folder = folder_of(table.path());
        let is_file = |cell: &str| !cell.is_empty() && folder.join(cell).is_file();
        let named = table.find_any(&PATH_COLUMNS);
        let columns = || named.into_iter().chain(0..table.headers.len());
        let in_header = columns().find(|&column| {
            is_file(&table.headers[column]) || is_image_name(last_part(&table.headers[column]))
        });
        if let Some(paths) = in_header {
            return Ok(Self {
                table: table.without_header(),
                paths,
                has_header: false,
            });
        }
        let rows = table.n_rows().min(LOOKED_AT);
        let any = |column: usize, test: &dyn Fn(&str) -> bool| {
            (0..rows).any(|row| test(table.cell(row, column)))
        };
        // A number is no path, whatever lies there.
        let there = |cell: &str| cell.parse::<f64>().is_err() && is_file(cell);
        let found = columns().find(|&column| any(column, &there)).or_else(|| {
            columns().find(|&column| any(column, &|cell| is_image_name(last_part(cell))))
        });
        match found {
            Some(paths) => Ok(Self {
                table,
                paths,
                has_header: true,
            }),
            None => Err(table),
        }
    }

    /// The images with their labels.
    pub(crate) fn open(self, options: &DataOptions) -> Result<ImageDataset<Manifest>, DataError> {
        let path = self.table.path().to_path_buf();
        let folder = folder_of(&path);
        let cells: Vec<&str> = self.table.column(self.paths).collect();
        if let Some(row) = cells.iter().position(|cell| cell.is_empty()) {
            return Err(DataError::malformed(
                path,
                format!("line {}: no path", self.table.line(row)),
            ));
        }
        let paths: Vec<PathBuf> = cells.iter().map(|cell| folder.join(cell)).collect();
        if let (Some(first), false) = (paths.first(), paths.iter().any(|path| path.is_file())) {
            return Err(DataError::malformed(
                &path,
                format!(
                    "none of its {} images is there, such as {}; paths are relative to the folder of \
                     the table",
                    paths.len(),
                    first.display()
                ),
            ));
        }
        let ids = unique(&cells);
        let (labels, about) = self.labels(options)?;
        let list = ids.into_iter().zip(labels);
        let list = list.map(|(id, label)| Listed { id, label }).collect();
        ImageDataset::new(&path, Manifest { paths }, list, about, options)
    }

    fn labels(
        &self,
        options: &DataOptions,
    ) -> Result<(Vec<Option<crate::ClassIndex>>, About), DataError> {
        let table = &self.table;
        let others = || (0..table.headers.len()).filter(|&column| column != self.paths);
        let column = match &options.label_column {
            Some(name) => Some(table.expect(name)?),
            None if self.has_header => table
                .find_any(&LABEL_COLUMNS)
                .filter(|&column| column != self.paths)
                .or_else(|| others().next().filter(|_| others().count() == 1)),
            None => others().next(),
        };
        let Some(column) = column else {
            let about = About {
                kind: KIND,
                labelling: "none".into(),
                ..About::default()
            };
            return Ok((vec![None; table.n_rows()], about));
        };
        let word = |cell: &str| (!cell.is_empty()).then(|| cell.to_owned());
        let words: Vec<Option<String>> = table.column(column).map(word).collect();
        let mut found = Labels::of_words(table.path(), &words, options)?;
        found.about.kind = KIND;
        found.about.labelling = format!(
            "the column `{}`; {}",
            table.headers[column], found.about.labelling
        );
        Ok((found.labels, found.about))
    }
}

/// What the source is called.
const KIND: &str = "manifest";

impl ImageSource for Manifest {
    fn read(&self, place: usize, _id: &str) -> Result<RgbImage, String> {
        decode(&read_file(&self.paths[place])?)
    }

    fn size(&self, place: usize, _id: &str) -> u64 {
        file_size(&self.paths[place])
    }
}

fn folder_of(path: &Path) -> &Path {
    path.parent().unwrap_or(Path::new(""))
}

fn last_part(cell: &str) -> &str {
    cell.rsplit(['/', '\\']).next().unwrap_or(cell)
}

/// The paths as names; one that stands twice gets its row behind it.
fn unique(cells: &[&str]) -> Vec<String> {
    let mut seen: HashSet<String> = HashSet::with_capacity(cells.len());
    let mut ids = Vec::with_capacity(cells.len());
    for (row, cell) in cells.iter().enumerate() {
        let mut id = (*cell).to_owned();
        while !seen.insert(id.clone()) {
            id = format!("{id}#{row}");
        }
        ids.push(id);
    }
    ids
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique() {
        assert_eq!(
            unique(&["a", "b", "a", "a#2", "a"]),
            ["a", "b", "a#2", "a#2#3", "a#4"]
        );
    }
}
