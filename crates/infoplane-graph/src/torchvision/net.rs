//! A network in the making: modules put one after another, with the tensors that they need.

use crate::error::GraphError;
use crate::graph::{Dim, Graph, GraphBuilder, Node, ValueId};
use crate::op::{Op, Padding, Window};
use crate::tensor::Tensor;

/// Added to the variance by PyTorch's batch normalisation.
const EPSILON: f32 = 1e-5;

/// A value with its number of channels.
#[derive(Debug, Clone, Copy)]
pub(super) struct Feature {
    value: ValueId,
    pub channels: usize,
}

/// A square convolution.
#[derive(Debug, Clone, Copy)]
pub(super) struct Conv {
    pub channels: usize,
    pub kernel: usize,
    pub stride: usize,
    pub padding: usize,
    pub groups: usize,
    pub bias: bool,
}

impl Conv {
    /// A convolution of stride 1 without padding, groups or bias.
    pub fn new(channels: usize, kernel: usize) -> Conv {
        Conv {
            channels,
            kernel,
            stride: 1,
            padding: 0,
            groups: 1,
            bias: false,
        }
    }

    pub fn stride(self, stride: usize) -> Conv {
        Conv { stride, ..self }
    }

    pub fn padding(self, padding: usize) -> Conv {
        Conv { padding, ..self }
    }

    pub fn groups(self, groups: usize) -> Conv {
        Conv { groups, ..self }
    }

    pub fn bias(self) -> Conv {
        Conv { bias: true, ..self }
    }
}

/// A tensor that a module needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Expected {
    /// torchvision's name.
    pub name: String,
    pub shape: Vec<usize>,
}

/// Collects modules.
pub(super) struct Net {
    builder: GraphBuilder,
    input: ValueId,
    last: ValueId,
    expected: Vec<Expected>,
}

/// A network whose tensors are still to be filled in.
pub(super) struct Described {
    builder: GraphBuilder,
    input: ValueId,
    output: ValueId,
    pub expected: Vec<Expected>,
}

impl Net {
    pub fn new() -> Net {
        let mut builder = GraphBuilder::default();
        let input = builder.value("input");
        Net {
            builder,
            input,
            last: input,
            expected: Vec::new(),
        }
    }

    /// The images.
    pub fn input(&self) -> Feature {
        Feature {
            value: self.input,
            channels: super::SAMPLE_SHAPE[0],
        }
    }

    /// The network; its output is what was added last.
    pub fn finish(self) -> Described {
        Described {
            builder: self.builder,
            input: self.input,
            output: self.last,
            expected: self.expected,
        }
    }

    /// Another name of a value.
    pub fn alias(&mut self, name: &str, feature: Feature) {
        self.builder.alias(name, feature.value);
    }

    pub fn conv(&mut self, name: &str, x: Feature, conv: Conv) -> Feature {
        let weights = vec![
            conv.channels,
            x.channels / conv.groups,
            conv.kernel,
            conv.kernel,
        ];
        let mut operands = vec![x.value, self.tensor(name, "weight", weights)];
        if conv.bias {
            operands.push(self.tensor(name, "bias", vec![conv.channels]));
        }
        let op = Op::Conv {
            window: window(conv.kernel, conv.stride, conv.padding, false),
            group: conv.groups,
        };
        self.add(name, op, operands, conv.channels)
    }

    pub fn batch_norm(&mut self, name: &str, x: Feature) -> Feature {
        self.batch_norm_of(name, name, x)
    }

    /// A batch normalisation whose value has another name than its tensors.
    pub fn batch_norm_of(&mut self, name: &str, module: &str, x: Feature) -> Feature {
        let mut operands = vec![x.value];
        for tensor in ["weight", "bias", "running_mean", "running_var"] {
            operands.push(self.tensor(module, tensor, vec![x.channels]));
        }
        let op = Op::BatchNormalization { epsilon: EPSILON };
        self.add(name, op, operands, x.channels)
    }

    pub fn relu(&mut self, name: &str, x: Feature) -> Feature {
        self.add(name, Op::Relu, vec![x.value], x.channels)
    }

    pub fn relu6(&mut self, name: &str, x: Feature) -> Feature {
        let op = Op::Clip {
            min: Some(0.0),
            max: Some(6.0),
        };
        self.add(name, op, vec![x.value], x.channels)
    }

    /// A square max-pool.
    pub fn max_pool(
        &mut self,
        name: &str,
        x: Feature,
        (kernel, stride, padding): (usize, usize, usize),
        ceil_mode: bool,
    ) -> Feature {
        let op = Op::MaxPool {
            window: window(kernel, stride, padding, ceil_mode),
        };
        self.add(name, op, vec![x.value], x.channels)
    }

    /// The mean over all positions, which stay as two axes of size 1.
    pub fn global_average_pool(&mut self, name: &str, x: Feature) -> Feature {
        self.add(name, Op::GlobalAveragePool, vec![x.value], x.channels)
    }

    /// PyTorch's `AdaptiveAvgPool2d((size, size))`, one axis after the other.
    pub fn adaptive_average_pool(&mut self, name: &str, x: Feature, size: usize) -> Feature {
        let columns = self.average_axis(&format!("{name}.columns"), x, 3, size);
        self.average_axis(name, columns, 2, size)
    }

    fn average_axis(&mut self, name: &str, x: Feature, axis: usize, size: usize) -> Feature {
        let shares = format!("{name}.shares");
        let of_shape = Op::AdaptiveShares { axis, size };
        let shares = self.add(&shares, of_shape, vec![x.value], x.channels);
        let op = Op::AdaptiveAveragePool { axis, size };
        self.add(name, op, vec![x.value, shares.value], x.channels)
    }

    pub fn add_features(&mut self, name: &str, a: Feature, b: Feature) -> Feature {
        self.add(name, Op::Add, vec![a.value, b.value], a.channels)
    }

    /// Channels of one value after those of another.
    pub fn concat(&mut self, name: &str, a: Feature, b: Feature) -> Feature {
        let op = Op::Concat { axis: 1 };
        self.add(name, op, vec![a.value, b.value], a.channels + b.channels)
    }

    /// All positions of a channel one after another; `positions` is their number.
    pub fn flatten(&mut self, name: &str, x: Feature, positions: usize) -> Feature {
        let op = Op::Flatten { axis: 1 };
        self.add(name, op, vec![x.value], x.channels * positions)
    }

    pub fn linear(&mut self, name: &str, x: Feature, units: usize) -> Feature {
        let weights = self.tensor(name, "weight", vec![units, x.channels]);
        let bias = self.tensor(name, "bias", vec![units]);
        let op = Op::Gemm {
            alpha: 1.0,
            beta: 1.0,
            trans_a: false,
            trans_b: true,
        };
        self.add(name, op, vec![x.value, weights, bias], units)
    }

    fn tensor(&mut self, module: &str, tensor: &str, shape: Vec<usize>) -> ValueId {
        let name = format!("{module}.{tensor}");
        let id = self.builder.value(&name);
        self.expected.push(Expected { name, shape });
        id
    }

    fn add(&mut self, name: &str, op: Op, operands: Vec<ValueId>, channels: usize) -> Feature {
        let value = self.builder.value(name);
        self.builder.node(Node {
            name: name.to_string(),
            op,
            inputs: operands.into_iter().map(Some).collect(),
            outputs: vec![Some(value)],
        });
        self.last = value;
        Feature { value, channels }
    }
}

impl Described {
    /// The graph, with the tensors that were expected, in that order.
    pub fn fill(
        mut self,
        tensors: impl IntoIterator<Item = Result<Tensor, GraphError>>,
    ) -> Result<Graph, GraphError> {
        for (expected, tensor) in self.expected.iter().zip(tensors) {
            self.builder.constant(&expected.name, tensor?);
        }
        let [channels, height, width] = super::SAMPLE_SHAPE;
        let dims = vec![
            Dim::Free("N".to_string()),
            Dim::Fixed(channels),
            Dim::Free("height".to_string()),
            Dim::Free("width".to_string()),
        ];
        let mut graph = self.builder.finish(self.input, dims, self.output)?;
        graph.usual_sample_shape = Some(vec![channels, height, width]);
        Ok(graph)
    }
}

fn window(kernel: usize, stride: usize, padding: usize, ceil_mode: bool) -> Window {
    Window {
        kernel: Some(vec![kernel; 2]),
        strides: vec![stride; 2],
        dilations: Vec::new(),
        padding: Padding::Explicit(vec![padding; 4]),
        ceil_mode,
    }
}
