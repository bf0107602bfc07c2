"""Fitting a law: the Huber loss of logarithmic residuals, from starts on a grid whose linear part is solved exactly."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from .laws import LAWS, Law, Shape
from .path import Array, Path, Run

HUBER = 1e-3
_STARTS = 4
_POWERS = (0.25, 0.5, 0.9)
_GRID: dict[str, tuple[tuple[float, ...], ...]] = {
    "tissue": ((3e-4, 1e-3, 4e-3, 2e-2),),
    "multi_power": ((10.0, 100.0, 1000.0), (0.3, 0.6, 1.2), (0.6,)),
    "functional": ((10.0, 100.0, 1000.0), (0.5, 0.9, 1.6)),
    "area": (),
}


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
    low = np.log([1e-3 * lowest, 1e-6 * lowest, 0.02, 1e-8 * lowest, *shape.low][: len(shape.names)])
    high = np.log([lowest, 100.0 * lowest, 3.0, 1e3 * lowest, *shape.high][: len(shape.names)])

    def residuals(logs: Array) -> Array:
        with np.errstate(invalid="ignore", over="ignore"):
            made = np.concatenate([shape.predict(path, logs)[0] for path in paths])
        return np.log(np.maximum(made, 1e-3 * lowest)) - seen

    def slopes(logs: Array) -> Array:
        both = [shape.predict(path, logs, slopes=True) for path in paths]
        made = np.concatenate([loss for loss, _ in both])
        return np.concatenate([by for _, by in both]) / np.maximum(made, 1e-3 * lowest)[:, None]

    if start is None:
        begun = _starts(shape, paths, np.exp(seen))
    else:
        begun = [np.log([_scaled(shape, start.parameters, rate, area, -1)[one] for one in shape.names])]
    best, count = None, 0
    for logs in begun:
        found = least_squares(
            residuals,
            np.clip(logs, low + 1e-6, high - 1e-6),
            slopes,  # type: ignore[arg-type] - the stubs know names of methods only
            bounds=(low, high),
            loss="huber",
            f_scale=HUBER,
            x_scale="jac",
            max_nfev=60,
            ftol=1e-7,
            xtol=1e-7,
        )
        count += found.nfev
        if best is None or found.cost < best.cost:
            best = found
    assert best is not None  # noqa: S101 - there is a start
    inner = dict(zip(shape.names, np.exp(best.x).tolist(), strict=True))
    edges = [n for n, x, a, b in zip(shape.names, best.x, low, high, strict=True) if x - a < 1e-3 or b - x < 1e-3]
    scatter = float(np.sqrt(np.mean(residuals(best.x) ** 2)))
    return Fitted(Law(name, _scaled(shape, inner, rate, area)), scatter, tuple(edges), count)


def _starts(shape: Shape, paths: Sequence[Path], losses: Array) -> list[Array]:
    """The best few of a grid of the parameters that are not linear; for each, the others by least squares that are not negative."""
    from scipy.optimize import nnls

    found: list[tuple[float, Array]] = []
    thin = [_thinned(path) for path in paths]
    ends = np.cumsum([len(path.area) for path in paths])[:-1]
    target = np.concatenate([part[keep] for part, (_, keep) in zip(np.split(losses, ends), thin, strict=True)])
    areas = np.concatenate([path.area for path, _ in thin])
    for nonlinear in itertools.product(*_GRID[shape.name]):
        logs = np.log(nonlinear)
        brought = [-(shape.kernel(path, logs)[0] @ path.fall) for path, _ in thin] if nonlinear else []
        for power in _POWERS:
            columns = [np.ones_like(areas), areas**-power, *([np.concatenate(brought)] if brought else [])]
            matrix = np.stack(columns, axis=1) / target[:, None]
            # The effect of a fall may be counted from any height: its sign is free only by the floor, which is not negative.
            solution, miss = nnls(matrix, np.ones_like(target))
            floor = 1e-3 * float(target.min())
            linear = np.maximum(solution, [floor, floor, 1e-6 * floor][: len(solution)])
            start = np.log([linear[0], linear[1], power, *linear[2:], *nonlinear])
            found.append((float(miss), start))
    found.sort(key=lambda one: one[0])
    return [start for _, start in found[:_STARTS]]


def _thinned(path: Path, most: int = 40) -> tuple[Path, NDArray[np.int64]]:
    keep = np.unique(np.linspace(0, len(path.area) - 1, most).astype(np.int64))
    return replace(path, area=path.area[keep], steps=path.steps[keep]), keep


def _scaled(shape: Shape, given: Mapping[str, float], rate: float, area: float, sign: int = 1) -> dict[str, float]:
    """From the units of the fit to absolute rates; with a sign of -1 back."""
    factors = shape.scales(given, rate, rate * area)
    names = ("B", *shape.parameters)[: len(factors)]
    made = {name: given[name] * factor**sign for name, factor in zip(names, factors, strict=True)}
    return {**given, **made, "A": given["A"] * (rate * area) ** (sign * given["alpha"])}
