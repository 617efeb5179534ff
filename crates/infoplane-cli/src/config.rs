//! From flags to the library's configuration.

use std::path::Path;

use anyhow::Context;
use infoplane::RunConfig;

use crate::flags::{
    AttributeArgs, AttributionArgs, ControlArgs, DoctorArgs, FigureArgs, ImageArgs,
    InformationArgs, LayersArgs, NetworkArgs, PredictArgs, RunArgs, SelftestArgs, SeriesArgs,
};

/// Puts what was given over what was there.
macro_rules! over {
    ($config:expr, $args:expr, $($field:ident),+) => {
        $(if $args.$field.is_some() { $config.$field = $args.$field.clone(); })+
    };
}

pub fn of_run(args: &RunArgs) -> anyhow::Result<RunConfig> {
    let mut config = match &args.config {
        Some(path) => read(path)?,
        None => RunConfig::default(),
    };
    network(&mut config, &args.network);
    over!(config, args, data, out, shard, keep_maps);
    images(&mut config, &args.images);
    attribution(&mut config, &args.attribution);
    information(&mut config, &args.information);
    config.exact |= args.exact;
    config.ablate |= args.ablate;
    controls(&mut config, &args.controls);
    figures(&mut config, &args.figures);
    Ok(config)
}

pub fn of_series(args: &SeriesArgs) -> anyhow::Result<RunConfig> {
    let mut config = match &args.config {
        Some(path) => read(path)?,
        None => RunConfig::default(),
    };
    if let Some(path) = &args.config {
        let checkpoints = "the checkpoints are --models, or --weights-series of a --model";
        let useless = if config.weights.is_some() {
            Some("weights")
        } else {
            let named_twice = config.model.is_some() && !args.models.is_empty();
            named_twice.then_some("model")
        };
        if let Some(key) = useless {
            let path = path.display();
            let message = format!("{path}: a series has no use for `{key}`: {checkpoints}");
            return Err(crate::UsageError(message).into());
        }
    }
    over!(config, args, model, data, out);
    images(&mut config, &args.images);
    attribution(&mut config, &args.attribution);
    information(&mut config, &args.information);
    config.exact |= args.exact;
    Ok(config)
}

pub fn of_attribute(args: &AttributeArgs) -> RunConfig {
    let mut config = RunConfig::default();
    network(&mut config, &args.network);
    attribution(&mut config, &args.attribution);
    config
}

pub fn of_predict(args: &PredictArgs) -> RunConfig {
    let mut config = RunConfig::default();
    network(&mut config, &args.network);
    config
}

pub fn of_doctor(args: &DoctorArgs) -> RunConfig {
    let mut config = RunConfig {
        model: Some(args.model.clone()),
        ..RunConfig::default()
    };
    over!(config, args, data, weights);
    images(&mut config, &args.images);
    config
}

pub fn of_selftest(args: &SelftestArgs) -> RunConfig {
    let mut config = RunConfig::default();
    network(&mut config, &args.network);
    config
}

pub fn of_layers(args: &LayersArgs) -> RunConfig {
    let mut config = RunConfig::default();
    network(&mut config, &args.network);
    if args.file.is_some() {
        config.model.clone_from(&args.file);
    }
    config
}

pub fn controls(config: &mut RunConfig, args: &ControlArgs) {
    if !args.control.is_empty() {
        config.controls.clone_from(&args.control);
    }
    if args.controls {
        config.controls = vec!["all".to_string()];
    }
    over!(config, args, control_samples);
}

pub fn figures(config: &mut RunConfig, args: &FigureArgs) {
    if !args.figure_formats.is_empty() {
        config.figure_formats.clone_from(&args.figure_formats);
    }
}

fn network(config: &mut RunConfig, args: &NetworkArgs) {
    over!(config, args, model, weights);
}

pub fn information(config: &mut RunConfig, args: &InformationArgs) {
    over!(config, args, groups, tau, seed);
    if !args.estimators.is_empty() {
        config.estimators.clone_from(&args.estimators);
    }
    if !args.against.is_empty() {
        config.against.clone_from(&args.against);
    }
}

fn attribution(config: &mut RunConfig, args: &AttributionArgs) {
    if !args.layers.is_empty() {
        config.layers.clone_from(&args.layers);
    }
    over!(
        config, args, target, baseline, blur_sigma, quadrature, steps, power, knee, tolerance,
        max_steps, threads
    );
}

fn images(config: &mut RunConfig, args: &ImageArgs) {
    over!(
        config,
        args,
        preset,
        resize,
        interpolation,
        crop,
        scale,
        mean,
        std,
        classes,
        labels,
        label_column,
        standardise,
        limit,
        per_class
    );
    if !args.features.is_empty() {
        config.features.clone_from(&args.features);
    }
    config.bgr |= args.bgr;
    config.shuffle |= args.shuffle;
    config.strict |= args.strict;
}

fn read(path: &Path) -> anyhow::Result<RunConfig> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| crate::UsageError(format!("cannot read {}: {error}", path.display())))?;
    RunConfig::from_toml(&text, &path.display().to_string()).context("the configuration file")
}
