"""Compares quadratures by error against network passes: table, JSON and plot.

    python scripts/quadrature_study.py --out study \\
        --model squeezenet1_1.onnx --model cifar10_resnet56.onnx --images imagenet/val --cifar cifar10/test
    python scripts/quadrature_study.py --out study --plot-only --plot docs/images/quadrature.svg

For every model, baseline and rule the built program `infoplane attribute` is run on the same images.
Written into the folder `--out`: `study.csv` and `study.json`, one row a model, baseline and rule, with

- `passes`: network passes (forward and backward at one node) a sample, averaged over the samples;
- `vector_error`: relative L2 error of a layer's conductance vector against `hyperbolic` with 600
  steps, averaged over layers and samples; `vector_error_max`: of the sample with the largest mean;
- `completeness`: largest relative completeness error over cut layers, mean over samples, and
  `completeness_max`, its largest.

Results are added to what `--out` holds; a finished row is not computed again. Images are decoded here
(Pillow, numpy): folders of class folders, spread evenly. A model with an input of 3 x 32 x 32 takes
images of `--cifar`, any other those of `--images`, with shorter side 256 and the central 224 x 224. A
model given as `FILE:0.5,0.5` has mean and standard deviation 0.5 instead of ImageNet's, as
`FILE:mean,std:LABEL` also another name in the table.

Needs numpy and Pillow; matplotlib for the plot.
"""

import argparse
import csv
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

REPOSITORY = Path(__file__).resolve().parent.parent
REFERENCE = ["--quadrature", "hyperbolic", "--steps", "600"]
MEAN, STD = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
FIELDS = ["model", "baseline", "rule", "steps", "parameter", "n", "passes", "vector_error",
          "vector_error_max", "completeness", "completeness_max"]


def rules(fast):
    """(rule, steps, parameter, flags) of everything that is compared."""
    steps = [8, 16, 32] if fast else [8, 12, 16, 24, 32]
    uniform = [16, 50] if fast else [16, 32, 50, 64]
    for n in uniform:
        yield "trapezoid", n, None, ["--quadrature", "trapezoid", "--steps", n]
    for power in [2.0] if fast else [1.5, 2.0, 3.0]:
        for n in steps:
            yield "graded", n, power, ["--quadrature", "graded", "--steps", n, "--power", power]
    for knee in [0.1, 0.15, 0.3] if fast else [0.05, 0.1, 0.15, 0.2, 0.3]:
        for n in steps:
            yield "hyperbolic", n, knee, ["--quadrature", "hyperbolic", "--steps", n, "--knee", knee]
    yield "captum", 50, None, ["--quadrature", "captum", "--steps", 50]
    for tolerance in [0.05, 0.02] if fast else [0.1, 0.05, 0.02, 0.01]:
        yield ("adaptive", None, tolerance,
               ["--quadrature", "adaptive", "--tolerance", tolerance, "--max-steps", 128])


class Model:
    """A network with its preprocessing."""

    def __init__(self, text):
        path, _, rest = text.partition(":")
        numbers, _, label = rest.partition(":")
        self.path = Path(path)
        self.label = label or self.path.stem
        self.mean, self.std = MEAN, STD
        if numbers:
            mean, std = (float(number) for number in numbers.split(","))
            self.mean, self.std = [mean] * 3, [std] * 3

    def side(self, program):
        listing = subprocess.run([program, "layers", self.path, "--plan"], capture_output=True, text=True)
        return 32 if "cifar" in self.label or "32×32" in listing.stdout else 224


def images(folder, n, side):
    """`[n, 3, side, side]` in [0, 1], spread evenly over the folder's images."""
    from PIL import Image

    files = sorted(path for path in Path(folder).rglob("*") if path.suffix.lower() in {".jpg", ".jpeg", ".png"})
    chosen = [files[(2 * i + 1) * len(files) // (2 * n)] for i in range(n)]
    rows = []
    for path in chosen:
        image = Image.open(path).convert("RGB")
        if side != 32:
            scale = 256 / min(image.size)
            image = image.resize([round(edge * scale) for edge in image.size], Image.BILINEAR)
            left, top = ((edge - side) // 2 for edge in image.size)
            image = image.crop((left, top, left + side, top + side))
        rows.append(np.asarray(image, np.float32).transpose(2, 0, 1) / 255)
    return np.stack(rows)


def attribute(program, model, inputs, baseline, flags, folder):
    """The archive and the passes a sample of one call of `infoplane attribute`."""
    raw = folder / "out.npz"
    arguments = [program, "attribute", "--model", model, "--inputs", inputs, "--raw", raw,
                 "--baseline", baseline, "--threads", 1, "--json", *flags]
    said = subprocess.run([str(argument) for argument in arguments], capture_output=True, text=True)
    if said.returncode:
        sys.exit(f"{' '.join(map(str, arguments))}\n{said.stderr}")
    summary = json.loads(said.stdout)
    with np.load(raw) as archive:
        return dict(archive), summary["evaluated"] / summary["n"]


def vectors(archive):
    return {key: value for key, value in archive.items() if key.startswith("conductance/")}


def compare(found, reference):
    """Relative L2 error by sample, averaged over layers."""
    errors = []
    for layer, exact in vectors(reference).items():
        difference = np.linalg.norm(found[layer] - exact, axis=1)
        errors.append(difference / np.linalg.norm(exact, axis=1))
    return np.mean(errors, 0)


def study(arguments, rows, save):
    done = {(row["model"], row["baseline"], row["rule"], str(row["steps"]), str(row["parameter"])) for row in rows}
    for model in map(Model, arguments.model):
        side = model.side(arguments.program)
        source = arguments.cifar if side == 32 else arguments.images
        if source is None:
            sys.exit(f"{model.path} takes {side} x {side} images; give --{'cifar' if side == 32 else 'images'}")
        pixels = images(source, arguments.n, side)
        mean, std = (np.reshape(np.float32(values), (1, 3, 1, 1)) for values in (model.mean, model.std))
        for baseline in arguments.baselines:
            todo = [rule for rule in rules(arguments.fast)
                    if (model.label, baseline, rule[0], str(rule[1]), str(rule[2])) not in done]
            if not todo:
                continue
            with tempfile.TemporaryDirectory() as name:
                folder = Path(name)
                inputs = folder / "in.npz"
                black = np.broadcast_to(-mean / std, (1, *pixels.shape[1:]))
                np.savez(inputs, input=(pixels - mean) / std, baseline=np.float32(black))
                # The program knows black for images; for arrays it is given.
                flag = {"black": "input"}.get(baseline, baseline)
                reference, _ = attribute(arguments.program, model.path, inputs, flag, REFERENCE, folder)
                for rule, steps, parameter, flags in todo:
                    found, passes = attribute(arguments.program, model.path, inputs, flag, flags, folder)
                    errors = compare(found, reference)
                    rows.append(dict(zip(FIELDS, [
                        model.label, baseline, rule, steps, parameter, len(pixels), round(passes, 2),
                        round(float(errors.mean()), 5), round(float(errors.max()), 5),
                        round(float(found["error"].mean()), 5), round(float(found["error"].max()), 5)])))
                    print(rows[-1], flush=True)
                    save(rows)


def plot(rows, path):
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot, ticker

    pyplot.rcParams.update({"font.size": 8, "svg.hashsalt": "infoplane", "svg.fonttype": "path"})
    models = list(dict.fromkeys(row["model"] for row in rows))
    looks = {("trapezoid", None): ("uniform", "#999999", "s"), ("graded", 2.0): ("graded, power 2", "#4269d0", "o"),
             ("hyperbolic", 0.1): ("hyperbolic, knee 0.1", "#ff725c", "v"),
             ("hyperbolic", 0.15): ("hyperbolic, knee 0.15", "#3ca951", "^"),
             ("hyperbolic", 0.3): ("hyperbolic, knee 0.3", "#97bbf5", "<"),
             ("captum", None): ("captum, 50", "#a463f2", "x"), ("adaptive", "all"): ("adaptive", "#000000", "D")}
    columns = min(2, len(models))
    height = -(-len(models) // columns)
    figure, axes = pyplot.subplots(height, columns, figsize=(3.4 * columns, 2.7 * height + 0.4), squeeze=False)
    for axis, model in zip(axes.flat, models):
        for (rule, parameter), (label, colour, marker) in looks.items():
            points = {}
            for row in rows:
                same = row["model"] == model and row["rule"] == rule
                if same and (parameter == "all" or row["parameter"] == parameter):
                    points.setdefault((row["steps"], row["parameter"]), []).append((row["passes"], row["vector_error"]))
            # Means over the same baselines only.
            most = max(map(len, points.values()), default=0)
            means = sorted(tuple(np.mean(values, 0)) for values in points.values() if len(values) == most)
            if means:
                axis.plot(*zip(*means), marker=marker, color=colour, label=label, markersize=4, linewidth=1)
        axis.set(title=model, xscale="log", yscale="log", xlabel="network passes a sample", ylabel="vector error")
        for side, marks in ((axis.xaxis, [8, 16, 32, 64]), (axis.yaxis, [0.01, 0.02, 0.05, 0.1, 0.2, 0.5])):
            side.set_major_locator(ticker.FixedLocator(marks))
            side.set_major_formatter(ticker.FuncFormatter(lambda value, _: f"{value:g}"))
            side.set_minor_locator(ticker.NullLocator())
        axis.grid(True, linewidth=0.3, alpha=0.6)
    for axis in axes.flat[len(models):]:
        axis.axis("off")
    figure.tight_layout(rect=(0, 0.4 / (2.7 * height + 0.4), 1, 1))
    figure.legend(*axes.flat[0].get_legend_handles_labels(), loc="lower center", ncols=4, frameon=False)
    figure.savefig(path, metadata={"Date": None} if str(path).endswith("svg") else None, dpi=110)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", default=REPOSITORY / "target/release/infoplane", type=Path)
    parser.add_argument("--model", action="append", default=[], help="an ONNX file; may be repeated")
    parser.add_argument("--images", help="folder of images for networks with large inputs")
    parser.add_argument("--cifar", help="folder of 32 x 32 images")
    parser.add_argument("--baselines", default="zero,black,blur", type=lambda text: text.split(","))
    parser.add_argument("-n", type=int, default=4, help="images a model")
    parser.add_argument("--fast", action="store_true", help="fewer rules")
    parser.add_argument("--out", required=True, type=Path)
    parser.add_argument("--plot", type=Path, help="an .svg or .png file; by default study.png in --out")
    parser.add_argument("--plot-only", action="store_true")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    stored = arguments.out / "study.json"
    rows = json.loads(stored.read_text()) if stored.exists() else []

    def save(rows):
        stored.write_text(json.dumps(rows, indent=1))
        with open(arguments.out / "study.csv", "w", newline="") as file:
            writer = csv.DictWriter(file, FIELDS)
            writer.writeheader()
            writer.writerows(rows)

    if not arguments.plot_only:
        study(arguments, rows, save)
    plot(rows, arguments.plot or arguments.out / "study.png")


if __name__ == "__main__":
    main()
