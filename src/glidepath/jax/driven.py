"""Any optax transformation, driven by a plan."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import optax
from jax.core import Tracer

from ..core import Checks, GlidepathError, Problem, Schedule, digest, refuse
from ..core.fields import number
from ..feedback import Decision
from ..plan import Plan, Progress, diff, plan_of
from ..plan.by_update import progress_after
from ..plan.given import Policy, policy_problems
from .settling import Cell, LabelledPlan, maker, ramps_of, settle, static, values_of
from .state import FORMAT, ONLY, DrivenState, Resumed, changed, count, found, moved, read

GradientTransformation: Any = optax.GradientTransformationExtraArgs  # its own types are partly unknown

_TOP = 2**31 - 1  # the last update that int32 can count; from there on the values are held


class Driven(GradientTransformation):
    """An optax transformation that a plan drives; made by `plan` or `optimizer`. It goes wherever an optax transformation goes.

    Attributes:
        plan: The plan.
        bases: What factors are multiplied by: by label, then by optax's name.
    """

    plan: Plan
    bases: dict[str, dict[str, float]]
    _again: Callable[[Plan, Any], Driven]
    _cells: Callable[[], dict[str, dict[str, Cell]]]

    @property
    def identity(self) -> int:
        """32 bits of the fingerprint of the plan and its bases."""
        return int(digest([self.plan.fingerprint, self.bases])[:8], 16)

    def value(
        self, updates: int, name: str = "learning_rate", label: str = ONLY, progress: Progress | None = None
    ) -> float:
        """Returns what an update uses, in float64: what the device computes is this, rounded to float32.

        Args:
            updates: The updates done before it.
            name: The hyper-parameter, by optax's name.
            label: The group.
            progress: With the states of the plan's controllers; None before their first decision.
        """
        cell, states = self._cells()[label][name], (progress or self.plan.begin()).states
        made = cell.schedule(updates)
        at = self.plan.position(progress_after(self.plan, updates))
        for i in cell.controllers:
            made *= self.plan.feedback[i].controller.multiplier(states[i], at, label)
        return made if cell.floor is None else max(made, cell.floor)

    def observe(
        self, state: Any, progress: Progress, monitor: str, value: Any
    ) -> tuple[Any, Progress, tuple[Decision, ...]]:
        """Gives the controllers a measurement; nothing is compiled again, as what they decide is a number on the device.

        Args:
            state: The optimizer's state, also one that it is a part of.
            progress: From `plan.begin()`, or from the observation before.
            monitor: The metric's name.
            value: What was measured.

        Returns:
            The state, the progress and the decisions.

        Raises:
            GlidepathError: If nobody listens to the metric, or a controller refuses the measurement.
        """
        plain = value.item() if number(value) is None and hasattr(value, "item") else value
        progress, decisions = self.plan.observe(self.at(state, progress), monitor, plain)
        return self._steered(state, progress), progress, decisions

    def at(self, state: Any, progress: Progress | None = None) -> Progress:
        """Returns the plan's progress at a state: its count, and the controllers' states of `progress`; every update counts as full.

        Args:
            state: The optimizer's state.
            progress: With the states of the controllers.
        """
        return progress_after(self.plan, count(state), progress.states if progress is not None else ())

    def saved(self, state: Any, progress: Progress | None = None) -> dict[str, Any]:
        """Returns what belongs beside the arrays of a checkpoint: plan, bases and progress as JSON data.

        Args:
            state: The optimizer's state.
            progress: With the states of the controllers, if the plan has any.
        """
        done = self.at(state, progress).to_dict()
        return {"glidepath": FORMAT, "plan": self.plan.to_dict(), "bases": self.bases, "progress": done}

    def resumed(self, state: Any, saved: Any, resume: Policy = "strict") -> Resumed:
        """Goes on from a restored state and the document that `saved` made for it.

        Args:
            state: The restored state of this transformation, also one that it is a part of.
            saved: The document, as data or JSON text.
            resume: What happens where the plan or its bases differ: `"strict"` refuses; `"keep"` goes on with the saved ones; `"override"`
                takes the present ones at the saved update; `"extend"` keeps the saved plan until here and stretches what is left of it to
                the length of the present one.

        Raises:
            GlidepathError: If they differ (`"strict"`), the document is none or not that of the state, or it cannot be extended.
        """
        refuse(policy_problems("resumed", resume))
        before, bases, progress = read(saved)
        old = self._again(before, bases)
        mark, done = int(found(state).identity), count(state)
        if mark not in (old.identity, self.identity) or progress.updates != done:
            rule = f"the one that was saved with it, plan {old.identity:08x} at update {progress.updates}"
            remedy, got = "take the document that was written with this checkpoint", f"plan {mark:08x} at update {done}"
            raise GlidepathError.worded("resumed", "state", rule, got, remedy)
        differences = (*map(str, diff(before, self.plan).fields), *moved(bases, self.bases))
        if differences and resume == "strict":
            remedy = 'resume="keep" goes on with the saved plan, "override" takes this one, "extend" the length of it'
            raise GlidepathError(Problem("checkpoint", "the plan", "that of this run", d, remedy) for d in differences)
        new = old if resume == "keep" or not differences else self
        if resume == "extend" and before.fingerprint != self.plan.fingerprint:
            new = self._again(before.extend(self.plan, progress), bases)
        held = progress
        if [part.controller for part in before.feedback] != [part.controller for part in new.plan.feedback]:
            progress = Progress(progress.updates, progress.samples, progress.tokens, new.plan.begin().states)
        seams = {
            f"{name}/{label}": (old.value(done, name, label, held), new.value(done, name, label, progress))
            for label, row in new._cells().items()
            for name in row
            if name in old._cells().get(label, ())
        }
        own = changed(state, lambda s: s._replace(identity=jnp.uint32(new.identity)))
        return Resumed(new, new._steered(own, progress), progress, differences, seams)

    def _steered(self, state: Any, progress: Progress) -> Any:
        """Returns the state with the multipliers that the controllers' states give."""
        ramps = ramps_of(self.plan, tuple(self._cells()), progress)
        return changed(state, lambda s: s._replace(multipliers=ramps))


def optimizer(make: Any, base: Any, schedule: Any, labels: Any = None, *, total: Any = None, **options: Any) -> Driven:
    """Returns an optax transformation whose learning rate follows a schedule.

    Args:
        make: What makes the transformation, such as `optax.adamw`.
        base: What a factor is multiplied by, or one for each label; None for an absolute schedule.
        schedule: A schedule or its text.
        labels: As in `plan`; needed where `base` differs.
        total: As in `plan`.
        options: Arguments of `make`. One that is a schedule drives that hyper-parameter: `weight_decay=rate("cosine(100)", 0.1)`.

    Raises:
        GlidepathError: With every problem.

    Examples:
        >>> tx = optimizer(optax.sgd, 0.5, "linear(10)")
        >>> state = tx.init({"w": jnp.ones(2)})
        >>> _, state = tx.update({"w": jnp.ones(2)}, state)
        >>> int(state.count), float(state.hyperparams["learning_rate"])
        (1, 0.5)
    """
    own = {name: value for name, value in options.items() if isinstance(value, Schedule)}
    rules = {"lr": {"schedule": schedule}} | {name: {"schedule": rate, "absolute": True} for name, rate in own.items()}
    checks, rule = Checks("optimizer"), "a rate of its own, as a factor has no base here"
    for name, value in own.items():
        if not value.absolute:
            checks.refuse(name, rule, value, f"{name}=rate({str(value)!r}, base)")
    made: Any = None
    with checks.kept():
        made = plan_of(rules, "optimizer", total=total)
    checks.done()
    given = {} if base is None else {"learning_rate": base}
    given |= {name: value for name, value in options.items() if name not in own}
    return _driven(made, make, labels, given, None, None)


def plan(plan: Any, make: Any, labels: Any = None, *, total: Any = None, **arguments: Any) -> Driven:
    """Returns an optax transformation that a plan drives: every rule of it, on every clock, with its feedback.

    The transformation is made anew in each trace with the values of the update, as `optax.inject_hyperparams` does; values are numbers on
    the device, so that nothing is compiled again when one changes. The plan's `lr` is optax's `learning_rate`, `betas[0]` is `b1`; other
    hyper-parameters are called as `make` calls them. A hyper-parameter that no rule drives in a group is a constant.

    Args:
        plan: A `Plan`, its data or text, a schedule, or rules.
        make: What makes the transformation, such as `optax.adamw`; or one for each label.
        labels: A tree of labels in the shape of the parameters or a prefix of it, or a function that returns one: the plan's groups.
        total: The length of the run that quoted durations are parts of, as `glidepath.torch.attach` takes it.
        arguments: Of `make`, each for all labels or as a mapping from label to value. For a hyper-parameter that a factor drives it is the
            base; without it the default of `make` is.

    Raises:
        GlidepathError: With every problem: a factor without a base, an absolute rule with one, a parameter that `make` does not have, a
            rule that matches no label, a controller that cannot be a ramp.
    """
    return _driven(plan_of(plan, total=total), make, labels, arguments, None, None)


def _driven(made: Plan, make: Any, labels: Any, arguments: dict[str, Any], bases: Any, known: Any) -> Driven:
    """Returns the transformation; its labels are known, or are found in the first parameters that it meets."""
    static()
    parts: list[LabelledPlan] = []
    names: tuple[str, ...] = known or ()

    def settled(tree: Any = None) -> LabelledPlan:
        nonlocal names
        if not parts:
            if not names:
                if callable(labels) and tree is None:
                    got = "a function that saw no parameters yet"
                    raise GlidepathError.worded("jax plan", "labels", "known", got, "init(params) comes first")
                names = (ONLY,) if labels is None else _names(labels(tree) if callable(labels) else labels)
            parts.append(settle(made, make, names, labels is not None, arguments, bases))
            driven.bases = parts[0].bases
        return parts[0]

    def build(tree: Any, values: dict[str, dict[str, Any]]) -> Any:
        parts = {at: maker(make, at)(**fixed, **values[at]) for at, fixed in settled(tree).fixed.items()}
        each = {at: optax.with_extra_args_support(part) for at, part in parts.items()}
        return each[ONLY] if labels is None else optax.partition(each, labels)  # type: ignore[arg-type]

    def flat(values: dict[str, dict[str, Any]]) -> dict[str, Any]:
        return values[ONLY] if labels is None else values

    def init(params: Any) -> DrivenState:
        cells, ramps = settled(params).cells, ramps_of(made, names, made.begin())
        values = {at: {name: jnp.float32(driven.value(0, name, at)) for name in row} for at, row in cells.items()}
        inner = build(params, values).init(params)
        return DrivenState(jnp.zeros([], jnp.int32), jnp.uint32(driven.identity), flat(values), ramps, inner)

    def update(updates: Any, state: DrivenState, params: Any = None, **extra: Any) -> tuple[Any, DrivenState]:
        cells, own = settled(updates).cells, driven.identity
        if not isinstance(state.identity, Tracer) and int(state.identity) != own:
            rule, got = f"that of plan {own:08x}", f"that of plan {int(state.identity):08x}"
            raise GlidepathError.worded("update", "state", rule, got, "go on with resumed(state, saved, resume=…)")
        same = state.identity == jnp.uint32(own)  # a trace can refuse nothing: the state of another plan gives NaN
        values = values_of(cells, state.count, state.multipliers)
        values = jax.tree.map(lambda value: jnp.where(same, value, jnp.nan), values)
        out, inner = build(updates, values).update(updates, state.inner, params, **extra)
        out = jax.tree.map(_narrowed, out, updates, updates if params is None else params, is_leaf=lambda x: x is None)
        inner = jax.tree.map(lambda new, old: _cast(new, getattr(old, "dtype", None)), inner, state.inner)
        done = jnp.where(state.count < _TOP, state.count + 1, state.count)
        return out, DrivenState(done, state.identity, flat(values), state.multipliers, inner)

    driven = Driven(init, update)
    driven.plan, driven.bases = made, {}
    driven._cells = lambda: settled().cells
    driven._again = lambda plan, bases: _driven(plan, make, labels, arguments, bases, settled() and names)
    if not callable(labels):
        settled()
    return driven


def _names(labels: Any) -> tuple[str, ...]:
    leaves = jax.tree.leaves(labels)
    odd = [leaf for leaf in leaves if not isinstance(leaf, str)] or ([] if leaves else [labels])
    if odd:
        raise GlidepathError.of("jax plan", "labels", "a tree of words", odd[0])
    return tuple(sorted(set(leaves)))


def _cast(new: Any, dtype: Any) -> Any:
    return new if dtype is None or getattr(new, "dtype", dtype) == dtype else new.astype(dtype)


def _narrowed(out: Any, update: Any, param: Any) -> Any:
    """Returns an update in the type of its gradient and parameter: the values are float32, and would widen smaller ones."""
    return out if out is None or param is None else _cast(out, jnp.promote_types(update.dtype, param.dtype))
