"""Where things are, the Python that runs the peers, and the programs that are built. Needs no package."""

import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = ROOT / "scripts"
REQUIREMENTS = SCRIPTS / "requirements-bench.txt"
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")).resolve()
# What the benchmark writes: weights, samples, results.
WORK = TARGET / "bench"


def shared() -> Path | None:
    """The folder with trained networks and images, where there is one."""
    folder = Path(os.environ.get("INFOPLANE_SHARED", ROOT.parent / "shared"))
    return folder.resolve() if folder.is_dir() else None


def python_of(asked: str | None, index: str | None) -> Path:
    """The interpreter that was asked for, or that of a virtual environment with the pinned packages."""
    if asked:
        found = shutil.which(asked)
        if not found:
            sys.exit(f"there is no interpreter {asked}")
        # A virtual environment is known by the path of its interpreter, so links stay.
        return Path(found).absolute()
    folder = TARGET / "bench-venv"
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    installed = folder / REQUIREMENTS.name
    wanted = REQUIREMENTS.read_text()
    if not installed.is_file() or installed.read_text() != wanted:
        print(f"installing {REQUIREMENTS.name} into {folder}", file=sys.stderr)
        venv.create(folder, with_pip=True, clear=True)
        command = [python, "-m", "pip", "install", "--quiet", "-r", REQUIREMENTS]
        subprocess.run(command + (["--extra-index-url", index] if index else []), check=True)
        installed.write_text(wanted)
    return python


def build() -> tuple[Path, Path]:
    """The program and the example that times it, built for release."""
    # By themselves, so that each is built as users build it.
    for what in [["-p", "infoplane-cli"], ["-p", "infoplane", "--example", "bench"]]:
        subprocess.run(["cargo", "build", "--release", *what], cwd=ROOT, check=True)
    suffix = ".exe" if os.name == "nt" else ""
    release = TARGET / "release"
    return release / f"infoplane{suffix}", release / "examples" / f"bench{suffix}"


def machine() -> dict:
    """What the figures were measured on, and how busy it was."""
    names = []
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    except OSError:
        pass
    cpus = os.process_cpu_count() if hasattr(os, "process_cpu_count") else os.cpu_count()
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    return {"processor": names[0] if names else "unknown", "cores": cpus, "load_before": load}
