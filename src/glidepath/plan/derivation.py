"""The derivation of a horizon, line by line."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from ..core.errors import GlidepathError
from ..core.fields import MAX_STEPS
from .derived import Derived, Stage
from .duration import Duration, written

if TYPE_CHECKING:
    from .horizon import Horizon

__all__ = ["Derivation"]


class Derivation:
    """Derives one horizon; writes down how.

    Args:
        horizon: What is given.
        stages: Batch sizes over the run, where they change.
        clock: What the stages' beginnings count.
    """

    def __init__(self, horizon: Horizon, stages: tuple[Stage, ...], clock: str) -> None:
        self.h, self.stages, self.clock = horizon, stages, clock
        self.lines: list[str] = []
        self.windows: Fraction | None = None
        self.per_update: int | None = None
        self.per_epoch: int | None = None

    def _say(self, name: str, value: Any, how: str = "") -> None:
        text = written(value) if isinstance(value, Fraction) else str(value)
        self.lines.append(f"{name}: {text}{' = ' if how else ''}{how}")

    def done(self) -> Derived:
        """Returns what follows."""
        h = self.h
        self._update()
        self._epoch()
        length = None if h.length is None else Duration.parse(h.length)
        if length is None:
            self.lines.append(
                "updates: unknown: no length is given; give horizon.length, such as '3 epochs' or '10000 steps'"
            )
            return self._result(None, None)
        updates, samples = self._length(length)
        for name, value in (("updates", updates), ("samples", samples)):
            if value is not None and value > MAX_STEPS:
                raise GlidepathError.of("horizon", "length", f"at most {MAX_STEPS} {name}", h.length)
        return self._result(updates, samples)

    def _update(self) -> None:
        h = self.h
        if len(self.stages) > 1:
            sizes = f"{self.stages[0].size} at first, {self.stages[-1].size} at last, in {len(self.stages)} stages"
            self.lines.append(f"samples of an update: {sizes}")
        elif self.stages:
            self.per_update = self.stages[0].size
            self._say("samples of an update", self.per_update, "the batch size of the plan")
        elif h.batch is not None:
            self.per_update = h.batch * h.accumulation * h.processes
            how = f"batch {h.batch} x accumulation {h.accumulation} x {_count(h.processes, 'process')}"
            self._say("samples of an update", self.per_update, how)
        else:
            self.lines.append("samples of an update: unknown: horizon.batch is not given")

    def _epoch(self) -> None:
        h = self.h
        if h.samples is None:
            self.lines.append("updates of an epoch: unknown: the number of samples is not given (streaming data)")
            return
        if self.stages:
            self.per_epoch = h.samples
            self._say("samples of an epoch", h.samples)
            if len(self.stages) == 1:
                self.windows = Fraction(h.samples, self.stages[0].size)
            return
        if h.batch is None:
            self.lines.append("updates of an epoch: unknown: horizon.batch is not given")
            return
        update_line = self.lines.pop()
        share = -(-h.samples // h.processes) if h.split == "pad" else h.samples // h.processes
        what = "ceil" if h.split == "pad" else "floor"
        self._say("samples of a process", share, f"{what}({h.samples} samples / {_count(h.processes, 'process')})")
        micro = share // h.batch if h.drop_last else -(-share // h.batch)
        tail = share % h.batch
        last = "" if not tail else f", the last {tail} dropped" if h.drop_last else f", the last of {tail}"
        self._say(
            "batches of an epoch", micro, f"{'floor' if h.drop_last else 'ceil'}({share} / batch {h.batch}){last}"
        )
        seen = min(share, micro * h.batch)
        if h.last_window == "carry":
            self.windows = Fraction(micro, h.accumulation)
            self._say("updates of an epoch", self.windows, f"{micro} / accumulation {h.accumulation}, carried over")
        else:
            up = h.last_window == "step"
            windows = -(-micro // h.accumulation) if up else micro // h.accumulation
            self.windows = Fraction(windows)
            self._say(
                "updates of an epoch", windows, f"{'ceil' if up else 'floor'}({micro} / accumulation {h.accumulation})"
            )
            seen = seen if up else min(share, windows * h.accumulation * h.batch)
        self.lines.append(update_line)
        self.per_epoch = seen * h.processes
        self._say("samples of an epoch", self.per_epoch, f"{seen} x {_count(h.processes, 'process')}")
        if self.windows == 0:
            raise GlidepathError.of(
                "horizon", "samples", "enough for an update in an epoch", h.samples,
                "drop_last, split or last_window leave none: lower the batch or the accumulation",
            )  # fmt: skip

    def _length(self, length: Duration) -> tuple[int | None, int | None]:
        """Returns updates and samples of the run."""
        amount, unit = length.amount, length.unit
        if unit == "tokens":
            if self.h.tokens_per_sample is None:
                self.lines.append("samples: unknown: horizon.tokens_per_sample is not given")
                self.lines.append("updates: unknown: a budget of tokens needs horizon.tokens_per_sample")
                return None, None
            budget = math.ceil(amount / self.h.tokens_per_sample)
            self._say(
                "samples in the budget", budget, f"ceil({length} / {self.h.tokens_per_sample} tokens of a sample)"
            )
            amount, unit = Fraction(budget), "samples"
        if unit == "epochs" and self.per_epoch is None:
            self.lines.append(f"updates: unknown: {length} of data of unknown length")
            return None, None
        if len(self.stages) > 1:
            return self._staged(amount, unit)
        if unit == "updates":
            updates = math.ceil(amount)
            self._say("updates", updates, "as given" if amount == updates else f"ceil({length})")
            return updates, self._samples(updates)
        if unit == "epochs":
            updates = _nearest(amount * self._windows()) if self.h.last_window != "carry" or amount.denominator > 1 else (
                math.floor(amount * self._windows())
            )  # fmt: skip
            self._say("updates", updates, f"{length} x {written(self._windows())}{self._rounded(amount)}")
            return updates, self._samples(updates)
        if self.windows is None or self.per_epoch is None:
            if self.per_update is None:
                self.lines.append("updates: unknown: a budget of samples needs horizon.batch")
                return None, math.ceil(amount)
            updates = math.ceil(amount / self.per_update)
            self._say("updates", updates, f"ceil({written(amount)} samples / {self.per_update})")
        else:
            full, rest = divmod(math.ceil(amount), self.per_epoch)
            per_update = self.per_update or 1
            # Carried windows are no whole number of updates an epoch: what is left of one fills up with the rest.
            updates = math.ceil(full * self.windows + Fraction(rest, per_update))
            self._say(
                "updates", updates, f"ceil({full} epochs x {written(self.windows)} + {rest} samples / {per_update})"
            )
        return updates, self._samples(updates)

    def _windows(self) -> Fraction:
        return self.windows or Fraction(0)

    def _rounded(self, epochs: Fraction) -> str:
        exact = epochs * self._windows()
        return "" if exact.denominator == 1 else ", rounded"

    def _samples(self, updates: int) -> int | None:
        """Returns the samples that some updates see."""
        h = self.h
        if self.stages or h.samples is None or h.batch is None or self.windows is None or self.per_epoch is None:
            return None if self.per_update is None else updates * self.per_update
        share = self.per_epoch // h.processes
        if h.last_window == "carry":
            micro = int(self.windows * h.accumulation)
            full, rest = divmod(updates * h.accumulation, micro)
        else:
            full, rest = divmod(updates, int(self.windows))
            rest *= h.accumulation
        return h.processes * (full * share + min(share, rest * h.batch))

    def _staged(self, amount: Fraction, unit: str) -> tuple[int | None, int | None]:
        """Counts updates and samples through the stages of the batch size."""
        if unit == "epochs":
            amount, unit = amount * (self.per_epoch or 0), "samples"
        goal = math.ceil(amount)
        scale = {"samples": 1, "tokens": self.h.tokens_per_sample, "updates": 0, "epochs": self.per_epoch}[self.clock]
        if scale is None:
            self.lines.append(f"updates: unknown: stages in {self.clock} need horizon.tokens_per_sample and samples")
            return None, None
        updates = samples = 0
        for i, stage in enumerate(self.stages):
            end = self.stages[i + 1].begin if i + 1 < len(self.stages) else None
            left = (goal - updates) if unit == "updates" else -(-(goal - samples) // stage.size)
            if end is not None:
                if scale == 0:
                    here = end - updates
                elif self.clock == "epochs":
                    here = -(-(end * scale - samples) // stage.size)
                else:
                    here = -(-(end - samples * scale) // (stage.size * scale))
                left = min(left, max(0, here))
            updates, samples = updates + max(0, left), samples + max(0, left) * stage.size
        self._say("updates", updates, f"counted through the stages, up to {written(Fraction(goal))} {unit}")
        return updates, samples

    def _result(self, updates: int | None, samples: int | None) -> Derived:
        h = self.h
        tokens = None if samples is None or h.tokens_per_sample is None else samples * h.tokens_per_sample
        epochs: Fraction | None = None
        if h.length is not None and Duration.parse(h.length).unit == "epochs":
            epochs = Duration.parse(h.length).amount
        elif updates is not None and self.windows:
            epochs = updates / self.windows
        elif samples is not None and self.per_epoch:
            epochs = Fraction(samples, self.per_epoch)
        if updates is not None or samples is not None:
            self.lines.append("samples: unknown" if samples is None else f"samples: {samples}")
            if tokens is not None:
                self._say("tokens", tokens, f"{samples} x {h.tokens_per_sample} tokens of a sample")
            self.lines.append("epochs: unknown" if epochs is None else f"epochs: {written(epochs)}")
        length = None if h.length is None else Duration.parse(h.length)
        return Derived(
            updates, samples, tokens, epochs, self.windows, self.per_epoch, self.per_update, h.tokens_per_sample,
            tuple(self.lines), self.stages, length,
        )  # fmt: skip


def _nearest(x: Fraction) -> int:
    return math.floor(x + Fraction(1, 2))


def _count(n: int, word: str) -> str:
    plural = word + ("es" if word.endswith("s") else "s")
    return f"{n} {word if n == 1 else plural}"
