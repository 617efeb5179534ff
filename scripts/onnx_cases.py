"""Test cases of the ONNX standard as networks that infoplane reads: one input of batch and features, one
result of floats. Shared by `operator_vectors.py`, which packs small cases, and `onnx_standard_tests.py`,
which runs all of them.
"""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

OLDEST_OPSET, NEWEST_OPSET = 7, 22
# Element types of values that depend on a network's input.
ELEMENT_TYPES = {"float32", "int64", "int32", "bool"}


# What infoplane knows before a network runs, or leaves out at its end, and does not compute of values that
# depend on its input.
SHAPE_ARITHMETIC = {
    "ArgMax",
    "ArgMin",
    "ConstantOfShape",
    "CumSum",
    "NonZero",
    "OneHot",
    "Range",
    "ScatterND",
    "Shape",
    "Size",
    "Trilu",
}


def varying_input(operator: str, inputs: list[np.ndarray], result: np.ndarray) -> int | None:
    """Index of the first float input of two or more axes, none of them empty, else of the first of another
    type where the result is none of floats; None where the operator does not work on values that depend on a
    network's input."""
    if operator in SHAPE_ARITHMETIC:
        return None
    for wanted in ({"float32"}, ELEMENT_TYPES if result.dtype != np.float32 else set()):
        for index, array in enumerate(inputs):
            if array.dtype.name in wanted and array.ndim >= 2 and array.size > 0:
                return index
    return None


def as_lookup(model: onnx.ModelProto, inputs: list[np.ndarray]) -> onnx.ModelProto | None:
    """A gather along the first axis as a network whose input, a column of whole numbers, looks up rows of a
    constant table; None where the model is none."""
    node = model.graph.node[0]
    axis = next((attribute.i for attribute in node.attribute if attribute.name == "axis"), 0)
    if node.op_type != "Gather" or axis != 0 or inputs[0].dtype != np.float32:
        return None
    table, ids = model.graph.input
    column = helper.make_tensor_value_info(ids.name, TensorProto.INT64, [inputs[1].size, 1])
    rows = helper.make_empty_tensor_value_info(model.graph.output[0].name)
    initializer = numpy_helper.from_array(inputs[0], table.name)
    graph = helper.make_graph([node], "lookup", [column], [rows], [initializer])
    return helper.make_model(graph, opset_imports=model.opset_import)


def in_single_precision(
    model: onnx.ModelProto, arrays: list[np.ndarray]
) -> tuple[onnx.ModelProto, list[np.ndarray]]:
    """The model and its values with doubles as singles, which is how infoplane reads them."""
    single = onnx.ModelProto()
    single.CopyFrom(model)
    for value in [*single.graph.input, *single.graph.output]:
        if value.type.tensor_type.elem_type == TensorProto.DOUBLE:
            value.type.tensor_type.elem_type = TensorProto.FLOAT
    return single, [a.astype(np.float32) if a.dtype == np.float64 else a for a in arrays]


def as_network(
    model: onnx.ModelProto, inputs: list[np.ndarray], varying: int, result: int = 0
) -> onnx.ModelProto:
    """The model with one input and one result.

    The other inputs become initializers with the case's values, other results are dropped (but for those of
    a split), 0 is added to a softmax, since infoplane leaves a final softmax out of a network, a result of
    another type is cast to float, and operator versions after 22, which only add element types, are declared
    as 22.
    """
    network = onnx.ModelProto()
    network.CopyFrom(model)
    graph = network.graph
    declared = list(graph.input)
    wanted = graph.output[result]
    del graph.input[:], graph.output[:]
    graph.output.append(wanted)
    for index, (value, array) in enumerate(zip(declared, inputs, strict=True)):
        if index == varying:
            graph.input.append(value)
        else:
            graph.initializer.append(numpy_helper.from_array(np.asarray(array), value.name))
    last = graph.node[-1]
    if len(graph.node) == 1 and last.op_type != "Split":
        del last.output[1:]
    if last.op_type in {"Softmax", "LogSoftmax"}:
        graph.initializer.append(numpy_helper.from_array(np.zeros((), np.float32), "zero"))
        graph.node.append(helper.make_node("Add", [wanted.name, "zero"], ["network_output"]))
        graph.output[0].name = "network_output"
    if wanted.type.tensor_type.elem_type != TensorProto.FLOAT:
        graph.node.append(helper.make_node("Cast", [wanted.name], ["network_output"], to=TensorProto.FLOAT))
        graph.output[0].name = "network_output"
        graph.output[0].type.tensor_type.elem_type = TensorProto.FLOAT
    # From version 4 of the format on, initializers need not be inputs too.
    network.ir_version = max(network.ir_version, 4)
    for opset in network.opset_import:
        opset.version = min(max(opset.version, OLDEST_OPSET), NEWEST_OPSET)
    onnx.checker.check_model(network, full_check=True)
    return network


def as_constants(
    model: onnx.ModelProto, inputs: list[np.ndarray], expected: np.ndarray, result: int = 0
) -> onnx.ModelProto:
    """The network x + f(constants), where f is the case's model with all inputs as initializers, its result
    cast to float and laid out as one row: what has to be known before a network runs."""
    opset = min(model.opset_import[0].version, NEWEST_OPSET)
    initializers = [
        numpy_helper.from_array(np.asarray(array), value.name)
        for value, array in zip(model.graph.input, inputs, strict=True)
    ]
    row = numpy_helper.from_array(np.array([1, expected.size], np.int64), "row_shape")
    name, casts = model.graph.output[result].name, []
    if expected.dtype != np.float32:
        casts = [helper.make_node("Cast", [name], ["as_float"], to=TensorProto.FLOAT)]
        name = "as_float"
    values = [
        helper.make_tensor_value_info(value, TensorProto.FLOAT, [1, expected.size])
        for value in ("network_input", "network_output")
    ]
    nodes = [
        *model.graph.node,
        *casts,
        helper.make_node("Reshape", [name, "row_shape"], ["as_row"]),
        helper.make_node("Add", ["network_input", "as_row"], ["network_output"]),
    ]
    graph = helper.make_graph(nodes, "constants", values[:1], values[1:], [*initializers, row])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)])
