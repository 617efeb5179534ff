"""Writes small models as exporters write them, with the logits that onnxruntime computes.

    python -m pip install -r scripts/requirements-readers.txt
    python scripts/reader_models.py

For each model a folder in `crates/infoplane-engine/testdata/models/` with `model.onnx` (and a file of
weights beside it, where they lie outside), and `data.npz` with `input` and `logits`: what infoplane's
output must be, which is a value inside the model where infoplane leaves out its end.
"""

import shutil
import warnings
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from skl2onnx import to_onnx
from sklearn.neural_network import MLPClassifier

TARGET = (
    Path(__file__).resolve().parent.parent / "crates" / "infoplane-engine" / "testdata" / "models"
)
RANDOM = np.random.default_rng(7)
FLOAT, FLOAT16, BFLOAT16 = TensorProto.FLOAT, TensorProto.FLOAT16, TensorProto.BFLOAT16


def weights(*shape: int) -> np.ndarray:
    return RANDOM.normal(size=shape).astype(np.float32)


def tensor(name: str, array: np.ndarray) -> TensorProto:
    return numpy_helper.from_array(np.ascontiguousarray(array), name)


def node(operator: str, inputs: str, outputs: str, **attributes) -> onnx.NodeProto:
    """A node of names separated by blanks; `-` stands for one that is left out."""
    names = [["" if name == "-" else name for name in list.split()] for list in (inputs, outputs)]
    domain = attributes.pop("domain", "")
    name = attributes.pop("name", names[1][0] + "_node")
    return helper.make_node(operator, *names, name=name, domain=domain, **attributes)


def model(nodes, initializers, outputs, *, shape, opset=17, ir=8, functions=(), inputs=(), type=FLOAT):
    """A model of one input `x`; `outputs` are names, or names with an element type and a shape."""
    results = [
        helper.make_tensor_value_info(*output)
        if isinstance(output, tuple)
        else helper.make_tensor_value_info(output, FLOAT, None)
        for output in outputs
    ]
    x = helper.make_tensor_value_info("x", type, ["N", *shape])
    graph = helper.make_graph(nodes, "net", [x, *inputs], results, initializers)
    domains = {function.domain for function in functions}
    opsets = [helper.make_opsetid("", opset), *(helper.make_opsetid(d, 1) for d in domains)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=ir, functions=list(functions))


def reference_ref(name: str, of: str, type: int) -> onnx.AttributeProto:
    attribute = onnx.AttributeProto()
    attribute.name, attribute.ref_attr_name, attribute.type = name, of, type
    return attribute


def functions():
    """Nested functions, attributes by reference and by default, a result that is an operand."""
    scaled = node("Constant", "", "factor")
    scaled.attribute.append(reference_ref("value_float", "factor", onnx.AttributeProto.FLOAT))
    leaky = node("LeakyRelu", "y", "r")
    leaky.attribute.append(reference_ref("alpha", "slope", onnx.AttributeProto.FLOAT))
    inner = helper.make_function(
        "local",
        "Scaled",
        ["v"],
        ["r", "v_again"],
        [scaled, node("Mul", "v factor", "y"), leaky, node("Identity", "v", "v_again")],
        [helper.make_opsetid("", 17)],
        attributes=["factor"],
        attribute_protos=[helper.make_attribute("slope", 0.25)],
    )
    call = node("Scaled", "h", "s h_again", domain="local")
    call.attribute.append(reference_ref("factor", "strength", onnx.AttributeProto.FLOAT))
    outer = helper.make_function(
        "local",
        "Block",
        ["h", "w", "b"],
        ["out"],
        [call, node("Gemm", "s w b", "g"), node("Add", "g h_again", "out")],
        [helper.make_opsetid("", 17), helper.make_opsetid("local", 1)],
        attributes=["strength"],
    )
    nodes = [
        node("Block", "x w1 b1", "a", domain="local", strength=0.5),
        node("Block", "a w2 -", "logits", domain="local", strength=-1.5),
    ]
    initializers = [tensor("w1", weights(4, 4)), tensor("b1", weights(4)), tensor("w2", weights(4, 4))]
    return model(nodes, initializers, ["logits"], shape=[4], functions=[inner, outer]), "logits"


def branches():
    """`If` with a constant condition, names used in both branches, values of around, nested."""

    def branch(name, nodes, initializers=()):
        out = helper.make_tensor_value_info(nodes[-1].output[0], FLOAT, None)
        return helper.make_graph(nodes, name, [], [out], list(initializers))

    nested_then = branch("nested_then", [node("Add", "h w", "z")], [tensor("w", weights(3))])
    nested_else = branch("nested_else", [node("Unknown", "h", "z")])
    then_branch = branch(
        "then",
        [
            node("MatMul", "x w", "h"),
            node("Not", "no", "yes"),
            node("If", "yes", "result", then_branch=nested_then, else_branch=nested_else),
        ],
        [tensor("w", weights(4, 3))],
    )
    else_branch = branch("else", [node("MatMul", "x w", "h")], [tensor("w", weights(4, 3))])
    nodes = [
        node("Constant", "", "one", value=tensor("one", np.array(1, np.int64))),
        node("Equal", "one two", "same"),
        node("If", "same", "picked", then_branch=else_branch, else_branch=then_branch, name="choice"),
        node("Tanh", "picked", "logits"),
    ]
    initializers = [tensor("two", np.array(2, np.int64)), tensor("no", np.array(False))]
    made = model(nodes, initializers, ["logits"], shape=[4])
    runnable = onnx.ModelProto()
    runnable.CopyFrom(made)
    inner = runnable.graph.node[2].attribute[0].g.node[2].attribute[0].g
    inner.node[0].op_type = "Abs"
    return made, "logits", runnable


def quantised():
    """Weights as integers by tensor and by channel, activations through pairs of Q and DQ."""
    w = RANDOM.integers(-127, 128, size=(3, 2, 3, 3)).astype(np.int8)
    v = RANDOM.integers(0, 256, size=(27, 4)).astype(np.uint8)
    initializers = [
        tensor("w_q", w),
        tensor("w_scale", np.array([0.01, 0.02, 0.005], np.float32)),
        tensor("w_zero", np.zeros(3, np.int8)),
        tensor("v_q", v),
        tensor("v_scale", np.array(0.01, np.float32)),
        tensor("v_zero", np.array(130, np.uint8)),
        tensor("b_q", RANDOM.integers(-500, 500, size=4).astype(np.int32)),
        tensor("b_scale", np.array(0.001, np.float32)),
        tensor("b_zero", np.array(0, np.int32)),
        tensor("x_scale", np.array(0.02, np.float32)),
        tensor("x_zero", np.array(127, np.uint8)),
        tensor("h_scale", np.array(0.03, np.float32)),
        tensor("h_zero", np.array(-128, np.int8)),
    ]
    nodes = [
        node("QuantizeLinear", "x x_scale x_zero", "x_q"),
        node("DequantizeLinear", "x_q x_scale x_zero", "x_dq"),
        node("DequantizeLinear", "w_q w_scale w_zero", "w", axis=0),
        node("Conv", "x_dq w", "c", kernel_shape=[3, 3], pads=[1, 1, 1, 1], strides=[2, 2]),
        node("Relu", "c", "r"),
        node("QuantizeLinear", "r h_scale h_zero", "r_q"),
        node("DequantizeLinear", "r_q h_scale h_zero", "r_dq"),
        node("Flatten", "r_dq", "f"),
        node("DequantizeLinear", "v_q v_scale v_zero", "v"),
        node("DequantizeLinear", "b_q b_scale b_zero", "b"),
        node("Gemm", "f v b", "logits"),
        node("Softmax", "logits", "prob"),
    ]
    return model(nodes, initializers, ["prob"], shape=[2, 6, 6]), "logits"


def halves():
    """Weights in half precision behind casts of a float input, and one tensor of bfloat16."""
    rounded = weights(3).astype(np.float32).view(np.uint32) & 0xFFFF0000
    bias = TensorProto(
        name="b", dims=[3], data_type=BFLOAT16, raw_data=(rounded >> 16).astype("<u2").tobytes()
    )
    nodes = [
        node("Cast", "x", "x16", to=FLOAT16),
        node("MatMul", "x16 w", "h16"),
        node("Cast", "h16", "h", to=FLOAT),
        node("Cast", "b", "b32", to=FLOAT),
        node("Add", "h b32", "logits"),
    ]
    return model(nodes, [tensor("w", weights(5, 3).astype(np.float16)), bias], ["logits"], shape=[5]), "logits"


def half_input():
    """A network that is in half precision from its input on."""
    initializers = [tensor("w", weights(5, 3).astype(np.float16)), tensor("b", weights(3).astype(np.float16))]
    nodes = [node("Gemm", "x w b", "h"), node("Relu", "h", "logits")]
    return model(nodes, initializers, [("logits", FLOAT16, None)], shape=[5], type=FLOAT16), "logits"


def outside():
    """Two tensors at different places of one file beside the model."""
    nodes = [node("Gemm", "x w b", "logits")]
    return model(nodes, [tensor("w", weights(5, 3)), tensor("b", weights(3))], ["logits"], shape=[5]), "logits"


def mxnet():
    """As MXNet wrote them: operator set 7, initializers among the inputs, masks, scalars by `_mul_scalar`."""
    shapes = {"w": (4, 3, 3, 3), "gamma": (4,), "beta": (4,), "mean": (4,), "var": (4,), "fc_w": (5, 4), "fc_b": (5,)}
    initializers = [
        tensor(name, np.abs(weights(*shape)) + 0.5 if name == "var" else weights(*shape))
        for name, shape in shapes.items()
    ]
    initializers += [tensor("scalar", np.array([0.25], np.float32)), tensor("target", np.array([0, -1], np.int64))]
    inputs = [
        helper.make_tensor_value_info(i.name, i.data_type, list(i.dims)) for i in initializers
    ]
    nodes = [
        node("Mul", "x scalar", "_mul_scalar0"),
        node("Pad", "_mul_scalar0", "pad0", mode="constant", pads=[0, 0, 1, 1, 0, 0, 1, 1], value=0.0),
        node("Conv", "pad0 w", "conv0", kernel_shape=[3, 3], group=1, dilations=[1, 1], pads=[0] * 4, strides=[1, 1]),
        node("BatchNormalization", "conv0 gamma beta mean var", "bn0", epsilon=1e-3, momentum=0.9),
        node("LeakyRelu", "bn0", "relu0", alpha=0.1),
        node("Sum", "relu0 bn0", "plus0"),
        node("GlobalAveragePool", "plus0", "pool0"),
        node("Dropout", "pool0", "drop0 mask0", ratio=0.5),
        node("Reshape", "drop0 target", "flat0"),
        node("Flatten", "flat0", "flat1", axis=1),
        node("Gemm", "flat1 fc_w fc_b", "fc", alpha=1.0, beta=1.0, transA=0, transB=1),
        node("Softmax", "fc", "prob", axis=1),
    ]
    return model(nodes, initializers, ["prob"], shape=[3, 7, 6], opset=7, ir=3, inputs=inputs), "fc"


def labels_first():
    """A label, then probabilities of another shape, as tf2onnx writes classifiers."""
    initializers = [
        tensor("w", weights(4, 3)),
        tensor("shape", np.array([-1, 3, 1], np.int64)),
        tensor("axes", np.array([2], np.int64)),
    ]
    nodes = [
        node("MatMul", "x w", "logits"),
        node("Softmax", "logits", "prob"),
        node("Reshape", "prob shape", "wide"),
        node("Squeeze", "wide axes", "probabilities"),
        node("ArgMax", "prob", "index", axis=1, keepdims=0),
        node("Cast", "index", "label", to=TensorProto.INT32),
    ]
    outputs = [("label", TensorProto.INT32, ["N"]), ("probabilities", FLOAT, ["N", 3])]
    return model(nodes, initializers, outputs, shape=[4]), "logits"


def masks():
    """Comparisons, logic, `Where`, casts and quotients of integers that depend on the input."""
    initializers = [
        tensor("w", weights(4, 6)),
        tensor("zero", np.array(0, np.float32)),
        tensor("two", np.array(2, np.int64)),
        tensor("ten", np.array(10, np.float32)),
        tensor("low", np.array(-1, np.float32)),
    ]
    nodes = [
        node("MatMul", "x w", "h"),
        node("Greater", "h zero", "positive"),
        node("Less", "h low", "very_negative"),
        node("Or", "positive very_negative", "kept"),
        node("Not", "kept", "dropped"),
        node("Where", "dropped zero h", "masked"),
        node("Mul", "h ten", "h10"),
        node("Cast", "h10", "whole", to=TensorProto.INT64),
        node("Div", "whole two", "halved"),
        node("Cast", "halved", "halved_float", to=FLOAT),
        node("Cast", "positive", "positive_float", to=FLOAT),
        node("Sum", "masked halved_float positive_float", "logits"),
    ]
    return model(nodes, initializers, ["logits"], shape=[4]), "logits"


def channels():
    """Constants before their operand, one a channel, and a slope for each, between convolutions."""
    initializers = [
        tensor("w1", 0.2 * weights(19, 2, 3, 3)),
        tensor("w2", 0.2 * weights(5, 19, 1, 1)),
        tensor("one", np.array(1, np.float32)),
        tensor("half", np.array([0.5], np.float32)),
        tensor("slopes", weights(19, 1, 1)),
        tensor("factors", weights(1, 19, 1, 1)),
        tensor("few", np.abs(weights(5, 1, 1)) + 0.5),
        tensor("fc_w", weights(5, 4)),
    ]
    nodes = [
        node("Conv", "x w1", "c1", kernel_shape=[3, 3], pads=[1, 1, 1, 1]),
        node("Sub", "one c1", "s1"),
        node("Mul", "half s1", "m1"),
        node("PRelu", "m1 slopes", "p1"),
        node("Mul", "factors p1", "f1"),
        node("Softplus", "f1", "a1"),
        node("Log", "a1", "l1"),
        node("Conv", "l1 w2", "c2", kernel_shape=[1, 1]),
        node("Sigmoid", "c2", "g2"),
        node("Pow", "g2 few", "q2"),
        node("Div", "one q2", "d2"),
        node("GlobalAveragePool", "d2", "pooled"),
        node("Flatten", "pooled", "flat"),
        node("MatMul", "flat fc_w", "logits"),
    ]
    return model(nodes, initializers, ["logits"], shape=[2, 5, 4]), "logits"


def sklearn(labels, zipmap: bool):
    samples = RANDOM.normal(size=(60, 4)).astype(np.float32)
    network = MLPClassifier((5,), max_iter=30, random_state=0).fit(samples, labels(samples))
    made = to_onnx(network, samples[:1], options=None if zipmap else {"zipmap": False}, target_opset=18)
    del made.graph.value_info[:]
    return made, "add_result1"


MODELS = {
    "functions": functions,
    "branches": branches,
    "quantised": quantised,
    "halves": halves,
    "half_input": half_input,
    "outside": outside,
    "mxnet": mxnet,
    "labels_first": labels_first,
    "masks": masks,
    "channels": channels,
    "sklearn_three": lambda: sklearn(lambda s: (s[:, 0] > 0).astype(int) + (s[:, 1] > 0), False),
    "sklearn_three_map": lambda: sklearn(lambda s: (s[:, 0] > 0).astype(int) + (s[:, 1] > 0), True),
    "sklearn_binary": lambda: sklearn(lambda s: (s[:, 0] > 0).astype(int), False),
    "sklearn_names_map": lambda: sklearn(lambda s: np.array(["no", "yes"])[(s[:, 0] > 0).astype(int)], True),
}


def logits_of(made: onnx.ModelProto, value: str, x: np.ndarray) -> np.ndarray:
    runnable = onnx.ModelProto()
    runnable.CopyFrom(made)
    if value not in [output.name for output in runnable.graph.output]:
        runnable.graph.output.append(helper.make_empty_tensor_value_info(value))
    session = onnxruntime.InferenceSession(
        runnable.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    name = session.get_inputs()[0].name
    return session.run([value], {name: x})[0]


def main() -> None:
    for folder in TARGET.glob("*/"):
        shutil.rmtree(folder)
    for name, make in MODELS.items():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            made, value, *runnable = make()
        declared = made.graph.input[0].type.tensor_type
        shape = [dim.dim_value for dim in declared.shape.dim[1:]]
        x = RANDOM.normal(size=(3, *shape)).astype(np.float32)
        half = declared.elem_type == FLOAT16
        logits = logits_of([made, *runnable][-1], value, x.astype(np.float16) if half else x)
        if name in ("sklearn_binary", "sklearn_names_map"):
            logits = np.concatenate([-logits, logits], axis=1)
        folder = TARGET / name
        folder.mkdir(parents=True)
        if name == "outside":
            onnx.save(
                made, folder / "model.onnx", save_as_external_data=True, location="weights.bin",
                size_threshold=0, all_tensors_to_one_file=True,
            )
        else:
            onnx.save(made, folder / "model.onnx")
        np.savez_compressed(folder / "data.npz", input=x, logits=logits.astype(np.float32))
        print(name, logits.shape, sum(file.stat().st_size for file in folder.iterdir()), "bytes")


if __name__ == "__main__":
    main()
