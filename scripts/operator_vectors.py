"""Packs test cases of the ONNX standard for the engine's operators.

    python -m pip install -r scripts/requirements-operators.txt
    python scripts/operator_vectors.py

writes, for each case kept, a folder in `crates/infoplane-engine/testdata/onnx/` with

- `model.onnx`: the case's model as the `onnx` package generates it;
- `data.npz`: `input_0`, `input_1`, ... and `output_0`, ... in the model's order;
- `network.onnx`, where the case has an input of two or more axes: the same node as a network of one
  input and one output, which is what infoplane reads. The first such float input stays an input (the
  first of another type where there is none), the others become initializers with the case's values,
  results after the first are dropped, a result of another type is cast to float, 0 is added to a
  softmax, since infoplane leaves a final softmax out of a network, and operator versions 23 to 25,
  which only add element types, are declared as 22.

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
from onnx import helper, numpy_helper
from onnx.backend.test.case.node import collect_testcases
from onnx.backend.test.case.test_case import TestCase

TARGET = (
    Path(__file__).resolve().parent.parent / "crates" / "infoplane-engine" / "testdata" / "onnx"
)
OPERATORS = set(
    """
    Conv
    Gemm
    MatMul
    BatchNormalization
    Relu
    LeakyRelu
    Clip
    Sigmoid
    Tanh
    Erf
    Gelu
    Softmax
    LayerNormalization
    Add
    Sub
    Mul
    Div
    MaxPool
    AveragePool
    GlobalAveragePool
    ReduceMean
    Concat
    Slice
    Pad
    Reshape
    Flatten
    Transpose
    Squeeze
    Unsqueeze
    Identity
    Dropout
    Constant
    Shape
    Gather
    Cast
    ConstantOfShape
    Range
    Equal
    Where
    Expand
    Elu
    Selu
    Celu
    PRelu
    Mish
    HardSigmoid
    HardSwish
    Softplus
    Softsign
    LogSoftmax
    ThresholdedRelu
    Abs
    Neg
    Exp
    Log
    Sqrt
    Pow
    Reciprocal
    Min
    Max
    Sum
    Mean
    Sin
    Cos
    Floor
    Ceil
    Round
    Sign
    ReduceSum
    ReduceMax
    ReduceMin
    ReduceL1
    ReduceL2
    ReduceSumSquare
    ReduceProd
    ReduceLogSum
    ReduceLogSumExp
    ArgMax
    ArgMin
    Greater
    GreaterOrEqual
    Less
    LessOrEqual
    And
    Or
    Xor
    Not
    """.split()
)
# Left out at a network's end, or known before it runs.
NEVER_RUN = {"ArgMax", "ArgMin", "ConstantOfShape", "Range", "Shape"}
# Values of a network, and what shape arithmetic and conditions are made of.
ELEMENT_TYPES = {"float32", "int64", "int32", "bool"}
MOST_BYTES = 8192
OLDEST_OPSET, NEWEST_OPSET = 7, 22
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


def varying_input(operator: str, inputs: list[np.ndarray], outputs: list[np.ndarray]) -> int | None:
    """Index of the first float input of two or more axes, none of them empty, else of the first other."""
    if operator in NEVER_RUN:
        return None
    for wanted in ({"float32"}, ELEMENT_TYPES if outputs[0].dtype != np.float32 else set()):
        for index, array in enumerate(inputs):
            if array.dtype.name in wanted and array.ndim >= 2 and array.size > 0:
                return index
    return None


def as_network(model: onnx.ModelProto, inputs: list[np.ndarray], varying: int) -> onnx.ModelProto:
    """The model with one input and one output; see the top of the file."""
    network = onnx.ModelProto()
    network.CopyFrom(model)
    graph = network.graph
    declared = list(graph.input)
    del graph.input[:], graph.output[1:]
    for index, (value, array) in enumerate(zip(declared, inputs, strict=True)):
        if index == varying:
            graph.input.append(value)
        else:
            graph.initializer.append(numpy_helper.from_array(np.asarray(array), value.name))
    (node,) = graph.node
    del node.output[1:]
    if node.op_type in ("Softmax", "LogSoftmax"):
        graph.initializer.append(numpy_helper.from_array(np.zeros((), np.float32), "zero"))
        graph.node.append(helper.make_node("Add", [node.output[0], "zero"], ["output"]))
        graph.output[0].name = "output"
    if graph.output[0].type.tensor_type.elem_type != onnx.TensorProto.FLOAT:
        graph.node.append(
            helper.make_node("Cast", [node.output[0]], ["output"], to=onnx.TensorProto.FLOAT)
        )
        graph.output[0].name = "output"
        graph.output[0].type.tensor_type.elem_type = onnx.TensorProto.FLOAT
    # From version 4 of the format on, initializers need not be inputs too.
    network.ir_version = max(network.ir_version, 4)
    (opset,) = network.opset_import
    opset.version = min(max(opset.version, OLDEST_OPSET), NEWEST_OPSET)
    onnx.checker.check_model(network, full_check=True)
    return network


def save(case: TestCase) -> int | None:
    """Writes a case's folder; returns the index of the network's input."""
    inputs, outputs = ([np.asarray(array) for array in arrays] for arrays in case.data_sets[0])
    folder = TARGET / case.name
    folder.mkdir(parents=True)
    onnx.save(case.model, folder / "model.onnx")
    arrays = {f"input_{index}": array for index, array in enumerate(inputs)}
    arrays |= {f"output_{index}": array for index, array in enumerate(outputs)}
    np.savez_compressed(folder / "data.npz", **arrays)
    varying = varying_input(case.model.graph.node[0].op_type, inputs, outputs)
    if varying is not None:
        onnx.save(as_network(case.model, inputs, varying), folder / "network.onnx")
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
        else:
            varying = save(case)
            kept.append((operator, case.name, "" if varying is None else varying))
    write_table("cases.csv", "operator case network_input", kept)
    write_table("left_out.csv", "operator case reason", left_out)

    size = sum(file.stat().st_size for file in TARGET.rglob("*") if file.is_file())
    print(f"{len(kept)} cases kept, {len(left_out)} left out, {size:,} bytes")
    print("kept:", dict(Counter(operator for operator, _, _ in kept)))
    print("no case kept:", sorted(OPERATORS - {operator for operator, _, _ in kept}))


if __name__ == "__main__":
    main()
