//! torchvision's architectures, filled with weights from a file.
//!
//! A value is named by the module whose output it is, as torchvision's `named_modules` has it:
//! `layer1.0`, `features.4`. What a module computes inside its `forward` has the name that
//! `torch.fx` gives it: `layer1.0.add`, `layer1.0.relu_1`, `flatten`. Where several modules end in the
//! same value (a block and the last module in it, a dropout and the one before it) the others are
//! aliases ([`Graph::aliases`]).

mod blocks;
mod convnext;
mod densenet;
mod efficientnet;
mod fit;
mod inception;
mod mnasnet;
mod mobilenet;
mod net;
mod regnet;
mod resnet;
mod shufflenet;
mod squeezenet;
mod vgg;
mod vit;

use crate::error::GraphError;
use crate::graph::Graph;
use crate::layers::nearest;
use crate::weights::Weights;

pub use fit::{Misfit, Misshapen, Missing};
use net::{Described, Net};

/// The architectures, family by family.
const FAMILIES: [(&str, &[Architecture]); 12] = [
    ("ResNet", &resnet::ARCHITECTURES),
    ("VGG", &vgg::ARCHITECTURES),
    ("SqueezeNet", &squeezenet::ARCHITECTURES),
    ("MobileNet", &mobilenet::ARCHITECTURES),
    ("DenseNet", &densenet::ARCHITECTURES),
    ("Inception", &inception::ARCHITECTURES),
    ("MNASNet", &mnasnet::ARCHITECTURES),
    ("ShuffleNet", &shufflenet::ARCHITECTURES),
    ("EfficientNet", &efficientnet::ARCHITECTURES),
    ("ConvNeXt", &convnext::ARCHITECTURES),
    ("RegNet", &regnet::ARCHITECTURES),
    ("Vision Transformer", &vit::ARCHITECTURES),
];

/// Height and width of images where an architecture has no other usual size.
const SIDE: usize = 224;

/// An architecture: its name, and how it is built.
struct Architecture {
    name: &'static str,
    /// The weights of its last layer; their first dimension is the number of classes.
    head: &'static str,
    /// Describes the network for a number of classes.
    describe: fn(&mut Net, usize),
    /// The name that a tensor has in the other files that are read: timm's, or torchvision's from before
    /// it renamed it.
    other_name: fn(&str) -> String,
    /// Height and width of usual images.
    side: usize,
    /// Modules that only serve the training, by the beginning of their tensors' names. A file may have them;
    /// they are not read.
    training_only: &'static [&'static str],
}

impl Architecture {
    const fn new(
        name: &'static str,
        head: &'static str,
        describe: fn(&mut Net, usize),
    ) -> Architecture {
        Architecture {
            name,
            head,
            describe,
            other_name: str::to_string,
            side: SIDE,
            training_only: &[],
        }
    }

    const fn also_named(self, other_name: fn(&str) -> String) -> Architecture {
        Architecture { other_name, ..self }
    }

    const fn side(self, side: usize) -> Architecture {
        Architecture { side, ..self }
    }

    const fn training_only(self, training_only: &'static [&'static str]) -> Architecture {
        Architecture {
            training_only,
            ..self
        }
    }

    fn described(&self, n_classes: usize) -> Described {
        let mut net = Net::new(self.side);
        (self.describe)(&mut net, n_classes);
        net.finish()
    }
}

fn architectures() -> impl Iterator<Item = &'static Architecture> {
    FAMILIES.iter().flat_map(|(_, members)| *members)
}

/// The names of all architectures, family by family.
pub fn torchvision_names() -> impl Iterator<Item = &'static str> {
    architectures().map(|architecture| architecture.name)
}

/// The tensors that an architecture needs for a number of classes, by torchvision's names and with
/// their shapes; `None` for an unknown architecture.
pub fn torchvision_tensors(name: &str, n_classes: usize) -> Option<Vec<(String, Vec<usize>)>> {
    let architecture = find(name)?;
    let expected = architecture.described(n_classes).expected;
    Some(
        expected
            .into_iter()
            .map(|tensor| (tensor.name, tensor.shape))
            .collect(),
    )
}

fn find(name: &str) -> Option<&'static Architecture> {
    architectures().find(|architecture| architecture.name == name)
}

/// Builds a torchvision architecture by its name and fills it with weights.
///
/// The weights may have torchvision's names or timm's. The number of classes is theirs.
///
/// # Errors
/// [`GraphError::UnknownArchitecture`]; [`GraphError::WeightsMismatch`] with every tensor that is
/// missing, left over or of another shape; [`GraphError::Weights`] where a tensor can't be read.
pub fn read_torchvision(name: &str, weights: &Weights) -> Result<Graph, GraphError> {
    let architecture = find(name).ok_or_else(|| unknown_architecture(name))?;
    fit::fill(architecture, weights)
}

/// The error for a name that no architecture has.
pub fn unknown_architecture(name: &str) -> GraphError {
    let families = FAMILIES.iter().map(|(family, members)| {
        let names: Vec<&str> = members.iter().map(|member| member.name).collect();
        format!("{family} ({})", names.join(", "))
    });
    GraphError::UnknownArchitecture {
        name: name.to_string(),
        suggestions: nearest(name, torchvision_names()),
        families: families.collect::<Vec<String>>().join("; "),
    }
}
