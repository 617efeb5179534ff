//! Columns, and the variable that they are together.

use std::collections::BTreeMap;

use super::{REPEATS, Values, VariableKind};

/// A named column of a table, or an array.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Column {
    pub name: String,
    pub cells: Cells,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Cells {
    /// Row-major `[n, width]`, NaN where missing.
    Numbers {
        data: Vec<f64>,
        width: usize,
        /// Whether all of them are whole numbers by their type or spelling.
        whole: bool,
    },
    /// Text or booleans; none where missing.
    Text(Vec<Option<String>>),
}

impl Column {
    pub fn numbers(name: String, data: Vec<f64>, width: usize) -> Column {
        let whole = false;
        Column {
            name,
            cells: Cells::Numbers { data, width, whole },
        }
    }

    /// One whole number a row.
    pub fn whole(name: String, data: Vec<f64>) -> Column {
        Column {
            name,
            cells: Cells::Numbers {
                data,
                width: 1,
                whole: true,
            },
        }
    }

    pub fn text(name: String, cells: Vec<Option<String>>) -> Column {
        Column {
            name,
            cells: Cells::Text(cells),
        }
    }

    /// Number of rows.
    pub fn n_rows(&self) -> usize {
        match &self.cells {
            Cells::Numbers { data, width, .. } => data.len() / (*width).max(1),
            Cells::Text(cells) => cells.len(),
        }
    }

    /// Numbers of a row; 1 for text.
    pub fn width(&self) -> usize {
        match &self.cells {
            Cells::Numbers { width, .. } => *width,
            Cells::Text(_) => 1,
        }
    }

    fn is_categorical(&self) -> bool {
        match &self.cells {
            Cells::Text(_) => true,
            Cells::Numbers { data, whole, .. } => {
                let mut distinct: Vec<u64> = data.iter().map(|v| v.to_bits()).collect();
                distinct.sort_unstable();
                distinct.dedup();
                *whole && !data.is_empty() && distinct.len() * REPEATS <= data.len()
            }
        }
    }
}

/// The columns as one variable.
pub(crate) fn values(columns: Vec<Column>, kind: VariableKind) -> Result<Values, String> {
    let as_classes = match kind {
        VariableKind::Classes => true,
        VariableKind::Numbers => false,
        // Whole numbers beside others are numbers.
        VariableKind::Auto if columns.len() == 1 => columns[0].is_categorical(),
        VariableKind::Auto => false,
    };
    match <[Column; 1]>::try_from(columns) {
        Ok([column]) if as_classes => classes(column),
        Ok(column) => numbers(column.into()),
        Err(columns) if as_classes => Err(format!(
            "{} columns can't be classes together; name one with `FILE:COLUMN`",
            columns.len()
        )),
        Err(columns) => numbers(columns),
    }
}

fn classes(column: Column) -> Result<Values, String> {
    let cells: Vec<Option<String>> = match column.cells {
        Cells::Text(cells) => cells,
        Cells::Numbers { data, width: 1, .. } => {
            let name = |v: f64| (!v.is_nan()).then(|| v.to_string());
            return Ok(by_number(&data, name));
        }
        Cells::Numbers { width, .. } => {
            return Err(format!(
                "vectors of {width} numbers can't be classes; expected one a sample"
            ));
        }
    };
    let mut index: BTreeMap<String, u32> = cells.iter().flatten().map(|c| (c.clone(), 0)).collect();
    for (position, place) in (0u32..).zip(index.values_mut()) {
        *place = position;
    }
    Ok(Values::Classes {
        classes: cells
            .iter()
            .map(|cell| cell.as_ref().and_then(|cell| index.get(cell)).copied())
            .collect(),
        names: index.into_keys().collect(),
    })
}

/// Classes in the order of their numbers.
fn by_number(data: &[f64], name: impl Fn(f64) -> Option<String>) -> Values {
    let mut distinct: Vec<f64> = data.iter().copied().filter(|v| !v.is_nan()).collect();
    distinct.sort_unstable_by(f64::total_cmp);
    // By value, so that 0 and −0 are one class.
    distinct.dedup();
    let class = |v: f64| distinct.iter().position(|&d| d == v);
    let position = |v: f64| {
        let at = distinct.partition_point(|&d| d < v);
        (distinct.get(at) == Some(&v))
            .then_some(at)
            .or_else(|| class(v))
    };
    Values::Classes {
        classes: data
            .iter()
            .map(|&v| position(v).and_then(|at| u32::try_from(at).ok()))
            .collect(),
        names: distinct.iter().filter_map(|&v| name(v)).collect(),
    }
}

fn numbers(columns: Vec<Column>) -> Result<Values, String> {
    let mut parts: Vec<(Vec<f64>, usize)> = Vec::with_capacity(columns.len());
    for Column { name, cells } in columns {
        match cells {
            Cells::Numbers { data, width, .. } => parts.push((data, width)),
            Cells::Text(cells) => {
                let example = cells.iter().flatten().next();
                let example = example.map_or(String::new(), |cell| format!(", such as {cell:?},"));
                return Err(format!(
                    "column `{name}` holds text{example} and not numbers; name the columns of numbers \
                     with `FILE:COLUMN,COLUMN`, or this one alone to have its values as classes"
                ));
            }
        }
    }
    let width: usize = parts.iter().map(|(_, width)| width).sum();
    if let [(_, _)] = parts.as_slice()
        && let Some((data, width)) = parts.pop()
    {
        return Ok(Values::Numbers { data, width });
    }
    let n = parts.first().map_or(0, |(data, width)| data.len() / width);
    let mut data = Vec::with_capacity(n * width);
    for row in 0..n {
        for (part, width) in &parts {
            data.extend_from_slice(&part[row * width..(row + 1) * width]);
        }
    }
    Ok(Values::Numbers { data, width })
}
