"""What a search found, as a value: its trials, the best of them, and what that gained on fresh seeds."""

from __future__ import annotations

import shlex
from collections import Counter
from typing import Literal

from ..plain import plain
from ..report.statistics import Estimate, PairedDifference
from ..report.verdict import number, sized
from .planning import Tabled


@plain()
class SearchTrial:
    """One point of the search.

    Args:
        number: Its number, from 0.
        values: What was searched, by name; lengths as shares of the budget.
        schedule: The schedule as text.
        peak_rate: The base learning rate.
        validation: Last validation metric of each seed it was trained with; None where the run diverged.
        state: `complete`; `pruned` when it was given up after some seeds; `diverged` when a seed diverged; `refused` when
            its values do not go together.
    """

    number: int
    values: dict[str, float | str | bool]
    schedule: str
    peak_rate: float
    validation: tuple[float | None, ...]
    state: Literal["complete", "pruned", "diverged", "refused"]

    @property
    def mean(self) -> float | None:
        """Mean validation metric; None unless complete."""
        kept = [value for value in self.validation if value is not None]
        return sum(kept) / len(kept) if self.state == "complete" and kept else None


@plain(kw_only=True)
class Tuned(Tabled):
    """What a search found.

    Args:
        budget: Optimizer updates of each run.
        space: What was searched, in words.
        trials: Every trial, by number.
        default: Number of the trial of the defaults, the first unless that was interrupted.
        best: Number of the complete trial with the best mean validation metric.
        edges: Parameters whose best value lies at an end of their range, so that a better one may lie outside.
        importance: Share of the validation metric's variation that each parameter explains; empty where too few trials say.
        fresh_seeds: Seeds that the search has not seen.
        test: Test metric of the best on the fresh seeds; None if a run diverged or none was asked for.
        default_test: The same of the defaults.
        gain: Paired difference, the best minus the defaults; None if the best is the defaults, or a run is missing.
    """

    budget: int
    space: tuple[str, ...]
    trials: tuple[SearchTrial, ...]
    default: int
    best: int
    edges: tuple[str, ...]
    importance: dict[str, float]
    fresh_seeds: tuple[int, ...]
    test: Estimate | None
    default_test: Estimate | None
    gain: PairedDifference | None

    @property
    def found(self) -> SearchTrial:
        """The best trial."""
        return self.trials[self.best]

    @property
    def command(self) -> str:
        """The line for the shell that compares what was found with a constant rate."""
        return f"glidepath compare {shlex.quote(self.found.schedule)} -t {self.task} -r {self.found.peak_rate!r} -n {self.budget}"

    def table(self, rows: int = 8) -> str:
        """The best trials, what mattered, and what it gained, as plain text.

        Args:
            rows: How many trials to show.
        """
        done = [trial for trial in self.trials if trial.mean is not None]
        order = sorted(done, key=lambda trial: abs((trial.mean or 0.0) - (self.found.mean or 0.0)))
        counts = Counter(trial.state for trial in self.trials)
        given_up = [f"{counts[state]} {state}" for state in ("pruned", "diverged", "refused") if counts[state]]
        title = f"{self.task}: {len(self.trials)} trials of {self.budget} updates, {len(self.seeds)} seeds"
        lines = [title + (f" ({', '.join(given_up)})" if given_up else ""), *([self.changed] if self.changed else [])]
        lines += ["", f"{'trial':>5}  {'validation':>10}  {'peak rate':>9}  schedule"]
        for trial in order[:rows]:
            mean = number(trial.mean or 0.0, self.unit)
            lines.append(f"{trial.number:>5}  {mean:>10}  {trial.peak_rate:>9.3g}  {trial.schedule}")
        return "\n".join([*lines, "", *(f"- {line}" for line in self.sentences())]) + "\n"

    def sentences(self) -> list[str]:
        """What the search shows and does not, a sentence a finding."""
        shares = ", ".join(f"{name} {100 * share:.0f} %" for name, share in self.importance.items())
        ends = ", ".join(self.edges)
        mattered = f"What mattered to the validation {self.metric}: {shares}."
        outside = f"At an end of its range, so that a better one may lie outside: {ends} (--range)."
        return [self._gained(), *([mattered] if shares else []), *([outside] if ends else [])]

    def _gained(self) -> str:
        if self.best == self.default:
            return f"Nothing tried was better on validation than the defaults (trial {self.default})."
        if self.gain is None or self.test is None or self.default_test is None:
            return "What that gains on test data was not measured: no fresh seeds, or a run of them diverged."
        one = self.gain.estimate
        if one.low is None or one.high is None:
            size = f"{sized(one, self.unit)} {self.unit}"
            return f"On one fresh seed the test {self.metric} differs from the defaults' by {size}: one seed shows nothing."
        means = f"{number(self.test.mean, self.unit)} against {number(self.default_test.mean, self.unit)}"
        ends = "the difference is shown" if one.low > 0 or one.high < 0 else "no difference is shown"
        told = f"On {len(self.fresh_seeds)} fresh seeds the test {self.metric} is {means} of the defaults"
        return f"{told}: {sized(one, self.unit, self.unit)}; {ends}."
