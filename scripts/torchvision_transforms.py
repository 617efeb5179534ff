"""Writes the transforms that torchvision keeps with its classification weights.

    python scripts/torchvision_transforms.py      (torchvision 0.29 made the committed file)

crates/infoplane-data/assets/torchvision_transforms.tsv  by name of the preset: side of the resize, side of the
                                                         crop, interpolation, mean, standard deviation.
"""
import pathlib

import torchvision
from torchvision.models import get_model_weights, list_models

table = pathlib.Path(__file__).parent.parent / "crates/infoplane-data/assets/torchvision_transforms.tsv"
lines = [
    f"# torchvision {torchvision.__version__.split('+')[0]}: weights.transforms() of each network and version of its"
    " weights; the name alone is IMAGENET1K_V1.",
    "# scripts/torchvision_transforms.py wrote this. Columns: preset, resize, crop, interpolation, mean, std.",
]
for name in sorted(list_models(module=torchvision.models)):
    for weights in get_model_weights(name):
        version = weights.name.removeprefix("IMAGENET1K_")
        preset = name if version == "V1" else f"{name}_{version.lower()}"
        transforms = weights.transforms()
        (resize,), (crop,) = transforms.resize_size, transforms.crop_size
        mean, std = (",".join(map(str, values)) for values in (transforms.mean, transforms.std))
        lines.append("\t".join([preset, str(resize), str(crop), transforms.interpolation.value, mean, std]))
table.write_text("\n".join(lines) + "\n")
