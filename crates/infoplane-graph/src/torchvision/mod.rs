//! torchvision's architectures, filled with weights from a file.
//!
//! A value is named by the module whose output it is, as torchvision's `named_modules` has it:
//! `layer1.0`, `features.4`. What a module computes inside its `forward` has the name that
//! `torch.fx` gives it: `layer1.0.add`, `layer1.0.relu_1`, `flatten`. Where several modules end in the
//! same value (a block and the last module in it, a dropout and the one before it) the others are
//! aliases ([`Graph::aliases`]).

mod fit;
mod mobilenet;
mod net;
mod resnet;
mod squeezenet;
mod vgg;

use crate::error::GraphError;
use crate::graph::Graph;
use crate::layers::nearest;
use crate::weights::Weights;

pub use fit::{Misfit, Misshapen, Missing};
use net::{Described, Net};

/// The architectures, family by family.
const FAMILIES: [(&str, &[Architecture]); 4] = [
    ("ResNet", &resnet::ARCHITECTURES),
    ("VGG", &vgg::ARCHITECTURES),
    ("SqueezeNet", &squeezenet::ARCHITECTURES),
    ("MobileNet", &mobilenet::ARCHITECTURES),
];

/// Shape of one sample where nothing else is asked for.
const SAMPLE_SHAPE: [usize; 3] = [3, 224, 224];

/// An architecture: its name, and how it is built.
struct Architecture {
    name: &'static str,
    /// The weights of its last layer; their first dimension is the number of classes.
    head: &'static str,
    /// Describes the network for a number of classes.
    describe: fn(&mut Net, usize),
    /// The name that timm has for one of torchvision's, where it has another.
    timm: fn(&str) -> String,
}

impl Architecture {
    fn described(&self, n_classes: usize) -> Described {
        let mut net = Net::new();
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
