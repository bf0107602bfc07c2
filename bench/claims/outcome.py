"""Outcomes: what came of a claim, as a value that turns into JSON and back."""

from __future__ import annotations

import json
from typing import Literal

from glidepath.core import GlidepathError
from glidepath.lab.plain import Plain, plain

from .criteria import Checked


@plain(kw_only=True)
class ChosenRate:
    """The peak rate that a schedule or method got.

    Args:
        row: Its name.
        peak_rate: The rate.
        edge: Whether that is the lowest or the highest of the grid.
    """

    row: str
    peak_rate: float
    edge: Literal["lowest", "highest"] | None = None


@plain(kw_only=True)
class Verdict:
    """One criterion and its checks.

    Args:
        rule: The criterion in words.
        checks: Each has to pass.
    """

    rule: str
    checks: tuple[Checked, ...]


@plain(kw_only=True)
class TrialOutcome:
    """What one trial of a claim came to.

    Args:
        title: What was run.
        grid: Peak rates tried; empty where none was.
        rates: What each schedule or method got of them.
        verdicts: One a criterion.
        data_sha256: Hash of the data; None where there are none.
        versions: Of python, torch and others, as the records say.
        machines: Machines, as the records say.
        cpu_seconds: Processor time of all runs; None where it was not recorded.
        skipped: Why it was not tried; empty where it was.
    """

    title: str
    grid: tuple[float, ...]
    rates: tuple[ChosenRate, ...]
    verdicts: tuple[Verdict, ...]
    data_sha256: str | None
    versions: dict[str, str]
    machines: tuple[str, ...]
    cpu_seconds: float | None
    skipped: str = ""

    @property
    def checks(self) -> tuple[Checked, ...]:
        """The checks of all criteria."""
        return tuple(check for verdict in self.verdicts for check in verdict.checks)

    @property
    def passed(self) -> bool:
        """Whether every check passed."""
        return all(check.passed for check in self.checks)


@plain(kw_only=True)
class Outcome(Plain):
    """What came of a claim.

    Args:
        claim: Its name.
        statement: What was claimed.
        source: Where.
        form: Whether it was run whole or in its short form.
        first_seed: The first seed; the others follow it.
        declared_seeds: Whether those are the seeds of the declaration.
        date: When the outcome was written, in UTC, as ISO 8601.
        trials: One a trial.
    """

    claim: str
    statement: str
    source: str
    form: Literal["whole", "short"]
    first_seed: int
    declared_seeds: bool
    date: str
    trials: tuple[TrialOutcome, ...]

    @property
    def passed(self) -> bool:
        """Whether every check of every trial passed, and there was one."""
        return self.tried and all(trial.passed for trial in self.trials)

    @property
    def tried(self) -> bool:
        """Whether anything was checked: what a trial needs may not be at hand."""
        return bool(self.checks)

    @property
    def checks(self) -> tuple[Checked, ...]:
        """The checks of all trials."""
        return tuple(check for trial in self.trials for check in trial.checks)

    @property
    def sentence(self) -> str:
        """The outcome in one sentence, with what failed or was skipped."""
        skipped = "; ".join(f"{trial.title}: {trial.skipped}" for trial in self.trials if trial.skipped)
        if not self.tried:
            return f"{self.claim} not tried: {skipped}."
        failed: list[str] = []
        for trial in self.trials:
            names = " and ".join(check.subject for check in trial.checks if not check.passed)
            failed += [f"{names} ({trial.title})"] if names else []
        held, count = sum(check.passed for check in self.checks), len(self.checks)
        told = f"{self.claim} reproduced: all {count} checks hold."
        if failed:
            fails = "; ".join(failed)
            told = f"{self.claim} not reproduced: {held} of {count} checks hold; those that fail: {fails}."
        return told + (f" Skipped: {skipped}." if skipped else "")

    def to_json(self) -> str:
        """The outcome as an indented JSON text."""
        data = {"passed": self.passed, "sentence": self.sentence, **self.to_dict()}
        return json.dumps(data, indent=1, allow_nan=False, ensure_ascii=False) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Outcome:
        """The outcome that `to_json` wrote.

        Args:
            text: JSON.

        Raises:
            GlidepathError: If it is no JSON, or a field is missing, unknown or breaks its rule.
        """
        try:
            data = json.loads(text)
            told = {name: data.pop(name) for name in ("passed", "sentence")}
        except (ValueError, KeyError, AttributeError, TypeError) as error:
            raise GlidepathError.worded("outcome", "text", "the JSON of an outcome", str(error)) from None
        outcome = super().from_json(json.dumps(data))
        if told != {"passed": outcome.passed, "sentence": outcome.sentence}:
            raise GlidepathError.of("outcome", "passed and sentence", "what its checks amount to", told)
        return outcome
