"""Trains LeNet-5 on MNIST's files, or on scikit-learn's digits in the same form, and exports it to ONNX."""

import gzip
import struct
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from sklearn.datasets import load_digits
from torch import nn

FOLDER = Path("mnist")
EPOCHS = 4


def write_idx(name: str, array: np.ndarray) -> None:
    """IDX: two zeros, the element type (8: unsigned byte), the number of dimensions, the dimensions, the bytes."""
    header = struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape)
    with gzip.open(FOLDER / name, "wb") as file:
        file.write(header + array.astype(np.uint8).tobytes())


def read_idx(name: str) -> np.ndarray:
    with gzip.open(FOLDER / name, "rb") as file:
        content = file.read()
    shape = struct.unpack(f">{content[3]}I", content[4 : 4 + 4 * content[3]])
    return np.frombuffer(content, np.uint8, offset=4 + 4 * content[3]).reshape(shape)


def write_digits() -> None:
    """scikit-learn's 8 × 8 digits, enlarged to MNIST's 28 × 28."""
    FOLDER.mkdir()
    digits = load_digits()
    pixels = np.round(digits.images * (255 / 16)).astype(np.uint8)
    images = np.stack([np.asarray(Image.fromarray(image).resize((28, 28), Image.BICUBIC)) for image in pixels])
    test = np.arange(len(images)) % 3 == 0
    for name, chosen in (("train", ~test), ("t10k", test)):
        write_idx(f"{name}-images-idx3-ubyte.gz", images[chosen])
        write_idx(f"{name}-labels-idx1-ubyte.gz", digits.target[chosen])


def main() -> None:
    torch.manual_seed(0)
    if not FOLDER.exists():
        write_digits()
    images = torch.tensor(read_idx("train-images-idx3-ubyte.gz")).unsqueeze(1) / 255
    labels = torch.tensor(read_idx("train-labels-idx1-ubyte.gz")).long()
    net = nn.Sequential(
        nn.Conv2d(1, 6, 5, padding=2), nn.Tanh(), nn.AvgPool2d(2),
        nn.Conv2d(6, 16, 5), nn.Tanh(), nn.AvgPool2d(2), nn.Flatten(),
        nn.Linear(400, 120), nn.Tanh(), nn.Linear(120, 84), nn.Tanh(), nn.Linear(84, 10),
    )
    optimiser = torch.optim.AdamW(net.parameters(), lr=2e-3)
    for epoch in range(EPOCHS):
        right = 0
        for batch in torch.randperm(len(images)).split(64):
            logits = net(images[batch])
            optimiser.zero_grad()
            nn.functional.cross_entropy(logits, labels[batch]).backward()
            optimiser.step()
            right += (logits.argmax(1) == labels[batch]).sum().item()
        print(f"epoch {epoch + 1}: {100 * right / len(images):.1f} % right")
    torch.onnx.export(net.eval(), (images[:1],), "lenet.onnx", dynamo=True)


if __name__ == "__main__":
    main()
