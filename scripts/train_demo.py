"""Trains the network of `infoplane demo` and writes its files.

    python -m pip install -r scripts/requirements-demo.txt
    python scripts/train_demo.py

writes, in `crates/infoplane/assets/demo/`, `network.onnx` (batch normalisation folded, opset 18, any
batch size) and `digits.npz` (the 600 held-out images, `input` float32 [600, 1, 8, 8] with values
k / 16, and `label` int64 [600]). Then run `demo_golden.py` and `demo_plane.py`, which read them.

Two thirds of the digits are for training, with small rotations, zooms and shifts drawn anew each epoch, and
dropout of channels and weight decay. It takes one or two minutes on one core. A fixed seed and one thread
make the files the same at every run on one machine; other processors and versions round otherwise.

The network as it was after 0, 1, 2, 4, ... epochs goes into `checkpoints/epoch-NNN.onnx`, for `infoplane
series --demo`, with its weights rounded to half precision; `--checkpoints FOLDER` also writes these
networks with their full weights. `network.onnx` is the last of the series.
"""

import argparse
import copy
import math
import tempfile
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from onnx import helper, numpy_helper
from torch import nn

from demo_network import CHECKPOINTS, DIGITS, LAYERS, NETWORK, DigitsNet, digits, fold_batch_norm, split

SEED = 0
EPOCHS = 60
BATCH = 64
LEARNING_RATE = 3e-3
WEIGHT_DECAY = 0.05
DROP = 0.1


def augmented(images: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Each image turned by up to 12 degrees, zoomed by up to 10 % and shifted by up to one pixel."""

    def uniform(bound: float) -> torch.Tensor:
        return (2 * torch.rand(len(images), generator=generator) - 1) * bound

    angle, zoom = uniform(math.radians(12)), 1 + uniform(0.1)
    cosine, sine = zoom * torch.cos(angle), zoom * torch.sin(angle)
    # Coordinates run from -1 to 1 over eight pixels, so 0.25 is one pixel.
    rows = [cosine, -sine, uniform(0.25), sine, cosine, uniform(0.25)]
    grid = nn.functional.affine_grid(
        torch.stack(rows, dim=1).view(-1, 2, 3), list(images.shape), align_corners=False
    )
    return nn.functional.grid_sample(images, grid, align_corners=False)


def train(images: torch.Tensor, labels: torch.Tensor, after_epoch) -> DigitsNet:
    """Trains a network; `after_epoch(epochs, network)` is called before the first and after each."""
    torch.manual_seed(SEED)
    generator = torch.Generator().manual_seed(SEED)
    network = DigitsNet(DROP)
    optimizer = torch.optim.AdamW(network.parameters(), LEARNING_RATE, weight_decay=WEIGHT_DECAY)
    n_batches = len(images) // BATCH
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, LEARNING_RATE, total_steps=EPOCHS * n_batches
    )
    after_epoch(0, network)
    for epoch in range(1, EPOCHS + 1):
        network.train()
        order = torch.randperm(len(images), generator=generator)
        for batch in order[: n_batches * BATCH].split(BATCH):
            logits = network(augmented(images[batch], generator))
            loss = nn.functional.cross_entropy(logits, labels[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
        after_epoch(epoch, network)
    return network


def value_names(graph: onnx.GraphProto) -> dict[str, str]:
    """Names that tell where in the network a value is, for the names that the exporter invented."""
    blocks = [layer for layer in LAYERS if layer.startswith("block")]
    relus = iter(["stem", *(name for block in blocks for name in (f"{block}.activation", block))])
    sums = iter(f"{block}.sum" for block in blocks)
    names = {}
    for node in graph.node:
        (output,) = node.output
        match node.op_type:
            case "Conv":
                names[output] = node.input[1].removesuffix(".0.weight")
            case "Relu":
                names[output] = next(relus)
            case "Add":
                names[output] = next(sums)
            case "ReduceMean":
                names[output] = "pool"
            case "Gemm":
                names[output] = "logits"
            case _:
                raise ValueError(f"the exporter wrote an unexpected operator: {node.op_type}")
    return names


def export(network: DigitsNet, path: Path) -> None:
    """Writes the network as ONNX with batch normalisation folded, and readable value names."""
    folded = fold_batch_norm(copy.deepcopy(network))
    program = torch.onnx.export(
        folded,
        (torch.zeros(2, 1, 8, 8),),
        input_names=["input"],
        output_names=["logits"],
        dynamic_shapes={"x": {0: torch.export.Dim("batch")}},
        opset_version=18,
        dynamo=True,
        verbose=False,
    )
    exported = program.model_proto
    names = value_names(exported.graph)
    nodes = []
    for node in exported.graph.node:
        (output,) = (names[output] for output in node.output)
        renamed = helper.make_node(
            node.op_type, [names.get(name, name) for name in node.input], [output], name=output
        )
        renamed.attribute.extend(node.attribute)
        nodes.append(renamed)
    images = helper.make_tensor_value_info("input", onnx.TensorProto.FLOAT, ["batch", 1, 8, 8])
    logits = helper.make_tensor_value_info("logits", onnx.TensorProto.FLOAT, ["batch", 10])
    graph = helper.make_graph(nodes, "digits", [images], [logits], exported.graph.initializer)
    model = helper.make_model(
        graph,
        producer_name="infoplane demo",
        ir_version=10,
        opset_imports=[helper.make_opsetid("", 18)],
    )
    onnx.checker.check_model(model, full_check=True)
    missing = set(LAYERS) - {output for node in nodes for output in node.output}
    if missing:
        raise ValueError(f"the exported network has no value called {sorted(missing)}")
    onnx.save(model, path)


def halve_weights(path: Path, halved: Path) -> None:
    """Writes a network again with each weight in half precision, and a cast to single where it is used."""
    model = onnx.load(path)
    weights = list(model.graph.initializer)
    casts = []
    del model.graph.initializer[:]
    for weight in weights:
        values = numpy_helper.to_array(weight)
        if values.dtype != np.float32:
            model.graph.initializer.append(weight)
            continue
        stored = f"{weight.name}.half"
        model.graph.initializer.append(numpy_helper.from_array(values.astype(np.float16), stored))
        cast = helper.make_node("Cast", [stored], [weight.name], name=weight.name)
        cast.attribute.append(helper.make_attribute("to", onnx.TensorProto.FLOAT))
        casts.append(cast)
    nodes = list(model.graph.node)
    del model.graph.node[:]
    model.graph.node.extend(casts + nodes)
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, halved)


def accuracy(path: Path, images: np.ndarray, labels: np.ndarray) -> float:
    """Share of images that the exported network classifies rightly."""
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    (logits,) = session.run(None, {"input": images})
    return float((logits.argmax(1) == labels).mean())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--checkpoints", type=Path, metavar="FOLDER")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)

    images, labels = digits()
    training, held_out = split(labels)

    def after_epoch(epoch: int, network: DigitsNet) -> None:
        # No epoch or a power of two.
        if epoch & (epoch - 1) == 0:
            path = checkpoints / f"epoch-{epoch:03}.onnx"
            export(network, path)
            halve_weights(path, CHECKPOINTS / path.name)

    CHECKPOINTS.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        checkpoints = arguments.checkpoints or Path(scratch)
        checkpoints.mkdir(parents=True, exist_ok=True)
        network = train(
            torch.from_numpy(images[training]), torch.from_numpy(labels[training]), after_epoch
        )
    export(network, NETWORK)
    np.savez_compressed(DIGITS, input=images[held_out], label=labels[held_out])

    print(f"{sum(p.numel() for p in network.parameters()):,} parameters while training")
    for name, part in (("training", training), ("held out", held_out)):
        print(f"{name}: {accuracy(NETWORK, images[part], labels[part]):.2%} of {len(part)} right")


if __name__ == "__main__":
    main()
