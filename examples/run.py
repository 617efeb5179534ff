"""Runs the examples: the commands of each README, in a scratch folder, and looks for the reports.

    python examples/run.py [--only NAME] [--list] [--infoplane FILE] [--venv FOLDER]

Makes a virtual environment in `target/examples-venv` with the pinned packages of the examples, and builds the program, unless
`--venv` and `--infoplane` name others. The example `imagenet` needs images: it takes SqueezeNet and the images below the folder
that INFOPLANE_SHARED names, and is skipped without it.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import time
import venv
from pathlib import Path

EXAMPLES = Path(__file__).resolve().parent
ROOT = EXAMPLES.parent
SCRATCH = ROOT / "target" / "examples"
INSTALL = re.compile(r"^python -m pip install .*\n", re.MULTILINE)
COMMANDS = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)


class Failed(Exception):
    """An example did not do what its README says."""


def names() -> list[str]:
    return sorted(folder.parent.name for folder in EXAMPLES.glob("*/README.md"))


def program(given: str | None) -> Path:
    if given:
        return Path(given).resolve()
    subprocess.run(["cargo", "build", "--release"], cwd=ROOT, check=True)
    return ROOT / "target" / "release" / "infoplane"


def python(given: str | None, example: str) -> Path:
    """The interpreter of an environment that holds an example's packages."""
    if given:
        return Path(given).resolve() / "bin" / "python"
    folder = ROOT / "target" / "examples-venv"
    interpreter = folder / "bin" / "python"
    if not interpreter.exists():
        venv.create(folder, with_pip=True)
    requirements = EXAMPLES / example / "requirements.txt"
    if requirements.exists():
        command = [interpreter, "-m", "pip", "install", "--quiet", "-r", requirements]
        subprocess.run(command, check=True)
    return interpreter


def imagenet_variables() -> dict[str, str] | None:
    """Where the images are here; none where they are not."""
    shared = os.environ.get("INFOPLANE_SHARED")
    if not shared or not Path(shared, "data/imagenet/val").is_dir():
        return None
    return {
        "IMAGENET": f"{shared}/data/imagenet/val",
        "GROUPS_CSV": f"{shared}/data/imagenet/classes.csv",
        "MODEL": "squeezenet1_1",
        "WEIGHTS": f"{shared}/models/squeezenet1_1.safetensors",
    }


def commands(example: str) -> str:
    """What the README tells to type, but for the installation of packages."""
    text = (EXAMPLES / example / "README.md").read_text()
    blocks = COMMANDS.findall(text)
    if not blocks:
        raise Failed("its README has no commands")
    return INSTALL.sub("", "\n".join(blocks))


def run(example: str, infoplane: Path, interpreter: Path) -> str:
    """Runs one example; returns what there is to say of it."""
    environment = os.environ.copy()
    if example == "imagenet":
        variables = imagenet_variables()
        if variables is None:
            return "skipped: INFOPLANE_SHARED names no folder with ImageNet images"
        environment.update(variables)
    folder = SCRATCH / example
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(EXAMPLES / example, folder)
    path = os.pathsep.join([str(infoplane.parent), str(interpreter.parent), environment["PATH"]])
    environment.update(PATH=path, PYTHONWARNINGS="ignore")
    started = time.monotonic()
    command = ["bash", "-euo", "pipefail", "-x", "-c", commands(example)]
    if subprocess.run(command, cwd=folder, env=environment).returncode != 0:
        raise Failed(f"a command failed; its files are in {folder.relative_to(ROOT)}")
    reports = sorted(folder.glob("runs/*/report.html"))
    if not reports:
        raise Failed(f"no report came out in {folder.relative_to(ROOT)}/runs")
    for report in reports:
        if report.stat().st_size < 100_000 or "<html" not in report.read_text()[:2_000]:
            raise Failed(f"{report.relative_to(ROOT)} is no whole report")
    return f"a report in {time.monotonic() - started:.0f} s: {reports[0].relative_to(ROOT)}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--only", choices=names(), action="append", help="run this example; may be repeated")
    parser.add_argument("--list", action="store_true", help="name the examples")
    parser.add_argument("--infoplane", help="the program; built where none is given")
    parser.add_argument("--venv", help="a virtual environment that holds the packages; made where none is given")
    args = parser.parse_args()
    if args.list:
        print("\n".join(names()))
        return 0
    infoplane = program(args.infoplane)
    outcomes = {}
    for example in args.only or names():
        print(f"\n== {example}", flush=True)
        try:
            outcomes[example] = run(example, infoplane, python(args.venv, example))
        except (Failed, subprocess.CalledProcessError) as error:
            outcomes[example] = f"FAILED: {error}"
    print()
    for example, outcome in outcomes.items():
        print(f"{example:14}{outcome}")
    return int(any(outcome.startswith("FAILED") for outcome in outcomes.values()))


if __name__ == "__main__":
    sys.exit(main())
