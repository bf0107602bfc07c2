"""The loss around runs that were made: the plane in which their weights moved most, the loss on it, the paths and the snapshots.

The directions are the first two principal components of the weights along the way, so that lengths in the plane are lengths in weight
space; `shares` says how much of the way they hold. What lies off the plane is not seen.

Source:
    Li et al. 2018, "Visualizing the loss landscape of neural nets", section 7, https://arxiv.org/abs/1712.09913
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ...core import GlidepathError, Problem
from ..records.runs import RunSpec

_MOST = 2_000_000  # of parameters: a path of theirs has to fit into memory
Floats = npt.NDArray[np.float64]


class RunPath(NamedTuple):
    """A run in the plane.

    Args:
        updates: Updates made at each point.
        places: Where the point lies, `points 2`.
        snapshots: Which of the points are snapshots.
        row: The place of its run among those that were asked for, whose colour it has.
    """

    updates: tuple[int, ...]
    places: Floats
    snapshots: tuple[int, ...]
    row: int


class Surface(NamedTuple):
    """Losses on a plane through weight space.

    Args:
        x: Along the first direction.
        y: Along the second.
        losses: On validation examples, in nats, `y x`.
        paths: By name.
        shares: What part of the paths' variance each direction holds.
    """

    x: Floats
    y: Floats
    losses: Floats
    paths: dict[str, RunPath]
    shares: tuple[float, float]


def surface_problems(where: str, specs: Iterable[RunSpec]) -> list[Problem]:
    """Returns why the loss around runs could not be drawn: told before anything is trained, of each task once.

    Args:
        where: Who asks.
        specs: The runs.
    """
    from ..engines import training
    from ..tasks.data import load

    found: list[Problem] = []
    for name, spec in {spec.task.name: spec for spec in specs}.items():
        count = sum(each.numel() for each in training.fresh_model(spec, load(spec.task.data)).parameters())
        rules = [(f"of a model of at most {_MOST:,} parameters", f"{count:,}")] if count > _MOST else []
        rules += [("of runs of at least 2 updates", str(spec.budget))] if spec.budget < 2 else []
        found += [Problem(where, "surface", f"left out, or {rule}", f"{got} of {name}") for rule, got in rules]
    return found


def surface(specs: Mapping[str, RunSpec], moments: Sequence[int] = (), *, points: int = 60, size: int = 25) -> Surface:
    """Trains runs of one task and seed again, the same way, and returns the loss on the plane of their paths; those that diverge have none.

    Args:
        specs: By name; one task.
        moments: Updates whose weights are snapshots.
        points: How many points of each path are looked at, beside the snapshots.
        size: Losses along each side of the plane.

    Raises:
        GlidepathError: If all of the runs diverge.
    """
    import torch
    from torch.nn.utils import parameters_to_vector, vector_to_parameters

    from ..engines import training
    from ..tasks.data import load

    first = next(iter(specs.values()))
    data = load(first.task.data)
    model = training.fresh_model(first, data).to(training.device())
    origin = parameters_to_vector(model.parameters()).detach().double().cpu().numpy()
    names = [name for name, _ in model.named_parameters()]
    rows, updates = [], dict[str, list[int]]()
    for name, spec in specs.items():
        due = {round(spec.budget * k / points) for k in range(1, points + 1)} | {*moments}
        reached: list[training.Point] = []
        made = training.run(spec, keep=dict.fromkeys(due, reached.append))
        if made.diverged_at is not None:  # its places would be all that the plane shows
            continue
        every = [torch.cat([point.weights[each].flatten() for each in names]) for point in reached]
        flat = [one.double().cpu().numpy() for one in every]
        updates[name] = [0, *(point.updates for point in reached)]
        rows.append(np.stack([origin, *flat]))
    if not rows:
        raise GlidepathError.worded("surface", "runs", "at least one that did not diverge", f"{', '.join(specs)}")
    every = np.concatenate(rows)
    middle = every.mean(0)
    _, sizes, directions = np.linalg.svd(every - middle, full_matrices=False)
    plane = directions[:2]
    places = [(each - middle) @ plane.T for each in rows]
    low, high = (edge(np.concatenate(places), 0) for edge in (np.min, np.max))
    x, y = (np.linspace(a - 0.2 * (b - a), b + 0.2 * (b - a), size) for a, b in zip(low, high, strict=True))
    inputs, targets = (part[:512] for part in training.examples_of(first.task, data, "validation"))
    model.train(any(True for _ in model.buffers()))  # statistics of batches belong to weights that were trained

    def loss(across: float, down: float) -> float:
        weights = torch.from_numpy(middle + across * plane[0] + down * plane[1])
        vector_to_parameters(weights.to(inputs.device, torch.float32), model.parameters())
        return training.loss_of(model(inputs), targets).item()

    with torch.no_grad():
        losses = np.array([[loss(across, down) for across in x] for down in y])
    paths: dict[str, RunPath] = {}
    for (name, made), where in zip(updates.items(), places, strict=True):
        snapshots = tuple(k for k, n in enumerate(made) if n in moments)
        paths[name] = RunPath(tuple(made), where, snapshots, list(specs).index(name))
    parts = sizes**2 / (sizes**2).sum()
    return Surface(x, y, losses, paths, (float(parts[0]), float(parts[1])))
