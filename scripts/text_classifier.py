"""Trains a small text classifier and computes reference conductances of it.

    python -m pip install -r scripts/requirements-text.txt
    python scripts/text_classifier.py OUT

writes into the folder OUT

    text.onnx        the network: token ids (N x 24, int64) -> 4 logits
    test.npz         `input`, 300 sentences of token ids, and `label`
    reference.npz    three sentences (`input`), padding as what their paths start from (`baseline`), `target`, and for
                     paths from zero (`zero/`) and from the embedded padding (`pad/`) `f_input`, `f_baseline` and
                     `conductance/<value>` (token by feature), computed in double precision

and, with --commit, copies text.onnx and reference.npz to the tests of infoplane-attribution.

Sentences are made up: of 64 words some stand for a topic, others for nothing, and `not` turns the next word
to the opposite topic. The label is the topic of most words, so that the order of words matters.

The network is a transformer: embedding plus positions, two encoder layers (attention of four heads, then a
hidden layer; normalised before each), the mean over tokens, a linear layer. The path of the conductances runs
in the embedding's space, from zero (or from the embedding of a baseline sentence) to the sentence's embedding:

    infoplane attribute --model OUT/text.onnx --path-at EMBEDDING --inputs OUT/reference.npz --target input \\
        --quadrature trapezoid --steps 32 --reduce none --layers A,B --raw OUT/raw.npz

where the names EMBEDDING, A and B are printed and are the keys of reference.npz; `--baseline input` for the paths
from padding. With Captum installed the script also prints the sum of its LayerConductance.
"""

import argparse
import shutil
from pathlib import Path

import numpy as np
import onnx
import torch
from torch import nn

TESTS = Path(__file__).resolve().parent.parent / "crates/infoplane-attribution/tests/data"
WORDS, TOKENS, FEATURES, HEADS, HIDDEN, TOPICS = 64, 24, 32, 4, 64, 4
PAD, START, NOT, FIRST_TOPIC = 0, 1, 2, 3
WORDS_OF_TOPIC = 4
STEPS = 32


class Attention(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.query, self.key, self.value, self.out = (nn.Linear(FEATURES, FEATURES) for _ in range(4))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        def heads(y: torch.Tensor) -> torch.Tensor:
            return y.reshape(-1, TOKENS, HEADS, FEATURES // HEADS).transpose(1, 2)

        query, key, value = heads(self.query(x)), heads(self.key(x)), heads(self.value(x))
        scores = query @ key.transpose(2, 3) / (FEATURES // HEADS) ** 0.5
        mixed = scores.softmax(-1) @ value
        return self.out(mixed.transpose(1, 2).reshape(-1, TOKENS, FEATURES))


class Block(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(FEATURES), nn.LayerNorm(FEATURES)
        self.attention = Attention()
        self.hidden, self.out = nn.Linear(FEATURES, HIDDEN), nn.Linear(HIDDEN, FEATURES)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = x + self.attention(self.norm1(x))
        return x + self.out(nn.functional.gelu(self.hidden(self.norm2(x))))


class Classifier(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(WORDS, FEATURES)
        self.positions = nn.Parameter(0.1 * torch.randn(1, TOKENS, FEATURES))
        self.blocks = nn.ModuleList(Block() for _ in range(2))
        self.norm = nn.LayerNorm(FEATURES)
        self.head = nn.Linear(FEATURES, TOPICS)

    def after_embedding(self, embedded: torch.Tensor) -> torch.Tensor:
        x = embedded + self.positions
        for block in self.blocks:
            x = block(x)
        return self.head(self.norm(x).mean(1))

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        return self.after_embedding(self.embedding(ids))


def sentences(n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    ids, labels = [], []
    first_filler = FIRST_TOPIC + WORDS_OF_TOPIC * TOPICS
    while len(ids) < n:
        words = rng.integers(first_filler, WORDS, TOKENS)
        words[0] = START
        votes = np.zeros(TOPICS, int)
        for place in rng.choice(np.arange(2, TOKENS, 2), 5, replace=False):
            topic = rng.integers(TOPICS)
            words[place] = FIRST_TOPIC + WORDS_OF_TOPIC * topic + rng.integers(WORDS_OF_TOPIC)
            if rng.random() < 0.25:
                words[place - 1] = NOT
                topic = (topic + TOPICS // 2) % TOPICS
            votes[topic] += 1
        most = np.flatnonzero(votes == votes.max())
        if len(most) == 1:
            ids.append(words)
            labels.append(most[0])
    return np.array(ids, np.int64), np.array(labels, np.int64)


def train(steps: int, rng: np.random.Generator) -> Classifier:
    net = Classifier()
    optimizer = torch.optim.AdamW(net.parameters(), 3e-3, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 3e-3, total_steps=steps)
    for step in range(steps):
        ids, labels = (torch.from_numpy(array) for array in sentences(64, rng))
        loss = nn.functional.cross_entropy(net(ids), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        if step % 250 == 0:
            print(f"step {step}: loss {loss.item():.3f}", flush=True)
    return net.eval()


def conductances(net: Classifier, ids: torch.Tensor, baseline: torch.Tensor, target: int) -> dict:
    """The trapezoidal sum of every value along the path, and the target's logit at both ends."""
    kept: dict[str, torch.Tensor] = {}

    def keep(name: str):
        def hook(_module, _inputs, output):
            if output.requires_grad:
                output.retain_grad()
            kept[name] = output

        return hook

    modules = {"block0": net.blocks[0], "block1": net.blocks[1], "norm": net.norm}
    hooks = [module.register_forward_hook(keep(name)) for name, module in modules.items()]
    end = net.embedding(ids).detach()
    nodes = []
    for alpha in np.linspace(0, 1, STEPS + 1):
        embedded = (baseline + alpha * (end - baseline)).requires_grad_()
        logits = net.after_embedding(embedded)
        logits[0, target].backward()
        values = {"embedding": (embedded, embedded.grad), **{k: (v, v.grad) for k, v in kept.items()}}
        nodes.append((logits[0].detach(), {k: (v.detach().clone(), g.clone()) for k, (v, g) in values.items()}))
    for hook in hooks:
        hook.remove()
    sums = {name: torch.zeros_like(value) for name, (value, _) in nodes[0][1].items()}
    for (_, low), (_, high) in zip(nodes, nodes[1:]):
        for name, sum_ in sums.items():
            sum_ += 0.5 * (low[name][1] + high[name][1]) * (high[name][0] - low[name][0])
    return {"end": nodes[-1][0], "start": nodes[0][0], **{k: v[0] for k, v in sums.items()}}


def compare_with_captum(net: Classifier, ids: torch.Tensor, target: int) -> None:
    try:
        from captum.attr import LayerConductance
    except ImportError:
        print("Captum is not installed; not compared")
        return

    class AfterEmbedding(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.net = net

        def forward(self, embedded: torch.Tensor) -> torch.Tensor:
            return self.net.after_embedding(embedded)

    model, embedded = AfterEmbedding(), net.embedding(ids).detach()
    found = LayerConductance(model, net.blocks[0]).attribute(embedded, torch.zeros_like(embedded), target, n_steps=256)
    own = conductances(net, ids, torch.zeros_like(embedded), target)
    rise = (own["end"] - own["start"])[target]
    print(f"at block0: Captum {found.sum():.4f}, trapezoid {own['block0'].sum():.4f}, f(x) - f(x') {rise:.4f}")


def value_names(path: Path) -> dict[str, str]:
    """The names in the ONNX file of what the references name by module."""
    graph = onnx.load(path).graph
    outputs = [node.output[0] for node in graph.node]
    producers = {node.output[0]: node for node in graph.node}
    norms = [name for name in outputs if producers[name].op_type == "LayerNormalization"]
    gathers = [name for name in outputs if producers[name].op_type == "Gather"]
    # A block's value is what the next normalisation takes.
    sums = {norm: producers[norm].input[0] for norm in norms}
    return {
        "embedding": gathers[0],
        "block0": sums[norms[2]],
        "block1": sums[norms[4]],
        "norm": norms[4],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--steps", type=int, default=2500)
    parser.add_argument("--dynamo", action="store_true", help="export by torch.export")
    parser.add_argument("--commit", action="store_true")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    net = train(args.steps, rng)
    ids, labels = sentences(300, rng)
    with torch.inference_mode():
        accuracy = (net(torch.from_numpy(ids)).argmax(1).numpy() == labels).mean()
    print(f"accuracy on {len(ids)} new sentences: {accuracy:.3f}")
    np.savez(args.out / "test.npz", input=ids, label=labels)

    path = args.out / "text.onnx"
    example = torch.from_numpy(ids[:1])
    if args.dynamo:
        torch.onnx.export(net, (example,), path, dynamo=True, external_data=False, input_names=["ids"], output_names=["logits"])
    else:
        options = {"dynamic_axes": {"ids": {0: "N"}}, "opset_version": 17, "dynamo": False}
        torch.onnx.export(net, (example,), path, input_names=["ids"], output_names=["logits"], **options)
    names = value_names(path)
    print(names)

    net = net.double()
    chosen = torch.from_numpy(ids[:3])
    starts = torch.full_like(chosen, PAD)
    results: dict[str, list] = {}
    for start in ("zero", "pad"):
        for sentence, start_ids in zip(chosen, starts):
            with torch.inference_mode():
                target = int(net(sentence[None])[0].argmax())
                baseline = net.embedding(start_ids[None])
            baseline = torch.zeros_like(baseline) if start == "zero" else baseline.clone()
            found = conductances(net, sentence[None], baseline, target)
            results.setdefault("target", []).append(target)
            results.setdefault(f"{start}/f_input", []).append(found["end"][target])
            results.setdefault(f"{start}/f_baseline", []).append(found["start"][target])
            for module, name in names.items():
                results.setdefault(f"{start}/conductance/{name}", []).append(found[module].numpy())
    arrays = {key: np.array(value, np.float32) for key, value in results.items() if key != "target"}
    arrays["target"] = np.array(results["target"][:3], np.int64)
    np.savez_compressed(args.out / "reference.npz", input=chosen.numpy(), baseline=starts.numpy(), **arrays)
    compare_with_captum(net, chosen[:1], int(arrays["target"][0]))
    for file in ("text.onnx", "reference.npz"):
        print(f"{file}: {(args.out / file).stat().st_size} bytes")
        if args.commit:
            shutil.copy(args.out / file, TESTS / f"text_classifier{Path(file).suffix}")


if __name__ == "__main__":
    main()
