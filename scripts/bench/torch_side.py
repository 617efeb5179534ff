"""The peers: PyTorch and Captum on a torchvision network, one timed run a line of stdin.

    python -m bench.torch_side forward-vjp|sweep|captum --model NAME --weights F --inputs F --layers A,B

- `forward-vjp`: a batch of path nodes forward, and the gradient of the target at one layer.
- `sweep`: what one would write by hand for conductance: nodes in batches, the gradients of all layers from
  one backward pass by `torch.autograd.grad`, trapezoid, sums over positions.
- `captum`: `LayerConductance`, layer by layer.

Parameters take no gradients, and for the first two nothing before the first layer does: its output is
detached in a forward hook. Which memory format is faster, and for Captum which `internal_batch_size`,
is tried first.
"""

import argparse
import json
import sys
import time

import numpy as np
import torch
import torchvision
from safetensors.torch import load_file

FORMATS = {"channels last": torch.channels_last, "contiguous": torch.contiguous_format}
# Rows of a batch of the sweep: nodes are split evenly over the fewest batches of at most so many.
MAX_BATCH = 17


class Hooked:
    """A network whose chosen layers' outputs are at hand after each forward pass."""

    def __init__(self, args: argparse.Namespace):
        # Without weights at first: to draw random ones takes longer than all else.
        with torch.device("meta"):
            self.net = torchvision.models.get_model(args.model).eval()
        # Copied, so that they lie aligned in memory and not in the file's pages.
        weights = {name: tensor.clone() for name, tensor in load_file(args.weights).items()}
        self.net.load_state_dict(weights, assign=True)
        self.net.requires_grad_(False)
        if args.double:
            self.net.double()
        self.layers = [self.net.get_submodule(name) for name in args.layers.split(",")]
        self.outputs: list[torch.Tensor] = []
        self.format = torch.contiguous_format

    def hook(self, example: torch.Tensor) -> None:
        """Keeps the layers' outputs, and cuts the graph before the first."""
        for layer in self.layers:
            layer.register_forward_hook(self._keep)
        self._stop_overwriting(example)

    def _keep(self, _layer, _inputs, output):
        if not self.outputs:
            output = output.detach().requires_grad_(torch.is_grad_enabled())
        self.outputs.append(output)
        return output

    def _stop_overwriting(self, example: torch.Tensor) -> None:
        """Activations that would overwrite a kept output no longer work in place."""

        def check(module, inputs):
            if any(inputs[0] is output for output in self.outputs):
                module.inplace = False

        modules = [m for m in self.net.modules() if getattr(m, "inplace", False)]
        checks = [module.register_forward_pre_hook(check) for module in modules]
        with torch.no_grad():
            self.forward(example)
        for hook in checks:
            hook.remove()

    def forward(self, batch: torch.Tensor) -> torch.Tensor:
        self.outputs.clear()
        return self.net(batch.contiguous(memory_format=self.format))

    def gradients(self, batch: torch.Tensor, target: int):
        """The target's values, and the layers' outputs and gradients."""
        values = self.forward(batch)[:, target]
        return values, list(self.outputs), torch.autograd.grad(values.sum(), self.outputs)

    def use(self, name: str) -> None:
        self.format = FORMATS[name]
        self.net.to(memory_format=self.format)

    def choose_format(self, job) -> str:
        """The faster memory format for `job`, which is then used."""
        times = {}
        for name in FORMATS:
            self.use(name)
            job()
            times[name] = min(seconds(job) for _ in range(2))
        best = min(times, key=times.get)
        self.use(best)
        return best


def seconds(job) -> float:
    start = time.perf_counter()
    job()
    return time.perf_counter() - start


def path(sample: torch.Tensor, alphas: torch.Tensor) -> torch.Tensor:
    return alphas.view(-1, *[1] * sample.ndim) * sample


def conductance(hooked: Hooked, sample: torch.Tensor, target: int, alphas: torch.Tensor):
    """Σⱼ ½ (gⱼ + gⱼ₊₁)(hⱼ₊₁ − hⱼ) of every layer, summed over positions."""
    n_batches = -(-len(alphas) // MAX_BATCH)
    sums, last = [], None
    for part in alphas.tensor_split(n_batches):
        _, values, gradients = hooked.gradients(path(sample, part), target)
        with torch.no_grad():
            ends = []
            for index, (h, g) in enumerate(zip(values, gradients)):
                over = (0, *range(2, h.ndim))
                total = (h[1:] - h[:-1]).mul_(g[1:] + g[:-1]).sum(over)
                if last:
                    h0, g0 = last[index]
                    total += (h[:1] - h0).mul_(g[:1] + g0).sum(over)
                ends.append((h[-1:].clone(), g[-1:].clone()))
                if last:
                    sums[index] += total
                else:
                    sums.append(total)
            last = ends
    return [total / 2 for total in sums]


def forward_vjp(args, samples, targets):
    hooked = Hooked(args)
    hooked.hook(samples[:1])
    alphas = torch.arange(1, args.nodes + 1, dtype=samples.dtype) / args.nodes
    batch, target = path(samples[0], alphas), targets[0]

    def job():
        return hooked.gradients(batch, target)

    layout = hooked.choose_format(job)
    # The layout of the batch is no part of the work.
    batch = batch.contiguous(memory_format=hooked.format)
    logits, (values,), (gradient,) = job()
    check = {
        "logits": logits.double().sum().item(),
        "gradient_norm": gradient.double().norm().item(),
        "gradient_times_values": (gradient.double() * values.double()).sum().item(),
    }
    return {"layout": layout, "check": check}, job


def sweep(args, samples, targets):
    hooked = Hooked(args)
    hooked.hook(samples[:1])
    alphas = torch.linspace(0, 1, args.steps + 1, dtype=samples.dtype)
    layout = hooked.choose_format(
        lambda: conductance(hooked, samples[0], targets[0], alphas[:MAX_BATCH])
    )

    def job():
        return [conductance(hooked, x, t, alphas) for x, t in zip(samples, targets)]

    return {"layout": layout}, job


def captum(args, samples, targets):
    from captum.attr import LayerConductance

    hooked = Hooked(args)

    def attribute(layer, sample, target, batch):
        sample = sample[None].contiguous(memory_format=hooked.format)
        values = LayerConductance(hooked.net, layer).attribute(
            sample, target=target, n_steps=args.steps, internal_batch_size=batch
        )
        return values[0].flatten(1).sum(1) if values.ndim == 4 else values[0]

    middle = hooked.layers[len(hooked.layers) // 2]
    times = {}
    for name in FORMATS:
        hooked.use(name)
        for batch in [None, MAX_BATCH]:
            attribute(middle, samples[0], targets[0], batch)
            times[name, batch] = seconds(lambda: attribute(middle, samples[0], targets[0], batch))
    layout, batch = min(times, key=times.get)
    hooked.use(layout)

    def job():
        return [
            [attribute(layer, x, t, batch) for layer in hooked.layers]
            for x, t in zip(samples, targets)
        ]

    return {"layout": layout, "internal_batch_size": batch}, job


def main() -> None:
    parser = argparse.ArgumentParser()
    modes = {"forward-vjp": forward_vjp, "sweep": sweep, "captum": captum}
    parser.add_argument("mode", choices=modes)
    for name in ["model", "weights", "inputs", "layers"]:
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--nodes", type=int, default=16)
    parser.add_argument("--steps", type=int, default=50)
    parser.add_argument("--samples", type=int, default=1, help="the first so many of the inputs")
    parser.add_argument("--vectors", action="store_true", help="answer with the vectors too")
    parser.add_argument("--double", action="store_true", help="compute in float64")
    args = parser.parse_args()

    torch.set_num_threads(args.threads)
    arrays = np.load(args.inputs)
    samples = torch.from_numpy(arrays["input"][: args.samples])
    samples = samples.double() if args.double else samples
    facts, job = modes[args.mode](args, samples, arrays["target"][: args.samples].tolist())

    print(json.dumps({"ready": facts | {"torch": torch.__version__}}), flush=True)
    for _ in sys.stdin:
        start = time.perf_counter()
        result = job()
        answer = {"seconds": time.perf_counter() - start}
        if args.vectors:
            answer["vectors"] = [[vector.tolist() for vector in sample] for sample in result]
        del result
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
