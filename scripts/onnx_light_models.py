"""Runs and analyses the light models that the `onnx` package ships: nine networks of 2012 to 2017 whose
weights are constants, with their outputs.

    python -m pip install -r scripts/requirements-standard.txt
    python scripts/onnx_light_models.py [--only TEXT] [--infoplane PATH] [--program PATH]

For each: the output for the standard's input equals the one shipped (the softmax at the end, which infoplane
leaves out, is applied here); `infoplane layers` lists it. Constant weights make every channel of a layer the
same, so the network is also filled with random weights of the usual scale: then its logits equal those of
onnxruntime, and `infoplane attribute` on a random input is complete at every cut layer. Exits with 1 where
something differs.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import zlib
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from onnx import helper, numpy_helper

ROOT = Path(__file__).resolve().parent.parent
LIGHT = Path(onnx.__file__).parent / "backend" / "test" / "data" / "light"
# Relative to the largest value.
SAME = 1e-4
# Of the difference of the logits at the two ends.
COMPLETE = 0.02


def free_input(graph: onnx.GraphProto) -> onnx.ValueInfoProto:
    initializers = {initializer.name for initializer in graph.initializer}
    (value,) = [value for value in graph.input if value.name not in initializers]
    return value


def standard_input(value: onnx.ValueInfoProto) -> np.ndarray:
    """The input that the shipped outputs belong to (`generate_dummy_data` of the onnx package)."""
    shape = [dim.dim_value for dim in value.type.tensor_type.shape.dim]
    count = np.prod(shape)
    return (np.arange(count).reshape(shape) / count).astype(np.float32)


def weights(name: str, operator: str, position: int, shape: tuple[int, ...]) -> np.ndarray:
    """Weights as training begins with, the same for the same name."""
    random = np.random.default_rng(zlib.crc32(name.encode()))
    if operator in {"Conv", "Gemm"} and position == 1:
        return random.normal(0, np.sqrt(2 / np.prod(shape[1:])), shape).astype(np.float32)
    is_scale = operator == "Mul" or (operator == "BatchNormalization" and position in {1, 4})
    return (float(is_scale) + random.uniform(-0.1, 0.1, shape)).astype(np.float32)


def filled(model: onnx.ModelProto) -> onnx.ModelProto:
    """The model with every constant of a shape replaced by random weights."""
    network = onnx.ModelProto()
    network.CopyFrom(model)
    graph = network.graph
    known = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    # A parameter's use, through the nodes that give it further axes.
    use: dict[str, tuple[str, int]] = {}
    for node in reversed(graph.node):
        for position, name in enumerate(node.input):
            through = node.op_type == "Unsqueeze" and node.output[0] in use
            use[name] = use[node.output[0]] if through else (node.op_type, position)
    nodes = []
    for node in graph.node:
        if node.op_type == "ConstantOfShape" and node.output[0] in use:
            shape = tuple(int(size) for size in known[node.input[0]])
            array = weights(node.output[0], *use[node.output[0]], shape)
            graph.initializer.append(numpy_helper.from_array(array, node.output[0]))
        else:
            nodes.append(node)
    del graph.node[:]
    graph.node.extend(nodes)
    return network


def without_softmax(model: onnx.ModelProto) -> onnx.ModelProto:
    last = model.graph.node[-1]
    if last.op_type == "Softmax":
        logits = helper.make_empty_tensor_value_info(last.input[0])
        model.graph.output[0].CopyFrom(logits)
        del model.graph.node[-1]
    return model


def softmax(logits: np.ndarray) -> np.ndarray:
    powers = np.exp(logits - logits.max())
    return powers / powers.sum()


def deviation(actual: np.ndarray, expected: np.ndarray) -> float:
    return float(np.abs(actual.ravel() - expected.ravel()).max() / np.abs(expected).max())


class Programs:
    """The two programs, and a folder for what they read and write."""

    def __init__(self, folder: Path, run_networks: Path, infoplane: Path):
        self.folder, self.run_networks, self.infoplane = folder, run_networks, infoplane

    def forward(self, path: Path, value: np.ndarray) -> np.ndarray:
        names = [path, self.folder / "input.npy", self.folder / "output.npy"]
        np.save(names[1], value)
        line = "\t".join(map(str, names)) + "\n"
        answer = subprocess.run([self.run_networks], input=line, capture_output=True, text=True).stdout
        if answer.strip() != "ok":
            raise RuntimeError(answer.strip() or "no answer")
        return np.load(names[2])

    def command(self, *arguments: str | Path) -> str:
        done = subprocess.run([self.infoplane, *arguments], capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(f"infoplane {arguments[0]}: {done.stderr.strip()}")
        return done.stdout


def check(path: Path, programs: Programs) -> str:
    """What was seen of one model; fails with a reason."""
    model = onnx.load(path)
    value = standard_input(free_input(model.graph))
    ends_in_softmax = model.graph.node[-1].op_type == "Softmax"
    shipped = onnx.TensorProto()
    shipped.ParseFromString(path.with_name(f"{path.stem}_output_0.pb").read_bytes())
    output = programs.forward(path, value)
    off = deviation(softmax(output) if ends_in_softmax else output, numpy_helper.to_array(shipped))
    if not off <= SAME:
        raise RuntimeError(f"the shipped output is off by {off:.2e}")

    network = filled(model)
    file = programs.folder / f"{path.stem}_filled.onnx"
    onnx.save(network, file)
    sample = np.random.default_rng(0).uniform(-1, 1, value.shape).astype(np.float32)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3  # without notes about shapes that nobody uses any more
    session = onnxruntime.InferenceSession(without_softmax(network).SerializeToString(), options)
    (expected,) = session.run(None, {session.get_inputs()[0].name: sample})
    off_filled = deviation(programs.forward(file, sample), expected)
    if not off_filled <= SAME:
        raise RuntimeError(f"with random weights it is off by {off_filled:.2e} from onnxruntime")

    layers = json.loads(programs.command("layers", path, "--json"))
    inputs, raw = programs.folder / "sample.npy", programs.folder / "attribution.npz"
    np.save(inputs, sample)
    programs.command("attribute", "--model", file, "--inputs", inputs, "--raw", raw, "--quadrature", "adaptive")
    with np.load(raw) as found:
        change = float(abs(found["f_input"] - found["f_baseline"])[0])
        deltas = [float(abs(found[key])[0]) for key in found.files if key.startswith("delta/")]
    if not deltas or not max(deltas) <= COMPLETE * change:
        raise RuntimeError(f"completeness is off by {max(deltas, default=np.nan):.3g} of {change:.3g}")
    return (
        f"output off by {off:.1e}, with random weights {off_filled:.1e}; {len(layers)} layers, "
        f"{len(deltas)} cuts complete within {max(deltas) / change:.1e} of the difference"
    )


def built(package: str, target: str, name: str) -> Path:
    command = f"cargo build --release -p {package} {target}"
    subprocess.run(command.split(), cwd=ROOT, check=True)
    return ROOT / "target" / "release" / name


def main(words: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--only", default="", help="only models whose name contains this")
    parser.add_argument("--program", type=Path, help="a built example run_networks")
    parser.add_argument("--infoplane", type=Path, help="a built infoplane")
    arguments = parser.parse_args(words)
    program = arguments.program or built(
        "infoplane-engine", "--example run_networks", "examples/run_networks"
    )
    infoplane = arguments.infoplane or built("infoplane-cli", "--bin infoplane", "infoplane")
    failures = 0
    for path in sorted(LIGHT.glob("light_*.onnx")):
        if arguments.only not in path.name:
            continue
        with tempfile.TemporaryDirectory() as folder:
            try:
                print(f"{path.stem}: {check(path, Programs(Path(folder), program, infoplane))}", flush=True)
            except Exception as error:
                failures += 1
                print(f"FAIL {path.stem}: {error}", flush=True)
    return failures


if __name__ == "__main__":
    sys.exit(1 if main() else 0)
