"""Computes small reference results of torchvision's architectures.

    python -m pip install -r scripts/requirements-torchvision.txt
    python scripts/torchvision_logits.py

writes `crates/infoplane-attribution/tests/data/torchvision_logits.npz` with, for each architecture that
infoplane builds, `<architecture>/logits` (every 37th logit) and `<architecture>/<layer>` (each channel's
mean activation, at most 16 channels evenly spread) for a few layers spread over the depth.

Pretrained weights can't be shipped, so weights and inputs come from a formula that any language can
follow. Element i of the tensor `name` is made of u = (z >> 40) / 2**24, where z is splitmix64's output
for the state fnv1a64(name) + i, and of s = 2u - 1:

    running_var              1 + 0.2 u
    running_mean             0.1 s
    bias                     0.05 s
    other one-axis tensors   0.5 + 0.1 s
    weights                  s sqrt(6 / fan_in), fan_in = elements / first axis

The input is called `input`, has the shape 1 x 3 x 64 x 96 and the elements 2 s.
"""

from pathlib import Path

import numpy as np
import torch
import torchvision

TARGET = (
    Path(__file__).resolve().parent.parent
    / "crates/infoplane-attribution/tests/data/torchvision_logits.npz"
)
LAYERS = {
    "resnet": ["conv1", "maxpool", "layer1.0", "layer2.1", "layer3.1", "layer4.1", "avgpool"],
    "vgg": ["features.1", "features.5", "features.13", "features", "avgpool", "classifier.1"],
    "squeezenet": ["features.1", "features.3", "features.7", "features.12", "classifier.1"],
    "mobilenet": ["features.0", "features.1", "features.3", "features.8.conv", "features.14", "features.18"],
}
ARCHITECTURES = {
    "resnet": "resnet18 resnet34 resnet50 resnet101 resnet152 resnext50_32x4d wide_resnet50_2",
    "vgg": "vgg11 vgg13 vgg16 vgg19 vgg11_bn vgg13_bn vgg16_bn vgg19_bn",
    "squeezenet": "squeezenet1_0 squeezenet1_1",
    "mobilenet": "mobilenet_v2",
}
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


@torch.inference_mode()
def main() -> None:
    results = {}
    image = formula("input", torch.Size([1, 3, 64, 96]))
    for family, names in ARCHITECTURES.items():
        for name in names.split():
            net = torchvision.models.get_model(name).eval()
            fill(net)
            for layer in LAYERS[family]:

                def keep(_module, _inputs, output, key=f"{name}/{layer}"):
                    # Copied now: a ReLU after it may work in place.
                    means = output[0].flatten(1).mean(1) if output.ndim == 4 else output[0]
                    results[key] = spread(means.clone().numpy())

                net.get_submodule(layer).register_forward_hook(keep)
            results[f"{name}/logits"] = net(image)[0, ::LOGIT_STRIDE].numpy()
            print(name, results[f"{name}/logits"][:3])
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(TARGET, **results)
    print(f"{TARGET}: {TARGET.stat().st_size} bytes")


if __name__ == "__main__":
    main()
