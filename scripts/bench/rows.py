"""The measures, one function for each group that shares its work."""

from dataclasses import dataclass
from pathlib import Path

from . import memory
from .convergence import Convergence
from .material import network
from .measure import Row, alternate, compare, must_agree, vector_error
from .resident import Ended, Programs

# ResNet50's blocks.
BLOCKS = [f"layer{stage}.{block}" for stage, n in enumerate([3, 4, 6, 3], 1) for block in range(n)]
# Where the forward-and-VJP measures end: each network's first block, the first of the layers that are
# analysed by default.
FORWARD = {
    "resnet50": ("ResNet50", "layer1.0", 0.6),
    "vgg16": ("VGG16", "features.4", 0.4),
    "squeezenet1_1": ("SqueezeNet 1.1", "features.3", 0.6),
    "mobilenet_v2": ("MobileNetV2", "features.1", 0.6),
}
VECTOR_ERROR = 0.03
# How far two references may be apart, as a share of the error that is measured by them.
REFERENCE = 0.25


@dataclass
class Settings:
    """What is measured and how thoroughly."""

    programs: Programs
    work: Path
    shared: Path | None
    workers: int
    quick: bool
    # Overrides the repetitions of every measure.
    repeats: int | None

    @property
    def blocks(self) -> list[str]:
        return BLOCKS[::4] if self.quick else BLOCKS

    @property
    def samples(self) -> int:
        """Samples of a timed sweep: the same number for each worker."""
        return self.workers

    @property
    def steps(self) -> int:
        return 8 if self.quick else 50

    @property
    def error_samples(self) -> int:
        return 2 if self.quick else 4

    @property
    def reference_steps(self) -> int:
        return 64 if self.quick else 600

    def network(self, name: str):
        return network(name, self.work, self.shared)

    def times(self, usual: int) -> int:
        return self.repeats or (1 if self.quick else usual)


def per_sample(seconds: list[float], samples: int) -> list[float]:
    return [value / samples for value in seconds]


def convergence(settings: Settings, net, layers: list[str] | None) -> Convergence:
    samples, reference = settings.error_samples, settings.reference_steps
    return Convergence(settings.programs, net, layers, samples, reference)


def forward(settings: Settings, name: str) -> Row:
    """Forward and VJP to the first block, a batch of 16 nodes."""
    title, layer, goal = FORWARD[name]
    row = Row(
        f"forward-{name}",
        f"forward + VJP to the first block, batch of 16 nodes, {title} / PyTorch",
        f"≤ {goal}",
        unit="batch of 16",
    )
    net = settings.network(name)
    ours = settings.programs.ours("forward-vjp", net, "--layers", layer, "--nodes", 16)
    torch = settings.programs.theirs("forward-vjp", net, [layer], "--nodes", 16)
    with ours, torch:
        for what, value in ours.ready["check"].items():
            peer = torch.ready["check"][what]
            must_agree(row, what.replace("_", " "), abs(value - peer) / max(abs(peer), 1e-30))
        # One line is enough where all is well.
        if not row.faults:
            row.notes = [f"logits and gradients agree to {max(row.details.values()):.0e}"]
        row.gflop = 16 * ours.ready["gflop_per_row"]
        row.notes.append(f"to {layer}; PyTorch {torch.ready['layout']}")
        _, (a, b) = alternate([ours, torch], settings.times(7))
    return compare(row, a, b, goal)


def hooked_sweep(settings: Settings) -> Row:
    """All blocks of ResNet50 at once, both sides with the same uniform steps."""
    steps, samples = settings.steps, settings.samples
    row = Row(
        "sweep-resnet50",
        f"conductance of {len(settings.blocks)} blocks of ResNet50, {steps} steps / "
        "one hooked PyTorch sweep",
        "≤ 0.5",
        unit="sample",
    )
    net = settings.network("resnet50")
    common = ["--steps", steps, "--samples", samples, "--vectors"]
    chosen = ["--layers", ",".join(settings.blocks), "--quadrature", "trapezoid"]
    ours = settings.programs.ours("sweep", net, *chosen, *common)
    torch = settings.programs.theirs("sweep", net, settings.blocks, *common)
    with ours, torch:
        answers, (a, b) = alternate([ours, torch], settings.times(5))
        row.gflop = (steps + 1) * ours.ready["gflop_per_row"]
        row.notes.append(f"PyTorch {torch.ready['layout']}")
    must_agree(row, "vectors", vector_error(answers[0][-1]["vectors"], answers[1][-1]["vectors"]))
    return compare(row, per_sample(a, samples), per_sample(b, samples), 0.5)


def captum(settings: Settings, wanted: set[str]) -> list[Row]:
    """Captum layer by layer, against the same rule and against what reaches the same error."""
    net, blocks = settings.network("resnet50"), settings.blocks
    steps, samples = settings.steps, settings.samples
    same = Row(
        "captum-resnet50",
        f"conductance of {len(blocks)} blocks of ResNet50, {steps} steps / Captum layer by layer",
        "≤ 0.02",
        unit="sample",
    )
    as_good = Row(
        "error-resnet50",
        f"{len(blocks)} blocks of ResNet50 to the vector error that Captum's {steps} steps leave / "
        "Captum layer by layer",
        "≤ 0.005",
        unit="sample",
    )
    rule, fewest = "graded", steps
    if as_good.key in wanted:
        found = convergence(settings, net, blocks)
        # infoplane's own rule of that name, which is checked below against Captum itself.
        error = found.error("captum", steps)
        must_agree(as_good, "reference", found.check(), REFERENCE * error)
        rule, fewest = found.best(error)
        as_good.notes.append(
            f"Captum's error {error:.4f}; {rule} with {fewest} steps {found.error(rule, fewest):.4f}"
        )
        as_good.details |= {"rule": rule, "steps": fewest, "captum_error": error}
    common = ["--layers", ",".join(blocks), "--samples", samples]
    ours = settings.programs.ours(
        "sweep", net, *common, "--quadrature", "captum", "--steps", steps, "--vectors"
    )
    better = settings.programs.ours("sweep", net, *common, "--quadrature", rule, "--steps", fewest)
    # One sample: Captum takes long, and always the same time.
    peer = settings.programs.theirs("captum", net, blocks, "--steps", steps, "--samples", 1, "--vectors")
    with ours, better, peer:
        sides = [ours, better, peer]
        answers, (a, b, c) = alternate(sides, settings.times(3))
        batch = peer.ready["internal_batch_size"] or f"{steps + 1}, all"
        chosen = f"Captum {peer.ready['layout']}, batches of {batch}"
        same.gflop = (steps + 1) * ours.ready["gflop_per_row"]
        as_good.gflop = (fewest + 1) * better.ready["gflop_per_row"]
    difference = vector_error(answers[0][-1]["vectors"][:1], answers[2][-1]["vectors"])
    rows = [
        compare(same, per_sample(a, samples), c, 0.02),
        compare(as_good, per_sample(b, samples), c, 0.005),
    ]
    for row in rows:
        must_agree(row, "vectors by Captum's rule", difference)
        row.notes.append(chosen)
    return [row for row in rows if row.key in wanted]


def error_squeezenet(settings: Settings) -> Row:
    """All layers of SqueezeNet to the same mean vector error, each side with its own rule."""
    goal = 0.15 if settings.quick else VECTOR_ERROR
    row = Row(
        "error-squeezenet1_1",
        f"all layers of SqueezeNet to mean vector error {goal:.0%} / "
        "hooked PyTorch sweep with uniform steps to the same",
        "≤ 0.15",
        unit="sample",
    )
    net, samples = settings.network("squeezenet1_1"), settings.error_samples
    found = convergence(settings, net, None)
    must_agree(row, "reference", found.check(), REFERENCE * goal)
    rule, fewest = found.best(goal)
    uniform = found.steps_for("trapezoid", goal)
    ours = settings.programs.ours("sweep", net, *found.options(rule, fewest, samples))
    common = ["--steps", uniform, "--samples", samples, "--vectors"]
    torch = settings.programs.theirs("sweep", net, found.layers, *common)
    with ours, torch:
        answers, (a, b) = alternate([ours, torch], settings.times(5))
        row.gflop = (fewest + 1) * ours.ready["gflop_per_row"]
        layout = torch.ready["layout"]
    errors = [vector_error(own[-1]["vectors"], found.reference) for own in answers]
    row.details |= {"rule": rule, "steps": fewest, "uniform_steps": uniform, "errors": errors}
    row.notes.append(f"{len(found.layers)} layers, {samples} samples; {rule} {fewest} steps {errors[0]:.4f}")
    row.notes.append(f"PyTorch {layout}, {uniform} uniform steps {errors[1]:.4f}")
    # What the peer computed itself must be as good as was found for its rule.
    must_agree(row, "error of the uniform steps", abs(errors[1] - found.error("trapezoid", uniform)))
    return compare(row, per_sample(a, samples), per_sample(b, samples), 0.15)


def workers(settings: Settings, name: str, title: str, layers: list[str] | None) -> Row:
    """The same samples on one worker and on all."""
    row = Row(
        f"workers-{name}",
        f"throughput with {settings.workers} workers / 1 worker, {title}",
        f"≥ {0.95 * settings.workers:.1f}",
        unit="sample",
    )
    samples = 2 * settings.workers
    options = ["--layers", ",".join(layers)] if layers else []
    options += ["--quadrature", "graded", "--steps", 4 if settings.quick else 16, "--samples", samples]
    net = settings.network(name)
    together = settings.programs.ours("sweep", net, *options)
    alone = settings.programs.ours("sweep", net, *options, workers=1)
    with together, alone:
        # The ratio of throughputs is that of the times turned over.
        _, (a, b) = alternate([alone, together], settings.times(7))
        row.gflop = (5 if settings.quick else 17) * together.ready["gflop_per_row"]
    compare(row, per_sample(a, samples), per_sample(b, samples), None)
    row.ours, row.peer = row.peer, row.ours
    row.notes.append("the second time is that of one worker")
    row.met = row.value[0] >= 0.95 * settings.workers
    return row


def groups() -> dict:
    """By key, in the order of the table, what measures it; the two Captum rows share their runs."""
    rows = {f"forward-{name}": lambda s, _, name=name: [forward(s, name)] for name in FORWARD}
    rows["sweep-resnet50"] = lambda s, _: [hooked_sweep(s)]
    rows["captum-resnet50"] = captum
    rows["error-squeezenet1_1"] = lambda s, _: [error_squeezenet(s)]
    rows["error-resnet50"] = captum
    rows["workers-resnet50"] = lambda s, _: [workers(s, "resnet50", "ResNet50", s.blocks)]
    rows["workers-squeezenet1_1"] = lambda s, _: [workers(s, "squeezenet1_1", "SqueezeNet 1.1", None)]
    rows["memory"] = lambda s, _: [memory.row(s)]
    return rows


def measure(settings: Settings, keys: list[str], done, failed) -> list[Row]:
    """Measures `keys`. Each row is shown to `done` when it is there; `failed` is told what had no row and why."""
    every, rows, without = groups(), {}, set()
    for key in keys:
        if key in rows or every[key] in without:
            continue
        try:
            for row in every[key](settings, set(keys)):
                rows[row.key] = row
                done(row)
        except Ended as error:
            without.add(every[key])
            failed(key, str(error))
    return [rows[key] for key in every if key in rows]
