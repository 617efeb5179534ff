"""A program that has done its set-up and makes one timed run whenever it is told to."""

import json
import os
import subprocess
import time
from pathlib import Path

from .environment import SCRIPTS

# Threads of the side that has just run may still spin for a moment.
PAUSE = 0.2


class Ended(Exception):
    """A program that ended before it was told to."""


class Resident:
    """Prints `{"ready": …}` once, then answers each line on its stdin with one line of JSON."""

    def __init__(self, name: str, command: list):
        self.name = name
        self.command = [str(part) for part in command]
        environment = os.environ | {"PYTHONPATH": str(SCRIPTS)}
        self.process = subprocess.Popen(
            self.command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        )
        self.ready = self._read()["ready"]

    def go(self) -> dict:
        """One run."""
        time.sleep(PAUSE)
        self.process.stdin.write("go\n")
        self.process.stdin.flush()
        return self._read()

    def _read(self) -> dict:
        line = self.process.stdout.readline()
        if not line:
            code = self.process.wait()
            raise Ended(f"{self.name} ended with {code}: {' '.join(self.command)}")
        return json.loads(line)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait()


class Programs:
    """How both sides are started."""

    def __init__(self, infoplane: Path, example: Path, python: Path, workers: int):
        self.infoplane = infoplane
        self.example = example
        self.python = python
        self.workers = workers

    def ours(self, mode: str, network, *options, workers: int | None = None) -> Resident:
        """infoplane; `options` are those of the example program."""
        command = [self.example, mode, *network.flags(), "--workers", workers or self.workers]
        return Resident(f"infoplane {mode}", [*command, *options])

    def theirs(self, mode: str, network, layers, *options) -> Resident:
        """PyTorch or Captum; `options` are those of `torch_side`."""
        command = [self.python, "-m", "bench.torch_side", mode, *network.flags()]
        command += ["--layers", ",".join(layers), "--threads", self.workers]
        return Resident(f"PyTorch {mode}", [*command, *options])
