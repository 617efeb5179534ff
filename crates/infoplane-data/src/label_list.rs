//! A list of labels beside images that have no class folders, as ImageNet's validation set.

use std::collections::HashMap;
use std::path::Path;

use crate::classes::ClassMap;
use crate::error::DataError;
use crate::inputs::lower_extension;
use crate::open::DataOptions;
use crate::tree::Labels;

/// Names that the first column of a list with a header may have, in lower case.
const NAME_HEADERS: [&str; 8] = [
    "imageid",
    "image_id",
    "filename",
    "file_name",
    "file",
    "path",
    "image",
    "id",
];
/// The second column of Kaggle's list for ImageNet: a wnid and four numbers for each box.
const KAGGLE_BOXES: &str = "predictionstring";

/// Labels as a file has them.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum LabelList {
    /// By the name of the image: its path, its file name, or that without its extension.
    ByName(HashMap<String, String>),
    /// One for each image, in the sorted order of their names.
    InOrder(Vec<String>),
}

impl LabelList {
    /// Reads
    ///
    /// - a table of names and labels: `.csv`, or lines of two or more words apart by tabs or spaces of
    ///   which the first two count; with Kaggle's `ImageId,PredictionString` the first word of the
    ///   second column is the label;
    /// - lines of one label.
    pub(crate) fn read(path: &Path) -> Result<Self, DataError> {
        let malformed = |reason: String| DataError::malformed(path, reason);
        let text = std::fs::read_to_string(path).map_err(|error| DataError::io(path, error))?;
        let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
        let rows = match lower_extension(path).as_str() {
            "csv" => of_csv(text).map_err(malformed)?,
            _ => of_lines(text),
        };
        let Some((_, first)) = rows.first() else {
            return Err(malformed("no labels".into()));
        };
        let width = first.len().min(2);
        if let Some((line, row)) = rows.iter().find(|(_, row)| row.len().min(2) != width) {
            return Err(malformed(format!(
                "line {line} has {} words, and the first has {}; expected a label a line, or a name and \
                 a label",
                row.len(),
                first.len()
            )));
        }
        if width == 1 {
            let labels = rows.into_iter().flat_map(|(_, row)| row);
            return Ok(Self::InOrder(labels.collect()));
        }
        let mut labels: HashMap<String, String> = HashMap::with_capacity(rows.len());
        for (line, row) in rows {
            let mut row = row.into_iter();
            let (Some(name), Some(label)) = (row.next(), row.next()) else {
                continue;
            };
            match labels.get(&name) {
                Some(before) if *before != label => {
                    return Err(malformed(format!(
                        "line {line}: `{name}` has the label `{label}` here and `{before}` before"
                    )));
                }
                _ => labels.insert(name, label),
            };
        }
        Ok(Self::ByName(labels))
    }

    /// The labels of the images `ids`, which are sorted. `path` is where these are, `list` where this
    /// was read.
    pub(crate) fn of(
        &self,
        path: &Path,
        list: &Path,
        ids: &[String],
        options: &DataOptions,
    ) -> Result<Labels, DataError> {
        let malformed = |reason: String| DataError::malformed(list, reason);
        let words: Vec<Option<String>> = match self {
            Self::InOrder(labels) if labels.len() == ids.len() => {
                if let (ClassMap::Auto, true) = (&options.class_map, are_ilsvrc_ids(list, labels)) {
                    return Err(malformed(ILSVRC_IDS.into()));
                }
                labels.iter().cloned().map(Some).collect()
            }
            Self::InOrder(labels) => {
                return Err(malformed(format!(
                    "{} labels for {} images in {}; a list without names needs one for each",
                    labels.len(),
                    ids.len(),
                    path.display()
                )));
            }
            Self::ByName(labels) => {
                let find = |id: &String| names_of(id).find_map(|name| labels.get(name)).cloned();
                ids.iter().map(find).collect()
            }
        };
        let unlabelled = words.iter().position(Option::is_none);
        let n_unlabelled = words.iter().filter(|word| word.is_none()).count();
        if let (Self::ByName(labels), Some(first)) = (self, unlabelled) {
            // The least, so that the message does not depend on the order of a hash.
            let example = labels.keys().min().map_or("", String::as_str);
            if n_unlabelled == ids.len() {
                return Err(malformed(format!(
                    "none of its {} names is that of one of the {} images in {}: it has `{example}`, \
                     and there is `{}`",
                    labels.len(),
                    ids.len(),
                    path.display(),
                    ids[first]
                )));
            }
        }
        let mut found = Labels::of_words(list, &words, options)?;
        found.about.labelling = match self {
            Self::ByName(_) => format!("list of names; {}", found.about.labelling),
            Self::InOrder(_) => format!(
                "list in the sorted order of the images; {}",
                found.about.labelling
            ),
        };
        if let Some(first) = unlabelled {
            found.about.warnings.push(format!(
                "{n_unlabelled} of the {} images are not in the list of labels, such as `{}`",
                ids.len(),
                ids[first]
            ));
        }
        Ok(found)
    }
}

/// What an image may be called in a list.
fn names_of(id: &str) -> impl Iterator<Item = &str> {
    let file = id.rsplit('/').next().unwrap_or(id);
    let stem = file.rsplit_once('.').map_or(file, |(stem, _)| stem);
    [id, file, stem].into_iter()
}

/// Why a list of ILSVRC's own numbers is refused.
const ILSVRC_IDS: &str = "these look like the ILSVRC ids of the development kit, 1 to 1000 in the order of \
     its meta.mat, which is not that of the classes of any trained network; give Kaggle's \
     LOC_val_solution.csv in its place, or a mapping from these ids to class indices as class names \
     (a .csv with the columns `ilsvrc_id` and `class_index`), or, if they are class indices, say so \
     with the class names `index`";

/// Whether labels are the numbers of the development kit rather than class indices.
fn are_ilsvrc_ids(list: &Path, labels: &[String]) -> bool {
    let numbers: Option<Vec<usize>> = labels.iter().map(|label| label.parse().ok()).collect();
    let Some(numbers) = numbers else {
        return false;
    };
    let named_so = list
        .file_name()
        .is_some_and(|name| name.to_string_lossy().contains("ground_truth"));
    let of_one = !numbers.contains(&0) && numbers.contains(&1000);
    named_so || of_one
}

/// Rows with the lines they stand in.
type Rows = Vec<(u64, Vec<String>)>;

fn of_csv(text: &str) -> Result<Rows, String> {
    let mut reader = csv::ReaderBuilder::new()
        .trim(csv::Trim::All)
        .has_headers(false)
        .flexible(true)
        .from_reader(text.as_bytes());
    let (mut rows, mut boxes) = (Vec::new(), false);
    for (number, record) in reader.records().enumerate() {
        let record = record.map_err(|error| error.to_string())?;
        let lower = |at: usize| record.get(at).unwrap_or_default().to_lowercase();
        if number == 0 && NAME_HEADERS.contains(&lower(0).as_str()) {
            boxes = lower(1) == KAGGLE_BOXES;
            continue;
        }
        let line = record.position().map_or(0, csv::Position::line);
        let mut row: Vec<String> = record.iter().map(str::to_owned).collect();
        if let (true, Some(label)) = (boxes, row.get_mut(1)) {
            *label = label.split_whitespace().next().unwrap_or_default().into();
        }
        rows.push((line, row));
    }
    Ok(rows)
}

fn of_lines(text: &str) -> Rows {
    let mut rows = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.trim();
        let row: Vec<String> = match line.contains('\t') {
            true => line.split('\t').map(|word| word.trim().into()).collect(),
            false => line.split_whitespace().map(Into::into).collect(),
        };
        if !line.is_empty() {
            rows.push((number, row));
        }
    }
    rows
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn labels(
        name: &str,
        content: &str,
        ids: &[&str],
        class_map: ClassMap,
    ) -> Result<(Vec<Option<usize>>, Vec<String>), String> {
        let folder = tempfile::tempdir().unwrap();
        let list = folder.path().join(name);
        std::fs::write(&list, content).unwrap();
        let ids: Vec<String> = ids.iter().map(|id| id.to_string()).collect();
        let options = DataOptions {
            class_map,
            ..DataOptions::default()
        };
        let found = LabelList::read(&list)
            .and_then(|labels| labels.of(Path::new("val"), &list, &ids, &options))
            .map_err(|error| error.to_string())?;
        let classes = found.labels.iter().map(|label| label.map(|class| class.0));
        Ok((classes.collect(), found.about.warnings))
    }

    const IDS: [&str; 2] = [
        "ILSVRC2012_val_00000001.JPEG",
        "ILSVRC2012_val_00000002.JPEG",
    ];

    #[test]
    fn names_may_be_paths_file_names_or_stems() {
        let expected = (vec![Some(65), Some(970)], Vec::new());
        for (name, content) in [
            (
                "LOC_val_solution.csv",
                "ImageId,PredictionString\nILSVRC2012_val_00000002,n09193705 1 2 3 4 n09193705 5 6 7 8\n\
                 ILSVRC2012_val_00000001,n01751748 111 108 230 366 \n",
            ),
            (
                "val.txt",
                "ILSVRC2012_val_00000001.JPEG 65\nILSVRC2012_val_00000002.JPEG 970\n",
            ),
            (
                "val.txt",
                "ILSVRC2012_val_00000001.JPEG\tn01751748\t0\t0\nILSVRC2012_val_00000002.JPEG\tn09193705\t1\t2\n",
            ),
            (
                "val.csv",
                "ILSVRC2012_val_00000001,65\nILSVRC2012_val_00000002,970\n",
            ),
            ("order.txt", "65\n970\n"),
        ] {
            assert_eq!(
                labels(name, content, &IDS, ClassMap::Auto).unwrap(),
                expected,
                "{content}"
            );
        }
        let nested = ["images/val_0.JPEG", "images/val_1.JPEG"];
        let found = labels(
            "a.txt",
            "val_1.JPEG 1\nval_9.JPEG 2\n",
            &nested,
            ClassMap::Auto,
        )
        .unwrap();
        assert_eq!(found.0, [None, Some(1)]);
        assert!(
            found.1[0].contains("1 of the 2 images are not in the list"),
            "{:?}",
            found.1
        );
    }

    #[test]
    fn ilsvrc_ids_are_never_taken_for_class_indices() {
        for (name, content) in [
            ("ILSVRC2012_validation_ground_truth.txt", "490\n361\n"),
            ("labels.txt", "1000\n361\n"),
        ] {
            let message = labels(name, content, &IDS, ClassMap::Auto).unwrap_err();
            assert!(message.contains("LOC_val_solution.csv"), "{message}");
        }
        let folder = tempfile::tempdir().unwrap();
        let map = folder.path().join("ids.csv");
        std::fs::write(&map, "ilsvrc_id,class_index\n490,65\n361,970\n").unwrap();
        let map = ClassMap::read(&map).unwrap();
        let found = labels("ground_truth.txt", "490\n361\n", &IDS, map).unwrap();
        assert_eq!(found.0, [Some(65), Some(970)]);
        let found = labels("ground_truth.txt", "490\n361\n", &IDS, ClassMap::Index).unwrap();
        assert_eq!(found.0, [Some(490), Some(361)]);
    }

    #[test]
    fn lists_that_do_not_fit_are_refused() {
        for (name, content, reason) in [
            ("a.txt", "", "no labels"),
            ("a.txt", "1\n2\n3\n", "3 labels for 2 images in val"),
            (
                "a.txt",
                "x 1\ny\n",
                "line 2 has 1 words, and the first has 2",
            ),
            (
                "a.csv",
                "x,1\nx,2\n",
                "line 2: `x` has the label `2` here and `1` before",
            ),
            (
                "a.csv",
                "y,1\nx,2\n",
                "it has `x`, and there is `ILSVRC2012_val_00000001.JPEG`",
            ),
            ("a.csv", "\"x", "none of its"),
        ] {
            let found = labels(name, content, &IDS, ClassMap::Auto);
            match found {
                Err(message) if message.contains(reason) => {}
                // A quote that is not closed is one cell.
                Err(message) if content == "\"x" => {
                    assert!(message.contains("1 labels"), "{message}")
                }
                other => panic!("{content:?}: {other:?}"),
            }
        }
    }

    proptest! {
        #[test]
        fn no_list_panics(content in "[ -~\t\n\"]{0,200}", csv in any::<bool>()) {
            let name = if csv { "a.csv" } else { "a.txt" };
            let _ = labels(name, &content, &IDS, ClassMap::Auto);
        }
    }
}
