"""Writes `plane.csv`: the demo's information plane, computed independently of infoplane.

    python scripts/demo_plane.py

Conductance is the trapezoid rule on 200 uniform steps, from a blank image and for the predicted class.
Information is that of the `gaussian-channel` estimator, in bits: each layer's vectors Z are sent through
a channel with Gaussian noise of variance tau^2 times the trace of their covariance, and the mixture of
Gaussians centred on the samples stands for the density of what arrives. It is computed with each
sample's own centre in the mixture and without; the middle of the two is the estimate. Columns end in
`_own` and `_left_out` for the two. Prints the plane at the first tau at which no bracket is wider than
one bit.
"""

import csv

import numpy as np
import torch
from scipy.special import logsumexp
from scipy.spatial.distance import cdist

from demo_network import ASSETS, DIGITS, LAYERS, conductance, trained_network

TAUS = (0.1, 0.15, 0.2, 0.3, 0.5, 0.7, 1.0)
N_DRAWS = 4
N_COMPONENTS = 64
N_STEPS = 200
WIDEST_BRACKET = 1.0


def information(vectors: np.ndarray, labels: np.ndarray, tau: float) -> np.ndarray:
    """[[I(X;C), I(C;Y)] with own centres, the same without], in bits."""
    centred = vectors.astype(np.float64) - vectors.mean(0, dtype=np.float64)
    variance = tau**2 * (centred**2).sum(1).mean()
    _, _, rotation = np.linalg.svd(centred, full_matrices=False)
    centres = centred @ rotation[:N_COMPONENTS].T
    generator = np.random.default_rng(0)
    n = len(labels)
    same_class = labels[:, None] == labels
    class_size = same_class.sum(1)
    total = np.zeros((2, 2))
    for _ in range(N_DRAWS):
        noise = np.sqrt(variance) * generator.standard_normal(centres.shape)
        exponents = -cdist(centres + noise, centres, "sqeuclidean") / (2 * variance)
        own = exponents.diagonal().copy()
        in_class = np.where(same_class, exponents, -np.inf)
        for left_out in (0, 1):
            if left_out:
                np.fill_diagonal(exponents, -np.inf)
                np.fill_diagonal(in_class, -np.inf)
            log_density = logsumexp(exponents, axis=1) - np.log(n - left_out)
            log_class_density = logsumexp(in_class, axis=1) - np.log(class_size - left_out)
            total[left_out] += (own - log_density).mean(), (log_class_density - log_density).mean()
    return total / (N_DRAWS * np.log(2))


def main() -> None:
    torch.set_num_threads(1)
    data = np.load(DIGITS)
    images, labels = torch.from_numpy(data["input"]), data["label"]
    network = trained_network()
    with torch.no_grad():
        predicted = network(images).argmax(1)
    vectors = dict(
        zip(("conductance", "activation"), conductance(network, images, predicted, N_STEPS), strict=True)
    )
    chosen = None
    with open(ASSETS / "plane.csv", "w", newline="") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow("kind layer tau mi_x_own mi_x_left_out mi_y_own mi_y_left_out".split())
        for tau in TAUS:
            results = {
                (kind, layer): information(vectors[kind][layer], labels, tau)
                for kind in vectors
                for layer in LAYERS
            }
            for (kind, layer), bits in results.items():
                rows.writerow([kind, layer, tau, *(f"{value:.3f}" for value in bits.T.flat)])
            widest = max(np.ptp(bits, axis=0).max() for bits in results.values())
            if chosen is None and widest <= WIDEST_BRACKET:
                chosen = tau, results

    tau, results = chosen
    print(f"tau {tau}\n\n| kind | layer | I(X;C) | I(C;Y) | ITE |\n|---|---|---|---|---|")
    for (kind, layer), bits in results.items():
        mi_x, mi_y = bits.mean(0)
        print(f"| {kind} | {layer} | {mi_x:.2f} | {mi_y:.2f} | {mi_y / mi_x:.2f} |")


if __name__ == "__main__":
    main()
