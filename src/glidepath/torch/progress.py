"""How much has happened, what was declared about it, and what is told of it: what a scheduler and the hooks share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, NamedTuple

from ..plan import Plan, Progress

__all__ = ["Applied", "ForeignWrite", "ForeignWriteWarning", "OverrunWarning"]


class Applied(NamedTuple):
    """A value that an update was made with.

    Args:
        update: The update, counted from 0.
        group: The group's name, or its number as text.
        parameter: The hyper-parameter, such as `lr`.
        value: The value applied, in the unit of the hyper-parameter.
    """

    update: int
    group: str
    parameter: str
    value: float


class ForeignWrite(NamedTuple):
    """A value that somebody else wrote into a group, noticed right before an update.

    Args:
        update: The update that was about to be made, counted from 0.
        group: The group's name, or its number as text.
        parameter: The hyper-parameter.
        value: What was found.
        expected: What the scheduler had written.
        policy: What became of it: `restore`, `adopt` or `refuse`.
    """

    update: int
    group: str
    parameter: str
    value: float
    expected: float
    policy: str

    def __str__(self) -> str:
        became = {"restore": "the schedule goes on", "adopt": "the group goes on from it", "refuse": "refused"}
        said = f"{self.parameter} of group {self.group} was {self.value!r} before update {self.update}"
        return f"{said}, not the {self.expected!r} that its schedule had written: {became[self.policy]}"


class ForeignWriteWarning(UserWarning):
    """Somebody else wrote a value that a schedule drives; given once for each group and hyper-parameter."""


class OverrunWarning(UserWarning):
    """A run went on past the end of its schedules, whose last values are held; given once."""


Event = Applied | ForeignWrite
Foreign = Literal["restore", "adopt", "refuse"]


# what has happened, and with it what a copy knows
PROGRESS = ("updates", "samples", "tokens", "states", "scales", "stated")
KNOWN = (*PROGRESS, "placed", "past", "dummied", "at", "now", "promise")


class Attachment:
    """The plan and the progress of one attachment, to one optimizer or to several.

    An update is made of one or more calls of `step()`: of several optimizers, or of one optimizer whose groups are stepped in turn. A
    parameter is updated once an update, so that an update ends where the first parameter of a group, or an optimizer, is met again.

    Args:
        plan: The plan.
        foreign: What becomes of a value that somebody else wrote.
        batch: The samples and the tokens of an update, where they are neither counted nor known from the plan; 0 for unknown.
        rebase: Whether the groups' present values are their bases, whatever bases they carry.
        tensors: Whether learning rates become tensors.
        scale_key: The key of the groups that their rates are multiplied by.
    """

    def __init__(
        self, plan: Plan, foreign: Foreign, batch: tuple[int, int], rebase: bool, tensors: bool, scale_key: str | None
    ) -> None:
        self.plan, self.rules = plan, plan.driven
        self.foreign: Foreign = foreign
        self.end = max(rule.complete.duration for rule in self.rules)  # what is beyond it is told of once
        self.batch, self.rebase, self.tensors, self.scale_key = batch, rebase, tensors, scale_key
        self.updates = self.samples = self.tokens = 0
        self.states = plan.begin().states
        self.scales = [1.0] * len(self.rules)
        self.stated: dict[str, int] = {}  # what `count` said of the coming update
        self.ahead = False  # between updates the groups hold the values of the coming one, not those last used
        self.armed = False  # a value was written for an update that is not counted yet
        self.placed = False  # where the run is was said, by a state or by `seek`
        self.past = ""  # the sign that an optimizer has made updates before the first of this run
        self.dummied = False  # somebody made the optimizer's state by a step that was none
        self.several = False  # optimizers
        # The update under way, where it may be made of several calls:
        self.seen: set[int] = set()  # who was called in it
        self.at: float = 0  # its position on the plan's clock
        self.now = self.states  # what its controllers say
        self.counted = self.consumed = self.slow = False
        self.supports_scaling = False  # the optimizer skips inside its kernel, and tells by `found_inf`
        # a `found_inf` on its way from the GPU: whose, its copy, and the event
        self.late: tuple[Any, Any, Any] | None = None
        self.listeners: list[Callable[[Any], object]] = []
        self.deciders: list[Callable[[Any], object]] = []
        self.steppers: list[Callable[[int], object]] = []
        self.warned: set[tuple[str, str]] = set()
        # After a resume: the updates done, and the policy; an optimizer's state may be loaded later, and must fit.
        self.promise: tuple[int, str] | None = None
        self.moved = ""  # how a state that was loaded since does not
        self.note()

    def note(self) -> None:
        """Finds out whether an update needs more than to be counted."""
        horizon = self.plan.horizon
        figures = any(self.batch) or horizon.batch is not None or self.plan.batch is not None
        self.special = bool(self.listeners or self.steppers or figures or self.supports_scaling)
        self.plain = self.plan.clock == "updates" and not self.plan.feedback and not self.several

    def tell(self, event: Event) -> None:
        """Hands an event to everybody who asked for it."""
        for listener in tuple(self.listeners):
            listener(event)

    @property
    def progress(self) -> Progress:
        """What has happened before the coming update."""
        samples, tokens = self.samples - self.stated.get("samples", 0), self.tokens - self.stated.get("tokens", 0)
        return Progress(self.updates, samples, tokens, self.states)

    def position(self) -> float:
        """Returns where the coming update is made on the plan's clock."""
        clock = self.plan.clock
        if clock == "updates":
            return self.updates
        if clock == "epochs":
            return self.plan.position(updates=self.updates)
        return getattr(self, clock) - self.stated.get(clock, 0)

    def last(self) -> float:
        """Returns where the last update was made on the plan's clock."""
        return self.updates - 1 if self.plain else self.at

    def place(self) -> None:
        """Is between two updates, where somebody has said that the run is."""
        self.placed, self.armed, self.late, self.seen = True, False, None, set()
        self.at, self.now = self.position(), self.states

    def begin(self) -> None:
        """Begins an update."""
        self.seen, self.counted, self.consumed = set(), False, False
        self.at, self.now = self.position(), self.states

    def consume(self) -> None:
        """Counts what an update consumed: what `count` said, else what is known of one."""
        stated, each = self.stated, self.plan.derived.tokens_per_sample
        self.stated = {}
        if stated and any(self.batch):
            return
        if "samples" not in stated:
            at = self.updates if self.plain else self.at
            size = 0 if any(self.batch) else self.plan.batch_size(int(at)) or 0
            if "tokens" in stated and each:
                size = stated["tokens"] // each
            self.samples += self.batch[0] or size
            stated = {"samples": self.batch[0] or size} | stated
        if "tokens" not in stated:
            self.tokens += self.batch[1] or stated["samples"] * (each or 0)
