"""Trains the networks of the 12-bit task of Shwartz-Ziv and Tishby and writes their checkpoints.

    python -m pip install numpy onnx
    python scripts/train_tishby.py tishby_var_u.npz FOLDER

reads `x` (0 or 1, [4096, 12]) and `y` ([4096]) and writes, in FOLDER, `inputs.npz` (`input` float32
[4096, 12] with values -1 and 1, `label` int64) and, for each activation, `tanh/epoch-NNNNN.onnx` and
`relu/epoch-NNNNN.onnx`: the network before training and after 20 log-spaced numbers of epochs (or as
many as `--checkpoints` says; it changes nothing in the training).
docs/series.md says what `infoplane series` makes of them.

The task is that of *Opening the black box of deep neural networks via information* (Shwartz-Ziv and
Tishby 2017, arXiv 1703.00810), the network their 12-10-7-5-4-3-2, and the comparison of tanh with ReLU
that of *On the information bottleneck theory of deep learning* (Saxe et al. 2018, ICLR). Weights begin as
truncated normal numbers of standard deviation 1/sqrt(inputs), times sqrt(2) for ReLU (He et al. 2015),
biases as 0; the loss is the cross-entropy of a softmax; plain stochastic gradient descent, without
momentum, decay or dropout, on four fifths of the inputs (at random, by seed).

One seed, one thread, numpy alone: the same files at every run on one machine. About two minutes.
"""

import argparse
from pathlib import Path

import numpy as np
import onnx
from onnx import helper, numpy_helper

WIDTHS = (12, 10, 7, 5, 4, 3, 2)
ACTIVATIONS = ("tanh", "relu")
TRAINING_SHARE = 0.8
BATCH = 256
LEARNING_RATE = 0.05
EPOCHS = 10_000

Layers = list[tuple[np.ndarray, np.ndarray]]


def initial(rng: np.random.Generator, activation: str) -> Layers:
    """Weights [inputs, outputs], drawn again where beyond two standard deviations, and biases of 0."""
    gain = {"tanh": 1.0, "relu": np.sqrt(2)}[activation]
    layers = []
    for inputs, outputs in zip(WIDTHS, WIDTHS[1:]):
        drawn = rng.standard_normal((inputs, outputs))
        while (far := np.abs(drawn) > 2).any():
            drawn[far] = rng.standard_normal(far.sum())
        layers.append(((drawn * gain / np.sqrt(inputs)).astype(np.float32), np.zeros(outputs, np.float32)))
    return layers


def forward(layers: Layers, inputs: np.ndarray, activation: str) -> list[np.ndarray]:
    """The input, every hidden layer's activations, and the logits."""
    values = [inputs]
    for index, (weight, bias) in enumerate(layers):
        sums = values[-1] @ weight + bias
        if index < len(layers) - 1:
            sums = np.tanh(sums) if activation == "tanh" else np.maximum(sums, 0)
        values.append(sums)
    return values


def step(layers: Layers, inputs: np.ndarray, labels: np.ndarray, activation: str) -> None:
    """One step of gradient descent on the mean cross-entropy of a batch, in place."""
    values = forward(layers, inputs, activation)
    shares = np.exp(values[-1] - values[-1].max(1, keepdims=True))
    gradient = shares / shares.sum(1, keepdims=True)
    gradient[np.arange(len(labels)), labels] -= 1
    gradient /= len(labels)
    for index in range(len(layers) - 1, -1, -1):
        weight, bias = layers[index]
        before = values[index]
        passed = gradient @ weight.T
        weight -= LEARNING_RATE * (before.T @ gradient)
        bias -= LEARNING_RATE * gradient.sum(0)
        gradient = passed * ((1 - before**2) if activation == "tanh" else (before > 0))


def checkpoints(count: int) -> set[int]:
    """0 and log-spaced numbers of epochs up to the last."""
    return {0, *(round(epochs) for epochs in np.geomspace(1, EPOCHS, count))}


def export(layers: Layers, activation: str, path: Path) -> None:
    """Writes the network as ONNX; the values are called hidden1 to hidden5 and logits."""
    operator = {"tanh": "Tanh", "relu": "Relu"}[activation]
    nodes, tensors, before = [], [], "input"
    for index, (weight, bias) in enumerate(layers, start=1):
        last = index == len(layers)
        sums = "logits" if last else f"hidden{index}.sum"
        names = [f"weight{index}", f"bias{index}"]
        tensors += [
            numpy_helper.from_array(tensor, name)
            for tensor, name in zip((weight, bias), names, strict=True)
        ]
        nodes.append(helper.make_node("Gemm", [before, *names], [sums], name=sums))
        if not last:
            before = f"hidden{index}"
            nodes.append(helper.make_node(operator, [sums], [before], name=before))
    inputs = helper.make_tensor_value_info("input", onnx.TensorProto.FLOAT, ["batch", WIDTHS[0]])
    logits = helper.make_tensor_value_info("logits", onnx.TensorProto.FLOAT, ["batch", WIDTHS[-1]])
    graph = helper.make_graph(nodes, f"tishby-{activation}", [inputs], [logits], tensors)
    model = helper.make_model(
        graph,
        producer_name="infoplane train_tishby",
        ir_version=10,
        opset_imports=[helper.make_opsetid("", 18)],
    )
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, path)


def train(
    inputs: np.ndarray,
    labels: np.ndarray,
    activation: str,
    seed: int,
    folder: Path,
    wanted: set[int],
) -> None:
    """Trains one network and writes it into `folder` after the wanted epochs."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(inputs))
    n_training = round(TRAINING_SHARE * len(inputs))
    parts = {"training": order[:n_training], "held out": order[n_training:]}
    training = parts["training"]
    layers = initial(rng, activation)

    def report(epoch: int) -> None:
        logits = forward(layers, inputs, activation)[-1]
        right = logits.argmax(1) == labels
        shares = ", ".join(f"{right[part].mean():.1%} of {name}" for name, part in parts.items())
        print(f"{activation}, epoch {epoch}: {shares}", flush=True)
        export(layers, activation, folder / f"epoch-{epoch:05}.onnx")

    report(0)
    for epoch in range(1, EPOCHS + 1):
        rng.shuffle(training)
        for start in range(0, n_training, BATCH):
            batch = training[start : start + BATCH]
            step(layers, inputs[batch], labels[batch], activation)
        if epoch in wanted:
            report(epoch)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path, help="tishby_var_u.npz")
    parser.add_argument("folder", type=Path, help="where the checkpoints go")
    parser.add_argument("--activation", choices=ACTIVATIONS, help="only this one")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--checkpoints", type=int, default=20, metavar="N")
    arguments = parser.parse_args()

    data = np.load(arguments.data)
    inputs = 2 * data["x"].astype(np.float32) - 1
    labels = data["y"].astype(np.int64)
    arguments.folder.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(arguments.folder / "inputs.npz", input=inputs, label=labels)
    for activation in ACTIVATIONS:
        if arguments.activation in (None, activation):
            folder = arguments.folder / activation
            wanted = checkpoints(arguments.checkpoints)
            train(inputs, labels, activation, arguments.seed, folder, wanted)


if __name__ == "__main__":
    main()
