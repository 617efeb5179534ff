"""The demo's network and data; `train_demo.py` makes the files, the other `demo_*.py` check them.

Data: the test set of *Optical Recognition of Handwritten Digits* (Alpaydin and Kaynak, UCI Machine
Learning Repository, doi 10.24432/C50P49, CC BY 4.0), as packed in scikit-learn: 1,797 images of
8 x 8 with values 0 to 16, here divided by 16.
"""

from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

ASSETS = Path(__file__).resolve().parent.parent / "crates" / "infoplane" / "assets" / "demo"
NETWORK = ASSETS / "network.onnx"
DIGITS = ASSETS / "digits.npz"
CHECKPOINTS = ASSETS / "checkpoints"

# Held out for the analysis: about 60 images a class, enough for estimates of information.
N_HELD_OUT = 600
SPLIT_SEED = 0

# Channels of the three stages, at 8 x 8, 4 x 4 and 2 x 2 positions; two blocks a stage.
WIDTHS = (12, 24, 32)

# What infoplane analyses by default, from input to output. The names are those of modules of
# `DigitsNet` and of values of the ONNX file.
LAYERS = (
    "stem",
    "block1.0",
    "block1.1",
    "block2.0",
    "block2.1",
    "block3.0",
    "block3.1",
    "pool",
    "logits",
)


def convolution(inputs: int, outputs: int, size: int, stride: int = 1) -> nn.Sequential:
    """A convolution that keeps the map's size (divided by the stride), and batch normalisation."""
    layer = nn.Conv2d(inputs, outputs, size, stride, padding=size // 2, bias=False)
    return nn.Sequential(layer, nn.BatchNorm2d(outputs))


class Block(nn.Module):
    """A basic residual block (He et al. 2016); the shortcut is projected where the shape changes."""

    def __init__(self, inputs: int, outputs: int, stride: int, drop: float):
        super().__init__()
        self.first = convolution(inputs, outputs, 3, stride)
        self.activation = nn.ReLU()
        self.drop = nn.Dropout2d(drop)
        self.second = convolution(outputs, outputs, 3)
        same = stride == 1 and inputs == outputs
        self.shortcut = nn.Identity() if same else convolution(inputs, outputs, 1, stride)
        self.output = nn.ReLU()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        branch = self.second(self.drop(self.activation(self.first(x))))
        return self.output(branch + self.shortcut(x))


class MeanOverPositions(nn.Module):
    """[N, C, H, W] to [N, C]."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.mean(dim=(2, 3))


class DigitsNet(nn.Module):
    """A small residual network: [N, 1, 8, 8] with values 0 to 1 in, logits [N, 10] out."""

    def __init__(self, drop: float = 0.0):
        super().__init__()
        self.stem = nn.Sequential(convolution(1, WIDTHS[0], 3), nn.ReLU())
        inputs = WIDTHS[0]
        for stage, width in enumerate(WIDTHS, start=1):
            stride = 1 if stage == 1 else 2
            blocks = [Block(inputs, width, stride, drop), Block(width, width, 1, drop)]
            self.add_module(f"block{stage}", nn.Sequential(*blocks))
            inputs = width
        self.pool = MeanOverPositions()
        self.logits = nn.Linear(inputs, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.logits(self.pool(self.block3(self.block2(self.block1(self.stem(x))))))


def fold_batch_norm(network: DigitsNet) -> DigitsNet:
    """Turns, in place, each convolution and its batch normalisation into one convolution."""
    network.eval()
    for module in network.modules():
        if isinstance(module, nn.Sequential) and isinstance(module[-1], nn.BatchNorm2d):
            module[0], module[1] = fuse_conv_bn_eval(module[0], module[1]), nn.Identity()
    return network


def trained_network() -> DigitsNet:
    """The committed network, read back from its ONNX file, in float32 and evaluation mode."""
    tensors = onnx.load(NETWORK).graph.initializer
    network = fold_batch_norm(DigitsNet())
    wanted = network.state_dict()
    weights = {
        tensor.name: torch.from_numpy(numpy_helper.to_array(tensor).copy())
        for tensor in tensors
        if tensor.name in wanted
    }
    network.load_state_dict(weights)
    return network


def digits() -> tuple[np.ndarray, np.ndarray]:
    """All images, float32 [1797, 1, 8, 8] with values 0 to 1, and their labels, int64 [1797]."""
    packed = load_digits()
    return (packed.images[:, None] / 16).astype(np.float32), packed.target.astype(np.int64)


def split(labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Indices for training and indices held out, in order, stratified by class."""
    training, held_out = train_test_split(
        np.arange(len(labels)), test_size=N_HELD_OUT, random_state=SPLIT_SEED, stratify=labels
    )
    return np.sort(training), np.sort(held_out)


def by_position(values: torch.Tensor) -> torch.Tensor:
    """[N, C, H, W] or [N, C] to [N, C, positions]."""
    return values.reshape(*values.shape[:2], -1)


def conductance(
    network: DigitsNet, images: torch.Tensor, target: torch.Tensor, n_steps: int
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Conductance by the trapezoid rule from a blank image, and activation, of every layer.

    Both are [N, channels]: conductance summed and activation averaged over positions.
    """
    modules = dict(network.named_modules())
    values: dict[str, torch.Tensor] = {}

    def keep(layer: str):
        return lambda _module, _inputs, output: values.__setitem__(layer, output)

    hooks = [modules[layer].register_forward_hook(keep(layer)) for layer in LAYERS]
    total = dict.fromkeys(LAYERS, 0.0)
    previous: list[tuple[torch.Tensor, torch.Tensor]] = []
    for step in range(n_steps + 1):
        inputs = (images * (step / n_steps)).requires_grad_()
        reached = network(inputs).gather(1, target[:, None]).sum()
        outputs = [values[layer] for layer in LAYERS]
        gradients = torch.autograd.grad(reached, outputs)
        current = [(h.detach(), g) for h, g in zip(outputs, gradients, strict=True)]
        for layer, (h0, g0), (h1, g1) in zip(LAYERS, previous, current):
            total[layer] = total[layer] + 0.5 * (g0 + g1) * (h1 - h0)
        previous = current
    for hook in hooks:
        hook.remove()
    # The last node of the path is the image itself.
    activation = {layer: h for layer, (h, _) in zip(LAYERS, previous, strict=True)}
    return (
        {layer: by_position(total[layer]).sum(2).numpy() for layer in LAYERS},
        {layer: by_position(activation[layer]).mean(2).numpy() for layer in LAYERS},
    )
