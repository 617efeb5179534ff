"""Writes `golden.npz`: reference conductances of the demo network on four of its images.

    python scripts/demo_golden.py

`captum/<layer>` is Captum's LayerConductance at 20 steps with its default method, and
`captum_delta/<layer>` its completeness error; `trapezoid/<layer>` is the trapezoid rule on 20 uniform
steps and `exact/<layer>` on 1,000, both computed in float64. The baseline is a blank image (zero), the
target the predicted class; arrays are [4, channels], summed over positions.
"""

import numpy as np
import torch
from captum.attr import LayerConductance

from demo_network import (
    ASSETS,
    DIGITS,
    LAYERS,
    NETWORK,
    by_position,
    conductance,
    trained_network,
)

N_IMAGES = 4
N_STEPS = 20
N_EXACT_STEPS = 1000


def main() -> None:
    torch.set_num_threads(1)
    network = trained_network()
    images = torch.from_numpy(np.load(DIGITS)["input"][:N_IMAGES])
    baseline = torch.zeros_like(images)
    with torch.no_grad():
        logits, blank = network(images), network(baseline)
    target = logits.argmax(1)
    golden = {
        "input": images,
        "target": target,
        "logits": logits,
        "f_input": logits.gather(1, target[:, None])[:, 0],
        "f_baseline": blank.gather(1, target[:, None])[:, 0],
        "n_steps": N_STEPS,
        "layers": LAYERS,
        "modules": LAYERS,
        "model": NETWORK.name,
        "per_neuron": False,
    }
    modules = dict(network.named_modules())
    for layer in LAYERS:
        attribution, delta = LayerConductance(network, modules[layer]).attribute(
            images, baseline, target, n_steps=N_STEPS, return_convergence_delta=True
        )
        golden[f"captum/{layer}"] = by_position(attribution.detach()).sum(2)
        golden[f"captum_delta/{layer}"] = delta.detach().float()
    network, images = network.double(), images.double()
    for rule, n_steps in (("trapezoid", N_STEPS), ("exact", N_EXACT_STEPS)):
        for layer, values in conductance(network, images, target, n_steps)[0].items():
            golden[f"{rule}/{layer}"] = values.astype(np.float32)
    np.savez_compressed(ASSETS / "golden.npz", **golden)


if __name__ == "__main__":
    main()
