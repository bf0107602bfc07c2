"""How long a run is, what an update consumes, and what follows: counts, lengths from one unit into another, and how they were derived."""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Annotated, Any, Literal

from ..core import GlidepathError, kind
from ..core.fields import MAX_STEPS, Broken, Flag, Length, choice
from .duration import Duration, Span, plural, written
from .rules import Part

Clock = Literal["updates", "samples", "tokens", "epochs"]
CLOCKS = ("updates", "samples", "tokens", "epochs")


@dataclass(frozen=True)
class Stage:
    """A stretch of the run with one batch size.

    Args:
        begin: Where it begins, on the plan's clock.
        size: Samples of an update, over all processes.
    """

    begin: int
    size: int


@dataclass(frozen=True)
class Derived:
    """What follows from a horizon. None is unknown.

    Args:
        updates: Optimizer updates of the whole run.
        samples: Samples that they see, over all processes, repeated ones included.
        tokens: Tokens that they see.
        epochs: Passes through the data.
        updates_per_epoch: Updates of one pass.
        samples_per_epoch: Samples that the updates of one pass see.
        samples_per_update: Samples of a full update.
        tokens_per_sample: Tokens of a sample.
        lines: The derivation, a sentence each.
        stages: Batch sizes, where they change.
        length: The length that was given.
    """

    updates: int | None = None
    samples: int | None = None
    tokens: int | None = None
    epochs: Fraction | None = None
    updates_per_epoch: Fraction | None = None
    samples_per_epoch: int | None = None
    samples_per_update: int | None = None
    tokens_per_sample: int | None = None
    lines: tuple[str, ...] = ()
    stages: tuple[Stage, ...] = field(default=(), repr=False)
    length: Duration | None = None

    def total(self, clock: str) -> int | None:
        """Returns the length of the run on a clock; None if it is unknown.

        A budget in samples or tokens is itself on either clock: it does not depend on the batch, though the last update may pass it.
        """
        budget, known = self.length, getattr(self, clock)
        itself = budget is not None and {budget.unit, clock} <= {"samples", "tokens"}
        if budget is not None and itself and (budget.unit == clock or self.tokens_per_sample is not None):
            known = self.convert(budget.amount, budget.unit, clock)
        return None if known is None else math.ceil(known)

    def __str__(self) -> str:
        return "\n".join(self.lines)

    def counted(self, length: Duration, clock: str) -> Fraction:
        """Returns a length on a clock, exactly; nothing for the rest.

        Raises:
            Broken: If its unit cannot be converted, or it is a share of a run of unknown length.
        """
        if length.unit not in ("percent", "rest"):
            return self.convert(length.amount, length.unit, clock)
        if (total := self.total(clock)) is None:
            raise Broken("a share of a run of known length", "give horizon.length, and what it takes to count it")
        return length.amount * total / 100

    # A length in one unit, as a length in another -------------------------------------------------------------------------------------

    def convert(self, amount: Fraction, unit: str, clock: str) -> Fraction:
        """Returns a length of some unit as a length on a clock, exactly.

        Raises:
            Broken: If what it takes to convert is unknown, or changes during the run.
        """
        if unit == clock:
            return amount
        if {unit, clock} == {"updates", "epochs"}:
            each = self._known("updates_per_epoch", unit, clock)
            return amount * each if unit == "epochs" else amount / each
        if "updates" in (unit, clock) and len(self.stages) > 1:
            raise Broken(f"in samples, tokens or epochs where the clock counts {clock} and the batch size changes")
        return amount * self._size(unit, unit, clock) / self._size(clock, unit, clock)

    def _size(self, which: str, unit: str, clock: str) -> Fraction:
        """Returns how many samples one of a unit is."""
        if which == "samples":
            return Fraction(1)
        if which == "tokens":
            return 1 / self._known("tokens_per_sample", unit, clock)
        return self._known("samples_per_epoch" if which == "epochs" else "samples_per_update", unit, clock)

    def _known(self, name: str, unit: str, clock: str) -> Fraction:
        if value := getattr(self, name):
            return Fraction(value)
        needs = {"samples_per_update": "horizon.batch", "tokens_per_sample": "horizon.tokens_per_sample"}
        remedy = f"give {needs.get(name, 'horizon.samples and horizon.batch')}"
        raise Broken(f"in {clock}, or convertible to them: {unit} are not", remedy)

    def first_update(self, clock: str) -> Fraction | None:
        """Returns how far the first update moves a clock; None if it is unknown."""
        count, unit = (self.stages[0].size, "samples") if self.stages and clock != "updates" else (1, "updates")
        with suppress(Broken):
            return self.convert(Fraction(count), unit, clock)
        return None


Split = Annotated[Literal["pad", "drop"], choice("pad", "drop")]
Window = Annotated[Literal["step", "drop", "carry"], choice("step", "drop", "carry")]


@kind("horizon")
class Horizon(Part):
    """How long a run is, and what an update consumes.

    A run of some epochs has as many updates as its loaders yield; a budget in samples or tokens is rounded up, so that the last update
    reaches it; a fraction of an epoch is rounded to the nearest update, halves up.

    Args:
        length: `"3 epochs"`, `"10000 steps"`, `"1e6 samples"` or `"2e9 tokens"`; None if the run has no known end.
        samples: Samples of the data; None for a stream of unknown length.
        batch: Samples that one process takes at once.
        accumulation: Batches that one update accumulates.
        processes: Processes that train together.
        drop_last: Whether an incomplete last batch is left out, as in `DataLoader(drop_last=True)`.
        split: What processes do where samples do not divide evenly: `pad` repeats some, as `DistributedSampler` does; `drop` leaves the
            surplus out, which is also what counts where shares differ and the shortest ends the epoch.
        last_window: What becomes of an incomplete accumulation at the end of an epoch: `step` updates with what is there, `drop` forgets it,
            `carry` goes on in the next epoch.
        tokens_per_sample: Tokens of a sample.

    Examples:
        >>> print(Horizon("3 epochs", samples=1000, batch=32, accumulation=2, processes=2).derived())
        samples of a process: 500 = ceil(1000 samples / 2 processes)
        batches of an epoch: 16 = ceil(500 / batch 32), the last of 20
        updates of an epoch: 8 = ceil(16 / accumulation 2)
        samples of an update: 128 = batch 32 x accumulation 2 x 2 processes
        samples of an epoch: 1000 = 500 x 2 processes
        updates: 24 = 3 epochs x 8
        samples: 3000
        epochs: 3
    """

    length: Span | None = None
    samples: Length | None = None
    batch: Length | None = None
    accumulation: Length = 1
    processes: Length = 1
    drop_last: Flag = False
    split: Split = "pad"
    last_window: Window = "step"
    tokens_per_sample: Length | None = None

    def derived(self, stages: Sequence[Stage] = (), clock: str = "updates") -> Derived:
        """Returns what follows from it.

        Args:
            stages: Batch sizes over the run, where they change; `batch` and `accumulation` then say nothing about an update.
            clock: What the stages' beginnings count.

        Raises:
            GlidepathError: If an epoch has no update, or a number passes the largest exact step.
        """
        return _Derivation(self, tuple(stages), clock).done()


class _Derivation:
    """Derives one horizon; writes down how.

    Args:
        horizon: What is given.
        stages: Batch sizes over the run, where they change.
        clock: What the stages' beginnings count.
    """

    def __init__(self, horizon: Horizon, stages: tuple[Stage, ...], clock: str) -> None:
        self.h, self.stages, self.clock = horizon, stages, clock
        self.length = None if horizon.length is None else Duration.parse(horizon.length)
        self.lines: list[str] = []
        self.windows: Fraction | None = None
        self.per_update: int | None = None
        self.per_epoch: int | None = None

    def _say(self, name: str, value: Any, how: str = "") -> Any:
        text = written(value) if isinstance(value, Fraction) else str(value)
        self.lines.append(f"{name}: {text}{' = ' if how else ''}{how}")
        return value

    def _unknown(self, why: str) -> tuple[None, None]:
        self._say("updates", f"unknown: {why}")
        return None, None

    def done(self) -> Derived:
        """Returns what follows."""
        h = self.h
        self._update()
        self._epoch()
        updates, samples = self._length()
        for name, value in (("updates", updates), ("samples", samples)):
            if value is not None and value > MAX_STEPS:
                raise GlidepathError.of("horizon", "length", f"at most {MAX_STEPS} {name}", h.length)
        tokens, epochs = None, None
        if self.length is not None and self.length.unit == "epochs":
            epochs = self.length.amount
        elif updates is not None and self.windows:
            epochs = updates / self.windows
        elif samples is not None and self.per_epoch:
            epochs = Fraction(samples, self.per_epoch)
        if updates is not None or samples is not None:
            self._say("samples", "unknown" if samples is None else samples)
            if samples is not None and (each := h.tokens_per_sample) is not None:
                tokens = self._say("tokens", samples * each, f"{samples} x {each} tokens of a sample")
            self._say("epochs", "unknown" if epochs is None else epochs)
        return Derived(
            updates, samples, tokens, epochs, self.windows, self.per_epoch, self.per_update, h.tokens_per_sample,
            tuple(self.lines), self.stages, self.length,
        )  # fmt: skip

    def _update(self) -> None:
        h, name = self.h, "samples of an update"
        if len(self.stages) > 1:
            first, last = self.stages[0], self.stages[-1]
            self._say(name, f"{first.size} at first, {last.size} at last, in {len(self.stages)} stages")
        elif self.stages:
            self.per_update = self._say(name, self.stages[0].size, "the batch size of the plan")
        elif h.batch is not None:
            how = f"batch {h.batch} x accumulation {h.accumulation} x {plural(h.processes, 'process')}"
            self.per_update = self._say(name, h.batch * h.accumulation * h.processes, how)
        else:
            self._say(name, "unknown: horizon.batch is not given")

    def _epoch(self) -> None:
        h, name = self.h, "updates of an epoch"
        if h.samples is None:
            return self._say(name, "unknown: the number of samples is not given (streaming data)")
        if self.stages:
            self.per_epoch = self._say("samples of an epoch", h.samples)
            self.windows = Fraction(h.samples, self.stages[0].size) if len(self.stages) == 1 else None
            return None
        if h.batch is None:
            return self._say(name, "unknown: horizon.batch is not given")
        update_line = self.lines.pop()
        share, word = _divided(h.samples, h.processes, h.split == "pad")
        self._say("samples of a process", share, f"{word}({h.samples} samples / {plural(h.processes, 'process')})")
        (micro, word), tail = _divided(share, h.batch, not h.drop_last), share % h.batch
        last = "" if not tail else f", the last {tail} dropped" if h.drop_last else f", the last of {tail}"
        self._say("batches of an epoch", micro, f"{word}({share} / batch {h.batch}){last}")
        seen = min(share, micro * h.batch)
        if h.last_window == "carry":
            how = f"{micro} / accumulation {h.accumulation}, carried over"
            self.windows = self._say(name, Fraction(micro, h.accumulation), how)
        else:
            windows, word = _divided(micro, h.accumulation, h.last_window == "step")
            self.windows = self._say(name, Fraction(windows), f"{word}({micro} / accumulation {h.accumulation})")
            seen = min(seen, windows * h.accumulation * h.batch)
        self.lines.append(update_line)
        how = f"{seen} x {plural(h.processes, 'process')}"
        self.per_epoch = self._say("samples of an epoch", seen * h.processes, how)
        if self.windows == 0:
            remedy = "drop_last, split or last_window leave none: lower the batch or the accumulation"
            raise GlidepathError.of("horizon", "samples", "enough for an update in an epoch", h.samples, remedy)
        return None

    def _length(self) -> tuple[int | None, int | None]:
        """Returns updates and samples of the run."""
        length, per_sample = self.length, self.h.tokens_per_sample
        if length is None:
            return self._unknown("no length is given; give horizon.length, such as '3 epochs' or '10000 steps'")
        amount, unit = length.amount, length.unit
        if unit == "tokens":
            if per_sample is None:
                self._say("samples", "unknown: horizon.tokens_per_sample is not given")
                return self._unknown("a budget of tokens needs horizon.tokens_per_sample")
            how, unit = f"ceil({length} / {per_sample} tokens of a sample)", "samples"
            amount = Fraction(self._say("samples in the budget", math.ceil(amount / per_sample), how))
        if unit == "epochs" and self.per_epoch is None:
            return self._unknown(f"{length} of data of unknown length")
        if len(self.stages) > 1:
            return self._staged(amount, unit)
        windows = self.windows or Fraction(0)
        if unit == "updates":
            updates = math.ceil(amount)
            how = "as given" if amount == updates else f"ceil({length})"
        elif unit == "epochs":
            exact = amount * windows
            down = self.h.last_window == "carry" and amount.denominator == 1
            updates = math.floor(exact if down else exact + Fraction(1, 2))
            how = f"{length} x {written(windows)}{'' if exact.denominator == 1 else ', rounded'}"
        elif self.windows is not None and self.per_epoch is not None:
            full, rest = divmod(math.ceil(amount), self.per_epoch)
            per_update = self.per_update or 1
            # Carried windows are no whole number of updates an epoch: what is left of one fills up with the rest.
            updates = math.ceil(full * windows + Fraction(rest, per_update))
            how = f"ceil({full} epochs x {written(windows)} + {rest} samples / {per_update})"
        elif self.per_update is not None:
            updates = math.ceil(amount / self.per_update)
            how = f"ceil({written(amount)} samples / {self.per_update})"
        else:
            self._unknown("a budget of samples needs horizon.batch")
            return None, math.ceil(amount)
        self._say("updates", updates, how)
        return updates, self._samples(updates)

    def _samples(self, updates: int) -> int | None:
        """Returns the samples that some updates see."""
        h = self.h
        if self.stages or h.samples is None or h.batch is None or self.windows is None or self.per_epoch is None:
            return None if self.per_update is None else updates * self.per_update
        share = self.per_epoch // h.processes
        if h.last_window == "carry":
            full, rest = divmod(updates * h.accumulation, int(self.windows * h.accumulation))
        else:
            full, rest = divmod(updates, int(self.windows))
            rest *= h.accumulation
        return h.processes * (full * share + min(share, rest * h.batch))

    def _staged(self, amount: Fraction, unit: str) -> tuple[int | None, int | None]:
        """Counts updates and samples through the stages of the batch size."""
        if unit == "epochs":
            amount, unit = amount * (self.per_epoch or 0), "samples"
        goal, epoch = math.ceil(amount), self.per_epoch
        # How far a sample moves the clock.
        scale = {"tokens": self.h.tokens_per_sample, "epochs": epoch and Fraction(1, epoch)}.get(self.clock, 1)
        if scale is None:
            return self._unknown(f"stages in {self.clock} need horizon.tokens_per_sample and samples")
        updates = samples = 0
        for stage, end in zip(self.stages, [*(stage.begin for stage in self.stages[1:]), None], strict=True):
            left = (goal - updates) if unit == "updates" else -(-(goal - samples) // stage.size)
            if end is not None:
                here = (end - samples * scale) / Fraction(stage.size * scale)
                left = min(left, end - updates if self.clock == "updates" else math.ceil(here))
            updates, samples = updates + max(0, left), samples + max(0, left) * stage.size
        self._say("updates", updates, f"counted through the stages, up to {written(Fraction(goal))} {unit}")
        return updates, samples


def _divided(n: int, by: int, up: bool) -> tuple[int, str]:
    return (-(-n // by), "ceil") if up else (n // by, "floor")
