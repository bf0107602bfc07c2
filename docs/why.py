"""Computes what the widgets of the page *Why* show, by the functions that train, into `img/why.js`.

Every path is made by PyTorch's SGD under `glidepath.torch.attach`; the surface is that of `lab.report.surface` around a run of the lab.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from contourpy import contour_generator

import glidepath as gp
from glidepath import dialects, recipes
from glidepath.lab import Quadratic
from glidepath.lab.records.runs import RunSpec
from glidepath.lab.report.surface import surface
from glidepath.lab.tasks.declared import TASKS
from glidepath.torch import attach

__all__ = ["data", "write"]

Function = Callable[[torch.Tensor], torch.Tensor]


def write(folder: Path) -> None:
    """Writes the data as a script that a page loads, also from the disk."""
    text = json.dumps(data(), separators=(",", ":"), allow_nan=False)
    (folder / "why.js").write_text(f"window.WHY = {text};\n", encoding="utf-8")


def data() -> dict[str, Any]:
    """Returns what each widget shows."""
    return {
        "descent": descent(),
        "warmup": warmup(),
        "saddle": saddle(),
        "smooth": smooth(),
        "restarts": restarts(),
        "stepping": stepping(),
    }


def path(loss: Function, start: list[float], rate: float, schedule: gp.Schedule, steps: int, noise: float = 0.0) -> Any:
    """Returns where gradient descent goes, `steps + 1` places, cut where it leaves the picture."""
    place = torch.tensor(start, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.SGD([place], lr=rate)
    attach(optimizer, schedule)
    generator = torch.Generator().manual_seed(3)
    places = [[*start]]
    for _ in range(steps):
        optimizer.zero_grad()
        loss(place).backward()
        place.grad += noise * torch.randn(place.shape, generator=generator, dtype=torch.float64)
        optimizer.step()
        places.append(place.tolist())
        if not all(abs(each) < 60 for each in places[-1]):
            break
    return [[round(each, 4) for each in one] for one in places]


def descent() -> dict[str, Any]:
    """A valley of curvature 1: below 2 the rate converges, above it explodes."""
    rates = [*(round(0.05 * k, 2) for k in range(1, 45))]
    tracks = [path(lambda w: (w**2 / 2).sum(), [-2.6], rate, gp.constant(), 24) for rate in rates]
    return {"rates": rates, "tracks": [[place for (place,) in track] for track in tracks]}


def warmup(rate: float = 1.2, scale: float = 2.5, steps: int = 200) -> dict[str, Any]:
    """A network of 3,600 weights that begins sharp, on 500 digits, whole batches: its loss and its largest curvature."""
    from sklearn.datasets import load_digits

    inputs, labels = (torch.tensor(each[:500]) for each in load_digits(return_X_y=True))
    inputs = (inputs / 16).float()
    inputs -= inputs.mean(0)
    targets = torch.nn.functional.one_hot(labels, 10).float()

    def loss_of(model: torch.nn.Module) -> torch.Tensor:
        return (model(inputs) - targets).square().sum(1).mean() / 2

    def curvature(model: torch.nn.Module, along: list[torch.Tensor]) -> tuple[float, list[torch.Tensor]]:
        weights, size = list(model.parameters()), 0.0
        for _ in range(6):
            slopes = torch.autograd.grad(loss_of(model), weights, create_graph=True)
            product = sum((a * b).sum() for a, b in zip(slopes, along, strict=True))
            turned = torch.autograd.grad(product, weights)
            size = math.sqrt(sum(float(each.square().sum()) for each in turned))
            along = [each / size for each in turned]
        return size, along

    runs = {}
    for name, schedule in {"without": gp.constant(), "with": gp.parse("warmup(100) >> hold()")}.items():
        torch.manual_seed(0)
        model = torch.nn.Sequential(torch.nn.Linear(64, 48), torch.nn.Tanh(), torch.nn.Linear(48, 10))
        with torch.no_grad():
            for each in model.parameters():
                each.mul_(scale)
        along = [torch.randn_like(each) for each in model.parameters()]
        optimizer = torch.optim.SGD(model.parameters(), lr=rate)
        attach(optimizer, schedule)
        losses: list[float] = []
        sharpness: list[list[float]] = []
        for step in range(steps):
            if step % 10 == 0:
                size, along = curvature(model, along)
                sharpness.append([step, round(size, 3)])
            loss = loss_of(model)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(round(loss.item(), 4))
            if not losses[-1] < 1e3:
                break
        bounds = [round(2 / (rate * schedule(step)), 3) for step in range(steps)]
        runs[name] = {"losses": losses, "sharpness": sharpness, "bounds": bounds}
    return {"rate": rate, "runs": runs}


def hills(place: torch.Tensor) -> torch.Tensor:
    """Two minima at (0, ±1) and a saddle at (0, 0)."""
    return place[0] ** 2 / 2 + (place[1] ** 2 - 1) ** 2 / 4


def saddle() -> dict[str, Any]:
    """From beside the ridge to a minimum at several rates; in the minimum, with noise, at a constant and at a falling rate."""
    rates = [0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7]
    grid = np.meshgrid(np.linspace(-2, 2, 61), np.linspace(-1.7, 1.7, 61))
    heights = grid[0] ** 2 / 2 + (grid[1] ** 2 - 1) ** 2 / 4
    steps = 120
    return {
        "lines": lines_of(*grid, heights, np.geomspace(0.02, 3.5, 11)),
        "rates": rates,
        "slow": [path(hills, [-1.7, 0.004], rate, gp.constant(), steps) for rate in rates],
        "constant": [path(hills, [0.0, 1.0], rate, gp.constant(), steps, 0.6) for rate in rates],
        "falling": [path(hills, [0.0, 1.0], rate, gp.linear(steps), steps, 0.6) for rate in rates],
    }


def smooth(steps: int = 400) -> dict[str, Any]:
    """The expected loss on the noisy quadratic, each schedule at its own best peak rate: exact, without seeds."""
    model, shown = Quadratic(), {}
    for name, schedule in {
        "constant": gp.constant(),
        "step": gp.parse("step(134)"),
        "cosine": gp.cosine(steps),
        "linear": gp.linear(steps),
        "wsd": recipes.wsd(steps),
    }.items():
        tuned = model.tuned(schedule, steps)
        losses = model.losses(schedule, tuned.peak_rate, steps)
        shown[name] = {
            "rates": [round(tuned.peak_rate * schedule(step), 5) for step in range(0, steps + 1, 4)],
            "losses": [round(float(each), 5) for each in losses[::4]],
        }
    return {"every": 4, "runs": shown}


def restarts(cycles: int = 5) -> dict[str, Any]:
    """A run of the lab under a cyclic cosine, and the loss on the plane in which its weights moved most."""
    task = replace(TASKS["digits"], evaluations=1)
    length = task.budget // cycles
    schedule = recipes.sgdr(length, cycles=cycles)
    spec = RunSpec(task, schedule, 2 * task.peak_rate, 0, task.budget)
    made = surface({"run": spec}, [length * (k + 1) for k in range(cycles)], points=50, size=41)
    (run,) = made.paths.values()
    x, y = np.meshgrid(made.x, made.y)
    return {
        "lines": lines_of(x, y, made.losses, np.geomspace(made.losses.min() * 1.02, made.losses.max() * 0.98, 12)),
        "box": [float(f"{each:.4g}") for each in (made.x[0], made.x[-1], made.y[0], made.y[-1])],
        "places": [[round(float(each), 3) for each in place] for place in run.places],
        "updates": run.updates,
        "snapshots": run.snapshots,
        "rates": [float(f"{spec.peak_rate * schedule(max(step - 1, 0)):.4g}") for step in run.updates],
        "shares": [round(100 * share) for share in made.shares],
        "task": f"{task.name}, {task.budget} updates, seed 0",
    }


def stepping(epochs: int = 10, batches: int = 40) -> dict[str, Any]:
    """A cosine over ten epochs stepped each epoch, each batch, and each batch with its length in epochs."""

    def cosine(length: int) -> gp.Schedule:
        return dialects.load("pytorch", "CosineAnnealingLR", {"T_max": length}, base_lr=0.1)

    total = epochs * batches
    at = range(total + 1)
    return {
        "batches": batches,
        "epoch": [round(cosine(epochs)(step // batches), 5) for step in at],
        "batch": [round(cosine(total)(step), 5) for step in at],
        "mixed": [round(cosine(epochs)(step), 5) for step in at],
    }


def lines_of(x: Any, y: Any, z: Any, levels: Any) -> list[Any]:
    """Returns lines of equal height: the height and the places of each."""
    found = contour_generator(x, y, z)
    return [
        [float(f"{level:.3g}"), [[round(float(a), 3), round(float(b), 3)] for a, b in line[::2]]]
        for level in levels
        for line in found.lines(float(level))
        if len(line) > 3
    ]
