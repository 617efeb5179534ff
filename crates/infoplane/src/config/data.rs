//! Which samples are taken, and what is done to them before the network sees them.

use infoplane_data::{
    ClassMap, Colours, DataOptions, Interpolation, Preprocess, Selection, TableOptions,
};

use super::{DEFAULT_SEED, RunConfig};
use crate::error::Error;
use crate::names::unknown;

impl RunConfig {
    /// The preprocessing of images for a network whose samples have the dimensions `dims`, free ones being
    /// none: the preset, or the one that suits the network, with what is set by itself put over it.
    pub fn preprocess(&self, dims: &[Option<usize>]) -> Result<Preprocess, Error> {
        let mut preprocess = match &self.preset {
            Some(name) => Preprocess::preset(name)?,
            None => self.usual_preprocess(dims)?,
        };
        if let Some(side) = self.resize {
            preprocess.resize = (side > 0).then_some(side);
        }
        if let Some(name) = &self.interpolation {
            preprocess.interpolation = name.parse::<Interpolation>().map_err(|_| {
                let known = ["bilinear", "bicubic", "nearest"];
                unknown(
                    "interpolation",
                    name,
                    &known,
                    "bilinear, bicubic and nearest",
                )
            })?;
        }
        if let Some(side) = self.crop {
            preprocess.crop = (side > 0).then_some(side);
        }
        preprocess.scale = self.scale.unwrap_or(preprocess.scale);
        if self.bgr {
            preprocess.colours = Colours::Bgr;
        }
        preprocess.fit(dims);
        let is_grey = preprocess.colours == Colours::Grey;
        if is_grey && self.bgr {
            return Err(Error::Setting(
                "--bgr is for colour images, and the network's input has one channel".to_string(),
            ));
        }
        for (name, given, channels) in [
            ("mean", &self.mean, &mut preprocess.mean),
            ("std", &self.std, &mut preprocess.std),
        ] {
            match given.as_deref() {
                None => {}
                Some(&[one]) => *channels = [one; 3],
                Some(&[red, green, blue]) if !is_grey => *channels = [red, green, blue],
                Some(values) => {
                    let allowed = if is_grey { "1 is" } else { "1 or 3 are" };
                    return Err(Error::Setting(format!(
                        "--{name} has {} numbers; for the channels of this network's input {allowed} needed",
                        values.len()
                    )));
                }
            }
            if is_grey && channels.iter().any(|value| *value != channels[0]) {
                return Err(Error::Setting(format!(
                    "the preset has a {name} for each of three colours, and the network's input has one channel; choose --preset mnist or none, or give --{name} with one number"
                )));
            }
        }
        preprocess.validate()?;
        Ok(preprocess)
    }

    /// The preprocessing where none is named: torchvision's own of an architecture, nothing but x/255 for
    /// grey images, and else by the size of the input.
    fn usual_preprocess(&self, dims: &[Option<usize>]) -> Result<Preprocess, Error> {
        let architecture = self.weights.as_ref().and(self.model.as_deref());
        let of_network = architecture
            .and_then(std::path::Path::to_str)
            .and_then(Preprocess::of_network);
        if let Some(preprocess) = of_network {
            return Ok(preprocess);
        }
        let mut none = Preprocess::preset("none")?;
        none.fit(dims);
        if none.colours == Colours::Grey {
            return Ok(none);
        }
        Ok(match dims {
            [Some(3), Some(32), Some(32)] | [Some(32), Some(32), Some(3)] | [Some(3072)] => {
                Preprocess::preset("cifar10")?
            }
            _ => Preprocess::default(),
        })
    }

    /// Which samples are taken.
    pub fn selection(&self) -> Selection {
        Selection {
            limit: self.limit,
            per_class: self.per_class,
            shuffle: self.shuffle.then(|| self.seed.unwrap_or(DEFAULT_SEED)),
        }
    }

    /// How the data are read, but for what the network says of them.
    pub(crate) fn data_options(&self, preprocess: Preprocess) -> Result<DataOptions, Error> {
        Ok(DataOptions {
            preprocess,
            class_map: match &self.classes {
                Some(argument) => ClassMap::from_argument(argument)?,
                None => ClassMap::Auto,
            },
            labels: self.labels.clone(),
            label_column: self.label_column.clone(),
            selection: self.selection(),
            table: TableOptions {
                features: self.features.clone(),
                mean: self.mean.clone(),
                std: self.std.clone(),
                standardise: match &self.standardise {
                    // It can't fail: what is not `data` is a file.
                    Some(from) => from.parse().ok(),
                    None => None,
                },
            },
            ..DataOptions::default()
        })
    }

    /// Refuses settings that the data, of this kind, have no use for.
    pub(crate) fn check_data_kind(&self, kind: &str) -> Result<(), Error> {
        let of_images = [
            ("preset", self.preset.is_some()),
            ("resize", self.resize.is_some()),
            ("interpolation", self.interpolation.is_some()),
            ("crop", self.crop.is_some()),
            ("scale", self.scale.is_some()),
            ("bgr", self.bgr),
        ];
        let of_numbers = [("mean", self.mean.is_some()), ("std", self.std.is_some())];
        let of_tables = [
            ("features", !self.features.is_empty()),
            ("standardise", self.standardise.is_some()),
        ];
        let first = |settings: &[(&'static str, bool)]| {
            let mut settings = settings.iter();
            settings.find(|(_, given)| *given).map(|(name, _)| *name)
        };
        let (useless, what) = match kind {
            "table" => (first(&of_images), "images"),
            "npy" | "npz" => match first(&of_tables) {
                None => (first(&of_images).or(first(&of_numbers)), "images"),
                found => (found, "tables of features"),
            },
            _ => (first(&of_tables), "tables of features"),
        };
        match useless {
            Some(option) => Err(Error::Setting(format!(
                "--{option} is for {what}, and the data are another kind: {kind}"
            ))),
            None => Ok(()),
        }
    }

    /// What of the settings of the data, of this kind, determines a run besides the data themselves, for
    /// `run.json`: the limit always, the rest where it is set.
    pub(crate) fn data_json(&self, kind: &str) -> serde_json::Map<String, serde_json::Value> {
        let mut settings = serde_json::Map::new();
        settings.insert("limit".into(), self.limit.into());
        if let Some(per_class) = self.per_class {
            settings.insert("per_class".into(), per_class.into());
        }
        if self.shuffle {
            settings.insert("shuffle".into(), true.into());
        }
        if let Some(column) = &self.label_column {
            settings.insert("label_column".into(), column.as_str().into());
        }
        if kind == "table" {
            if !self.features.is_empty() {
                settings.insert("features".into(), serde_json::json!(self.features));
            }
            for (key, values) in [("mean", &self.mean), ("std", &self.std)] {
                if let Some(values) = values {
                    settings.insert(key.into(), serde_json::json!(values));
                }
            }
            if let Some(from) = &self.standardise {
                settings.insert("standardise".into(), from.as_str().into());
            }
        }
        settings
    }
}
