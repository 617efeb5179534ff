//! Rows of a table as samples: columns of numbers are the network's input, another the label.

use std::path::Path;

use crate::dataset::{ClassIndex, Dataset, DatasetInfo, Fingerprint};
use crate::error::{DataError, SampleError};
use crate::images::About;
use crate::open::{DataOptions, check_labels, source_name};
use crate::selection::selected;
use crate::text_table::TextTable;
use crate::tree::Labels;
use crate::variables::columns::{Cells, Column};
use crate::variables::table::{columns_of, read_parquet};

mod scaling;

use scaling::Scale;
pub use scaling::Standardise;

/// Names of the column of labels, in any case, the likeliest first.
const LABEL_COLUMNS: [&str; 4] = ["label", "target", "class", "y"];
/// Names that a message lists.
const LISTED: usize = 12;

/// How the columns of a table are taken.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct TableOptions {
    /// The columns of the network's input, in its order; all but the label's where empty.
    pub features: Vec<String>,
    /// Subtracted from each feature; one number for all.
    pub mean: Option<Vec<f32>>,
    /// Divides each feature after that; one number for all.
    pub std: Option<Vec<f32>>,
    /// Mean and standard deviation by feature, in place of these.
    pub standardise: Option<Standardise>,
}

/// Samples of a table, in memory.
pub(crate) struct TableDataset {
    info: DatasetInfo,
    shape: Vec<usize>,
    /// Row-major, a row each sample.
    values: Vec<f32>,
    ids: Vec<String>,
    labels: Vec<Option<ClassIndex>>,
}

/// A table of text that lists no images.
pub(crate) fn open_text(
    table: &TextTable,
    options: &DataOptions,
) -> Result<TableDataset, DataError> {
    let chosen = choose(table.path(), &table.headers, options)?;
    let columns = columns_of(table, &chosen);
    open(table.path(), columns, options)
}

/// A Parquet file without images.
pub(crate) fn open_parquet(path: &Path, options: &DataOptions) -> Result<TableDataset, DataError> {
    let columns = read_parquet(path, |_, names| choose(path, names, options))?;
    open(path, columns, options)
}

/// The columns that are needed: the named features and what may be the label, or all.
fn choose(path: &Path, names: &[String], options: &DataOptions) -> Result<Vec<usize>, DataError> {
    let find = |name: &String| {
        let at = names.iter().position(|present| present == name);
        at.ok_or_else(|| DataError::MissingColumn {
            path: path.into(),
            column: name.clone(),
            present: names.to_vec(),
        })
    };
    let label = options.label_column.as_ref().map(find).transpose()?;
    let features = &options.table.features;
    if features.is_empty() {
        return Ok((0..names.len()).collect());
    }
    let mut chosen: Vec<usize> = features.iter().map(find).collect::<Result<_, _>>()?;
    if let Some(label) = label.or_else(|| usual_label(names)) {
        if chosen.contains(&label) && options.label_column.is_some() {
            return Err(DataError::Selection(format!(
                "the column `{}` is both a feature and the label",
                names[label]
            )));
        }
        if !chosen.contains(&label) {
            chosen.push(label);
        }
    }
    Ok(chosen)
}

fn usual_label(names: &[String]) -> Option<usize> {
    LABEL_COLUMNS.iter().find_map(|label| {
        let mut names = names.iter();
        names.position(|name| name.eq_ignore_ascii_case(label))
    })
}

fn open(
    path: &Path,
    mut columns: Vec<Column>,
    options: &DataOptions,
) -> Result<TableDataset, DataError> {
    let n_inputs = options
        .expected_shape
        .as_ref()
        .map(|shape| shape.iter().product::<usize>());
    let n_rows = columns.first().map_or(0, Column::n_rows);
    if n_rows == 0 {
        return Err(DataError::Empty {
            path: path.into(),
            reason: "the table has no rows".into(),
        });
    }
    let label = take_label(&mut columns, n_inputs, options);
    let Features { names, mut values } = features(path, &columns)?;
    if let Some(n_inputs) = n_inputs
        && n_inputs != names.len()
    {
        return Err(DataError::FeatureCount {
            path: path.into(),
            features: names,
            label: label.map(|(column, _)| column.name),
            n_inputs,
        });
    }
    let scale = Scale::of(path, &options.table, &names, &values)?;
    scale.apply(&mut values, names.len());

    let (labels, mut about) = match label {
        None => {
            let about = About {
                class_names: options.class_map.given_names(),
                labelling: "none".into(),
                ..About::default()
            };
            (vec![None; n_rows], about)
        }
        Some((column, how)) => {
            let words = words(path, &column)?;
            let found = Labels::of_words(path, &words, options)?;
            let mut about = found.about;
            about.labelling = format!("the column `{}`{how}; {}", column.name, about.labelling);
            let missing = words.iter().filter(|word| word.is_none()).count();
            if missing > 0 {
                about.warnings.push(format!(
                    "{missing} of the {n_rows} rows have no label in the column `{}`",
                    column.name
                ));
            }
            (found.labels, about)
        }
    };
    let id = |row: usize| row.to_string();
    let rows = selected(
        path,
        &labels,
        id,
        options,
        &about.class_names,
        &mut about.warnings,
    )?;
    let width = names.len();
    let mut fingerprint = Fingerprint::default();
    let (mut kept, mut ids, mut kept_labels) = (Vec::new(), Vec::new(), Vec::new());
    for row in rows {
        let values = &values[row * width..(row + 1) * width];
        let values = values.iter().map(|&value| value as f32);
        let bytes: Vec<u8> = values.clone().flat_map(f32::to_le_bytes).collect();
        fingerprint.sample(&id(row), bytes.len() as u64, labels[row]);
        fingerprint.bytes(&bytes);
        kept.extend(values);
        ids.push(id(row));
        kept_labels.push(labels[row]);
    }
    check_labels(path, &ids, &kept_labels, options)?;
    Ok(TableDataset {
        shape: match &options.expected_shape {
            Some(shape) => shape.clone(),
            None => vec![width],
        },
        info: DatasetInfo {
            name: source_name(path),
            kind: "table".into(),
            class_names: about.class_names,
            labelling: about.labelling,
            fingerprint: fingerprint.finish(),
            preprocessing: scale.describe(),
            features: names,
            warnings: about.warnings,
        },
        values: kept,
        ids,
        labels: kept_labels,
    })
}

/// Takes the label's column out, with how it was found where that needs saying: the one that is named, one
/// of a usual name, or the last where the table has one column more than the network has inputs.
fn take_label(
    columns: &mut Vec<Column>,
    n_inputs: Option<usize>,
    options: &DataOptions,
) -> Option<(Column, &'static str)> {
    let names: Vec<String> = columns.iter().map(|column| column.name.clone()).collect();
    let is_feature = |at: &usize| options.table.features.contains(&names[*at]);
    let named = match &options.label_column {
        Some(name) => names.iter().position(|present| present == name),
        None => usual_label(&names).filter(|at| !is_feature(at)),
    };
    if let Some(at) = named {
        return Some((columns.remove(at), ""));
    }
    let width: usize = columns.iter().map(Column::width).sum();
    let last = n_inputs.is_some_and(|n_inputs| width == n_inputs + 1);
    let column = columns.pop_if(|_| last)?;
    Some((column, ", the last"))
}

/// Numbers by feature.
struct Features {
    names: Vec<String>,
    /// Row-major.
    values: Vec<f64>,
}

fn features(path: &Path, columns: &[Column]) -> Result<Features, DataError> {
    let malformed = |reason: String| DataError::malformed(path, reason);
    let (mut names, mut parts) = (Vec::new(), Vec::new());
    for Column { name, cells } in columns {
        match cells {
            Cells::Numbers { data, width, .. } => {
                if let Some(at) = data.iter().position(|value| !value.is_finite()) {
                    let found = match data[at] {
                        value if value.is_nan() => "no number".to_owned(),
                        value => value.to_string(),
                    };
                    return Err(malformed(format!(
                        "row {}, column `{name}`: {found}; the network needs a finite number in each, so \
                         fill or leave out such rows",
                        at / width + 1
                    )));
                }
                match width {
                    1 => names.push(name.clone()),
                    width => names.extend((0..*width).map(|at| format!("{name}[{at}]"))),
                }
                parts.push((data, *width));
            }
            Cells::Text(cells) => {
                let text = cells.iter().position(Option::is_some);
                let example = text.and_then(|row| Some((row, cells[row].as_ref()?)));
                return Err(malformed(match example {
                    Some((row, text)) => format!(
                        "row {}, column `{name}`: {text:?} is no number; name the columns of the network's \
                         input as features, or this one as the label",
                        row + 1
                    ),
                    None => format!("row 1, column `{name}`: no number"),
                }));
            }
        }
    }
    if parts.is_empty() {
        return Err(malformed("no column of features".into()));
    }
    let n_rows = columns.first().map_or(0, Column::n_rows);
    let mut values = Vec::with_capacity(n_rows * names.len());
    for row in 0..n_rows {
        for (data, width) in &parts {
            values.extend_from_slice(&data[row * width..(row + 1) * width]);
        }
    }
    Ok(Features { names, values })
}

/// Labels as they are written; whole numbers without a point.
fn words(path: &Path, column: &Column) -> Result<Vec<Option<String>>, DataError> {
    match &column.cells {
        Cells::Text(cells) => Ok(cells.clone()),
        Cells::Numbers { data, width: 1, .. } => data
            .iter()
            .enumerate()
            .map(|(row, &value)| match value {
                value if value.is_nan() => Ok(None),
                value if value.fract() == 0.0 => Ok(Some(value.to_string())),
                value => Err(DataError::malformed(
                    path,
                    format!(
                        "row {}, column `{}`: {value} is no class",
                        row + 1,
                        column.name
                    ),
                )),
            })
            .collect(),
        Cells::Numbers { width, .. } => Err(DataError::malformed(
            path,
            format!(
                "column `{}` holds lists of {width} numbers, and no classes",
                column.name
            ),
        )),
    }
}

/// Names, as far as a message lists them.
pub(crate) fn listed(names: &[String]) -> String {
    let shown = names.iter().take(LISTED);
    let mut shown: Vec<String> = shown.map(|name| format!("`{name}`")).collect();
    if names.len() > LISTED {
        shown.push(format!("and {} more", names.len() - LISTED));
    }
    shown.join(", ")
}

impl Dataset for TableDataset {
    fn len(&self) -> usize {
        self.ids.len()
    }

    fn info(&self) -> &DatasetInfo {
        &self.info
    }

    fn sample_shape(&self) -> &[usize] {
        &self.shape
    }

    fn id(&self, index: usize) -> &str {
        &self.ids[index]
    }

    fn label(&self, index: usize) -> Option<ClassIndex> {
        self.labels[index]
    }

    fn load(&self, index: usize, out: &mut [f32]) -> Result<(), SampleError> {
        let width = self.info.features.len();
        assert_eq!(out.len(), width, "a sample's buffer has the sample's size");
        out.copy_from_slice(&self.values[index * width..(index + 1) * width]);
        Ok(())
    }
}
