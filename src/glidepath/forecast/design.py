"""The cooldown that the laws like best: shape, length and when to start. Near the best, found without a grid of trainings."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from ..core import Checks, GlidepathError, Problem, Schedule, Shown, parse
from ..core.fields import Steps
from .fit import Comparison, Forecast, Laws

_WORDS = "linear({n})|one_minus_sqrt({n})|cosine({n})|polynomial({n}, 1.5)|polynomial({n}, 2)|sqrt({n})"
_SHAPES = _WORDS.split("|")
_SHARES = (0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8)


@dataclass(frozen=True)
class Option:
    """One cooldown.

    Args:
        schedule: The whole schedule, as text.
        start: Updates before it begins.
        length: Its updates.
        loss: What it ends with.
        low: Lower end of the 90 % interval.
        high: Upper end.
        spread: What the laws differ by.
    """

    schedule: str
    start: int
    length: int
    loss: float
    low: float
    high: float
    spread: float


@dataclass(frozen=True)
class Design(Shown):
    """The cooldown to take.

    Args:
        chosen: The one.
        updates: Length of the whole run.
        made: Updates that are made already.
        against: The plan of today, as text.
        gain: The chosen minus that plan.
        starts: For each start the best shape, the earliest first.
        set_aside: How many cooldowns were lower by the median and set aside, since the laws do not agree on them.
    """

    chosen: Option
    updates: int
    made: int
    against: str
    gain: Comparison
    starts: tuple[Option, ...]
    set_aside: int

    @property
    def schedule(self) -> str:
        """The schedule, as text."""
        return self.chosen.schedule

    def to_dict(self) -> dict[str, Any]:
        """Returns plain JSON data."""
        return asdict(self) | {"told": self.gain.told}

    def looks(self, view: Any) -> Any:
        """Returns a figure of the cooldown and of the plan of today."""
        return view.figure({text: parse(text) for text in (self.schedule, self.against)}, steps=self.updates)

    def __str__(self) -> str:
        one = self.chosen
        gain = str(self.gain).replace("the first ends", "it ends").replace("the second ends", "that one ends")
        lines = [
            f"near the best, without a grid: {one.schedule}",
            f"ends with {one.loss:.4f} ({one.low:.4f} to {one.high:.4f}) after {self.updates:,} updates",
            f"against {self.against}: {gain}",
        ]
        for each in self.starts:
            when = "" if not self.made else "now, " if each.start == self.made else "later, "
            shape = each.schedule.rpartition(">> ")[2]
            ends = f"{each.loss:.4f} ± {each.high - each.loss:.4f}"
            lines.append(f"  cool down {when}from {each.start:>9,} for {each.length:>9,} updates: {ends}  {shape}")
        aside = f"{self.set_aside} cooldowns with lower forecasts were set aside: the laws do not agree on them"
        return "\n".join([*lines, *([aside] if self.set_aside else [])])


def design(
    laws: Laws,
    *,
    steps: int | None = None,
    at: int = 0,
    warmup: int | None = None,
    against: Schedule | str | None = None,
) -> Design:
    """Returns the cooldown with the lowest forecast among shapes and starts, where the laws agree on it.

    Args:
        laws: Fitted to the logs of this run, or of one like it.
        steps: Updates of the whole run; None for those of the longest log.
        at: Updates that are made already: no cooldown begins earlier.
        warmup: Updates of warmup; None for the first log's.
        against: The plan of today; None for a linear cooldown over the last fifth.

    Raises:
        GlidepathError: If an argument breaks its rule, a length is out of the laws' reach, or the laws agree on no cooldown.
    """
    checks = Checks("design")
    total = checks.take("steps", laws.updates if steps is None else steps, Steps)
    at, rise = checks.take("at", at, Steps), checks.take("warmup", laws.warmup if warmup is None else warmup, Steps)
    got = f"{total:,} updates, {at:,} of them made, {rise:,} of warmup"
    if not checks.problems and total <= max(at, rise) + 1:
        checks.problems.append(Problem("design", "steps", "longer than what is made and the warmup", got))
    checks.done()
    begin = max(at, rise)
    starts = sorted({max(begin, total - round(share * total)) for share in _SHARES} | ({begin} if at else set()))
    found = [_option(laws, rise, start, total, shape) for start in starts if start < total for shape in _SHAPES]
    half = found[0].high - found[0].loss
    agreed = [one for one in found if one.spread <= half]
    best = min(found, key=lambda one: one.loss)
    if not agreed:
        remedy = f"log a run of {best.schedule}, or shorter ones of its kind: that is what the laws differ on"
        got = f"{best.spread:.4f} on {best.schedule}, which the median likes best"
        raise GlidepathError.worded("design", "laws", f"to differ by at most {half:.4f} on a cooldown", got, remedy)
    chosen = min(agreed, key=lambda one: one.loss)
    today = against if against is not None else _text(rise, total - max(1, total // 5), total, _SHAPES[0])
    plan = parse(today) if isinstance(today, str) else today
    by_start = {one.start: one for one in sorted(agreed, key=lambda one: -one.loss)}  # the lowest comes last
    gain, ordered = laws.compare(chosen.schedule, plan, steps=total), tuple(one for _, one in sorted(by_start.items()))
    return Design(chosen, total, at, str(plan), gain, ordered, sum(one.loss < chosen.loss for one in found))


def _text(rise: int, start: int, total: int, shape: str) -> str:
    parts = [f"warmup({rise})"] * bool(rise) + [f"hold({start - rise})"] * (start > rise)
    return " >> ".join([*parts, shape.format(n=total - start)])


def _option(laws: Laws, rise: int, start: int, total: int, shape: str) -> Option:
    text = _text(rise, start, total, shape)
    made: Forecast = laws.final(text)
    each = list(made.laws.values())
    return Option(text, start, total - start, made.loss, made.low, made.high, max(each) - min(each))
