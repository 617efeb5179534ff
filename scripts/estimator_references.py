"""Writes `tests/data/neighbours.npz` of infoplane-estimators: samples, and what others estimate from them.

    pip install -r scripts/requirements-estimators.txt
    python scripts/estimator_references.py

Values are in nats. `CASE/x` and `CASE/y` are the samples, `[N, d]` or for classes `[N]`, and every
other `CASE/NAME` is one value:

- `regression_kK`: scikit-learn's `mutual_info_regression` (columns scaled, noise of 1e-10 added);
- `cc_kK`: scikit-learn's `_compute_mi_cc`, without scale and noise;
- `classif_kK`: scikit-learn's `mutual_info_classif` (columns scaled, noise added);
- `cd_kK`: scikit-learn's `_compute_mi_cd`, without scale and noise;
- `npeet_kK`: `mi` of NPEET, as npeet-plus packs it (no scale, noise of 1e-10 added), and
  `npeet_entropy_kK`: its `entropy` of x;
- `ksg2_kK`, `gao_kK`: eq. 9 of Kraskov et al. 2004 and Algorithm 1 of Gao et al. 2017, by all pairs
  in NumPy below, since no kept package has them.

scikit-learn clamps at 0, so no case has a value near it.
"""

from pathlib import Path

import numpy as np
from npeet_plus import entropy as npeet_entropy
from npeet_plus import mi as npeet_mi
from scipy.special import digamma
from sklearn.feature_selection import mutual_info_classif, mutual_info_regression
from sklearn.feature_selection._mutual_info import _compute_mi_cc, _compute_mi_cd

OUT = Path(__file__).parents[1] / "crates/infoplane-estimators/tests/data/neighbours.npz"


def pairwise(a: np.ndarray) -> np.ndarray:
    """Distances of all rows in the maximum norm."""
    return np.abs(a[:, None, :] - a[None, :, :]).max(-1)


def ksg2(x: np.ndarray, y: np.ndarray, k: int) -> float:
    """Kraskov et al. 2004, eq. 9."""
    n = len(x)
    dx, dy = pairwise(x), pairwise(y)
    joint = np.maximum(dx, dy)
    np.fill_diagonal(joint, np.inf)
    nearest = np.argsort(joint, 1, kind="stable")[:, :k]
    ex, ey = (np.take_along_axis(d, nearest, 1).max(1) for d in (dx, dy))
    nx, ny = ((d <= e[:, None]).sum(1) - 1 for d, e in ((dx, ex), (dy, ey)))
    return digamma(k) - 1 / k + digamma(n) - np.mean(digamma(nx) + digamma(ny))


def gao(x: np.ndarray, y: np.ndarray, k: int) -> float:
    """Gao et al. 2017, Algorithm 1, with digamma in place of log as in the authors' program."""
    n = len(x)
    dx, dy = pairwise(x), pairwise(y)
    joint = np.maximum(dx, dy)
    radius = np.sort(joint, 1)[:, k]
    copies = (joint == 0).sum(1)
    own = np.where(radius == 0, copies, k)
    nx, ny = (
        np.where(radius == 0, (d == 0).sum(1), (d < radius[:, None]).sum(1)) for d in (dx, dy)
    )
    return np.log(n) + np.mean(digamma(own) - digamma(nx) - digamma(ny))


def add_vectors(out: dict, case: str, x: np.ndarray, y: np.ndarray) -> None:
    out[f"{case}/x"], out[f"{case}/y"] = x, y
    for k in (1, 3, 7):
        out[f"{case}/npeet_k{k}"] = npeet_mi(x, y, k=k, base=np.e)
        out[f"{case}/npeet_entropy_k{k}"] = npeet_entropy(x, k=k, base=np.e)
        out[f"{case}/ksg2_k{k}"] = ksg2(x, y, k)
        if x.shape[1] == y.shape[1] == 1:
            out[f"{case}/regression_k{k}"] = mutual_info_regression(
                x, y[:, 0], n_neighbors=k, random_state=0
            )[0]
            out[f"{case}/cc_k{k}"] = _compute_mi_cc(x[:, 0], y[:, 0], k)


def main() -> None:
    rng = np.random.default_rng(0)
    out = {}
    for case, r, n in [("normal", 0.75, 500), ("strong", 0.999, 400), ("few", 0.9, 20)]:
        x = rng.standard_normal((n, 1))
        y = r * x + np.sqrt(1 - r * r) * rng.standard_normal((n, 1))
        add_vectors(out, case, 3 * x + 10, y)
    x = rng.standard_normal((600, 3))
    add_vectors(out, "three_two", x, np.exp(x[:, :2]) + 0.3 * rng.standard_normal((600, 2)))
    x = rng.standard_normal((300, 12))
    add_vectors(out, "wide", x, x[:, :9] + 0.5 * rng.standard_normal((300, 9)))

    classes = rng.integers(0, 4, 600)
    x = classes[:, None] * 1.3 + rng.standard_normal((600, 1))
    out["classes/x"], out["classes/y"] = x, classes
    for k in (1, 3, 7):
        out[f"classes/classif_k{k}"] = mutual_info_classif(x, classes, n_neighbors=k, random_state=0)[0]
        out[f"classes/cd_k{k}"] = _compute_mi_cd(x[:, 0], classes, k)
    # With classes of one, two and three samples. In those scikit-learn takes distances from an expanded
    # square, which is exact on a grid only.
    small = classes.copy()
    small[:6] = [40, 41, 41, 42, 42, 42]
    grid = np.round(x * 2**20) / 2**20
    out["small_classes/x"], out["small_classes/y"] = grid, small
    for k in (1, 3, 7):
        out[f"small_classes/cd_k{k}"] = _compute_mi_cd(grid[:, 0], small, k)

    # Gao et al.'s zero-inflated Poisson, and a discrete variable beside a continuous one.
    x = rng.exponential(size=(500, 1))
    y = np.where(rng.random((500, 1)) < 0.15, 0, rng.poisson(x))
    out["poisson/x"], out["poisson/y"] = x, y.astype(float)
    x = rng.integers(0, 5, (500, 1))
    out["uniform/x"], out["uniform/y"] = x.astype(float), x + 2 * rng.random((500, 1))
    x = rng.integers(0, 4, (500, 2))
    y = (x[:, :1] + rng.integers(0, 2, (500, 1))) % 4
    out["cells/x"], out["cells/y"] = x.astype(float), y.astype(float)
    for case in ("poisson", "uniform", "cells"):
        for k in (1, 3, 7):
            out[f"{case}/gao_k{k}"] = gao(out[f"{case}/x"], out[f"{case}/y"], k)

    OUT.parent.mkdir(exist_ok=True)
    np.savez(OUT, **out)
    for name, value in out.items():
        if np.ndim(value) == 0:
            print(f"{name:32} {value:.9f}")
    print(f"{OUT}: {OUT.stat().st_size} bytes")


if __name__ == "__main__":
    main()
