//! The commands that repeat a run, with every setting that determines it.

use infoplane_plane::{AblationSettings, ControlsResult};
use serde_json::Value;

use crate::text::escape;
use crate::view::RunView;

/// Samples of a control where none are asked for.
const CONTROL_SAMPLES: usize = 500;

pub(super) fn html(view: &RunView<'_>) -> String {
    let lines: Vec<String> = commands(view)
        .iter()
        .map(|words| {
            words
                .iter()
                .map(|word| quoted(word))
                .collect::<Vec<_>>()
                .join(" ")
        })
        .map(|line| format!("<code><bdi>{}</bdi></code>", escape(&line)))
        .collect();
    let files = match view.manifest.source {
        Some(_) => "Paths are as they were given.",
        None => "The network and the data were embedded or in memory, and are named here only.",
    };
    format!(
        "<h3>Command</h3>\n<p>The run again, with every setting resolved; defaults are written out. {files}</p>\n\
         <p class=\"commands\">{}</p>\n",
        lines.join("<br>")
    )
}

/// The words of `run`, and of what was done to its directory later with other settings.
fn commands(view: &RunView<'_>) -> Vec<Vec<String>> {
    let config = &view.manifest.config;
    let mut run = Words::new("run");
    source(&mut run, view);
    run.flag("out", "DIR");
    if let Value::Array(names) = &config["layers"] {
        run.list("layers", names.iter().filter_map(Value::as_str));
    }
    run.setting("target", &config["target"]);
    baseline(&mut run, &config["baseline"]);
    quadrature(&mut run, &config["quadrature"]);
    if config["exact"].as_bool() == Some(true) {
        run.switch("exact");
    }
    preprocessing(&mut run, &config["preprocess"]);
    run.setting("limit", &config["limit"]);
    run.setting("per-class", &config["per_class"]);
    if config["shuffle"].as_bool() == Some(true) {
        run.switch("shuffle");
    }
    run.setting("label-column", &config["label_column"]);
    let features = config["features"].as_array().into_iter().flatten();
    run.list("features", features.filter_map(Value::as_str));
    run.setting("standardise", &config["standardise"]);
    numbers(&mut run, config);
    run.setting("seed", &config["seed"]);
    let mut commands = Vec::new();
    let settings = view.plane.settings.as_ref();
    let own_seed = settings.is_none_or(|settings| config["seed"].as_u64() == Some(settings.seed));
    if own_seed {
        information(&mut run, view);
    }
    let later = ablation(&mut run, view);
    if let Some(controls) = &view.plane.controls {
        self::controls(&mut run, controls, view.plane.n);
    }
    commands.push(run.words);
    if !own_seed {
        let mut plane = Words::new("plane");
        plane.word("DIR");
        information(&mut plane, view);
        plane.flag(
            "seed",
            &settings.map_or(0, |settings| settings.seed).to_string(),
        );
        commands.push(plane.words);
    }
    commands.extend(later);
    commands
}

fn source(run: &mut Words, view: &RunView<'_>) {
    match &view.manifest.source {
        Some(source) => {
            run.flag("model", &source.model.to_string_lossy());
            if let Some(weights) = &source.weights {
                run.flag("weights", &weights.to_string_lossy());
            }
            run.flag("data", &source.data.to_string_lossy());
            if let Some(classes) = &source.classes {
                run.flag("classes", &classes.to_string_lossy());
            }
            if let Some(labels) = &source.labels {
                run.flag("labels", &labels.to_string_lossy());
            }
        }
        None => {
            run.flag("model", &view.manifest.model.name);
            run.flag("data", &view.manifest.data.name);
        }
    }
}

/// `blur (σ 11.2 pixels)` is the baseline with its parameter.
fn baseline(run: &mut Words, name: &Value) {
    let Some(name) = name.as_str() else { return };
    let sigma = name
        .strip_prefix("blur (σ ")
        .and_then(|rest| rest.strip_suffix(" pixels)"));
    match sigma {
        Some(sigma) => {
            run.flag("baseline", "blur");
            run.flag("blur-sigma", sigma);
        }
        None => run.flag("baseline", name),
    }
}

fn quadrature(run: &mut Words, rule: &Value) {
    run.setting("quadrature", &rule["rule"]);
    let adaptive = rule["rule"].as_str() == Some("adaptive");
    run.setting("steps", &rule["steps"]);
    run.setting("power", &rule["power"]);
    if !adaptive {
        run.setting("knee", &rule["knee"]);
    }
    run.setting("tolerance", &rule["tolerance"]);
    run.setting("max-steps", &rule["max_steps"]);
}

fn preprocessing(run: &mut Words, preprocess: &Value) {
    if preprocess.is_null() {
        return;
    }
    for side in ["resize", "crop"] {
        let pixels = preprocess[side].as_u64().unwrap_or(0);
        run.flag(side, &pixels.to_string());
    }
    run.setting("interpolation", &preprocess["interpolation"]);
    run.setting("scale", &preprocess["scale"]);
    let colours = preprocess["colours"].as_str();
    numbers(run, preprocess);
    if colours == Some("bgr") {
        run.switch("bgr");
    }
}

/// Mean and standard deviation, of channels or of a table's features.
fn numbers(run: &mut Words, settings: &Value) {
    for name in ["mean", "std"] {
        let values = settings[name].as_array().into_iter().flatten();
        // Grey images have one, which is stored three times.
        let is_grey = settings["colours"].as_str() == Some("grey");
        let values = values.take(if is_grey { 1 } else { usize::MAX });
        // Stored as wider numbers than they were given as.
        let values: Vec<String> = values
            .filter_map(Value::as_f64)
            .map(|value| (value as f32).to_string())
            .collect();
        run.list(name, values.iter().map(String::as_str));
    }
}

fn information(run: &mut Words, view: &RunView<'_>) {
    let Some(settings) = &view.plane.settings else {
        return;
    };
    if let Some(groups) = &settings.groups {
        run.flag("groups", groups);
    }
    run.list("against", settings.against.iter().map(String::as_str));
    run.list("estimator", settings.estimators.iter().map(String::as_str));
    if let Some(tau) = settings.tau {
        run.flag("tau", &tau.to_string());
    }
}

/// `--ablate` where the ablation has the settings of a run's own, else a command for itself.
fn ablation(run: &mut Words, view: &RunView<'_>) -> Option<Vec<String>> {
    let Some(ablation) = view.ablation else {
        if view.plane.ablation.is_some() {
            run.switch("ablate");
        }
        return None;
    };
    let settings = &ablation.settings;
    let default = AblationSettings {
        seed: view.manifest.config["seed"].as_u64().unwrap_or_default(),
        ..AblationSettings::default()
    };
    if *settings == default {
        run.switch("ablate");
        return None;
    }
    let mut ablate = Words::new("ablate");
    ablate.word("DIR");
    let fractions: Vec<String> = settings.fractions.iter().map(f64::to_string).collect();
    ablate.list("fractions", fractions.iter().map(String::as_str));
    ablate.flag("draws", &settings.draws.to_string());
    ablate.flag("replace", &settings.replace.to_string());
    ablate.flag("limit", &settings.limit.to_string());
    ablate.flag("seed", &settings.seed.to_string());
    Some(ablate.words)
}

fn controls(run: &mut Words, controls: &ControlsResult, n_samples: usize) {
    let made = controls.controls.iter().map(|control| control.kind);
    let mut kinds: Vec<_> = made
        .chain(controls.omitted.iter().map(|omitted| omitted.kind))
        .collect();
    kinds.sort_unstable();
    kinds.dedup();
    run.list("control", kinds.iter().map(|kind| kind.name()));
    let most = controls.controls.iter().map(|control| control.n).max();
    if let Some(most) = most.filter(|&most| most != CONTROL_SAMPLES.min(n_samples)) {
        run.flag("control-samples", &most.to_string());
    }
}

/// The words of a command.
struct Words {
    words: Vec<String>,
}

impl Words {
    fn new(command: &str) -> Self {
        Self {
            words: vec!["infoplane".to_owned(), command.to_owned()],
        }
    }

    fn word(&mut self, word: &str) {
        self.words.push(word.to_owned());
    }

    fn switch(&mut self, name: &str) {
        self.words.push(format!("--{name}"));
    }

    fn flag(&mut self, name: &str, value: &str) {
        self.switch(name);
        self.word(value);
    }

    /// A flag of a stored setting; none where there is no such setting.
    fn setting(&mut self, name: &str, value: &Value) {
        match value {
            Value::String(text) => self.flag(name, text),
            Value::Number(number) => self.flag(name, &number.to_string()),
            _ => {}
        }
    }

    /// A flag of values separated by commas; none where there are none.
    fn list<'a>(&mut self, name: &str, values: impl Iterator<Item = &'a str>) {
        let joined: Vec<&str> = values.collect();
        if !joined.is_empty() {
            self.flag(name, &joined.join(","));
        }
    }
}

/// A word as a POSIX shell takes it.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=,@%+".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_with_spaces_or_quotes_stay_one_word() {
        assert_eq!(quoted("layer1.0,fc"), "layer1.0,fc");
        assert_eq!(quoted("my net's.onnx"), "'my net'\\''s.onnx'");
        assert_eq!(quoted(""), "''");
    }

    #[test]
    fn a_blur_is_given_with_its_width() {
        let mut run = Words::new("run");
        baseline(&mut run, &"blur (σ 11.2 pixels)".into());
        assert_eq!(
            run.words[2..],
            ["--baseline", "blur", "--blur-sigma", "11.2"]
        );
    }
}
