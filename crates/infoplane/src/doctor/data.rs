//! The data set: its form, classes, labels, preprocessing, and a few of its samples.

use std::collections::BTreeMap;
use std::path::Path;

use infoplane_data::{
    ClassIndex, ClassMap, DataError, DataKind, DataOptions, Dataset, ImageShape, Preprocess,
    kept_indices,
};

use infoplane_estimators::MIN_SAMPLES;

use super::{Findings, Part, count, times};
use crate::config::RunConfig;
use crate::error::Error;
use crate::model::Model;
use crate::run::{n_outputs, sample_dims};

/// Samples that are looked at, spread evenly.
const LOOKED_AT: usize = 32;

/// Unreadable samples and unusual labels that are named.
const MAX_NAMED: usize = 3;

/// Samples of a label below which I(·;Y) is poorly estimated.
const FEW: usize = 10;

/// Values of a network's input beyond which they were hardly normalised.
const LARGE: f32 = 30.0;

/// A data set that could be opened.
pub(super) struct Examined {
    pub dataset: Option<Box<dyn Dataset>>,
    /// What is done to images; none where samples are taken as they are.
    pub preprocess: Option<Preprocess>,
    /// Whether its samples have the shape of the network's input, and its labels outputs.
    pub fits: bool,
}

impl Examined {
    /// The shape of its samples, where the network takes it.
    pub fn fitting_shape(&self) -> Option<Vec<usize>> {
        let dataset = self.dataset.as_ref().filter(|_| self.fits)?;
        Some(dataset.sample_shape().to_vec())
    }
}

/// Opens the data of a path and looks at a few samples.
pub(super) fn examine(
    path: &Path,
    config: &RunConfig,
    model: Option<&Model>,
    findings: &mut Findings,
) -> Examined {
    let mut examined = Examined {
        dataset: None,
        preprocess: None,
        fits: true,
    };
    let options = match options(path, config, model) {
        Ok(options) => options,
        Err(error) => {
            findings.fails(Part::Data, "settings", error.to_string());
            examined.fits = false;
            DataOptions::default()
        }
    };
    let preprocess = options.preprocess.clone();
    let n_outputs = options.n_outputs;
    let Some(dataset) = open(path, options, &mut examined.fits, findings) else {
        examined.fits = false;
        return examined;
    };
    let info = dataset.info();
    let said = format!(
        "{}, {} `{}`",
        count(dataset.len(), "sample"),
        info.kind,
        info.name
    );
    match dataset.len() {
        n if n < MIN_SAMPLES => findings.fails_with(
            Part::Data,
            "form",
            said,
            format!("estimates need at least {MIN_SAMPLES} samples"),
        ),
        _ => findings.fits(Part::Data, "form", said),
    }
    for warning in &info.warnings {
        findings.note(Part::Data, "labels", warning.clone());
    }
    classes(dataset.as_ref(), n_outputs, &mut examined.fits, findings);
    findings.fits(Part::Data, "preprocessing", info.preprocessing.clone());
    if let Err(error) = config.check_data_kind(&info.kind) {
        findings.fails(Part::Data, "settings", error.to_string());
    }
    if examined.fits {
        let said = format!(
            "{} a sample{}",
            times(dataset.sample_shape()),
            match model {
                Some(_) => ", as the network takes it",
                None => "",
            }
        );
        findings.fits(Part::Data, "shape", said);
    }
    look(dataset.as_ref(), findings);
    let is_of_images = matches!(infoplane_data::kind_of(path), Ok(DataKind::Images));
    examined.preprocess = is_of_images.then_some(preprocess);
    examined.dataset = Some(dataset);
    examined
}

/// How `run` would open the data.
fn options(path: &Path, config: &RunConfig, model: Option<&Model>) -> Result<DataOptions, Error> {
    let preprocess = match infoplane_data::kind_of(path) {
        Ok(DataKind::Table) => Preprocess::default(),
        _ => config.preprocess(&model.map(sample_dims).unwrap_or_default())?,
    };
    Ok(DataOptions {
        expected_shape: model.and_then(|model| model.graph().sample_shape()),
        // A network that can't be shaped is said elsewhere.
        n_outputs: model.and_then(|model| n_outputs(model).ok().flatten()),
        ..config.data_options(preprocess)?
    })
}

/// Opens the data; what does not fit is said, and then left out of account.
fn open(
    path: &Path,
    mut options: DataOptions,
    fits: &mut bool,
    findings: &mut Findings,
) -> Option<Box<dyn Dataset>> {
    loop {
        let error = match infoplane_data::open(path, &options) {
            Ok(dataset) => return Some(dataset),
            Err(error) => error,
        };
        *fits = false;
        match &error {
            DataError::ShapeMismatch {
                found, expected, ..
            } if options.expected_shape.is_some() => {
                let said = format!(
                    "{} a sample after preprocessing, where the network takes {}",
                    times(found),
                    times(expected)
                );
                match remedy(found, expected) {
                    Some(flags) => {
                        findings.fails_with(
                            Part::Data,
                            "shape",
                            said,
                            format!("{flags} would make them fit"),
                        );
                        findings.remedy.get_or_insert(flags);
                    }
                    None => findings.fails(Part::Data, "shape", said),
                }
                options.expected_shape = None;
            }
            DataError::FeatureCount { .. } if options.expected_shape.is_some() => {
                findings.fails(Part::Data, "shape", error.to_string());
                options.expected_shape = None;
            }
            // How many there are is said when all labels are known.
            DataError::ClassOutOfRange { .. } if options.n_outputs.is_some() => {
                options.n_outputs = None
            }
            DataError::UnknownClasses { .. } if options.class_map != ClassMap::Auto => {
                findings.fails(Part::Data, "classes", error.to_string());
                options.class_map = ClassMap::Auto;
            }
            _ => {
                findings.fails(Part::Data, "form", error.to_string());
                return None;
            }
        }
    }
}

/// The flags that give images the shape of the network's input, where any do.
fn remedy(found: &[usize], expected: &[usize]) -> Option<String> {
    let (found, expected) = (ImageShape::of(found)?, ImageShape::of(expected)?);
    let side = expected.height;
    (found.channels == expected.channels && side == expected.width)
        .then(|| format!("--resize {side} --crop {side}"))
}

/// Classes, their numbers, and labels that the network has no output for.
fn classes(
    dataset: &dyn Dataset,
    n_outputs: Option<usize>,
    fits: &mut bool,
    findings: &mut Findings,
) {
    let mut numbers: BTreeMap<usize, usize> = BTreeMap::new();
    let mut outside: Vec<(usize, usize)> = Vec::new();
    let mut unlabelled = 0;
    for index in 0..dataset.len() {
        match dataset.label(index) {
            Some(ClassIndex(class)) => {
                *numbers.entry(class).or_default() += 1;
                if n_outputs.is_some_and(|n| class >= n) {
                    outside.push((index, class));
                }
            }
            None => unlabelled += 1,
        }
    }
    if numbers.is_empty() {
        findings.note_with(
            Part::Data,
            "classes",
            "the samples have no labels".to_string(),
            "I(·;Y) is then that with the class the network predicts: --against predicted"
                .to_string(),
        );
        return;
    }
    let (fewest, most) = numbers
        .values()
        .fold((usize::MAX, 0), |(low, high), &n| (low.min(n), high.max(n)));
    let each = match fewest == most {
        true => format!("{fewest} of each"),
        false => format!("{fewest} to {most} of each"),
    };
    let of_outputs = n_outputs.map_or_else(String::new, |n| format!(" for {}", count(n, "output")));
    let n_classes = numbers.len();
    let classes = match n_classes {
        1 => "1 class".to_string(),
        n => format!("{n} classes"),
    };
    let said = format!(
        "{classes}{of_outputs}, {each}; {}",
        dataset.info().labelling
    );
    match () {
        () if n_classes == 1 => findings.note_with(
            Part::Data,
            "classes",
            said,
            "with one class there is nothing to know of the label, and I(·;Y) is 0".to_string(),
        ),
        () if fewest < FEW => findings.note_with(
            Part::Data,
            "classes",
            said,
            format!("I(·;Y) needs some {FEW} samples of a label; map the classes to coarse groups: --groups FILE.csv:COLUMN"),
        ),
        () => findings.fits(Part::Data, "classes", said),
    }
    if unlabelled > 0 {
        findings.note(
            Part::Data,
            "labels",
            format!("{} have no label", count(unlabelled, "sample")),
        );
    }
    if let (Some(&(_, largest)), Some(n)) =
        (outside.iter().max_by_key(|(_, class)| class), n_outputs)
    {
        *fits = false;
        let named: Vec<String> = outside
            .iter()
            .take(MAX_NAMED)
            .map(|&(index, class)| format!("{class} of {}", dataset.id(index)))
            .collect();
        findings.fails_with(
            Part::Data,
            "labels",
            format!(
                "{} {} no output: the labels reach {largest}, the outputs {} ({})",
                count(outside.len(), "label"),
                if outside.len() == 1 { "has" } else { "have" },
                n - 1,
                named.join(", ")
            ),
            "give the class names in the order of the outputs: --classes names.txt".to_string(),
        );
    }
}

/// Reads some samples, and says which can't be read and whether their values are those of a network's
/// input.
fn look(dataset: &dyn Dataset, findings: &mut Findings) {
    let looked_at = kept_indices(dataset.len(), Some(LOOKED_AT));
    let mut row = vec![0.0f32; dataset.sample_shape().iter().product()];
    let (mut n, mut sum, mut squares) = (0.0, 0.0, 0.0);
    let (mut least, mut most) = (f32::INFINITY, f32::NEG_INFINITY);
    let mut unreadable = Vec::new();
    for &index in &looked_at {
        if let Err(error) = dataset.load(index, &mut row) {
            unreadable.push(format!("{}: {}", error.id, error.reason));
            continue;
        }
        for &value in &row {
            n += 1.0;
            sum += f64::from(value);
            squares += f64::from(value) * f64::from(value);
            (least, most) = (least.min(value), most.max(value));
        }
    }
    let n_read = looked_at.len() - unreadable.len();
    if unreadable.is_empty() {
        let said = format!(
            "{} looked at, all readable",
            count(looked_at.len(), "sample")
        );
        findings.fits(Part::Data, "samples", said);
    } else {
        let named: Vec<&str> = unreadable
            .iter()
            .take(MAX_NAMED)
            .map(String::as_str)
            .collect();
        let said = format!(
            "{} of {} looked at can't be read: {}",
            unreadable.len(),
            looked_at.len(),
            named.join("; ")
        );
        match n_read {
            0 => findings.fails(Part::Data, "samples", said),
            _ => findings.note_with(
                Part::Data,
                "samples",
                said,
                "such samples are skipped, named and counted; with --strict they are an error"
                    .to_string(),
            ),
        }
    }
    if n_read == 0 {
        return;
    }
    let mean = sum / n;
    let deviation = (squares / n - mean * mean).max(0.0).sqrt();
    let said =
        format!("{least:.3} to {most:.3}, mean {mean:.3}, standard deviation {deviation:.3}");
    if deviation == 0.0 {
        let hint = "every value is the same; is this the right data?".to_string();
        findings.note_with(Part::Data, "values", said, hint);
    } else if most.abs().max(least.abs()) > LARGE {
        let hint = "most networks are trained on values around 0 of about unit size; is the preprocessing that of the training?".to_string();
        findings.note_with(Part::Data, "values", said, hint);
    } else {
        findings.fits(Part::Data, "values", said);
    }
}
