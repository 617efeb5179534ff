"""Packs test cases of the ONNX standard for the engine's operators.

    python -m pip install -r scripts/requirements-operators.txt
    python scripts/operator_vectors.py

writes, for each case kept, a folder in `crates/infoplane-engine/testdata/onnx/` with

- `model.onnx`: the case's model as the `onnx` package generates it;
- `data.npz`: `input_0`, `input_1`, ... and `output_0`, ... in the model's order;
- `network.onnx`, where the case has a float input of two or more axes and a float result, and the operator
  works on values that depend on a network's input: the same node as a network of one input and one
  output, which is what infoplane reads (`onnx_cases.py`).

and `cases.csv` (every case kept, and the index of the input that `network.onnx` has), `left_out.csv`
(every case of these operators that is not, and why).
"""

import csv
import shutil
import warnings
from collections import Counter
from pathlib import Path

import numpy as np
import onnx
from onnx import helper
from onnx.backend.test.case.node import collect_testcases
from onnx.backend.test.case.test_case import TestCase
from onnx_cases import as_network, varying_input

TARGET = (
    Path(__file__).resolve().parent.parent / "crates" / "infoplane-engine" / "testdata" / "onnx"
)
OPERATORS = set(
    """
    Add
    AveragePool
    BatchNormalization
    Cast
    Clip
    Concat
    Constant
    ConstantOfShape
    Conv
    ConvTranspose
    CumSum
    DepthToSpace
    Div
    Dropout
    Einsum
    Equal
    Erf
    Expand
    Flatten
    Gather
    Gelu
    Gemm
    GlobalAveragePool
    GlobalLpPool
    GlobalMaxPool
    GroupNormalization
    Identity
    InstanceNormalization
    LRN
    LayerNormalization
    LeakyRelu
    LpPool
    MatMul
    MaxPool
    Mul
    NonZero
    OneHot
    Pad
    Range
    ReduceMean
    Relu
    Reshape
    Resize
    ScatterND
    Shape
    Sigmoid
    Size
    Slice
    Softmax
    SpaceToDepth
    Split
    Squeeze
    Sub
    Tanh
    Tile
    Transpose
    Trilu
    Unsqueeze
    Upsample
    Where
    """.split()
)
# Values of a network, and what shape arithmetic and conditions are made of.
ELEMENT_TYPES = {"float32", "int64", "int32", "bool"}
MOST_BYTES = 8192
# The only cases of what they test, let through although they are larger.
LARGE_BUT_WANTED = {
    "test_averagepool_2d_same_lower",
    "test_erf",
    "test_maxpool_2d_same_lower",
}


def why_left_out(case: TestCase) -> str | None:
    """The reason for leaving a case out, or None."""
    node = case.model.graph.node[0]
    inputs, outputs = case.data_sets[0]
    arrays = [*inputs, *outputs]
    if not all(isinstance(array, np.ndarray | np.generic) for array in arrays):
        return "values that are no plain arrays (sequences, or types that NumPy lacks)"
    foreign = sorted({array.dtype.name for array in arrays} - ELEMENT_TYPES)
    if foreign:
        return f"element type {', '.join(foreign)}"
    attributes = {attribute.name: helper.get_attribute_value(attribute) for attribute in node.attribute}
    if node.op_type == "BatchNormalization" and attributes.get("training_mode"):
        return "training mode"
    if node.op_type == "Dropout" and case.name.startswith("test_training"):
        return "training mode"
    size = sum(array.nbytes for array in arrays)
    if size > MOST_BYTES and case.name not in LARGE_BUT_WANTED:
        return f"{size} bytes of values"
    return None


def save(case: TestCase) -> int | None:
    """Writes a case's folder; returns the index of the network's input."""
    inputs, outputs = ([np.asarray(array) for array in arrays] for arrays in case.data_sets[0])
    varying = varying_input(case.model.graph.node[0].op_type, inputs, outputs[0])
    network = None if varying is None else as_network(case.model, inputs, varying)
    folder = TARGET / case.name
    folder.mkdir(parents=True)
    onnx.save(case.model, folder / "model.onnx")
    arrays = {f"input_{index}": array for index, array in enumerate(inputs)}
    arrays |= {f"output_{index}": array for index, array in enumerate(outputs)}
    np.savez_compressed(folder / "data.npz", **arrays)
    if network is not None:
        onnx.save(network, folder / "network.onnx")
    return varying


def write_table(name: str, header: str, rows: list[tuple]) -> None:
    with open(TARGET / name, "w", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(header.split())
        table.writerows(sorted(rows))


def main() -> None:
    np.random.seed(0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        cases = collect_testcases()
    for folder in TARGET.glob("test_*"):
        shutil.rmtree(folder)
    TARGET.mkdir(parents=True, exist_ok=True)
    kept, left_out = [], []
    for case in cases:
        nodes = case.model.graph.node
        if len(nodes) != 1 or nodes[0].op_type not in OPERATORS or "_expanded" in case.name:
            continue
        operator = nodes[0].op_type
        if reason := why_left_out(case):
            left_out.append((operator, case.name, reason))
            continue
        try:
            varying = save(case)
        except onnx.checker.ValidationError:
            left_out.append((operator, case.name, "an attribute that operator version 22 lacks"))
        else:
            kept.append((operator, case.name, "" if varying is None else varying))
    write_table("cases.csv", "operator case network_input", kept)
    write_table("left_out.csv", "operator case reason", left_out)

    size = sum(file.stat().st_size for file in TARGET.rglob("*") if file.is_file())
    print(f"{len(kept)} cases kept, {len(left_out)} left out, {size:,} bytes")
    print("kept:", dict(Counter(operator for operator, _, _ in kept)))
    print("no case kept:", sorted(OPERATORS - {operator for operator, _, _ in kept}))


if __name__ == "__main__":
    main()
