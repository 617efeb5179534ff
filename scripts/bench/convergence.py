"""How many steps a quadrature needs for an error of the vectors.

The reference is infoplane's `hyperbolic` rule with 600 steps. That it is right is checked on one sample
against PyTorch in float64 with 600 uniform steps: another program, another rule, another precision.
"""

from .measure import vector_error
from .resident import Programs

MOST_STEPS = 600


class Convergence:
    """Errors of infoplane's quadratures on one network, by rule and number of steps."""

    def __init__(
        self,
        programs: Programs,
        network,
        layers: list[str] | None,
        samples: int,
        reference: int,
    ):
        self.programs = programs
        self.network = network
        self.layers = layers
        self.samples = samples
        self.known: dict[tuple[str, int], float] = {}
        self.reference_steps = reference
        self.reference = self.vectors("hyperbolic", reference)

    def options(self, rule: str, steps: int, samples: int) -> list:
        chosen = ["--layers", ",".join(self.layers)] if self.layers else []
        return [*chosen, "--quadrature", rule, "--steps", steps, "--samples", samples, "--vectors"]

    def vectors(self, rule: str, steps: int):
        options = self.options(rule, steps, self.samples)
        with self.programs.ours("sweep", self.network, *options) as ours:
            self.layers = self.layers or ours.ready["layers"]
            return ours.go()["vectors"]

    def error(self, rule: str, steps: int) -> float:
        if (rule, steps) not in self.known:
            vectors = self.vectors(rule, steps)
            self.known[rule, steps] = vector_error(vectors, self.reference)
        return self.known[rule, steps]

    def steps_for(self, rule: str, error: float) -> int:
        """The fewest steps whose error is at most `error`, where errors fall with the steps."""
        low, high = 1, 4
        while self.error(rule, high) > error and high < MOST_STEPS:
            low, high = high, 2 * high
        while high - low > 1:
            middle = (low + high) // 2
            if self.error(rule, middle) > error:
                low = middle
            else:
                high = middle
        return high

    def best(self, error: float) -> tuple[str, int]:
        """Of infoplane's fixed rules the one that needs the fewest steps."""
        steps = {rule: self.steps_for(rule, error) for rule in ["hyperbolic", "graded", "trapezoid"]}
        rule = min(steps, key=lambda name: (steps[name], self.error(name, steps[name])))
        return rule, steps[rule]

    def check(self) -> float:
        """How far the reference is from PyTorch's in float64, on the first sample."""
        options = ["--double", "--steps", self.reference_steps, "--samples", 1, "--vectors"]
        with self.programs.theirs("sweep", self.network, self.layers, *options) as torch:
            return vector_error(torch.go()["vectors"], self.reference[:1])
