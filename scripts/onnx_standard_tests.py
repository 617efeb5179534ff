"""Runs the ONNX standard's own tests through infoplane.

    python -m pip install -r scripts/requirements-standard.txt
    python scripts/onnx_standard_tests.py [--light] [--only TEXT] [--program PATH]

takes the node tests that the `onnx` package ships, keeps those of the operators in `operator_vectors.py`
(and the `_expanded` ones that need no other operator), makes each a network that infoplane reads
(`onnx_cases.py`), runs them all in one process (the example `run_networks` of infoplane-engine, which it
builds) and compares the results within the standard's tolerances. It prints a table by operator, every skip
with its reason, and every failure; it exits with 1 where there is one. With `--light` it goes on with the
package's light models (`onnx_light_models.py`).
"""

import argparse
import subprocess
import sys
import tempfile
import warnings
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, numpy_helper
from onnx.backend.test.loader import load_model_tests
from onnx_cases import (
    SHAPE_ARITHMETIC,
    as_constants,
    as_lookup,
    as_network,
    in_single_precision,
    varying_input,
)
from operator_vectors import OPERATORS

ROOT = Path(__file__).resolve().parent.parent
# Types that are read; what they hold is computed in float32, or known before a network runs.
ELEMENT_TYPES = """
    FLOAT FLOAT16 DOUBLE INT8 INT16 INT32 INT64 UINT8 UINT16 UINT32 UINT64 BOOL
""".split()
# Refusals that are no failures, by what the message says.
REFUSALS = [
    ("spatial axes", "three spatial axes"),
    ("operands (one or two are supported)", "an einsum of three operands"),
]


@dataclass
class Job:
    """One network to run, and what it must give."""

    case: str
    operator: str
    network: onnx.ModelProto
    input: np.ndarray
    expected: np.ndarray
    rtol: float
    atol: float

    def excuse(self, refusal: str) -> str | None:
        """Why a refusal is no failure, if it is none."""
        reasons = [reason for text, reason in REFUSALS if text in refusal]
        if self.expected.dtype.kind in "iub" and self.operator not in SHAPE_ARITHMETIC:
            reasons.append("arithmetic on integers or truth values, which no network's values are")
        return reasons[0] if reasons and refusal != "PANIC" else None


@dataclass
class Tally:
    """What became of an operator's cases."""

    passed: int = 0
    skipped: list[tuple[str, str]] = field(default_factory=list)
    failed: list[tuple[str, str]] = field(default_factory=list)


def arrays(folder: Path, kind: str) -> list[np.ndarray] | None:
    """A case's inputs or outputs; None where one is no tensor."""
    result = []
    for index in range(len(list(folder.glob(f"{kind}_*.pb")))):
        tensor = onnx.TensorProto()
        try:
            tensor.ParseFromString((folder / f"{kind}_{index}.pb").read_bytes())
            result.append(numpy_helper.to_array(tensor))
        except Exception:  # sequences and optionals are other messages; text has no numbers
            return None
    return result


def jobs(case, model: onnx.ModelProto, operator: str) -> list[Job] | str:
    """The networks of a case, or the reason why there is none."""
    values = [*model.graph.input, *model.graph.output[:1]]
    types = {TensorProto.DataType.Name(value.type.tensor_type.elem_type) for value in values}
    if "UNDEFINED" in types:
        return "values that are no tensors"
    if foreign := types - set(ELEMENT_TYPES):
        return f"element type {', '.join(sorted(foreign))}"
    attributes = {a.name: onnx.helper.get_attribute_value(a) for a in model.graph.node[0].attribute}
    if attributes.get("training_mode") or "training" in case.name:
        return "training mode"
    folder = Path(case.model_dir) / "test_data_set_0"
    inputs, outputs = arrays(folder, "input"), arrays(folder, "output")
    if inputs is None or outputs is None or len(inputs) != len(model.graph.input):
        return "values that are no tensors"
    if outputs[0].size == 0:
        return "an empty result"
    if operator != "Split":
        outputs = outputs[:1]
    if all(node.op_type != "Cast" for node in model.graph.node):
        model, values = in_single_precision(model, [*inputs, *outputs])
        inputs, outputs = values[: len(inputs)], values[len(inputs) :]
    found = []

    def add(network: onnx.ModelProto, value: np.ndarray, expected: np.ndarray) -> None:
        value = value.astype(np.float32)
        found.append(Job(case.name, operator, network, value, expected, case.rtol, case.atol))

    for result, expected in enumerate(outputs):
        if expected.size == 0:
            continue
        varying = varying_input(operator, inputs, expected)
        if varying is None:
            network = as_constants(model, inputs, expected, result)
            add(network, np.zeros((1, expected.size)), expected)
        else:
            add(as_network(model, inputs, varying, result), inputs[varying], expected)
    if lookup := as_lookup(model, inputs):
        add(lookup, inputs[1].reshape(-1, 1), outputs[0])
    return found


def build() -> Path:
    command = "cargo build --release -p infoplane-engine --example run_networks"
    subprocess.run(command.split(), cwd=ROOT, check=True)
    return ROOT / "target" / "release" / "examples" / "run_networks"


def run(program: Path, todo: list[Job], folder: Path) -> list[str]:
    """Runs all networks in one process; what it answers for each."""
    lines = []
    for index, job in enumerate(todo):
        paths = [folder / f"{index}.onnx", folder / f"{index}.in.npy", folder / f"{index}.out.npy"]
        onnx.save(job.network, paths[0])
        np.save(paths[1], np.ascontiguousarray(job.input))
        lines.append("\t".join(map(str, paths)) + "\n")
    done = subprocess.run([program], input="".join(lines), capture_output=True, text=True)
    answers = done.stdout.splitlines()
    return answers + ["no answer"] * (len(todo) - len(answers))


def difference(job: Job, actual: np.ndarray) -> str | None:
    expected = job.expected.astype(np.float64).ravel()
    if actual.size != expected.size:
        return f"{actual.size} elements where the standard has {expected.size}"
    if np.allclose(actual, expected, rtol=job.rtol, atol=max(job.atol, 1e-6), equal_nan=True):
        return None
    return f"off by {np.nanmax(np.abs(actual - expected)):.3g} of at most {np.nanmax(np.abs(expected)):.3g}"


def collect(only: str, tallies: dict[str, Tally]) -> list[Job]:
    todo = []
    for case in load_model_tests(kind="node"):
        if only not in case.name or not (Path(case.model_dir) / "model.onnx").exists():
            continue
        model = onnx.load(Path(case.model_dir) / "model.onnx")
        nodes = model.graph.node
        if not nodes or any(node.op_type not in OPERATORS or node.domain for node in nodes):
            continue
        expanded = len(nodes) > 1 or "_expanded" in case.name
        operator = "(expanded functions)" if expanded else nodes[0].op_type
        if model.opset_import[0].version < 7:
            tallies[operator].skipped.append((case.name, "opset below 7"))
            continue
        try:
            found = jobs(case, model, operator)
        except Exception as error:
            tallies[operator].failed.append((case.name, f"no network: {error}"))
            continue
        if isinstance(found, str):
            tallies[operator].skipped.append((case.name, found))
        else:
            todo.extend(found)
    return todo


def judge(todo: list[Job], answers: list[str], folder: Path, tallies: dict[str, Tally]) -> None:
    verdicts: dict[tuple[str, str], list[tuple[str, str]]] = defaultdict(list)
    for index, (job, answer) in enumerate(zip(todo, answers, strict=True)):
        if answer == "ok":
            problem = difference(job, np.load(folder / f"{index}.out.npy"))
            verdict = ("failed", problem) if problem else ("passed", "")
        else:
            excuse = job.excuse(answer)
            verdict = ("skipped", excuse) if excuse else ("failed", answer)
        verdicts[job.operator, job.case].append(verdict)
    for (operator, case), found in verdicts.items():
        tally = tallies[operator]
        by_kind = defaultdict(list)
        for kind, detail in found:
            by_kind[kind].append((case, detail))
        if by_kind["failed"]:
            tally.failed.extend(by_kind["failed"])
        elif by_kind["skipped"]:
            tally.skipped.append(by_kind["skipped"][0])
        else:
            tally.passed += 1


def report(tallies: dict[str, Tally]) -> int:
    print(f"{'operator':<28}{'pass':>6}{'skip':>6}{'fail':>6}")
    for operator in sorted(tallies):
        tally = tallies[operator]
        print(f"{operator:<28}{tally.passed:>6}{len(tally.skipped):>6}{len(tally.failed):>6}")
    skips = Counter(reason for tally in tallies.values() for _, reason in tally.skipped)
    print("\nskipped:")
    for reason, count in skips.most_common():
        print(f"  {count:>4}  {reason}")
    without = sorted(OPERATORS - {operator for operator, tally in tallies.items() if tally.passed})
    print("\nno case passed:", ", ".join(without) or "none")
    failures = [failure for tally in tallies.values() for failure in tally.failed]
    for case, detail in failures:
        print(f"FAIL {case}: {detail}")
    passed = sum(tally.passed for tally in tallies.values())
    print(f"\n{passed} pass, {skips.total()} skipped, {len(failures)} fail (onnx {onnx.__version__})")
    return len(failures)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--only", default="", help="only cases whose name contains this")
    parser.add_argument("--program", type=Path, help="a built example run_networks")
    parser.add_argument("--light", action="store_true", help="go on with the light models")
    arguments = parser.parse_args()
    tallies: dict[str, Tally] = defaultdict(Tally)
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        program = arguments.program or build()
        todo = collect(arguments.only, tallies)
        answers = run(program, todo, Path(folder))
        judge(todo, answers, Path(folder), tallies)
    failures = report(tallies)
    if arguments.light:
        import onnx_light_models

        failures += onnx_light_models.main([])
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
