"""Units at every boundary: a factor meets a base or is refused (or its user is told), absolute rates meet none."""

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

import glidepath as gp
from glidepath import dialects
from glidepath.torch import ScheduleLR, apply, attach

FACTOR, ABSOLUTE, BASE, RATE = gp.cosine(10), gp.Rate(0.3 * gp.cosine(10)), 0.4, 0.3
NEEDED = "must be a number above 0, got nothing"
REFUSED = "(base|base_lr|learning_rate) must be (left out|None)"


def driven(drive: Callable[[Any, gp.Schedule], Any]) -> Callable[[gp.Schedule, float | None], float]:
    """Return what gives the rate of the first update of an optimizer, whose own rate is the base."""

    def used(schedule: gp.Schedule, base: float | None) -> float:
        optimizer = torch.optim.SGD([torch.ones(1, requires_grad=True)], lr=base or BASE)
        kept = drive(optimizer, schedule)
        optimizer.step()
        del kept
        return optimizer.param_groups[0]["lr"]

    return used


def jax_rate(schedule: gp.Schedule, base: float | None) -> float:
    import glidepath.jax as gj

    return float(gj.rate(schedule, base)(0))


def jax_optimizer(schedule: gp.Schedule, base: float | None) -> float:
    import optax

    import glidepath.jax as gj

    made = gj.optimizer(optax.sgd, base, schedule)
    weights = np.zeros(1, np.float32)
    return -float(made.update(np.ones(1, np.float32), made.init(weights), weights)[0][0])


def keras_rate(schedule: gp.Schedule, base: float | None) -> float:
    import glidepath.keras as gk

    return float(gk.Rate(schedule, base)(0))


def jax_plan(schedule: gp.Schedule, base: float | None) -> float:
    import optax

    import glidepath.jax as gj

    rule = gp.plan.Plan((gp.plan.Rule(schedule),))
    made = gj.plan(rule, optax.sgd, **({} if base is None else {"learning_rate": base}))
    weights = np.zeros(1, np.float32)
    return -float(made.update(np.ones(1, np.float32), made.init(weights), weights)[0][0])


def keras_driver(schedule: gp.Schedule, base: float | None) -> float:
    import glidepath.keras as gk

    return float(gk.Driver(gp.plan.Plan((gp.plan.Rule(schedule),)), base).rate()(0))


def written(framework: str) -> Callable[[gp.Schedule, float | None], float]:
    """Return what gives the first value of written code of a library."""

    def first(schedule: gp.Schedule, base: float | None) -> float:
        names: dict[str, Any] = {}
        exec(dialects.render(schedule, framework, base_lr=base), names)
        return float(names["schedule"](0))

    return first


def trained(schedule: gp.Schedule, base: float | None) -> float:
    """Return the first rate of a run of the lab, whose peak rate is the base."""
    from glidepath.lab import TASKS, RunSpec, run

    return run(RunSpec(TASKS["mnist1d"], schedule, base or BASE, 0, 20)).rates[0]


def trained_by_jax(schedule: gp.Schedule, base: float | None) -> float:
    """Return the first rate that the lab's JAX engine computes for a run."""
    from glidepath.lab import TASKS, RunSpec
    from glidepath.lab.engines.jax.training import _rates

    return _rates(RunSpec(TASKS["mnist1d"], schedule, base or BASE, 0, 20))(0)


# How the first rate is had at each boundary; whether the base is the optimizer's or the task's own, so that there always is one.
BOUNDARIES: dict[str, tuple[Callable[[gp.Schedule, float | None], float], bool]] = {
    "attach": (driven(attach), True),
    "attach a plan": (driven(lambda optimizer, s: attach(optimizer, gp.plan.Plan((gp.plan.Rule(s),)))), True),
    "apply": (driven(lambda optimizer, s: apply(optimizer, s, 0)), True),
    "ScheduleLR": (driven(ScheduleLR), True),
    "jax.rate": (jax_rate, False),
    "jax.optimizer": (jax_optimizer, False),
    "jax.plan": (jax_plan, False),
    "keras.Rate": (keras_rate, False),
    "keras.Driver": (keras_driver, False),
    "the lab": (trained, True),
    "the lab's JAX": (trained_by_jax, True),
}
WRITTEN = {"python": written("python"), "optax": written("optax"), "keras": written("keras")}


@pytest.mark.parametrize("name", BOUNDARIES)
def test_a_factor_meets_a_base_and_absolute_rates_meet_none(name: str):
    first, own = BOUNDARIES[name]

    assert first(FACTOR, BASE) == pytest.approx(BASE, rel=1e-6)
    assert first(ABSOLUTE, None) == pytest.approx(RATE, rel=1e-6)
    if not own:
        with pytest.raises(gp.GlidepathError, match=NEEDED):
            first(FACTOR, None)
        with pytest.raises(gp.GlidepathError, match=REFUSED):
            first(ABSOLUTE, BASE)


@pytest.mark.parametrize("framework", WRITTEN)
def test_written_code_has_the_base_it_was_given(framework: str):
    first = WRITTEN[framework]

    assert first(FACTOR, BASE) == pytest.approx(BASE, rel=1e-6)
    assert first(ABSOLUTE, None) == pytest.approx(RATE, rel=1e-6)
    with pytest.raises(gp.GlidepathError, match=REFUSED):
        first(ABSOLUTE, BASE)


def test_every_example_of_the_guide_trains_at_a_rate_and_not_at_a_factor():
    """Code blocks of the documentation hand no bare schedule to another library's optimizer."""
    import re
    from pathlib import Path

    pages = [*Path("docs").glob("*.md"), Path("README.md")]
    blocks = list(itertools.chain(*(re.findall(r"```python\n(.*?)```", page.read_text(), re.DOTALL) for page in pages)))
    assert len(blocks) > 20
    for block in blocks:
        assert not re.search(r"(?:learning_rate|lr)=(?:schedule|gp\.\w+\()", block), block
