"""The plan: which schedule drives which hyper-parameter of which groups, in which units, over which horizon, with which feedback."""

from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction
from functools import cached_property
from typing import Annotated, Any

from ..core import Checks, GlidepathError, Problem, Schedule, Shown, digest, kind, taken
from ..core.fields import Check, choice, one_document
from ..feedback import Decision, Observation
from ..feedback.controller import Position
from .by_update import BatchRamp, coupled, stages_of
from .duration import resolve
from .horizon import CLOCKS, Clock, Derived, Horizon, Stage
from .progress import COUNTS, Progress, apart, starts_at, steered
from .rules import Change, Feedback, Name, Part, Rule, many, worded

FORMAT = 1
_MOST_SHOWN = 8  # curves of a picture


@kind("plan")
class Plan(Part, Shown):
    """What should happen in a run.

    Args:
        rules: One or several rules; also a schedule for the learning rate, or a mapping from hyper-parameters to schedules.
        horizon: How long the run is, and what an update consumes.
        clock: What the schedules' steps count: `updates`, `samples`, `tokens` or `epochs`.
        feedback: Controllers that listen to metrics.
        batch: The batch size, where it changes.
        name: What the plan is called.
        history: What was changed since the plan was first written.

    Raises:
        GlidepathError: With every problem found: fields that break their rule, texts that cannot be resolved, rules that overlap.

    Examples:
        >>> plan = Plan('warmup("10%") >> cosine("rest", floor=0.1)', {"length": "1000 steps"})
        >>> plan.schedule("lr")
        warmup(100) >> cosine(900, floor=0.1)
    """

    rules: Annotated[tuple[Rule, ...], many(Rule, "a rule or a list of rules", mapped=True)]
    horizon: Horizon = Horizon()
    clock: Annotated[Clock, choice(*CLOCKS)] = "updates"
    feedback: Annotated[tuple[Feedback, ...], many(Feedback, "a list of controllers")] = ()
    batch: BatchRamp | None = None
    name: Name = ""
    history: Annotated[tuple[Change, ...], many(Change, "a list of changes")] = ()

    def __post_init__(self) -> None:
        checks = Checks("plan")
        if not self.rules:
            checks.problems.append(Problem("plan", "rules", "given, at least one", "none"))
        seen = dict[tuple[str, str], int]()
        plain = {r.parameter for r in self.rules if r.over is None and not r.absolute}
        plain -= {r.parameter for r in self.rules if r.floor is not None or getattr(r.schedule, "absolute", False)}
        for i, rule in enumerate(self.rules):
            checks.where = f"$.rules[{i}]"
            if rule.over is not None and rule.over not in plain:
                known = ", ".join(sorted(plain)) or "none"
                told = f"driven by a rule of its own that gives factors and has no floor ({known})"
                checks.refuse("over", told, rule.over)
            if any(other.startswith("!") for other in rule.groups):
                continue  # which groups are left is known where they are
            for pattern in rule.groups:
                first = seen.setdefault((rule.parameter, pattern), i)
                if first != i:
                    told = f"that of no other rule for {rule.parameter}; rules[{first}] has it too"
                    checks.refuse("groups", told, pattern)
        with checks.kept():
            checks.problems += self.resolution[1]
        checks.done()

    # What follows ---------------------------------------------------------------------------------------------------------------------

    @cached_property
    def derived(self) -> Derived:
        """What follows from the horizon and the batch ramp; `print(plan.derived)` shows how."""
        return self.horizon.derived(self.stages, self.clock) if self.stages else self._plain

    @cached_property
    def _plain(self) -> Derived:
        return self.horizon.derived()

    @cached_property
    def stages(self) -> tuple[Stage, ...]:
        """The batch sizes of an update over the run; empty where nothing is said about them."""
        if self.batch is None or self.ramp is None:
            return ()
        multiple = self.batch.multiple or (self.horizon.batch or 1) * self.horizon.processes
        end = self._plain.total(self.clock) if self.clock != "updates" else None
        return stages_of(self.ramp, multiple, end or 2**53)

    @cached_property
    def ramp(self) -> Schedule | None:
        """The batch size as a schedule of the core; None where the plan says nothing about it.

        Raises:
            GlidepathError: If its durations depend on the batch size itself, or on what is unknown.
        """
        given = None if self.batch is None else self.batch.schedule
        if not isinstance(given, str):
            return given
        done = resolve(given, self._plain, self.clock)
        if done.schedule is None:
            raise GlidepathError(done.problems).inside("$.batch.schedule")
        return done.schedule

    @cached_property
    def resolution(self) -> tuple[tuple[Schedule | None, ...], tuple[Problem, ...], tuple[Problem, ...]]:
        """The schedules, the problems, and what is unknown."""
        made, problems, unknown = list[Schedule | None](), list[Problem](), list[Problem]()
        derived = self.derived  # refuses a batch size that has no place, whatever the rules are
        for i, rule in enumerate(self.rules):
            schedule = rule.schedule
            if isinstance(schedule, str):
                done = resolve(schedule, derived, self.clock)
                found = GlidepathError(done.problems).inside(f"$.rules[{i}].schedule").problems
                (unknown if done.unknown else problems).extend(found)
                schedule = done.schedule
            if schedule is not None and self.batch is not None and rule.parameter == "lr":
                schedule = coupled(schedule, self.batch, self.stages)
            made.append(schedule)
        return tuple(made), tuple(problems), tuple(unknown)

    @property
    def unknown(self) -> tuple[Problem, ...]:
        """What cannot be resolved because the length of the run, or something it follows from, is unknown."""
        return self.resolution[2]

    @property
    def total(self) -> int | None:
        """The length of the run on the plan's clock; None if it is unknown."""
        return self.derived.total(self.clock)

    def rule(self, parameter: str = "lr", group: str | None = None) -> Rule:
        """Returns the rule for a hyper-parameter of a group.

        Raises:
            GlidepathError: If there is none, or more than one.
        """
        found = [rule for rule in self.rules if rule.parameter == parameter and rule.matches(group)]
        if len(found) != 1:
            rule = f"driven by one rule of the plan ({', '.join(sorted({r.parameter for r in self.rules}))})"
            raise GlidepathError.of("plan", f"{parameter} of group {group!r}", rule, f"{len(found)} rules")
        return found[0]

    def schedule(self, parameter: str = "lr", group: str | None = None) -> Schedule:
        """Returns the schedule of the core that drives a hyper-parameter of a group, on the plan's clock.

        Raises:
            GlidepathError: If no rule drives it, or the text needs a horizon that is unknown.
        """
        made = self.resolution[0][self.rules.index(self.rule(parameter, group))]
        if made is None:
            raise GlidepathError(self.unknown)
        return made

    def schedules(self) -> tuple[Schedule, ...]:
        """Returns the schedule of each rule.

        Raises:
            GlidepathError: If a text needs a horizon that is unknown.
        """
        if self.unknown:
            raise GlidepathError(self.unknown)
        return tuple(schedule for schedule in self.resolution[0] if schedule is not None)

    @cached_property
    def driven(self) -> tuple[Rule, ...]:
        """The rules as a driver needs them: with the schedules that they come to, and absolute where those are.

        Raises:
            GlidepathError: If a text needs a horizon that is unknown.
        """
        pairs = zip(self.rules, self.schedules(), strict=True)
        return tuple(rule.replace(schedule=s, absolute=rule.absolute or s.absolute) for rule, s in pairs)

    # What happens in the run ----------------------------------------------------------------------------------------------------------

    def begin(self) -> Progress:
        """Returns the progress before the first update."""
        return Progress(states=tuple(part.controller.begin() for part in self.feedback))

    def position(self, progress: Progress | None = None, **units: float) -> float:
        """Returns where a run is on the plan's clock.

        Args:
            progress: What has happened.
            units: One count by its unit in place of it: `updates`, `samples`, `tokens` or `epochs`.

        Raises:
            GlidepathError: If the count has no unit, or one that cannot be converted to the plan's clock.
        """
        where = f"plan in {self.clock}"
        if isinstance(progress, Progress) and not units:
            if self.clock in COUNTS:
                return getattr(progress, self.clock)
            units = {"updates": progress.updates}
        elif progress is not None or len(units) != 1:
            rule = "given as a Progress, or as one count with its unit (updates=500)"
            raise GlidepathError.of(where, "progress", rule, units if progress is None else progress)
        ((unit, count),) = units.items()
        if unit not in CLOCKS:
            raise GlidepathError.of(where, "progress", "given in updates, samples, tokens or epochs", unit)
        amount = Fraction(taken(where, unit, count, Position))
        check = Check(lambda _: self.derived.convert(amount, unit, self.clock))
        exact = taken(where, "progress", f"{count} {unit}", check)
        whole = self.clock == "epochs" or exact.denominator == 1
        return math.floor(exact) if whole else float(exact)

    def value(
        self,
        progress: Progress | None = None,
        parameter: str = "lr",
        group: str | None = None,
        base: float = 1.0,
        **units: float,
    ) -> float:
        """Returns the value that the next update uses: base times schedule times the controllers' multipliers, and not below the floor.

        Args:
            progress: What has happened.
            parameter: The hyper-parameter.
            group: The group's name; None for one without.
            base: The group's base value.
            units: One count by its unit in place of the progress, such as `updates=500`; no controller has then decided anything.

        Raises:
            GlidepathError: If the position, the parameter or the group is refused.
        """
        at, states = self.position(progress, **units), progress.states if isinstance(progress, Progress) else ()
        rule, schedule = self.rule(parameter, group), self.schedule(parameter, group)
        made = steered(self, schedule(at), at, states, parameter, group)
        for other in self.driven if rule.over is not None else ():
            if other.parameter == rule.over and other.matches(group):
                made = apart(self, made, other, at, states, group)
        made = made if rule.absolute or schedule.absolute else base * made
        return made if rule.floor is None else max(made, rule.floor)

    def observe(self, progress: Progress, monitor: str, observation: Any) -> tuple[Progress, tuple[Decision, ...]]:
        """Returns the progress after a measurement of a metric, and what the controllers that listen to it decided.

        Args:
            progress: What has happened.
            monitor: The metric's name.
            observation: A number, whose id is then the count of updates; or as `Controller.observe` takes it.

        Raises:
            GlidepathError: If nobody listens to it, or a controller refuses it.
        """
        if all(part.monitor != monitor for part in self.feedback):
            known = ", ".join(sorted({part.monitor for part in self.feedback})) or "none"
            raise GlidepathError.of("plan", "monitor", f"one that a controller listens to ({known})", monitor)
        at, seen = self.position(progress), None
        if observation is not None:
            seen = replace(Observation.of(observation, progress.updates), at=at)
        states, decisions = list(progress.states or self.begin().states), list[Decision]()
        for i, part in enumerate(self.feedback):
            if part.monitor != monitor:
                continue
            start = starts_at(self, part.after)
            if seen is not None and at < start:
                reason = f"at {at:g}, before this controller's phase begins at {start:g}: nothing changes"
                decisions.append(Decision(seen.id, "held", part.controller.multiplier(states[i], at), reason))
                continue
            try:
                states[i], decision = part.controller.observe(states[i], seen)
            except GlidepathError as error:
                raise error.inside(f"feedback[{i}], {monitor}") from None
            decisions.append(decision)
        return replace(progress, states=tuple(states)), tuple(decisions)

    def cooldown_from(self, progress: Progress | int, length: int | str, **options: Any) -> Plan:
        """Returns the plan that falls to a floor from `progress` on, within `length`: see `glidepath.plan.cooldown_from`."""
        from .replan import cooldown_from

        return cooldown_from(self, progress, length, **options)

    def extend(self, total: int | str | Plan, progress: Progress | int = 0, **options: Any) -> Plan:
        """Returns the plan for a longer run: see `glidepath.plan.extend`."""
        from .replan import extend

        return extend(self, total, progress, **options)

    def batch_size(self, position: int) -> int | None:
        """Returns the samples of an update that begins at a position of the plan's clock; None if it is unknown."""
        found = [stage.size for stage in self.stages if stage.begin <= position]
        return found[-1] if found else self.derived.samples_per_update

    # As data --------------------------------------------------------------------------------------------------------------------------

    def to_dict(self) -> dict[str, Any]:
        """Returns the plan as JSON data."""
        return {"glidepath": FORMAT} | super().to_dict()

    @classmethod
    @one_document()
    def from_dict(cls, data: Any) -> Plan:
        """Returns the plan that JSON data describes.

        Raises:
            GlidepathError: With every problem found and the path of each.
        """
        if not isinstance(data, dict):
            raise GlidepathError.of("plan", "", "an object with rules", data)
        version = data.get("glidepath", FORMAT)
        if isinstance(version, bool) or version != FORMAT:
            raise GlidepathError.of("plan", "glidepath", f"{FORMAT}, the version of the format", version)
        return cls(**worded({key: value for key, value in data.items() if key != "glidepath"}, "plan"))

    @classmethod
    def of(cls, given: Any) -> Plan:
        """Returns the plan that is given as itself, as JSON data, or as YAML or JSON text."""
        if isinstance(given, cls):
            return given
        if isinstance(given, str):
            from .given import any_data_of_text

            given = any_data_of_text(given)
        return cls.from_dict(given)

    def to_yaml(self) -> str:
        """Returns the plan as YAML."""
        from .given import yaml_of

        return yaml_of(self.to_dict())

    __str__ = to_yaml

    def looks(self, view: Any) -> Any:
        """Returns a figure of what drives the groups over the run: the first rule's hyper-parameter above, the others below."""
        first = self.rules[0].parameter
        rows: list[dict[str, Schedule]] = [{}, {}]
        for rule, schedule in zip(self.rules, self.schedules(), strict=True):
            row = rows[rule.parameter != first]
            if len(row) < _MOST_SHOWN:
                row[f"{rule.title}: {schedule}"] = schedule
        others = {rule.parameter for rule in self.rules} - {first}
        return view.figure(
            rows[0],
            steps=self.total,
            axis=view.Axis("step" if self.clock == "updates" else self.clock.removesuffix("s")),
            title=self.name or None,
            below=rows[1] or None,
            below_unit=others.pop().replace("_", " ") if len(others) == 1 else "value",
        )

    @cached_property
    def fingerprint(self) -> str:
        """A SHA-256 in hexadecimal of what decides about values: everything but the name and the history."""
        data = {key: value for key, value in self.to_dict().items() if key not in ("name", "history")}
        return digest(data)
