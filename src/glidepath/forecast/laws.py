r"""The laws: what a course of the rate does to the loss. Three published ones in one form, and the baseline without a decay's effect.

$$ L = L_0 + A\,S^{-\alpha} - B \sum_k (\eta_{k-1} - \eta_k)\,K(k) $$

$S$ is the sum of the rates so far. The laws differ in $K$, what a fall of the rate has brought by now:

| law | $K$ | published as |
|---|---|---|
| `tissue` | $1 - \lambda^{n}$, $n$ the updates since | $C = B (1 - \lambda)$; Tissue et al. 2024, arXiv 2408.11029 |
| `multi_power` | $1 - (1 + C \eta_k^{-\gamma} x)^{-\beta}$, $x$ the sum of the rates since | Luo et al. 2025, arXiv 2503.12811 |
| `functional` | $((1 + c x)^{1-q} - 1) / (c (1 - q))$ | $B \sum_i \eta_i^2 (1 + c x_i)^{-q}$; after Li et al. 2025, arXiv 2509.19189 |
| `area` | nothing | the baseline |

The sum of `functional` is written by parts. Every parameter is above 0 and fitted by its logarithm.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from .path import Array, Path

Kernel = Callable[[Path, Array], tuple[Array, list[Array]]]
_FAR = 700.0


@dataclass(frozen=True)
class Shape:
    """A law without its numbers.

    Args:
        name: As above.
        parameters: What is fitted besides `L0`, `A`, `alpha` and `B`, by name.
        low: Their lowest values where rates and areas are measured in those of the logs.
        high: Their highest values there.
        kernel: From a path and the logarithms of the parameters to $K$ (a row an observation, a column a fall) and its derivatives by
            those logarithms.
        scales: From the parameters, the unit of rate and the unit of area to the factor of each of them, and of `B` first.
    """

    name: str
    parameters: tuple[str, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    kernel: Kernel
    scales: Callable[[Mapping[str, float], float, float], tuple[float, ...]]

    @property
    def names(self) -> tuple[str, ...]:
        """Every parameter, in order."""
        return ("L0", "A", "alpha", *(("B", *self.parameters) if self.parameters else ()))

    def predict(self, path: Path, logs: Array, slopes: bool = False) -> tuple[Array, Array]:
        """Returns the loss at every observation, and its derivatives by the logarithms of the parameters, a column each.

        Args:
            path: The course of the rate.
            logs: Logarithms of the parameters, in the order of `names`.
            slopes: Whether the derivatives are wanted; an empty array otherwise.
        """
        floor, scale, power = np.exp(logs[:3])
        log_area = np.log(path.area)
        reducible = scale * np.exp(-power * log_area)
        loss = floor + reducible
        columns = [np.full_like(loss, floor), reducible, -power * log_area * reducible] if slopes else []
        if self.parameters:
            gain = math.exp(logs[3])
            effect, by = self.kernel(path, logs[4:])
            brought = gain * (effect @ path.fall)
            loss = loss - brought
            if slopes:
                columns += [-brought, *(-gain * (one @ path.fall) for one in by)]
        return loss, np.stack(columns, axis=1) if slopes else np.empty((0, 0))


def _tissue(path: Path, logs: Array) -> tuple[Array, list[Array]]:
    decay = math.exp(logs[0])  # -log of lambda
    since = np.maximum(path.steps[:, None] - path.step, 0.0)
    left = np.exp(-decay * since)
    return 1.0 - left, [decay * since * left]


def _multi_power(path: Path, logs: Array) -> tuple[Array, list[Array]]:
    c, beta, gamma = np.exp(logs)
    log_rate = np.log(path.rate)
    x = np.maximum(path.area[:, None] - path.at, 0.0) * np.minimum(c * np.exp(-gamma * log_rate), 1e200)
    grown = np.log1p(x)
    left = np.exp(-beta * grown)
    by_c = beta * left * (x / (1.0 + x))
    return 1.0 - left, [by_c, beta * grown * left, -gamma * log_rate * by_c]


def _functional(path: Path, logs: Array) -> tuple[Array, list[Array]]:
    c, q = np.exp(logs)
    a = 1.0 - q
    a = a if abs(a) > 1e-6 else 1e-6
    x = np.maximum(path.area[:, None] - path.at, 0.0) * c
    grown = np.log1p(x)
    less = np.expm1(np.minimum(a * grown, _FAR))
    power, value = less + 1.0, less / (a * c)
    return value, [power * x / ((1.0 + x) * c) - value, -q * (grown * power / (a * c) - value / a)]


LAWS: dict[str, Shape] = {
    shape.name: shape
    for shape in (
        Shape("tissue", ("decay",), (1e-5,), (0.2,), _tissue, lambda p, rate, area: (1.0 / rate, 1.0)),
        Shape(
            "multi_power",
            ("C", "beta", "gamma"),
            (1.0, 0.02, 0.01),
            (1e5, 4.0, 2.0),
            _multi_power,
            lambda p, rate, area: (1.0 / rate, rate ** p["gamma"] / area, 1.0, 1.0),
        ),
        Shape(
            "functional",
            ("c", "q"),
            (1.0, 0.05),
            (1e5, 4.0),
            _functional,
            lambda p, rate, area: (1.0 / (rate * area), 1.0 / area, 1.0),
        ),
        Shape("area", (), (), (), lambda path, logs: (path.fall[None, :] * 0.0, []), lambda p, rate, area: ()),
    )
}
"""By name."""


@dataclass(frozen=True)
class Law:
    r"""A law with its numbers, in absolute rates and updates.

    Args:
        name: A key of `LAWS`.
        parameters: By name; for `tissue`, `decay` is $-\log\lambda$.
    """

    name: str
    parameters: Mapping[str, float]

    def __call__(self, path: Path) -> Array:
        """Returns the loss at every observation of a path of absolute rates."""
        shape = LAWS[self.name]
        logs = np.log([max(self.parameters[name], 1e-300) for name in shape.names])
        return shape.predict(path, logs)[0]
