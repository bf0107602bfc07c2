r"""The laws: what a course of the rate does to the loss. Three published ones in one form, and the baseline without a decay's effect.

$$ L = L_0 + A\,S^{-\alpha} - B \sum_k (\eta_{k-1} - \eta_k)\,K(k) $$

$S$ is the sum of the rates so far. The laws differ in $K$, what a fall of the rate has brought by now:

| law | $K$ | published as |
|---|---|---|
| `tissue` | $1 - \lambda^{n}$, $n$ the updates since | $C = B (1 - \lambda)$; Tissue et al. 2024, arXiv 2408.11029 |
| `multi_power` | $1 - (1 + C \eta_k^{-\gamma} x)^{-\beta}$, $x$ the sum of the rates since | Luo et al. 2025, arXiv 2503.12811 |
| `functional` | $((1 + c x)^{1-q} - 1) / (c (1 - q))$ | $B \sum_i \eta_i^2 (1 + c x_i)^{-q}$; after Li et al. 2025, arXiv 2509.19189 |
| `area` | nothing | the baseline |

The sum of `functional` is written by parts. Every parameter is above 0 and fitted by its logarithm: to the Huber loss of logarithmic
residuals, from starts on a grid whose linear part is solved exactly.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .path import Array, Path, Run

_SEARCH: dict[str, Any] = {
    "loss": "huber",
    "f_scale": 1e-3,
    "x_scale": "jac",
    "max_nfev": 60,
    "ftol": 1e-7,
    "xtol": 1e-7,
}


@dataclass(frozen=True)
class Shape:
    """A law without its numbers.

    Args:
        parameters: What is fitted besides `L0`, `A`, `alpha` and `B`: by name the lowest and the highest value where rates and areas are
            measured in those of the logs, and where to start.
        kernel: From a path and the logarithms of the parameters to $K$ (a row an observation, a column a fall) and its derivatives by
            those logarithms.
        scales: From the parameters, the unit of rate and the unit of area to the factor of each of them, and of `B` first.
    """

    parameters: Mapping[str, tuple[float, float, tuple[float, ...]]]
    kernel: Callable[[Path, Array], tuple[Array, list[Array]]]
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
    a = 1.0 - q if abs(1.0 - q) > 1e-6 else 1e-6
    x = np.maximum(path.area[:, None] - path.at, 0.0) * c
    grown = np.log1p(x)
    less = np.expm1(np.minimum(a * grown, 700.0))
    power, value = less + 1.0, less / (a * c)
    return value, [power * x / ((1.0 + x) * c) - value, -q * (grown * power / (a * c) - value / a)]


_WIDE = (10.0, 100.0, 1000.0)  # where to start with what may have any size
LAWS = {
    "tissue": Shape({"decay": (1e-5, 0.2, (3e-4, 1e-3, 4e-3, 2e-2))}, _tissue, lambda p, rate, area: (1.0 / rate, 1.0)),
    "multi_power": Shape(
        {"C": (1.0, 1e5, _WIDE), "beta": (0.02, 4.0, (0.3, 0.6, 1.2)), "gamma": (0.01, 2.0, (0.6,))},
        _multi_power,
        lambda p, rate, area: (1.0 / rate, rate ** p["gamma"] / area, 1.0, 1.0),
    ),
    "functional": Shape(
        {"c": (1.0, 1e5, _WIDE), "q": (0.05, 4.0, (0.5, 0.9, 1.6))},
        _functional,
        lambda p, rate, area: (1.0 / (rate * area), 1.0 / area, 1.0),
    ),
    "area": Shape({}, lambda path, logs: (path.fall[None, :] * 0.0, []), lambda p, rate, area: ()),
}


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


@dataclass(frozen=True)
class Fitted:
    """A law and how it fits.

    Args:
        law: The law.
        scatter: Root mean square of the logarithmic residuals.
        edges: Parameters that ended at the end of their range: the logs do not tell them.
        evaluations: How often the law was evaluated.
    """

    law: Law
    scatter: float
    edges: tuple[str, ...]
    evaluations: int


def fit_law(name: str, runs: Sequence[Run], *, rises: bool = True, start: Law | None = None) -> Fitted:
    """Fits one law to runs.

    Args:
        name: A key of `LAWS`.
        runs: The runs.
        rises: See `Path.of`.
        start: A law nearby to begin from instead of the grid, for refits.
    """
    from scipy.optimize import least_squares  # stored laws forecast, and the bound ranks, without it

    shape = LAWS[name]
    rate = max(float(run.rates.max()) for run in runs)
    paths = [run.path(unit=rate, rises=rises) for run in runs]
    area = max(float(path.area[-1]) for path in paths)
    paths = [replace(path, area=path.area / area, at=path.at / area) for path in paths]
    seen = np.concatenate([np.log(run.losses) for run in runs])
    lowest = float(np.exp(seen.min()))
    bounds = [(1e-3 * lowest, lowest), (1e-6 * lowest, 100.0 * lowest), (0.02, 3.0), (1e-8 * lowest, 1e3 * lowest)]
    bounds += [(low, high) for low, high, _ in shape.parameters.values()]
    low, high = np.log(bounds[: len(shape.names)]).T

    def residuals(logs: Array) -> Array:
        with np.errstate(invalid="ignore", over="ignore"):
            made = np.concatenate([shape.predict(path, logs)[0] for path in paths])
        return np.log(np.maximum(made, 1e-3 * lowest)) - seen

    def slopes(logs: Array) -> Array:
        both = [shape.predict(path, logs, slopes=True) for path in paths]
        made = np.concatenate([loss for loss, _ in both])
        return np.concatenate([by for _, by in both]) / np.maximum(made, 1e-3 * lowest)[:, None]

    near = None if start is None else _scaled(shape, start.parameters, rate, area, -1)
    begun = _starts(shape, paths, np.exp(seen)) if near is None else [np.log([near[one] for one in shape.names])]
    begun = [np.clip(logs, low + 1e-6, high - 1e-6) for logs in begun]
    options: dict[str, Any] = _SEARCH | {"jac": slopes, "bounds": (low, high)}
    found: list[Any] = [least_squares(residuals, logs, **options) for logs in begun]
    best = min(found, key=lambda one: one.cost)
    inner = dict(zip(shape.names, np.exp(best.x).tolist(), strict=True))
    edges = [n for n, x, a, b in zip(shape.names, best.x, low, high, strict=True) if x - a < 1e-3 or b - x < 1e-3]
    scatter = float(np.sqrt(np.mean(residuals(best.x) ** 2)))
    return Fitted(Law(name, _scaled(shape, inner, rate, area)), scatter, tuple(edges), sum(one.nfev for one in found))


def _starts(shape: Shape, paths: Sequence[Path], losses: Array) -> list[Array]:
    """The best few of a grid of the parameters that are not linear; for each, the others by least squares that are not negative."""
    from scipy.optimize import nnls

    found = list[tuple[float, Array]]()
    thin = [_thinned(path) for path in paths]
    ends = np.cumsum([len(path.area) for path in paths])[:-1]
    target = np.concatenate([part[keep] for part, (_, keep) in zip(np.split(losses, ends), thin, strict=True)])
    areas = np.concatenate([path.area for path, _ in thin])
    for nonlinear in itertools.product(*(starts for _, _, starts in shape.parameters.values())):
        logs = np.log(nonlinear)
        brought = [-(shape.kernel(path, logs)[0] @ path.fall) for path, _ in thin] if nonlinear else []
        for power in (0.25, 0.5, 0.9):
            columns = [np.ones_like(areas), areas**-power, *([np.concatenate(brought)] if brought else [])]
            matrix = np.stack(columns, axis=1) / target[:, None]
            # The effect of a fall may be counted from any height: its sign is free only by the floor, which is not negative.
            solution, miss = nnls(matrix, np.ones_like(target))
            floor = 1e-3 * float(target.min())
            linear = np.maximum(solution, [floor, floor, 1e-6 * floor][: len(solution)])
            found.append((float(miss), np.log([linear[0], linear[1], power, *linear[2:], *nonlinear])))
    return [start for _, start in sorted(found, key=lambda one: one[0])[:4]]


def _thinned(path: Path, most: int = 40) -> tuple[Path, NDArray[np.int64]]:
    keep = np.unique(np.linspace(0, len(path.area) - 1, most).astype(np.int64))
    return replace(path, area=path.area[keep], steps=path.steps[keep]), keep


def _scaled(shape: Shape, given: Mapping[str, float], rate: float, area: float, sign: int = 1) -> dict[str, float]:
    """From the units of the fit to absolute rates; with a sign of -1 back."""
    pairs = zip(shape.names[3:], shape.scales(given, rate, rate * area), strict=True)
    made = {name: given[name] * factor**sign for name, factor in pairs}
    return {**given, **made, "A": given["A"] * (rate * area) ** (sign * given["alpha"])}
