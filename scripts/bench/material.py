"""Networks and samples, the same files for both sides.

    python -m bench.material OUT [--shared FOLDER]

writes `<network>.safetensors` and `<network>.npz` (`input`, and `target`: the predicted classes) into
OUT. Weights follow the formula of `scripts/torchvision_logits.py`, since pretrained ones can't be shipped.
Where the folder of trained networks and images is given, SqueezeNet has its trained weights and all
samples are photographs; else they are smooth noise.
"""

import argparse
from dataclasses import dataclass
from pathlib import Path

NETWORKS = ["resnet50", "vgg16", "squeezenet1_1", "mobilenet_v2"]
N_SAMPLES = 8


@dataclass(frozen=True)
class Network:
    """A torchvision architecture with its files."""

    name: str
    weights: Path
    inputs: Path

    def flags(self) -> list:
        return ["--model", self.name, "--weights", self.weights, "--inputs", self.inputs]


def network(name: str, folder: Path, shared: Path | None) -> Network:
    """Where a network's files are, once this program has run."""
    trained = shared / "models" / f"{name}.safetensors" if shared else None
    weights = trained if trained and trained.is_file() else folder / f"{name}.safetensors"
    return Network(name, weights, folder / f"{name}.npz")


def photographs(shared: Path):
    """Images spread over the classes, preprocessed as usual."""
    import torch
    from PIL import Image
    from torchvision.transforms import v2

    files = sorted((shared / "data/imagenet/val").glob("*/*.jpg"))
    prepare = v2.Compose(
        [
            v2.Resize(256),
            v2.CenterCrop(224),
            v2.ToImage(),
            v2.ToDtype(torch.float32, scale=True),
            v2.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]),
        ]
    )
    chosen = files[len(files) // (2 * N_SAMPLES) :: len(files) // N_SAMPLES][:N_SAMPLES]
    return torch.stack([prepare(Image.open(file).convert("RGB")) for file in chosen])


def noise():
    """Random pictures with coarse and fine structure."""
    import torch

    make = torch.Generator().manual_seed(0)
    picture = torch.zeros(N_SAMPLES, 3, 224, 224)
    for side in [7, 28, 224]:
        coarse = torch.randn(N_SAMPLES, 3, side, side, generator=make)
        picture += torch.nn.functional.interpolate(coarse, 224, mode="bilinear")
    return picture / picture.std()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("out", type=Path)
    parser.add_argument("--shared", type=Path)
    parser.add_argument("--networks", default=",".join(NETWORKS))
    args = parser.parse_args()

    import numpy as np
    import torch
    import torchvision
    from safetensors.torch import load_file, save_file
    from torchvision_logits import fill

    args.out.mkdir(parents=True, exist_ok=True)
    photos = args.shared and (args.shared / "data/imagenet/val").is_dir()
    samples = photographs(args.shared) if photos else noise()
    with torch.inference_mode():
        for name in args.networks.split(","):
            files = network(name, args.out, args.shared)
            net = torchvision.models.get_model(name).eval()
            if files.weights.is_file():
                net.load_state_dict(load_file(files.weights))
            else:
                fill(net)
                save_file(net.state_dict(), files.weights)
            target = net(samples).argmax(1)
            np.savez(files.inputs, input=samples.numpy(), target=target.numpy())


if __name__ == "__main__":
    main()
