"""Compares infoplane with PyTorch and Captum: the same networks, inputs and cores, in one run.

    python scripts/bench_peers.py

makes a virtual environment with the pinned packages of `scripts/requirements-bench.txt` in
`target/bench-venv`, builds the program, writes networks and samples to `target/bench`, and measures. In every
measure the two sides are programs that have done their set-up (loading, packing, warming up) and then
run in turn, A B A B …, never at once, each timing only itself. Ratios are of neighbouring runs.

All measures take about half an hour on two cores and 8 GB of memory; the machine should be idle.
`--quick` tries them in minutes, with figures that mean little, and `--only` takes some. The exit code
is 0 if all that was measured was valid, whether goals were met or not.
"""

import argparse
import json
import os
import shlex
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

from bench import environment, rows, tables
from bench.resident import Programs, Resident


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--python", metavar="FILE", help="an interpreter that has the packages")
    where.add_argument("--here", action="store_true", help="this interpreter has the packages")
    parser.add_argument(
        "--extra-index-url",
        metavar="URL",
        help="also install from there, such as https://download.pytorch.org/whl/cpu",
    )
    parser.add_argument("--only", metavar="ROW,...", help="only these measures (see --list)")
    parser.add_argument("--list", action="store_true", help="list the measures")
    parser.add_argument("--repeats", type=int, metavar="N", help="runs of each side [default: 3 to 7]")
    parser.add_argument(
        "--workers", type=int, default=2, metavar="N", help="cores for each side [default: 2]"
    )
    parser.add_argument("--quick", action="store_true", help="only see whether everything works")
    parser.add_argument("--json", type=Path, metavar="OUT", help="write everything measured")
    parser.add_argument("--markdown", type=Path, metavar="OUT", help="write the table for README.md")
    return parser.parse_args()


def material(programs, shared: Path | None, networks: set[str]) -> None:
    """Writes networks and samples."""
    command = [programs.python, "-m", "bench.material", environment.WORK]
    command += ["--networks", ",".join(sorted(networks))]
    command += ["--shared", shared] if shared else []
    paths = os.environ | {"PYTHONPATH": str(environment.SCRIPTS)}
    subprocess.run([str(part) for part in command], check=True, env=paths)


def main() -> int:
    args = arguments()
    every = list(rows.groups())
    if args.list:
        print("\n".join(every))
        return 0
    keys = args.only.split(",") if args.only else every
    if unknown := [key for key in keys if key not in every]:
        sys.exit(f"there is no measure {', '.join(unknown)}; there are {', '.join(every)}")
    if not args.here:
        python = environment.python_of(args.python, args.extra_index_url)
        os.execv(python, [str(python), __file__, "--here", *restarted(args)])

    # From here on the packages are there.
    machine = environment.machine() | {"workers": args.workers}
    shared = environment.shared()
    programs = Programs(*environment.build(), Path(sys.executable), args.workers)
    settings = rows.Settings(
        programs, environment.WORK, shared, args.workers, args.quick, args.repeats
    )
    networks = {key.split("-", 1)[1] if "-" in key else "resnet50" for key in keys}
    material(programs, shared, networks)

    command = [programs.example, "peak", "--workers", args.workers]
    with Resident("the FMA peak", command) as meter:
        peak = meter.ready | meter.go()
        versions = ", ".join(f"{name} {version(name)}" for name in ["torch", "torchvision", "captum"])
        print(f"{machine['processor']}, {args.workers} cores, load {machine['load_before']}; {versions}")
        print(f"FMA peak {peak['gflops_one']:.0f} GFLOP/s on one core, {peak['gflops_all']:.0f} on all")
        if shared is None:
            print("there is no folder of trained networks: weights by formula, noise for images")
        faults = []

        def failed(key: str, why: str) -> None:
            faults.append(key)
            print(f"\n{key} could not be measured: {why}", flush=True)

        def done(row) -> None:
            print(f"\n{tables.text(row, peak)}", flush=True)

        found = rows.measure(settings, keys, done, failed)
        # The machine may have been slowed down at first.
        again = meter.go()
    peak |= {name: max(peak[name], again[name]) for name in again}

    table = tables.markdown(found, peak, machine, versions, shown(args))
    print(f"\n{table}")
    if args.quick:
        print("These are --quick figures: they show that the measures work and nothing else.")
    if args.markdown:
        args.markdown.write_text(table)
    if args.json:
        everything = tables.as_json(found, peak, machine, versions)
        args.json.write_text(json.dumps(everything, indent=1) + "\n")
    return 1 if faults or any(row.faults for row in found) else 0


def restarted(args: argparse.Namespace) -> list[str]:
    """The same settings for the interpreter that has the packages."""
    options = shlex.split(shown(args))[2:]
    for name in ["json", "markdown"]:
        value = getattr(args, name)
        options += [f"--{name}", str(value)] if value else []
    return options


def shown(args: argparse.Namespace) -> str:
    """The command that measures the same again."""
    command = ["python", "scripts/bench_peers.py"]
    command += ["--quick"] if args.quick else []
    for name, usual in [("only", None), ("repeats", None), ("workers", 2)]:
        value = getattr(args, name)
        command += [f"--{name}", str(value)] if value != usual else []
    return shlex.join(command)


if __name__ == "__main__":
    sys.exit(main())
