"""Trains a small convolutional network on scikit-learn's digits and exports it to ONNX."""

import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import nn

EPOCHS = 30


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(1, 16, 3, padding=1), nn.BatchNorm2d(16), nn.SiLU())
        self.block = nn.Sequential(
            nn.Conv2d(16, 16, 3, padding=1), nn.BatchNorm2d(16), nn.SiLU(),
            nn.Conv2d(16, 16, 3, padding=1), nn.BatchNorm2d(16),
        )
        self.down = nn.Sequential(nn.Conv2d(16, 32, 3, stride=2, padding=1), nn.SiLU())
        self.head = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(32, 10))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.stem(x)
        x = torch.relu(x + self.block(x))
        return self.head(self.down(x))


def main() -> None:
    torch.manual_seed(0)
    digits = load_digits()
    images = torch.tensor(digits.images, dtype=torch.float32).unsqueeze(1) / 8 - 1
    labels = torch.tensor(digits.target)
    test = torch.arange(len(images)) % 3 == 0
    net = Net()
    optimiser = torch.optim.AdamW(net.parameters(), lr=3e-3)
    for _ in range(EPOCHS):
        for batch in torch.randperm(int((~test).sum())).split(64):
            logits = net(images[~test][batch])
            optimiser.zero_grad()
            nn.functional.cross_entropy(logits, labels[~test][batch]).backward()
            optimiser.step()
    net.eval()
    with torch.no_grad():
        right = (net(images[test]).argmax(1) == labels[test]).float().mean()
    print(f"{100 * right:.1f} % of the test samples right")
    np.savez("test.npz", input=images[test].numpy(), label=labels[test].numpy())
    batch = torch.export.Dim("batch")
    torch.onnx.export(net, (images[:2],), "net.onnx", dynamo=True, dynamic_shapes=({0: batch},))


if __name__ == "__main__":
    main()
