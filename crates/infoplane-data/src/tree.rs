//! The image files of a folder or an archive, and the labels that their folders or a list give them.

use std::path::Path;

use crate::classes::{Bearer, Labelling, classes_of};
use crate::dataset::ClassIndex;
use crate::error::DataError;
use crate::images::{About, Listed};
use crate::label_list::LabelList;
use crate::open::DataOptions;

/// Extensions of image files, in lower case.
const EXTENSIONS: [&str; 6] = ["jpg", "jpeg", "png", "bmp", "gif", "webp"];

/// Whether a file's name is an image's and not hidden.
pub(crate) fn is_image_name(name: &str) -> bool {
    let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
    !name.starts_with('.') && EXTENSIONS.contains(&extension.to_lowercase().as_str())
}

/// Image files by their paths relative to a root, with `/`.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Tree {
    /// Names of the folders at the root, sorted, each with the files below it: those of a folder
    /// before those of its subfolders, as torchvision sorts them.
    pub(crate) folders: Vec<(String, Vec<String>)>,
    /// Files at the root, sorted.
    pub(crate) loose: Vec<String>,
}

/// What a tree's kind is called: with class folders, and without.
pub(crate) type Kinds = (&'static str, &'static str);

impl Tree {
    /// The files with their labels: by the list of labels where there is one, else by the folders at
    /// the root, else none. `path` is what the user named.
    pub(crate) fn label(
        self,
        path: &Path,
        (labelled, loose): Kinds,
        options: &DataOptions,
    ) -> Result<(Vec<Listed>, About), DataError> {
        let n_folders = self.folders.len();
        let (list, mut about) = match &options.labels {
            Some(list) => self.by_list(path, list, options)?,
            None if self.folders.iter().all(|(_, files)| files.is_empty()) => {
                let files = self.loose.into_iter();
                let list = files.map(|id| Listed { id, label: None }).collect();
                (list, About::default())
            }
            None => self.by_folder(path, options)?,
        };
        if list.is_empty() {
            return Err(DataError::Empty {
                path: path.into(),
                reason: format!(
                    "no files ending in {} in it or its {n_folders} subfolders",
                    EXTENSIONS
                        .map(|extension| format!(".{extension}"))
                        .join(", "),
                ),
            });
        }
        about.kind = match about.labelling.is_empty() {
            true => loose,
            false => labelled,
        };
        if about.labelling.is_empty() {
            about.labelling = "none".into();
        }
        Ok((list, about))
    }

    fn by_folder(
        self,
        path: &Path,
        options: &DataOptions,
    ) -> Result<(Vec<Listed>, About), DataError> {
        let names: Vec<String> = self.folders.iter().map(|(name, _)| name.clone()).collect();
        let Labelling {
            classes,
            names,
            rule,
            mut warnings,
        } = classes_of(
            path,
            Bearer::Folder,
            &names,
            &options.class_map,
            options.n_outputs,
        )?;
        let mut list = Vec::new();
        for ((folder, files), class) in self.folders.into_iter().zip(classes) {
            if files.is_empty() {
                warnings.push(format!("class folder `{folder}` holds no images"));
            }
            let label = Some(class);
            list.extend(files.into_iter().map(|id| Listed { id, label }));
        }
        let about = About {
            class_names: names,
            labelling: rule,
            warnings,
            ..About::default()
        };
        Ok((list, about))
    }

    fn by_list(
        self,
        path: &Path,
        list: &Path,
        options: &DataOptions,
    ) -> Result<(Vec<Listed>, About), DataError> {
        let folders = self.folders.into_iter().flat_map(|(_, files)| files);
        let ids: Vec<String> = self.loose.into_iter().chain(folders).collect();
        let labels = LabelList::read(list)?.of(path, list, &ids, options)?;
        let listed = ids.into_iter().zip(labels.labels);
        let listed = listed.map(|(id, label)| Listed { id, label });
        Ok((listed.collect(), labels.about))
    }
}

/// Labels of samples, and what is known of them.
pub(crate) struct Labels {
    pub(crate) labels: Vec<Option<ClassIndex>>,
    pub(crate) about: About,
}

impl Labels {
    /// Labels that are indices already, `names` being what the source calls them. Where it names them and
    /// others are given, they become the indices that these have for the names. `rule` is where they are
    /// from.
    pub(crate) fn of_indices(
        path: &Path,
        labels: Vec<Option<ClassIndex>>,
        names: Vec<String>,
        rule: String,
        options: &DataOptions,
    ) -> Result<Self, DataError> {
        let given = options.class_map.given_names();
        if given.is_empty() || names.is_empty() {
            let about = About {
                class_names: if given.is_empty() { names } else { given },
                labelling: rule,
                ..About::default()
            };
            return Ok(Self { labels, about });
        }
        let name = |label: &Option<ClassIndex>| names.get((*label)?.0).cloned();
        let words: Vec<Option<String>> = labels.iter().map(name).collect();
        let mut found = Self::of_words(path, &words, options)?;
        let how = &found.about.labelling;
        found.about.labelling = format!("{rule}, whose classes are named beside it; {how}");
        Ok(found)
    }

    /// The classes of labels as they are written; none where one is missing.
    pub(crate) fn of_words(
        path: &Path,
        words: &[Option<String>],
        options: &DataOptions,
    ) -> Result<Self, DataError> {
        let mut distinct: Vec<String> = words.iter().flatten().cloned().collect();
        distinct.sort_unstable();
        distinct.dedup();
        let Labelling {
            classes,
            names,
            rule,
            warnings,
        } = classes_of(
            path,
            Bearer::Label,
            &distinct,
            &options.class_map,
            options.n_outputs,
        )?;
        let class = |word: &String| distinct.binary_search(word).ok().map(|at| classes[at]);
        let labels = words.iter().map(|word| word.as_ref().and_then(class));
        Ok(Self {
            labels: labels.collect(),
            about: About {
                class_names: names,
                labelling: rule,
                warnings,
                ..About::default()
            },
        })
    }
}
