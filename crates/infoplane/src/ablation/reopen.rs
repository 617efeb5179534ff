//! Opens a stored run's model and data again, and makes sure that they are the same.

use std::path::Path;

use infoplane_data::{DataOptions, Dataset, Preprocess};
use infoplane_graph::Layer;
use infoplane_store::RunManifest;

use super::AblationRequest;
use crate::config::RunConfig;
use crate::demo;
use crate::error::Error;
use crate::model::{LayerChoice, Model};

/// A run's model, data and layers.
pub(super) struct Reopened {
    pub model: Model,
    pub dataset: Box<dyn Dataset>,
    /// In the order of the manifest.
    pub layers: Vec<Layer>,
}

/// Opens what `run.json` names, or what the request names instead.
pub(super) fn reopen(
    dir: &Path,
    manifest: &RunManifest,
    request: &AblationRequest,
) -> Result<Reopened, Error> {
    let (model, dataset) = match sources(dir, manifest, request)? {
        Sources::Embedded(model) => (*model, demo::dataset(settings(manifest).selection())?),
        Sources::Files(config) => {
            let model = Model::from_config(&config).map_err(|error| hint(dir, error))?;
            // Its data are another model's as well, so this comes first.
            check_model(dir, manifest, &model)?;
            let dataset = open_data(manifest, &config).map_err(|error| hint(dir, error))?;
            (model, dataset)
        }
    };
    check_model(dir, manifest, &model)?;
    let (now, stored) = (dataset.info(), &manifest.data);
    if now.fingerprint != stored.fingerprint || dataset.len() != stored.n_samples {
        return Err(Error::Setting(format!(
            "the data `{}` are not those that {} was run on: {} samples with fingerprint {} now, {} with {} in run.json; give the run's data with --data, or run again into another directory",
            now.name,
            dir.display(),
            dataset.len(),
            short(&now.fingerprint),
            stored.n_samples,
            short(&stored.fingerprint)
        )));
    }
    let shaped = model.shaped(dataset.sample_shape())?;
    let names = manifest.model.layers.iter().map(|layer| layer.name.clone());
    let layers = model.layers(&shaped, &LayerChoice::Named(names.collect()))?;
    let same = layers.len() == manifest.model.layers.len()
        && layers
            .iter()
            .zip(&manifest.model.layers)
            .all(|(now, stored)| now.name == stored.name && now.shape == stored.shape);
    if !same {
        return Err(Error::Setting(format!(
            "the layers of {} are not those of the model as this infoplane reads it; run again into another directory",
            dir.display()
        )));
    }
    Ok(Reopened {
        model,
        dataset,
        layers,
    })
}

enum Sources {
    Embedded(Box<Model>),
    /// `model`, `weights`, `data` and `classes` are set.
    Files(Box<RunConfig>),
}

fn sources(
    dir: &Path,
    manifest: &RunManifest,
    request: &AblationRequest,
) -> Result<Sources, Error> {
    let source = manifest.source.as_ref();
    let model = request.model.clone().or(source.map(|s| s.model.clone()));
    let data = request.data.clone().or(source.map(|s| s.data.clone()));
    if model.is_none() && data.is_none() {
        let embedded = Model::demo()?;
        if embedded.sha256() == manifest.model.sha256 {
            return Ok(Sources::Embedded(Box::new(embedded)));
        }
    }
    let (Some(model), Some(data)) = (model, data) else {
        return Err(Error::Setting(format!(
            "the run.json of {} does not say where the run's model and data are; give them with --model and --data",
            dir.display()
        )));
    };
    // Another model comes with its own weights.
    let stored = |from: fn(&infoplane_store::SourceInfo) -> Option<std::path::PathBuf>| {
        source.and_then(from)
    };
    let weights = match (&request.weights, &request.model) {
        (None, None) => stored(|source| source.weights.clone()),
        (weights, _) => weights.clone(),
    };
    Ok(Sources::Files(Box::new(RunConfig {
        model: Some(model),
        weights,
        data: Some(data),
        classes: request
            .classes
            .clone()
            .or_else(|| stored(|source| source.classes.clone())),
        labels: request
            .labels
            .clone()
            .or_else(|| stored(|source| source.labels.clone())),
        ..settings(manifest)
    })))
}

fn open_data(manifest: &RunManifest, config: &RunConfig) -> Result<Box<dyn Dataset>, Error> {
    let preprocess = &manifest.config["preprocess"];
    let preprocess: Preprocess = match preprocess.is_null() {
        true => Preprocess::default(),
        false => serde_json::from_value(preprocess.clone()).map_err(|error| {
            Error::Setting(format!(
                "the preprocessing in run.json can't be read: {error}"
            ))
        })?,
    };
    let data = config.data.as_deref().unwrap_or(Path::new(""));
    let options = DataOptions {
        expected_shape: Some(manifest.model.input_shape.clone()),
        n_outputs: Some(manifest.model.n_outputs),
        ..config.data_options(preprocess)?
    };
    Ok(infoplane_data::open(data, &options)?)
}

/// What `run.json` says of how the data are read.
fn settings(manifest: &RunManifest) -> RunConfig {
    let config = &manifest.config;
    let number = |key: &str| {
        let number = config[key].as_u64()?;
        usize::try_from(number).ok()
    };
    RunConfig {
        limit: number("limit"),
        per_class: number("per_class"),
        shuffle: config["shuffle"].as_bool().unwrap_or(false),
        seed: config["seed"].as_u64(),
        label_column: config["label_column"].as_str().map(Into::into),
        features: list(&config["features"], |name| Some(name.as_str()?.to_string()))
            .unwrap_or_default(),
        // Of tables; those of images are in `preprocess`.
        mean: list(&config["mean"], number_of),
        std: list(&config["std"], number_of),
        standardise: config["standardise"].as_str().map(Into::into),
        ..RunConfig::default()
    }
}

fn number_of(value: &serde_json::Value) -> Option<f32> {
    Some(value.as_f64()? as f32)
}

/// A list, where it is one.
fn list<T>(
    value: &serde_json::Value,
    item: impl Fn(&serde_json::Value) -> Option<T>,
) -> Option<Vec<T>> {
    value.as_array()?.iter().map(item).collect()
}

fn check_model(dir: &Path, manifest: &RunManifest, model: &Model) -> Result<(), Error> {
    if model.sha256() == manifest.model.sha256 {
        return Ok(());
    }
    Err(Error::Setting(format!(
        "the model `{}` is not the one that {} was run on: SHA-256 {} now, {} in run.json; give the run's model with --model, or run again into another directory",
        model.name(),
        dir.display(),
        short(model.sha256()),
        short(&manifest.model.sha256)
    )))
}

/// Says what to do where a file that the run named is not there any more.
fn hint(dir: &Path, error: Error) -> Error {
    Error::Setting(format!(
        "{error}\nThe run in {} needs its model and data again, as its command named them. Where they have moved, or the command was given in another folder, say where they are with --model, --weights and --data",
        dir.display()
    ))
}

/// The first digits of a hash.
fn short(hash: &str) -> String {
    hash.chars().take(12).collect::<String>() + "…"
}
