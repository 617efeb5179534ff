//! What all sources of images share: from a picture to the network's input, and from a list of
//! pictures to a data set.

use crate::dataset::{ClassIndex, Dataset, DatasetInfo, Fingerprint};
use crate::error::{DataError, SampleError};
use crate::open::{DataOptions, check_labels, check_shape, source_name};
use crate::preprocess::{Colours, Preprocess};
use crate::resample::RgbImage;
use crate::selection::select;

use std::path::Path;

/// Where pictures lie.
pub(crate) trait ImageSource: Send + Sync {
    /// The picture at a place of the list that the source was opened with. The error is a reason for a
    /// person.
    fn read(&self, place: usize, id: &str) -> Result<RgbImage, String>;

    /// Bytes of the stored picture, for the fingerprint; 0 where they can't be told.
    fn size(&self, place: usize, id: &str) -> u64;

    /// The stored picture, where it is at hand: it then counts towards the fingerprint.
    fn content(&self, _place: usize) -> Option<&[u8]> {
        None
    }
}

/// A picture of a list.
pub(crate) struct Listed {
    /// Its name, unique in the list.
    pub(crate) id: String,
    pub(crate) label: Option<ClassIndex>,
}

/// What is known of a list of pictures.
#[derive(Default)]
pub(crate) struct About {
    /// The kind of source.
    pub(crate) kind: &'static str,
    /// Names by class index.
    pub(crate) class_names: Vec<String>,
    /// How labels were found, in words.
    pub(crate) labelling: String,
    /// What a person should know before trusting it.
    pub(crate) warnings: Vec<String>,
}

/// Pictures with names and labels, decoded when they are asked for.
pub(crate) struct ImageDataset<S> {
    info: DatasetInfo,
    loader: ImageLoader,
    source: S,
    /// Place of each sample in the source's list.
    places: Vec<usize>,
    ids: Vec<String>,
    labels: Vec<Option<ClassIndex>>,
}

impl<S: ImageSource> ImageDataset<S> {
    /// The pictures of `list` that are selected; `path` is what the user named.
    pub(crate) fn new(
        path: &Path,
        source: S,
        list: Vec<Listed>,
        mut about: About,
        options: &DataOptions,
    ) -> Result<Self, DataError> {
        let places = select(path, &list, options, &mut about)?;
        let (mut ids, mut labels) = (Vec::new(), Vec::new());
        let mut fingerprint = Fingerprint::default();
        let mut kept = places.iter().copied().peekable();
        for (place, Listed { id, label }) in list.into_iter().enumerate() {
            if kept.next_if_eq(&place).is_none() {
                continue;
            }
            fingerprint.sample(&id, source.size(place, &id), label);
            if let Some(content) = source.content(place) {
                fingerprint.bytes(content);
            }
            ids.push(id);
            labels.push(label);
        }
        check_labels(path, &ids, &labels, options)?;
        let read = |sample: usize| source.read(places[sample], &ids[sample]);
        let loader = ImageLoader::new(path, options, ids.len(), read)?;
        Ok(Self {
            info: DatasetInfo {
                name: source_name(path),
                kind: about.kind.into(),
                class_names: about.class_names,
                labelling: about.labelling,
                fingerprint: fingerprint.finish(),
                preprocessing: loader.preprocess.describe(),
                features: Vec::new(),
                warnings: about.warnings,
            },
            loader,
            source,
            places,
            ids,
            labels,
        })
    }
}

impl<S: ImageSource> Dataset for ImageDataset<S> {
    fn len(&self) -> usize {
        self.ids.len()
    }

    fn info(&self) -> &DatasetInfo {
        &self.info
    }

    fn sample_shape(&self) -> &[usize] {
        &self.loader.shape
    }

    fn id(&self, index: usize) -> &str {
        &self.ids[index]
    }

    fn label(&self, index: usize) -> Option<ClassIndex> {
        self.labels[index]
    }

    fn load(&self, index: usize, out: &mut [f32]) -> Result<(), SampleError> {
        let id = &self.ids[index];
        self.source
            .read(self.places[index], id)
            .and_then(|image| self.loader.load(image, out))
            .map_err(|reason| SampleError {
                id: id.clone(),
                reason,
            })
    }
}

/// Preprocesses images to one shape.
struct ImageLoader {
    preprocess: Preprocess,
    /// Height and width after preprocessing.
    size: (usize, usize),
    /// Shape of a sample.
    shape: Vec<usize>,
}

impl ImageLoader {
    /// Settles the shape of a sample: that of the crop, else that of the first readable image,
    /// which `read` is asked for by index. Fails where none is readable.
    fn new(
        path: &Path,
        options: &DataOptions,
        n_samples: usize,
        read: impl Fn(usize) -> Result<RgbImage, String>,
    ) -> Result<Self, DataError> {
        let preprocess = options.preprocess.clone();
        let mut failure = None;
        let first = (0..n_samples).find_map(|index| {
            read(index)
                .map_err(|reason| failure.get_or_insert(reason).clone())
                .ok()
        });
        let image = first.ok_or_else(|| DataError::Empty {
            path: path.into(),
            reason: format!(
                "none of the {n_samples} images can be read; the first: {}",
                failure.unwrap_or_default()
            ),
        })?;
        let size = preprocess.output_size(image.width, image.height);
        let shape = preprocess.sample_shape(size.0, size.1);
        check_shape(path, &shape, options, &preprocess.describe())?;
        Ok(Self {
            preprocess,
            size,
            shape,
        })
    }

    /// Preprocesses one image into `out`, in the shape of a sample. The error is a reason for a person.
    fn load(&self, mut image: RgbImage, out: &mut [f32]) -> Result<(), String> {
        assert_eq!(
            out.len(),
            self.shape.iter().product::<usize>(),
            "a sample's buffer has the sample's size"
        );
        let (height, width) = self.size;
        let found = self.preprocess.output_size(image.width, image.height);
        if found != (height, width) {
            return Err(format!(
                "{} × {} pixels after preprocessing, but other samples have {height} × {width} \
                 (height × width); crop or resize to one size",
                found.0, found.1
            ));
        }
        if self.preprocess.colours == Colours::Grey {
            image.make_grey();
        }
        let image = self.preprocess.resize_and_crop(&image);
        self.preprocess.normalise(&image, out);
        Ok(())
    }
}
