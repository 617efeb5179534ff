"""Rows as text, Markdown and JSON."""

import dataclasses
import statistics

from .measure import Row


def duration(seconds: float) -> str:
    if seconds >= 10:
        return f"{seconds:.1f} s"
    return f"{seconds:.2f} s" if seconds >= 1 else f"{seconds * 1e3:.3g} ms"


def value(row: Row) -> str:
    if row.value is None:
        return "–"
    if row.unit == "MB":
        return f"weights + {row.value[0]:.0f} MB"
    middle, low, high = (f"{number:.3g}" for number in row.value)
    return f"{middle} ({low}–{high})"


def verdict(row: Row) -> str:
    if row.faults:
        return "invalid"
    return {True: "met", False: "not met", None: "–"}[row.met]


def times(row: Row) -> tuple[str, str]:
    return tuple(duration(side.median) if side else "–" for side in (row.ours, row.peer))


def rate(row: Row) -> float | None:
    """10⁹ operations a second of infoplane, counted as plain convolutions."""
    return row.gflop / row.ours.median if row.gflop and row.ours else None


def share(row: Row, peak: dict) -> str:
    reached = rate(row)
    return f"{reached:.0f} ({reached / peak['gflops_all']:.0%})" if reached else "–"


def text(row: Row, peak: dict) -> str:
    """One row, in full."""
    lines = [row.title, f"  {value(row)}, goal {row.goal}: {verdict(row)}"]
    if row.ours:
        for name, side in [("infoplane", row.ours), ("peer", row.peer)]:
            spread = f"{duration(min(side.seconds))}–{duration(max(side.seconds))}"
            lines.append(
                f"  {name:9} {duration(side.median)} a {row.unit} ({spread}, {len(side.seconds)} runs)"
            )
        if reached := rate(row):
            lines.append(f"  {reached:.0f} GFLOP/s as plain convolution; FMA peak {peak['gflops_all']:.0f}")
    lines += [f"  {note}" for note in row.notes]
    lines += [f"  INVALID: {fault}" for fault in row.faults]
    return "\n".join(lines)


def markdown(rows: list[Row], peak: dict, machine: dict, versions: str, command: str) -> str:
    """The table for README.md."""
    runs = [len(row.ours.seconds) for row in rows if row.ours]
    lines = [
        f"Measured on {machine['workers']} cores of {machine['processor']} ({peak['instructions']}, FMA peak",
        f"{peak['gflops_all']:.0f} GFLOP/s in f32; {peak['gflops_one']:.0f} on one core), f32, {versions}. "
        f"Both sides ran in turn, {min(runs, default=0)} to {max(runs, default=0)} times each;",
        "a ratio is the median over pairs of neighbouring runs, with the smallest and the largest.",
        "",
        "| measure (infoplane / peer) | ratio | goal | | infoplane | peer | GFLOP/s (of the peak) |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        ours, peer = times(row)
        cells = [row.title, value(row), row.goal, verdict(row), ours, peer, share(row, peak)]
        lines.append(f"| {' | '.join(cells)} |")
    lines += ["", "```sh", command, "```"]
    return "\n".join(lines) + "\n"


def as_json(rows: list[Row], peak: dict, machine: dict, versions: str) -> dict:
    def one(row: Row) -> dict:
        fields = dataclasses.asdict(row)
        for side in ["ours", "peer"]:
            if fields[side]:
                fields[side]["median"] = statistics.median(fields[side]["seconds"])
        return fields | {"gflops": rate(row)}

    return {
        "machine": machine,
        "peak": peak,
        "versions": versions,
        "rows": [one(row) for row in rows],
    }
