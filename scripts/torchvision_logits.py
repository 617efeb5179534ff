"""Computes small reference results of torchvision's architectures.

    python -m pip install -r scripts/requirements-torchvision.txt
    python scripts/torchvision_logits.py [FAMILY...]

writes `crates/infoplane-attribution/tests/data/torchvision_logits.npz` with, for each architecture that
infoplane builds and that has at most 100 million parameters, `<architecture>/logits` (every 37th logit),
`<architecture>/shape` (the input's) and `<architecture>/<layer>` (each channel's mean activation, at most 16
channels evenly spread) for a few layers spread over the depth; of the families alone that are named, with the
rest as it is there. Tokens count as positions, their features as
channels.

Pretrained weights can't be shipped, so weights and inputs come from a formula that any language can
follow. Element i of the tensor `name` is made of u = (z >> 40) / 2**24, where z is splitmix64's output
for the state fnv1a64(name) + i, and of s = 2u - 1:

    running_var              1 + 0.2 u
    running_mean             0.1 s
    …bias                    0.05 s
    other one-axis tensors   0.5 + 0.1 s
    all others               s sqrt(6 / fan_in), fan_in = elements / first axis

The input is called `input`, has the shape 1 x 3 x 64 x 96 where the architecture does not need another, and
the elements 2 s.
"""

import sys
from pathlib import Path

import numpy as np
import torch
import torchvision

TARGET = (
    Path(__file__).resolve().parent.parent
    / "crates/infoplane-attribution/tests/data/torchvision_logits.npz"
)
LAYERS = {
    "resnet": "conv1 maxpool layer1.0 layer2.1 layer3.1 layer4.1 avgpool",
    "vgg": "features.1 features.5 features.13 features avgpool classifier.1",
    "squeezenet": "features.1 features.3 features.7 features.12 classifier.1",
    "mobilenet": "features.0 features.1 features.3 features.8.conv features.14 features.18",
    "densenet": "features.conv0 features.pool0 features.denseblock1.denselayer1 "
    "features.denseblock1.denselayer3.norm1 features.denseblock2 features.transition2 features",
    "googlenet": "conv1 maxpool1 inception3a.branch3 inception3a inception4c inception5b avgpool",
    "inception": "Conv2d_1a_3x3 maxpool2 Mixed_5b Mixed_6a Mixed_6c Mixed_7a Mixed_7c",
    "mnasnet": "layers.2 layers.7 layers.8.1 layers.9.0 layers.13 layers.16",
    "shufflenet": "conv1 maxpool stage2.0 stage2.2 stage3 stage4.3 conv5",
    "efficientnet": "features.0 features.1.0 features.2.0.block.2 features.3 features.6.0 features.8 avgpool",
    "convnext": "features.0 features.1.0.block.3 features.1.0.block features.1.0 features.2 features.5.2 avgpool classifier.0",
    "regnet": "stem trunk_output.block1 trunk_output.block2.block2-0.f trunk_output.block3 trunk_output avgpool",
    "vit": "conv_proj encoder.layers.encoder_layer_0.self_attention encoder.layers.encoder_layer_0 "
    "encoder.layers.encoder_layer_5.mlp.1 encoder.layers.encoder_layer_11 encoder",
}
ARCHITECTURES = {
    "resnet": "resnet18 resnet34 resnet50 resnet101 resnet152 resnext50_32x4d wide_resnet50_2",
    "vgg": "vgg11 vgg13 vgg16 vgg19 vgg11_bn vgg13_bn vgg16_bn vgg19_bn",
    "squeezenet": "squeezenet1_0 squeezenet1_1",
    "mobilenet": "mobilenet_v2",
    "densenet": "densenet121 densenet161 densenet169 densenet201",
    "googlenet": "googlenet googlenet_untransformed",
    "inception": "inception_v3 inception_v3_untransformed",
    "mnasnet": "mnasnet0_5 mnasnet0_75 mnasnet1_0 mnasnet1_3",
    "shufflenet": "shufflenet_v2_x0_5 shufflenet_v2_x1_0 shufflenet_v2_x1_5 shufflenet_v2_x2_0",
    "efficientnet": "efficientnet_b0 efficientnet_b1 efficientnet_b2 efficientnet_b3 efficientnet_b4 "
    "efficientnet_b5 efficientnet_b6 efficientnet_b7",
    "convnext": "convnext_tiny convnext_small convnext_base",
    "regnet": "regnet_y_400mf regnet_y_800mf regnet_y_1_6gf regnet_y_3_2gf regnet_y_8gf regnet_y_16gf "
    "regnet_x_400mf regnet_x_800mf regnet_x_1_6gf regnet_x_3_2gf regnet_x_8gf regnet_x_16gf",
    "vit": "vit_b_16 vit_b_32",
}
SHAPES = {"inception": (96, 128), "vit": (224, 224)}
LOGIT_STRIDE = 37
MAX_CHANNELS = 16


def uniform(name: str, n: int) -> np.ndarray:
    """n numbers in [0, 1)."""
    state = 0xCBF29CE484222325
    for byte in name.encode():
        state = ((state ^ byte) * 0x100000001B3) % 2**64
    golden = np.uint64(0x9E3779B97F4A7C15)
    with np.errstate(over="ignore"):
        z = np.uint64(state) + np.arange(n, dtype=np.uint64) + golden
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z ^= z >> np.uint64(31)
    return (z >> np.uint64(40)).astype(np.float32) / np.float32(2**24)


def formula(name: str, shape: torch.Size) -> torch.Tensor:
    n = int(np.prod(shape))
    u = uniform(name, n)
    s = 2 * u - 1
    if name == "input":
        values = 2 * s
    elif name.endswith("running_var"):
        values = 1 + np.float32(0.2) * u
    elif name.endswith("running_mean"):
        values = np.float32(0.1) * s
    elif name.endswith("bias"):
        values = np.float32(0.05) * s
    elif len(shape) == 1:
        values = np.float32(0.5) + np.float32(0.1) * s
    else:
        values = s * np.float32((6 / (n / shape[0])) ** 0.5)
    return torch.from_numpy(values.astype(np.float32)).reshape(shape)


def fill(net: torch.nn.Module) -> None:
    for name, tensor in net.state_dict().items():
        if tensor.is_floating_point():
            tensor.copy_(formula(name, tensor.shape))


def spread(values: np.ndarray) -> np.ndarray:
    return values[:: max(1, len(values) // MAX_CHANNELS)][:MAX_CHANNELS]


def build(name: str) -> torch.nn.Module:
    """An architecture without weights; the scale of the input is changed as with torchvision's own ones."""
    base = name.removesuffix("_untransformed")
    options = {}
    if base in ("googlenet", "inception_v3"):
        options = {"transform_input": base == name, "init_weights": False}
    # RegNet's widths are computed with tensors while it is built.
    with torch.device("cpu" if base.startswith("regnet") else "meta"):
        net = torchvision.models.get_model(base, **options)
    return net.to_empty(device="cpu").eval()


@torch.inference_mode()
def main() -> None:
    families = sys.argv[1:] or list(ARCHITECTURES)
    results = dict(np.load(TARGET)) if sys.argv[1:] else {}
    for family in families:
        names = ARCHITECTURES[family]
        shape = (1, 3, *SHAPES.get(family, (64, 96)))
        image = formula("input", torch.Size(shape))
        for name in names.split():
            net = build(name)
            fill(net)
            for layer in LAYERS[family].split():

                def keep(module, _inputs, output, key=f"{name}/{layer}"):
                    if isinstance(module, torch.nn.MultiheadAttention):
                        output = output[0]
                    values = output[0]
                    # Features are last in tokens and where a linear layer works on positions.
                    if values.ndim == 2 or isinstance(module, torch.nn.Linear):
                        values = values.reshape(-1, values.shape[-1]).mean(0)
                    elif values.ndim == 3:
                        values = values.flatten(1).mean(1)
                    # Copied now: a ReLU after it may work in place.
                    results[key] = spread(values.clone().numpy())

                net.get_submodule(layer).register_forward_hook(keep)
            results[f"{name}/logits"] = net(image)[0, ::LOGIT_STRIDE].numpy()
            results[f"{name}/shape"] = np.array(shape[1:])
            print(name, results[f"{name}/logits"][:3], flush=True)
        # Of so many parameters, every family takes its time.
        save(results)


def save(results: dict[str, np.ndarray]) -> None:
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(TARGET, **results)
    print(f"{TARGET}: {TARGET.stat().st_size} bytes")


if __name__ == "__main__":
    main()
