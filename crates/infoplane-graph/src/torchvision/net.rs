//! A network in the making: modules put one after another, with the tensors that they need.

use crate::error::GraphError;
use crate::graph::{Dim, Graph, GraphBuilder, Node, ValueId};
use crate::op::{Op, Padding, Window};
use crate::tensor::{Tensor, TensorData};

/// Channels of an image.
const COLOURS: usize = 3;
/// Added to the variance by PyTorch's batch normalisation where nothing else is asked for.
const EPSILON: f32 = 1e-5;

/// A value with its number of channels.
#[derive(Debug, Clone, Copy)]
pub(super) struct Feature {
    pub value: ValueId,
    pub channels: usize,
}

/// A convolution; its window is height × width.
#[derive(Debug, Clone, Copy)]
pub(super) struct Conv {
    pub channels: usize,
    pub kernel: [usize; 2],
    pub stride: usize,
    pub padding: [usize; 2],
    pub groups: usize,
    pub bias: bool,
}

impl Conv {
    /// A square convolution of stride 1 without padding, groups or bias.
    pub fn new(channels: usize, kernel: usize) -> Conv {
        Conv {
            channels,
            kernel: [kernel; 2],
            stride: 1,
            padding: [0; 2],
            groups: 1,
            bias: false,
        }
    }

    /// A convolution whose result has the size of its operand; its kernel has odd sides.
    pub fn same(channels: usize, kernel: [usize; 2]) -> Conv {
        Conv {
            kernel,
            padding: kernel.map(|side| side / 2),
            ..Conv::new(channels, 1)
        }
    }

    pub fn stride(self, stride: usize) -> Conv {
        Conv { stride, ..self }
    }

    pub fn padding(self, padding: usize) -> Conv {
        Conv {
            padding: [padding; 2],
            ..self
        }
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
    pub(super) builder: GraphBuilder,
    input: ValueId,
    last: ValueId,
    expected: Vec<Expected>,
    /// Height and width of usual images.
    pub side: usize,
    /// Whether images have to be of that size.
    pub fixed_size: bool,
    /// Added to the variance by the batch normalisations that follow.
    pub epsilon: f32,
}

/// A network whose tensors are still to be filled in.
pub(super) struct Described {
    builder: GraphBuilder,
    input: ValueId,
    output: ValueId,
    side: usize,
    fixed_size: bool,
    pub expected: Vec<Expected>,
}

impl Net {
    /// A network for images that usually have so many pixels in height and width.
    pub fn new(side: usize) -> Net {
        let mut builder = GraphBuilder::default();
        let input = builder.value("input");
        Net {
            builder,
            input,
            last: input,
            expected: Vec::new(),
            side,
            fixed_size: false,
            epsilon: EPSILON,
        }
    }

    /// The images.
    pub fn input(&self) -> Feature {
        Feature {
            value: self.input,
            channels: COLOURS,
        }
    }

    /// The network; its output is what was added last.
    pub fn finish(self) -> Described {
        Described {
            builder: self.builder,
            input: self.input,
            output: self.last,
            side: self.side,
            fixed_size: self.fixed_size,
            expected: self.expected,
        }
    }

    /// Another name of a value.
    pub fn alias(&mut self, name: &str, feature: Feature) {
        self.builder.alias(name, feature.value);
    }

    pub fn conv(&mut self, name: &str, x: Feature, conv: Conv) -> Feature {
        self.conv_of(name, name, x, conv)
    }

    /// A convolution whose value has another name than its tensors.
    pub fn conv_of(&mut self, name: &str, module: &str, x: Feature, conv: Conv) -> Feature {
        let [height, width] = conv.kernel;
        let weights = vec![conv.channels, x.channels / conv.groups, height, width];
        let mut operands = vec![x.value, self.tensor(module, "weight", weights)];
        if conv.bias {
            operands.push(self.tensor(module, "bias", vec![conv.channels]));
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
        let epsilon = self.epsilon;
        let op = Op::BatchNormalization { epsilon };
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
            window: window([kernel; 2], stride, [padding; 2], ceil_mode),
        };
        self.add(name, op, vec![x.value], x.channels)
    }

    /// A square average pool, with its padding in the means.
    pub fn average_pool(
        &mut self,
        name: &str,
        x: Feature,
        (kernel, stride, padding): (usize, usize, usize),
    ) -> Feature {
        let op = Op::AveragePool {
            window: window([kernel; 2], stride, [padding; 2], false),
            count_include_pad: true,
        };
        self.add(name, op, vec![x.value], x.channels)
    }

    /// PyTorch's `SiLU`, x · sigmoid x.
    pub fn silu(&mut self, name: &str, x: Feature) -> Feature {
        let gate = self.sigmoid(&format!("{name}.sigmoid"), x);
        self.multiply(name, x, gate)
    }

    pub fn sigmoid(&mut self, name: &str, x: Feature) -> Feature {
        self.add(name, Op::Sigmoid, vec![x.value], x.channels)
    }

    /// PyTorch's exact `GELU`.
    pub fn gelu(&mut self, name: &str, x: Feature) -> Feature {
        self.add(name, Op::Gelu { tanh: false }, vec![x.value], x.channels)
    }

    /// The product element by element; the second operand may have one element a channel.
    pub fn multiply(&mut self, name: &str, a: Feature, b: Feature) -> Feature {
        self.add(name, Op::Mul, vec![a.value, b.value], a.channels)
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
    pub fn concat(&mut self, name: &str, parts: &[Feature]) -> Feature {
        let op = Op::Concat { axis: 1 };
        let values = parts.iter().map(|part| part.value).collect();
        let channels = parts.iter().map(|part| part.channels).sum();
        self.add(name, op, values, channels)
    }

    /// So many channels from `first` on.
    pub fn channels(&mut self, name: &str, x: Feature, first: usize, n: usize) -> Feature {
        let value = self.slice(name, x, 1, first, n);
        Feature { value, channels: n }
    }

    /// So many features of every token from `first` on.
    pub fn features(&mut self, name: &str, x: Feature, first: usize, n: usize) -> Feature {
        let value = self.slice(name, x, -1, first, n);
        Feature { value, channels: n }
    }

    /// One token's features.
    pub fn token(&mut self, name: &str, x: Feature, index: usize) -> Feature {
        let value = self.slice(&format!("{name}.slice"), x, 1, index, 1);
        let op = Op::Squeeze {
            axes: Some(vec![1]),
        };
        self.add(name, op, vec![value], x.channels)
    }

    fn slice(&mut self, name: &str, x: Feature, axis: i64, first: usize, n: usize) -> ValueId {
        let op = Op::Slice {
            starts: Some(vec![first as i64]),
            ends: Some(vec![(first + n) as i64]),
            axes: Some(vec![axis]),
        };
        self.add(name, op, vec![x.value], n).value
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

    /// A linear layer of every token's (position's) features, which are the last axis.
    pub fn linear_last(&mut self, name: &str, x: Feature, units: usize) -> Feature {
        self.linear_last_of(name, name, x, units)
    }

    /// The same, of a value that has another name than its tensors.
    pub fn linear_last_of(
        &mut self,
        name: &str,
        module: &str,
        x: Feature,
        units: usize,
    ) -> Feature {
        let weights = self.tensor(module, "weight", vec![units, x.channels]);
        let bias = self.tensor(module, "bias", vec![units]);
        self.add(name, Op::Linear, vec![x.value, weights, bias], units)
    }

    /// A normalisation of the last axis, of a value that may have another name than its tensors.
    pub fn layer_norm(&mut self, name: &str, module: &str, x: Feature, epsilon: f32) -> Feature {
        let operands = ["weight", "bias"].map(|t| self.tensor(module, t, vec![x.channels]));
        let op = Op::LayerNormalization { axis: -1, epsilon };
        let operands = [&[x.value], operands.as_slice()].concat();
        self.add(name, op, operands, x.channels)
    }

    fn tensor(&mut self, module: &str, tensor: &str, shape: Vec<usize>) -> ValueId {
        self.named_tensor(format!("{module}.{tensor}"), shape)
    }

    /// A tensor that is expected in the weights.
    pub fn named_tensor(&mut self, name: String, shape: Vec<usize>) -> ValueId {
        let id = self.builder.value(&name);
        self.expected.push(Expected { name, shape });
        id
    }

    /// One number.
    pub fn scalar(&mut self, name: &str, value: f32) -> ValueId {
        let tensor = Tensor::new(Vec::new(), TensorData::F32(vec![value].into()));
        // A number has one element.
        tensor.map_or(self.input, |tensor| self.builder.constant(name, tensor))
    }

    /// A list of integers.
    pub fn integers(&mut self, name: &str, values: &[i64]) -> ValueId {
        let tensor = Tensor::from_integers(values.to_vec());
        self.builder.constant(name, tensor)
    }

    pub fn add(&mut self, name: &str, op: Op, operands: Vec<ValueId>, channels: usize) -> Feature {
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
        let side = |name: &str| match self.fixed_size {
            true => Dim::Fixed(self.side),
            false => Dim::Free(name.to_string()),
        };
        let dims = vec![
            Dim::Free("N".to_string()),
            Dim::Fixed(COLOURS),
            side("height"),
            side("width"),
        ];
        let mut graph = self.builder.finish(self.input, dims, self.output)?;
        graph.usual_sample_shape = Some(vec![COLOURS, self.side, self.side]);
        Ok(graph)
    }
}

fn window(
    kernel: [usize; 2],
    stride: usize,
    [vertical, horizontal]: [usize; 2],
    ceil_mode: bool,
) -> Window {
    Window {
        kernel: Some(kernel.to_vec()),
        strides: vec![stride; 2],
        dilations: Vec::new(),
        padding: Padding::Explicit(vec![vertical, horizontal, vertical, horizontal]),
        ceil_mode,
    }
}
