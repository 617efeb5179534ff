//! Vision Transformer (Dosovitskiy et al. 2020, arXiv 2010.11929).

use super::Architecture;
use super::net::{Conv, Feature, Net};
use crate::graph::ValueId;
use crate::op::Op;

pub(super) const ARCHITECTURES: [Architecture; 4] = [
    vit("vit_b_16", |net, n| describe(net, n, 16, BASE)),
    vit("vit_b_32", |net, n| describe(net, n, 32, BASE)),
    vit("vit_l_16", |net, n| describe(net, n, 16, LARGE)),
    vit("vit_l_32", |net, n| describe(net, n, 32, LARGE)),
];

/// Size of an encoder.
#[derive(Clone, Copy)]
struct Size {
    layers: usize,
    heads: usize,
    features: usize,
    hidden: usize,
}

const BASE: Size = Size {
    layers: 12,
    heads: 12,
    features: 768,
    hidden: 3072,
};
const LARGE: Size = Size {
    layers: 24,
    heads: 16,
    features: 1024,
    hidden: 4096,
};

/// Added to the variance by the layer normalisations.
const EPSILON: f32 = 1e-6;

const fn vit(name: &'static str, describe: fn(&mut Net, usize)) -> Architecture {
    Architecture::new(name, "heads.head.weight", describe).also_named(timm)
}

/// A network that sees images as patches of so many pixels in height and width.
fn describe(net: &mut Net, n_classes: usize, patch: usize, size: Size) {
    net.fixed_size = true;
    let n_patches = (net.side / patch).pow(2);
    let features = size.features;
    let input = net.input();
    let patches = Conv::new(features, patch).stride(patch).bias();
    let x = net.conv("conv_proj", input, patches);
    let x = reshape(net, "reshape", x, &[0, features as i64, -1]);
    let x = permute(net, "permute", x, &[0, 2, 1]);

    let first = net.named_tensor("class_token".to_string(), vec![1, 1, features]);
    let first = for_each_sample(net, x, first);
    let join = Op::Concat { axis: 1 };
    let x = net.add("cat", join, vec![first, x.value], features);
    let position = net.named_tensor(
        "encoder.pos_embedding".to_string(),
        vec![1, n_patches + 1, features],
    );
    let mut x = net.add("encoder.add", Op::Add, vec![x.value, position], features);
    net.alias("encoder.dropout", x);
    for index in 0..size.layers {
        x = encoder_layer(
            net,
            &format!("encoder.layers.encoder_layer_{index}"),
            x,
            size,
        );
    }
    net.alias("encoder.layers", x);
    let x = net.layer_norm("encoder", "encoder.ln", x, EPSILON);
    net.alias("encoder.ln", x);
    let x = net.token("getitem", x, 0);
    let x = net.linear("heads.head", x, n_classes);
    net.alias("heads", x);
}

/// A constant of one row as one of as many rows as there are samples.
fn for_each_sample(net: &mut Net, x: Feature, constant: ValueId) -> ValueId {
    let samples = Op::Shape {
        start: 0,
        end: Some(1),
    };
    let samples = net.add("expand.samples", samples, vec![x.value], 1).value;
    let rest = net.integers("expand.rest", &[1, 1]);
    let shape = Op::Concat { axis: 0 };
    let shape = net.add("expand.shape", shape, vec![samples, rest], 1).value;
    net.add("expand", Op::Expand, vec![constant, shape], x.channels)
        .value
}

fn reshape(net: &mut Net, name: &str, x: Feature, shape: &[i64]) -> Feature {
    let target = net.integers(&format!("{name}.shape"), shape);
    let op = Op::Reshape { allow_zero: false };
    net.add(name, op, vec![x.value, target], x.channels)
}

fn permute(net: &mut Net, name: &str, x: Feature, perm: &[usize]) -> Feature {
    let op = Op::Transpose {
        perm: Some(perm.to_vec()),
    };
    net.add(name, op, vec![x.value], x.channels)
}

/// A block; its value is that after its second addition.
fn encoder_layer(net: &mut Net, name: &str, input: Feature, size: Size) -> Feature {
    let at = |module: &str| format!("{name}.{module}");
    let x = net.layer_norm(&at("ln_1"), &at("ln_1"), input, EPSILON);
    let x = self_attention(net, &at("self_attention"), x, size.heads);
    net.alias(&at("dropout"), x);
    let middle = net.add_features(&at("add"), x, input);
    let x = net.layer_norm(&at("ln_2"), &at("ln_2"), middle, EPSILON);
    let x = net.linear_last(&at("mlp.0"), x, size.hidden);
    let x = net.gelu(&at("mlp.1"), x);
    let x = net.linear_last(&at("mlp.3"), x, size.features);
    net.alias(&at("mlp"), x);
    let output = net.add_features(name, middle, x);
    net.alias(&at("add_1"), output);
    output
}

/// PyTorch's `MultiheadAttention` of a value with itself.
fn self_attention(net: &mut Net, name: &str, x: Feature, n_heads: usize) -> Feature {
    let at = |module: &str| format!("{name}.{module}");
    let features = x.channels;
    let width = features / n_heads;
    let weights = net.named_tensor(at("in_proj_weight"), vec![3 * features, features]);
    let bias = net.named_tensor(at("in_proj_bias"), vec![3 * features]);
    let operands = vec![x.value, weights, bias];
    let projected = net.add(&at("in_proj"), Op::Linear, operands, 3 * features);

    let heads = |net: &mut Net, part: usize, letter: &str, perm: [usize; 4]| {
        let name = at(letter);
        let x = net.features(&name, projected, part * features, features);
        let shape = [0, 0, n_heads as i64, width as i64];
        let x = reshape(net, &format!("{name}.heads"), x, &shape);
        permute(net, &format!("{name}.permute"), x, &perm)
    };
    let query = heads(net, 0, "query", [0, 2, 1, 3]);
    let key = heads(net, 1, "key", [0, 2, 3, 1]);
    let value = heads(net, 2, "value", [0, 2, 1, 3]);
    let scale = net.scalar(&at("scale"), 1.0 / (width as f32).sqrt());
    let query = net.add(
        &at("scaled_query"),
        Op::Mul,
        vec![query.value, scale],
        n_heads,
    );
    let scores = vec![query.value, key.value];
    let scores = net.add(&at("scores"), Op::MatMul, scores, n_heads);
    let softmax = Op::Softmax {
        axis: -1,
        flatten: false,
    };
    let weights = net.add(&at("weights"), softmax, vec![scores.value], n_heads);
    let mixed = vec![weights.value, value.value];
    let x = net.add(&at("mixed"), Op::MatMul, mixed, features);
    let x = permute(net, &at("permute"), x, &[0, 2, 1, 3]);
    let x = reshape(net, &at("reshape"), x, &[0, 0, features as i64]);
    let output = net.linear_last_of(name, &at("out_proj"), x, features);
    net.alias(&at("out_proj"), output);
    output
}

fn timm(name: &str) -> String {
    timm_name(name).unwrap_or_else(|| name.to_string())
}

/// timm's name of a tensor; `None` where it is the same.
fn timm_name(name: &str) -> Option<String> {
    match name {
        "class_token" => return Some("cls_token".to_string()),
        "encoder.pos_embedding" => return Some("pos_embed".to_string()),
        _ => {}
    }
    let (module, tensor) = name.rsplit_once('.')?;
    let inside = match module {
        "conv_proj" => return Some(format!("patch_embed.proj.{tensor}")),
        "encoder.ln" => return Some(format!("norm.{tensor}")),
        "heads.head" => return Some(format!("head.{tensor}")),
        _ => module.strip_prefix("encoder.layers.encoder_layer_")?,
    };
    let (block, inside) = inside.split_once('.')?;
    let inside = match (inside, tensor) {
        ("ln_1", _) => format!("norm1.{tensor}"),
        ("ln_2", _) => format!("norm2.{tensor}"),
        ("mlp.0", _) => format!("mlp.fc1.{tensor}"),
        ("mlp.3", _) => format!("mlp.fc2.{tensor}"),
        ("self_attention", _) => format!("attn.qkv.{}", tensor.strip_prefix("in_proj_")?),
        ("self_attention.out_proj", _) => format!("attn.proj.{tensor}"),
        _ => return None,
    };
    Some(format!("blocks.{block}.{inside}"))
}
