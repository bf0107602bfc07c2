"""A schedule as code to copy: runs as it stands, and gives the values of the curve."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from glidepath.core.errors import GlidepathError, did_you_mean
from glidepath.core.schedule import Schedule

__all__ = ["TARGETS", "code"]

TARGETS = {
    "python": "Plain Python",
    "pytorch": "PyTorch",
    "oneflow": "OneFlow",
    "keras": "Keras",
    "optax": "optax",
    "glidepath": "glidepath",
}
"""What code can be written for, with the names on the page."""

_RENDERED = ("pytorch", "oneflow", "keras", "optax")


def code(schedule: Schedule, target: str, base: float = 1.0) -> str:
    """Returns runnable code for a schedule.

    In all of them `schedule(step)`, or what the last lines make of it, has the values of the curve at the step: the number of updates done.

    Args:
        schedule: The schedule.
        target: A key of `TARGETS`.
        base: The base rate, where the schedule is a factor.

    Raises:
        GlidepathError: If the target is unknown or the schedule has no closed form.
    """
    if target not in TARGETS:
        raise GlidepathError.of("code", "target", f"one of {', '.join(TARGETS)}", target, did_you_mean(target, TARGETS))
    if target == "glidepath":
        return f"import glidepath\n\nschedule = glidepath.parse({str(schedule)!r})\nprint(schedule(0))\n"
    base = 1.0 if schedule.absolute else base
    native = _native(schedule, target, base)
    if native:
        return native
    if not schedule.closed:
        raise GlidepathError.of("code", "schedule", "made of closed forms to be written as code", str(schedule)[:60])
    if target == "optax":
        return _OPTAX.format(text=str(schedule), base=base)
    return schedule.source() + _TAILS[target].format(base=base)


def _native(schedule: Schedule, target: str, base: float) -> str:
    """Returns the schedule in the library's own classes, where the library has them; otherwise an empty string."""
    try:
        render: Any = import_module("glidepath.dialects").render
    except AttributeError:
        return ""
    if target not in _RENDERED:
        return ""
    try:
        return str(render(schedule if schedule.absolute or base == 1.0 else base * schedule, target))
    except (GlidepathError, TypeError, NotImplementedError, ArithmeticError):
        return ""


_TAILS = {
    "python": "",
    "pytorch": """

import torch

parameters = [torch.nn.Parameter(torch.zeros(1))]  # model.parameters()
optimizer = torch.optim.AdamW(parameters, lr={base!r})
scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, schedule)
# after each optimizer.step(): scheduler.step()
""",
    "oneflow": """

import oneflow as flow

parameters = [flow.nn.Parameter(flow.zeros(1))]  # model.parameters()
optimizer = flow.optim.AdamW(parameters, lr={base!r})
scheduler = flow.optim.lr_scheduler.LambdaLR(optimizer, schedule)
# after each optimizer.step(): scheduler.step()
""",
    "keras": """

import keras


class Schedule(keras.callbacks.Callback):
    \"\"\"Sets the rate before every update; pass it to model.fit(callbacks=[Schedule()]).\"\"\"

    def on_train_begin(self, logs=None):
        self.step = 0

    def on_train_batch_begin(self, batch, logs=None):
        self.model.optimizer.learning_rate = {base!r} * schedule(self.step)
        self.step += 1
""",
}

_OPTAX = """import glidepath
import optax

factor = glidepath.parse({text!r})


def schedule(count):
    return {base!r} * factor(count)


optimizer = optax.adamw(schedule)
"""
