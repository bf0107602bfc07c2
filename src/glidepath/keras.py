"""Schedules and plans in Keras 3, on every backend: a learning rate that is saved with its model, and feedback on top of it."""

from __future__ import annotations

import json
import math
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .core import GlidepathError, Problem, Schedule, missing, rate_of, refuse, shown, write_whole
from .core import Rate as Absolute
from .core.arrays import TorchNamespace
from .core.clock import Clock
from .core.codec import parsed
from .core.namespace import MathNamespace
from .feedback import Decision
from .plan import Plan, plan_of
from .plan.by_update import by_update, progress_after, steered
from .plan.given import Policy, policy_problems
from .plan.replan import continued

try:
    import keras
    from keras import ops
except ModuleNotFoundError as error:
    extras = {"jax": "jax", "tensorflow": "tensorflow", "torch": "torch"}
    raise missing(error, "glidepath.keras", extras.get((error.name or "").partition(".")[0], "keras")) from None

# the library's own types are partly unknown
LearningRateSchedule: Any = keras.optimizers.schedules.LearningRateSchedule
Callback: Any = keras.callbacks.Callback


@keras.saving.register_keras_serializable("glidepath")
class Rate(LearningRateSchedule):
    """A schedule as the `learning_rate` of a Keras optimizer: the update `iterations` uses base times schedule, in float32.

    It is saved with the model as data (text, base, fingerprint) and checked when it is loaded. Whole steps are exact to 2^31.

    Args:
        schedule: A schedule or its text: a factor, or absolute (`rate(…)` in the text).
        base: What a factor is multiplied by, above 0. Not given for an absolute schedule.
        fingerprint: Of the schedule, from a saved model; None checks nothing.
        feedback: What a `Driver` decided so far, from a saved model.

    Raises:
        GlidepathError: If the schedule, the base or the fingerprint is refused.

    Examples:
        >>> optimizer = keras.optimizers.Adam(Rate("warmup(10) >> cosine(90)", 3e-4))
        >>> Rate.from_config(Rate("cosine(90)", 0.1).get_config()).schedule
        cosine(90)
    """

    def __init__(self, schedule: Any, base: float | None = None, fingerprint: Any = None, feedback: Any = None) -> None:
        self.schedule, self.base = Schedule.of(schedule), base
        if fingerprint not in (None, self.schedule.fingerprint):
            rule = f"that of its schedule, {self.schedule.fingerprint[:12]}…"
            remedy = "the file was changed, or read by another version"
            raise GlidepathError.of("Rate", "fingerprint", rule, fingerprint, remedy)
        self.feedback: dict[str, Any] = dict(feedback or {})
        rates = rate_of(self.schedule, base, "Rate").schedule
        self.rates = Schedule.of(self.feedback.get("rates", rates))
        """The schedule in absolute values, without feedback."""
        self.steered = Schedule.of(self.feedback.get("steered", rates))
        """The values that are used: the rates times what a `Driver` decided."""

    def __call__(self, step: Any) -> Any:
        """Returns the learning rate of an update as a float32 tensor of the backend.

        Args:
            step: The updates done, as a number, a tensor or the optimizer's `iterations`.
        """
        given, backend = ops.convert_to_tensor(step), keras.backend.backend()
        value = self.steered(given) if backend in ("jax", "torch") else _evaluated(self.steered, given)
        return ops.cast(value, "float32")

    def value(self, updates: int) -> float:
        """Returns the learning rate of an update in float64."""
        return self.steered(updates)

    def get_config(self) -> dict[str, Any]:
        """Returns the schedule as data."""
        config = {"schedule": str(self.schedule), "base": self.base, "fingerprint": self.schedule.fingerprint}
        return config | ({"feedback": self.feedback} if self.feedback else {})


class Driver(Callback):
    """A plan in `fit`: its schedules as learning rates, its controllers fed with the logs of each epoch.

    `driver.rate()` is the optimizer's `learning_rate`; where a `MultiOptimizer` has several, `driver.rate(name)` is that of the optimizer
    of this name, the plan's group. A controller listens to the key of Keras's logs that its `monitor` names, at the end of each epoch. A
    decision is a constant of the compiled step: each one that changes a rate compiles it again. The history's `learning_rate` is the one
    of the epoch's last update.

    Args:
        plan: A plan, its data or text, or a schedule; rules for the learning rate only.
        base: What factors are multiplied by, or one for each group; None if every rule is absolute.
        path: A JSON file that remembers the controllers where only weights are saved (`BackupAndRestore`, which must come after this in
            the list of callbacks).
        resume: What happens where a loaded model has another schedule: `"strict"` refuses; `"keep"` goes on with the model's;
            `"override"` takes this plan's at the update that the model is at; `"extend"` stretches what is left of the model's to the
            length of this plan's.
        total: The length of the run that quoted durations are parts of: a number of updates, epochs times those of an epoch.

    Raises:
        GlidepathError: With every problem: rules for what Keras keeps constant in a compiled step, factors without a base.
    """

    def __init__(
        self, plan: Any, base: Any = None, path: str | Path | None = None, resume: Policy = "strict", total: Any = None
    ) -> None:
        super().__init__()
        self.plan: Plan = plan_of(plan, total=total)
        self.path, self.resume = None if path is None else Path(path), resume
        self._base, self._told = base, set[str]()
        self._rates: dict[str | None, tuple[Rate, Schedule]] = {}
        self._records: dict[int, Any] = {}
        self.decisions: list[Decision] = []
        """What the controllers decided in this process."""
        self.states: tuple[Any, ...] = self.plan.begin().states
        remedy = "Keras compiles other values into its step"
        others = [(i, rule.parameter) for i, rule in enumerate(self.plan.rules) if rule.parameter != "lr"]
        problems = [Problem("Driver", f"rules[{i}].parameter", "lr", shown(name), remedy) for i, name in others]
        refuse(policy_problems("Driver", resume) + problems)

    def rate(self, group: str | None = None) -> Rate:
        """Returns the learning rate of a group, as a `keras.optimizers` class takes it; None where there is one optimizer.

        Raises:
            GlidepathError: If no rule, or no base, is for it.
        """
        rule = self.plan.rule("lr", group)
        made = by_update(self.plan, self.plan.schedule("lr", group))
        base = self._base.get(group) if isinstance(self._base, Mapping) else self._base
        made = Rate(made if made.absolute or not rule.absolute else rate_of(made, None, "Driver"), base)
        return made if rule.floor is None else Rate(Absolute(made.rates.clip(low=rule.floor)))

    def on_train_begin(self, _logs: Any = None) -> None:
        """Goes on where the model is: finds its rates, its updates and the controllers' states."""
        done, kept = self._updates(), list[Any]()
        if not done:  # of another model, perhaps
            self.states, self._records = self.plan.begin().states, {}
        for name, optimizer in self._optimizers():
            found: Any = getattr(optimizer, "_learning_rate", None)
            if not isinstance(found, Rate):
                made = f"made by driver.rate({name or ''!r})" if name else "made by driver.rate()"
                remedy = "compile the model with it"
                raise GlidepathError.of("Driver", f"learning_rate of {optimizer.name}", made, found, remedy)
            self._rates[name] = found, self._agreed(name, found.rates, self.rate(name).rates, done)
            kept = found.feedback.get("states", kept)
        kept = self._read(done) or kept
        if kept:
            self.states = self._continued(kept)
        self._steer(done)

    def on_epoch_end(self, _epoch: int, logs: Any = None) -> None:
        """Feeds the controllers, and writes the rates of the last update into the logs."""
        done, logs = self._updates(), {} if logs is None else logs
        for monitor in dict.fromkeys(part.monitor for part in self.plan.feedback):
            if monitor in logs:
                now = progress_after(self.plan, done, self.states)
                progress, decisions = self.plan.observe(now, monitor, float(logs[monitor]))
                self.states = progress.states
                self.decisions.extend(decisions)
            elif monitor not in self._told:
                self._told.add(monitor)
                known = ", ".join(logs) or "none"
                text = f"Driver: {monitor!r}, which a controller listens to, is not in this epoch's logs ({known}): nothing is observed"
                warnings.warn(text, UserWarning, stacklevel=2)
        for name, (rate, _) in self._rates.items():
            logs["learning_rate" if name is None else f"learning_rate/{name}"] = rate.value(max(0, done - 1))
        if self.plan.feedback:
            self._steer(done)
            self._write(done)

    # Inside ------------------------------------------------------------------------------------------------------------------------

    def _optimizers(self) -> list[tuple[str | None, Any]]:
        whole = self.model.optimizer
        whole = getattr(whole, "inner_optimizer", whole)  # of a LossScaleOptimizer
        return [(each.name, each) for each in whole.optimizers] if hasattr(whole, "optimizers") else [(None, whole)]

    def _updates(self) -> int:
        """Returns what the rates are called with: under gradient accumulation Keras shows its schedules every batch."""
        counts: list[Any] = [getattr(one, "_iterations", one.iterations) for _, one in self._optimizers()]
        return max(int(count.numpy()) for count in counts)

    def _agreed(self, name: str | None, found: Schedule, own: Schedule, done: int) -> Schedule:
        """Returns the rates to go on with, where the model's are `found` and the plan's are `own`."""
        if found == own or self.resume == "override":
            return own
        if self.resume == "strict":
            remedy = 'resume="keep" goes on with the model\'s, "override" takes the plan\'s, "extend" the length of the plan\'s'
            where = "Driver" if name is None else f"Driver, {name}"
            raise GlidepathError.worded(where, "the model's schedule", f"that of the plan, {own}", str(found), remedy)
        if self.resume == "keep":
            return found
        old, new = found.duration, own.duration
        if not done < old <= new < math.inf:
            rule = f"finite, beyond update {done}, and at most that of the plan, {new}"
            raise GlidepathError.worded("Driver", "the model's length", rule, str(old), 'resume="override"')
        return found if old == new else continued(found, done, int(old), int(new), "stretch")

    def _continued(self, kept: list[Any]) -> tuple[Any, ...]:
        """Returns the states of this plan's controllers, where those of the run before were `kept`."""
        own = [str(part.controller) for part in self.plan.feedback]
        before, states = ([row[k] for row in kept] for k in (0, 1))
        if before == own:
            return tuple(part.controller.read_state(s) for part, s in zip(self.plan.feedback, states, strict=True))
        if self.resume == "strict":
            rule = f"those of the run before, {', '.join(before)}"
            raise GlidepathError.worded("Driver", "the controllers", rule, ", ".join(own) or "none")
        told = f"Driver: other controllers than before ({', '.join(before)}): they begin anew"
        warnings.warn(told, UserWarning, stacklevel=3)
        return self.plan.begin().states

    def _kept(self) -> list[Any]:
        pairs = zip(self.plan.feedback, self.states, strict=True)
        return [[str(part.controller), state.to_dict()] for part, state in pairs]

    def _steer(self, done: int) -> None:
        """Gives every rate its values from here on; where one changes, the step is compiled again."""
        changed = False
        for name, (rate, rates) in self._rates.items():
            made = steered(self.plan, rates, self.states, "lr", name)
            changed |= made != rate.steered
            if made != rate.rates or rate.feedback or self.plan.feedback:  # also before they decide anything
                rate.steered, rate.rates = made, rates
                rate.feedback = {"steered": str(made), "rates": str(rates), "states": self._kept(), "updates": done}
        if changed and self.model.train_function is not None:
            self.model.make_train_function(force=True)

    def _read(self, done: int) -> list[Any]:
        """Returns the controllers' states of the last record that is not after `done`."""
        if self.path is None or not self.path.exists():
            return []
        data = parsed(self.path.read_bytes())
        ours = isinstance(data, Mapping) and data.get("plan") == self.plan.fingerprint
        if not ours or not isinstance(data.get("records"), Mapping):
            remedy = "give another path, or the plan it was written by"
            raise GlidepathError.of("Driver", self.path.name, "a record of this plan's controllers", data, remedy)
        self._records = {int(at): states for at, states in data["records"].items() if int(at) <= done}
        return self._records[max(self._records)] if self._records else []

    def _write(self, done: int) -> None:
        if self.path is not None:
            self._records[done] = self._kept()
            write_whole(self.path, json.dumps({"plan": self.plan.fingerprint, "records": self._records}))


class _Ops(TorchNamespace):
    """Formulas on a float64 tensor of whatever backend Keras has; every phase is evaluated and the right one kept."""

    def __init__(self) -> None:
        for name in ("sin", "cos", "tanh", "exp", "expm1", "log", "log1p", "sqrt", "minimum", "maximum"):
            setattr(self, name, self._lifted(name))
        self.quotient, self.remainder = self._lifted("quotient", "floor_divide"), self._lifted("remainder", "mod")
        self._floor = ops.floor

    def _lifted(self, name: str, theirs: str = "") -> Any:
        on_tensor, on_number = getattr(ops, theirs or name), getattr(MathNamespace, name)
        return lambda *x: on_tensor(*map(self._table, x)) if self._any(*x) else on_number(*x)

    def _any(self, *values: Any) -> bool:
        return any(map(ops.is_tensor, values))

    def _tells(self, x: Any) -> bool:  # noqa: ARG002
        return False

    def divide(self, x: Any, y: Any) -> Any:
        """Returns `x / y`."""
        return ops.divide(self._table(x), self._table(y) + 0.0)

    def _where(self, condition: Any, x: Any, y: Any) -> Any:
        return ops.where(condition, self._table(x), self._table(y))

    def locate(self, x: Any, knots: Any) -> Any:
        """Returns the index of the last knot at or before `x`."""
        below: Any = ops.less_equal(self._table(knots), ops.expand_dims(x, -1))
        return self._table(ops.sum(ops.cast(below, "float64"), axis=-1)) - 1.0

    def take(self, table: Any, index: Any) -> Any:
        """Returns the entries of a table."""
        return ops.take(self._table(table), ops.cast(index, "int32"))

    @staticmethod
    def _table(numbers: Any) -> Any:
        return ops.cast(numbers, "float64") if ops.is_tensor(numbers) else ops.convert_to_tensor(numbers, "float64")


def _evaluated(schedule: Schedule, step: Any) -> Any:
    """Returns a schedule's values where the core knows no functions for the backend's tensors: TensorFlow."""
    last = float(min(schedule.duration, 2**53))
    return _OPS._table(schedule.at(Clock(_OPS, ops.clip(ops.cast(step, "float64"), 0.0, last))))


_OPS: Any = _Ops()
