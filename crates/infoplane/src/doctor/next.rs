//! The command to run next.

use std::path::{Path, PathBuf};

use super::shown;
use crate::config::RunConfig;
use crate::hub::is_of_hub;

/// The command: the run where everything fits, else the diagnosis again with what would mend it.
pub(super) fn command(config: &RunConfig, fits: bool, remedy: Option<String>) -> String {
    let model = config.model.as_deref().unwrap_or(Path::new(""));
    let path = |path: &Option<PathBuf>| path.as_deref().map(shown);
    let pixels = |side: Option<u32>| {
        side.filter(|_| remedy.is_none())
            .map(|side| side.to_string())
    };
    let numbers = |values: &Option<Vec<f32>>| {
        let values: Vec<String> = values.as_ref()?.iter().map(f32::to_string).collect();
        Some(values.join(","))
    };
    let data = path(&config.data);
    let mut words = vec!["infoplane".to_string()];
    if fits {
        words.extend([
            "run".to_string(),
            "--model".to_string(),
            quoted(&shown(model)),
        ]);
    } else {
        words.extend(["doctor".to_string(), quoted(&shown(model))]);
        words.extend(data.as_deref().map(quoted));
    }
    let data = data.or_else(|| Some("DATA".to_string()));
    for (name, value) in [
        ("weights", path(&config.weights)),
        ("data", data.filter(|_| fits)),
        ("preset", config.preset.clone()),
        ("resize", pixels(config.resize)),
        ("interpolation", config.interpolation.clone()),
        ("crop", pixels(config.crop)),
        ("scale", config.scale.map(|scale| scale.to_string())),
        ("mean", numbers(&config.mean)),
        ("std", numbers(&config.std)),
        ("classes", path(&config.classes)),
        ("labels", path(&config.labels)),
        ("label-column", config.label_column.clone()),
        (
            "features",
            (!config.features.is_empty()).then(|| config.features.join(",")),
        ),
        ("standardise", config.standardise.clone()),
        ("limit", config.limit.map(|limit| limit.to_string())),
        ("per-class", config.per_class.map(|limit| limit.to_string())),
        ("out", fits.then(|| format!("runs/{}", run_of(model)))),
    ] {
        if let Some(value) = value {
            words.extend([format!("--{name}"), quoted(&value)]);
        }
    }
    for (name, given) in [
        ("bgr", config.bgr),
        ("shuffle", config.shuffle),
        ("strict", config.strict),
    ] {
        words.extend(given.then(|| format!("--{name}")));
    }
    words.extend(remedy);
    words.join(" ")
}

/// What a run of a model is called.
fn run_of(model: &Path) -> String {
    let text = shown(model);
    match is_of_hub(model) {
        true => {
            let name = text.split(['@', '#']).next().unwrap_or(&text);
            name.rsplit(['/', ':']).next().unwrap_or(name).to_string()
        }
        false => model
            .file_stem()
            .map_or(text, |stem| stem.to_string_lossy().into_owned()),
    }
}

/// A word as a POSIX shell takes it.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=,@%+".contains(c);
    match !word.is_empty() && word.chars().all(plain) {
        true => word.to_string(),
        false => format!("'{}'", word.replace('\'', "'\\''")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config() -> RunConfig {
        RunConfig {
            model: Some("nets/my net.onnx".into()),
            data: Some("val".into()),
            mean: Some(vec![0.5; 3]),
            ..RunConfig::default()
        }
    }

    #[test]
    fn what_fits_is_run_and_what_does_not_is_looked_at_again() {
        assert_eq!(
            command(&config(), true, None),
            "infoplane run --model 'nets/my net.onnx' --data val --mean 0.5,0.5,0.5 --out 'runs/my net'"
        );
        let config = RunConfig {
            resize: Some(256),
            ..config()
        };
        assert_eq!(
            command(&config, false, Some("--resize 64 --crop 64".to_string())),
            "infoplane doctor 'nets/my net.onnx' val --mean 0.5,0.5,0.5 --resize 64 --crop 64"
        );
    }

    #[test]
    fn a_network_of_the_hub_gives_the_run_its_name() {
        let config = RunConfig {
            model: Some("hf:org/net@v1#a/b.onnx".into()),
            ..RunConfig::default()
        };
        assert_eq!(
            command(&config, true, None),
            "infoplane run --model 'hf:org/net@v1#a/b.onnx' --data DATA --out runs/net"
        );
    }
}
