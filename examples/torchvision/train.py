"""Trains a ResNet18 on scikit-learn's digits, written as folders of images, and saves its state dict."""

from pathlib import Path

import numpy as np
import torch
import torchvision
from PIL import Image
from sklearn.datasets import load_digits

EPOCHS = 3


def write_images(folder: Path) -> None:
    """Two thirds of the digits for training, one for testing, as PNG files of 32 × 32 pixels."""
    digits = load_digits()
    for index, (image, label) in enumerate(zip(digits.images, digits.target)):
        part = "test" if index % 3 == 0 else "train"
        pixels = np.round(image * (255 / 16)).astype(np.uint8)
        path = folder / part / str(label) / f"{index:04}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).convert("RGB").resize((32, 32), Image.BILINEAR).save(path)


def main() -> None:
    torch.manual_seed(0)
    write_images(Path("digits"))
    to_tensor = torchvision.transforms.ToTensor()
    data = torchvision.datasets.ImageFolder("digits/train", to_tensor)
    batches = torch.utils.data.DataLoader(data, batch_size=64, shuffle=True)
    net = torchvision.models.resnet18(num_classes=10)
    optimiser = torch.optim.AdamW(net.parameters(), lr=1e-3)
    for epoch in range(EPOCHS):
        right = 0
        for images, labels in batches:
            logits = net(images)
            optimiser.zero_grad()
            torch.nn.functional.cross_entropy(logits, labels).backward()
            optimiser.step()
            right += (logits.argmax(1) == labels).sum().item()
        print(f"epoch {epoch + 1}: {100 * right / len(data):.1f} % right")
    torch.save(net.state_dict(), "resnet18.pth")


if __name__ == "__main__":
    main()
