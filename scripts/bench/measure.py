"""Runs both sides in turn and says how their times compare."""

import statistics
from dataclasses import dataclass, field

from .resident import Resident


@dataclass
class Times:
    """Seconds of one side, in the order of the runs."""

    seconds: list[float]

    @property
    def median(self) -> float:
        return statistics.median(self.seconds)


@dataclass
class Row:
    """One line of the table."""

    key: str
    title: str
    goal: str
    met: bool | None = None
    # What the goal is about, with its spread: `(median, low, high)`.
    value: tuple[float, float, float] | None = None
    # Seconds of each side for one unit of `unit`.
    ours: Times | None = None
    peer: Times | None = None
    unit: str = ""
    # 10⁹ operations of one unit, counted as plain convolutions.
    gflop: float | None = None
    notes: list[str] = field(default_factory=list)
    # What makes the figure worthless, such as sides that computed different things.
    faults: list[str] = field(default_factory=list)
    details: dict = field(default_factory=dict)


def alternate(sides: list[Resident], repeats: int) -> tuple[list[list[dict]], list[list[float]]]:
    """A B A B …: the answers and the seconds of each side."""
    answers = [[] for _ in sides]
    for _ in range(repeats):
        for side, own in zip(sides, answers):
            own.append(side.go())
    return answers, [[answer["seconds"] for answer in own] for own in answers]


def compare(row: Row, ours: list[float], peer: list[float], at_most: float | None) -> Row:
    """Fills a row with the ratios ours / peer of the runs that followed each other."""
    row.ours, row.peer = Times(ours), Times(peer)
    ratios = [a / b for a, b in zip(ours, peer)]
    row.value = (statistics.median(ratios), min(ratios), max(ratios))
    if at_most is not None:
        row.met = row.value[0] <= at_most
    return row


def vector_error(vectors, reference) -> float:
    """Relative L2 distance of channel vectors, `[sample][layer][channel]`; the mean over layers and
    samples."""
    import numpy as np

    errors = [
        np.linalg.norm(np.subtract(vector, exact)) / max(np.linalg.norm(exact), 1e-30)
        for layers, exact_layers in zip(vectors, reference)
        for vector, exact in zip(layers, exact_layers)
    ]
    return float(np.mean(errors))


# Two programs in f32 that compute the same agree to this.
AGREEMENT = 5e-3


def must_agree(row: Row, what: str, difference: float, limit: float = AGREEMENT) -> None:
    row.details[f"difference, {what}"] = difference
    text = f"{what}: both sides agree to {difference:.1e}"
    if difference <= limit:
        row.notes.append(text)
    else:
        row.faults.append(f"{what}: the sides DIFFER by {difference:.1e}")
