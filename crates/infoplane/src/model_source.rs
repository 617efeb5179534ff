//! What `--model` and `--weights` mean together.

use std::path::Path;

use infoplane_graph::{torchvision_names, unknown_architecture};

use crate::error::Error;
use crate::hub::is_of_hub;

/// Where a network comes from.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum ModelSource<'a> {
    /// An ONNX file, perhaps of the hub, which brings its weights.
    Onnx(&'a Path),
    /// An architecture, and a file of its weights, perhaps of the hub.
    Torchvision { name: &'a str, weights: &'a Path },
}

impl<'a> ModelSource<'a> {
    /// Resolves what was given.
    pub fn of(model: &'a Path, weights: Option<&'a Path>) -> Result<ModelSource<'a>, Error> {
        let shown = model.display();
        let known = model
            .to_str()
            .filter(|text| torchvision_names().any(|name| name == *text));
        match (known, weights) {
            (Some(name), Some(weights)) => Ok(ModelSource::Torchvision { name, weights }),
            (Some(name), None) => Err(Error::Setting(format!(
                "the architecture {name} needs weights: --weights {name}.safetensors, hf:OWNER/NAME of the Hugging Face hub, or a .pth that PyTorch's torch.save(net.state_dict(), \"{name}.pth\") wrote"
            ))),
            (None, Some(_))
                if has_extension(model, &["onnx"]) || model.is_file() || is_of_hub(model) =>
            {
                Err(Error::Setting(format!(
                    "--weights does not apply to {shown}: an ONNX file holds its weights. It is for the torchvision architectures, as --model resnet50"
                )))
            }
            (None, None) if has_extension(model, &["pth", "pt", "safetensors"]) => {
                Err(Error::Setting(format!(
                    "{shown} holds weights, not a network; say which architecture they are of: --model resnet50 --weights {shown}"
                )))
            }
            (None, None) if is_of_hub(model) => Ok(ModelSource::Onnx(model)),
            (None, weights) => {
                let is_name = model.extension().is_none()
                    && model.components().count() == 1
                    && !model.exists();
                match model.to_str() {
                    Some(name) if weights.is_some() || is_name => {
                        Err(unknown_architecture(name).into())
                    }
                    _ => Ok(ModelSource::Onnx(model)),
                }
            }
        }
    }
}

fn has_extension(path: &Path, extensions: &[&str]) -> bool {
    path.extension()
        .and_then(|extension| extension.to_str())
        .is_some_and(|own| {
            extensions
                .iter()
                .any(|other| own.eq_ignore_ascii_case(other))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(model: &str, weights: Option<&str>) -> String {
        ModelSource::of(Path::new(model), weights.map(Path::new))
            .unwrap_err()
            .to_string()
    }

    #[test]
    fn a_file_and_a_name_with_weights_are_networks() {
        let file = Path::new("net.onnx");
        assert_eq!(
            ModelSource::of(file, None).unwrap(),
            ModelSource::Onnx(file)
        );
        let (name, weights) = ("resnet50", Path::new("resnet50.pth"));
        assert_eq!(
            ModelSource::of(Path::new(name), Some(weights)).unwrap(),
            ModelSource::Torchvision { name, weights }
        );
    }

    #[test]
    fn what_is_missing_or_too_much_is_said() {
        assert!(said("vgg16", None).contains("--weights"));
        assert!(said("net.onnx", Some("w.pth")).contains("does not apply to net.onnx"));
        assert!(said("w.pth", None).contains("--weights w.pth"));
        for unknown in [said("resnet5", None), said("resnet5", Some("w.pth"))] {
            for part in ["`resnet5`", "resnet50", "MobileNet (mobilenet_v2)"] {
                assert!(unknown.contains(part), "{unknown}");
            }
        }
    }
}
