"""Peak memory of the program itself, as a user runs it."""

import subprocess
import time
from pathlib import Path

from .measure import Row
from .resident import Ended

# Beside the weights.
ALLOWED = 400e6
# The peak may differ by this between runs of few and many samples or steps: pages of the allocator, and
# the samples' own arrays, 0.6 MB each.
FLAT = 32e6


def peak(command: list) -> float:
    """VmHWM of a program in bytes: the mark only rises, so its last reading is the peak.

    The kernel's `ru_maxrss` would hold the memory of this program too, from before the other began.
    """
    command = [str(part) for part in command]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    status, highest = Path(f"/proc/{process.pid}/status"), 0
    while process.poll() is None:
        try:
            lines = status.read_text().splitlines()
        except OSError:
            lines = []
        program = next((line.split()[1] for line in lines if line.startswith("Name:")), "")
        marks = [line.split()[1] for line in lines if line.startswith("VmHWM:")]
        # Before the program is started it is still this one.
        if marks and program.startswith(Path(command[0]).name[:15]):
            highest = max(highest, 1024 * int(marks[0]))
        time.sleep(0.002)
    if process.returncode:
        raise Ended(f"{' '.join(command)} ended with {process.returncode}")
    return float(highest)


def row(settings) -> Row:
    """The program on ResNet50, all blocks: few and many samples and steps."""
    network = settings.network("resnet50")
    row = Row("memory", "peak memory, ResNet50, all blocks", "≤ weights + 400 MB, flat", unit="MB")
    if not Path("/proc/self/status").exists():
        row.notes.append("not measured: there is no /proc here")
        return row
    import numpy as np

    arrays = np.load(network.inputs)
    weights = network.weights.stat().st_size
    samples, steps = ([1, 2], [4, 8]) if settings.quick else ([1, settings.workers, 8], [16, 64])
    peaks = {}
    for n in dict.fromkeys(samples):
        inputs = settings.work / f"memory-{n}.npz"
        np.savez(inputs, input=arrays["input"][:n], target=arrays["target"][:n])
        for count in steps:
            command = [settings.programs.infoplane, "attribute", "--model", network.name]
            command += ["--weights", network.weights, "--inputs", inputs, "--target", "input"]
            command += ["--raw", settings.work / "memory-raw.npz", "--threads", settings.workers]
            command += ["--layers", ",".join(settings.blocks)]
            command += ["--quadrature", "graded", "--steps", count]
            peaks[n, count] = peak(command)
            row.details[f"{n} samples, {count} steps"] = peaks[n, count]
            row.notes.append(f"{n} samples, {count} steps: {peaks[n, count] / 1e6:.0f} MB")
    # With fewer samples than workers not all workers run.
    full = [bytes for (n, _), bytes in peaks.items() if n >= settings.workers]
    most, spread = max(peaks.values()), max(full) - min(full)
    row.value = tuple((value - weights) / 1e6 for value in (most, min(full), max(full)))
    row.notes.insert(0, f"weights {weights / 1e6:.0f} MB, peak {most / 1e6:.0f} MB")
    row.notes.append(f"samples and steps change it by {spread / 1e6:.0f} MB with all workers at work")
    row.met = most <= weights + ALLOWED and spread <= FLAT
    return row
