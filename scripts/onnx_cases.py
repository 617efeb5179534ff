"""Test cases of the ONNX standard as networks that infoplane reads: one input of batch and features, one
result of floats. Shared by `operator_vectors.py`, which packs small cases, and `onnx_standard_tests.py`,
which runs all of them.
"""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

NEWEST_OPSET = 22


def varying_input(inputs: list[np.ndarray], result: np.ndarray) -> int | None:
    """Index of the first float input of two or more axes, none of them empty, if the result is float."""
    if result.dtype != np.float32:
        return None
    for index, array in enumerate(inputs):
        if array.dtype == np.float32 and array.ndim >= 2 and array.size > 0:
            return index
    return None


def token_input(model: onnx.ModelProto, inputs: list[np.ndarray], result: np.ndarray) -> int | None:
    """Index of the integers that look up rows of a float table, which are a network's input too."""
    node = model.graph.node[0]
    axis = next((attribute.i for attribute in node.attribute if attribute.name == "axis"), 0)
    is_lookup = node.op_type == "Gather" and axis == 0 and result.dtype == np.float32
    return 1 if is_lookup and inputs[1].ndim >= 2 and inputs[1].size > 0 else None


def as_network(
    model: onnx.ModelProto, inputs: list[np.ndarray], varying: int, result: int = 0
) -> onnx.ModelProto:
    """The model with one input and one result.

    The other inputs become initializers with the case's values, other results are dropped (but for those of
    a split), a softmax is followed by an identity, since infoplane leaves a final softmax out of a network,
    and operator versions after 22, which only add element types, are declared as 22.
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
        graph.node.append(helper.make_node("Identity", [wanted.name], ["output"]))
        graph.output[0].name = "output"
    for opset in network.opset_import:
        opset.version = min(opset.version, NEWEST_OPSET)
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
    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, expected.size]) for name in ("x", "y")]
    nodes = [
        *model.graph.node,
        helper.make_node("Cast", [model.graph.output[result].name], ["as_float"], to=TensorProto.FLOAT),
        helper.make_node("Reshape", ["as_float", "row_shape"], ["row"]),
        helper.make_node("Add", ["x", "row"], ["y"]),
    ]
    graph = helper.make_graph(nodes, "constants", values[:1], values[1:], [*initializers, row])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)])
