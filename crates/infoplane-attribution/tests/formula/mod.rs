//! Weights and inputs by a formula, as `scripts/torchvision_logits.py` and the reference results have
//! them.

use infoplane_graph::{Graph, Tensor, TensorData, Weights, read_torchvision, torchvision_tensors};

/// `n` numbers in [0, 1): splitmix64 from the name's FNV-1a hash on.
pub fn uniform(name: &str, n: usize) -> impl Iterator<Item = f32> {
    let seed = name.bytes().fold(0xCBF2_9CE4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3)
    });
    (0..n as u64).map(move |i| {
        let mut z = seed.wrapping_add(i).wrapping_add(0x9E37_79B9_7F4A_7C15);
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^= z >> 31;
        (z >> 40) as f32 / (1 << 24) as f32
    })
}

/// The tensor `name` of a state dict.
pub fn tensor(name: &str, shape: &[usize]) -> Tensor {
    let n: usize = shape.iter().product();
    let signed = |u: f32| 2.0 * u - 1.0;
    let values: Vec<f32> = match name {
        _ if name.ends_with("running_var") => uniform(name, n).map(|u| 1.0 + 0.2 * u).collect(),
        _ if name.ends_with("running_mean") => uniform(name, n).map(|u| 0.1 * signed(u)).collect(),
        _ if name.ends_with("bias") => uniform(name, n).map(|u| 0.05 * signed(u)).collect(),
        _ if shape.len() == 1 => uniform(name, n).map(|u| 0.5 + 0.1 * signed(u)).collect(),
        _ => {
            let fan_in = n as f64 / shape[0] as f64;
            let scale = (6.0 / fan_in).sqrt() as f32;
            uniform(name, n).map(|u| signed(u) * scale).collect()
        }
    };
    Tensor::new(shape.to_vec(), TensorData::F32(values.into())).unwrap()
}

/// An architecture of 1,000 classes.
pub fn network(architecture: &str) -> Graph {
    let tensors = torchvision_tensors(architecture, 1000).unwrap();
    let tensors = tensors
        .into_iter()
        .map(|(name, shape)| (name.clone(), tensor(&name, &shape)));
    let weights = Weights::from_tensors("formula", tensors);
    read_torchvision(architecture, &weights).unwrap()
}
