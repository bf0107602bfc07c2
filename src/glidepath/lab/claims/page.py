"""Outcomes for the eye: a plain text for the terminal, and the part of a Markdown page that lies between two markers."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from ...core.errors import GlidepathError
from ...core.files import write_whole
from .declared import CLAIMS, Claim
from .outcome import Outcome, TrialOutcome
from .running import outcome_path

__all__ = ["BEGIN", "END", "markdown", "read_beside", "recorded", "text", "write_page"]

BEGIN = "<!-- outcomes: written by `glidepath reproduce --page`, not by hand -->"
END = "<!-- end of outcomes -->"


def text(outcomes: Iterable[Outcome]) -> str:
    """A block a claim: what was checked, what was measured, whether it holds.

    Args:
        outcomes: What to show.
    """
    return "\n".join(_text(outcome) for outcome in outcomes)


def _text(outcome: Outcome) -> str:
    lines = [outcome.sentence]
    for trial in outcome.trials:
        lines.append(f"  {trial.title}{f': skipped, {trial.skipped}' if trial.skipped else ''}")
        for verdict in trial.verdicts:
            lines.append(f"    {verdict.rule}")
            width = max(len(check.subject) for check in verdict.checks)
            lines += [
                f"      {'holds' if check.passed else 'FAILS'}  {check.subject:<{width}}  {check.measured}"
                for check in verdict.checks
            ]
        lines += [f"    {_rates(trial)}"] if trial.rates else []
    return "\n".join(lines) + "\n"


def _rates(trial: TrialOutcome) -> str:
    rows = ", ".join(f"{one.row} {one.peak_rate:g}{f' (the {one.edge})' if one.edge else ''}" for one in trial.rates)
    return f"peak rates, of {', '.join(f'{rate:g}' for rate in trial.grid)}: {rows}"


def recorded(folder: Path) -> dict[str, Outcome]:
    """The outcomes in a folder that stand for the claims: run whole, on the declared seeds.

    Args:
        folder: The `out` of `reproduce`.

    Raises:
        GlidepathError: If one is damaged.
    """
    found: dict[str, Outcome] = {}
    for name in CLAIMS:
        path = outcome_path(folder, name)
        if path.is_file():
            found[name] = Outcome.from_json(path.read_text(encoding="utf-8"))
    return found


def markdown(outcomes: Mapping[str, Outcome]) -> str:
    """Every claim with its outcome; claims without one stand as not run.

    Args:
        outcomes: By name of the claim.
    """
    rows = [
        f"| [{name}](#{_anchor(claim)}) | {claim.title} | {_word(outcomes.get(name))} | {_date(outcomes.get(name))} |"
        for name, claim in CLAIMS.items()
    ]
    parts = ["\n".join(["| claim | finding | outcome | date |", "|---|---|---|---|", *rows])]
    parts += [_section(claim, outcomes.get(name)) for name, claim in CLAIMS.items()]
    return "\n\n".join(parts) + "\n"


def _word(outcome: Outcome | None) -> str:
    if outcome is None:
        return "not run"
    if not outcome.tried:
        return "not tried"
    checks = [check.passed for trial in outcome.trials for check in trial.checks]
    return f"{'**reproduced**' if outcome.passed else '**not reproduced**'}, {sum(checks)} of {len(checks)} checks hold"


def _date(outcome: Outcome | None) -> str:
    return "–" if outcome is None else outcome.date[:10]


def _heading(claim: Claim) -> str:
    return f"{claim.name}: {claim.title}"


def _anchor(claim: Claim) -> str:
    return "".join(one for one in _heading(claim).lower() if one.isalnum() or one in " -").replace(" ", "-")


def _section(claim: Claim, outcome: Outcome | None) -> str:
    parts = [f"### {_heading(claim)}", f"{claim.statement} ([{claim.source}]({claim.url}))"]
    if outcome is None:
        return "\n\n".join([*parts, "Not run."])
    parts += [_trial(trial) for trial in outcome.trials]
    return "\n\n".join([*parts, _origin(outcome)])


def _trial(trial: TrialOutcome) -> str:
    if trial.skipped:
        return f"**{trial.title}**: skipped, {trial.skipped}."
    lines = [f"**{trial.title}**", "", "| rule | checked | measured | holds |", "|---|---|---|---|"]
    for verdict in trial.verdicts:
        lines += [
            f"| {verdict.rule if at == 0 else ''} | {check.subject} | {check.measured} | {_yes(check.passed)} |"
            for at, check in enumerate(verdict.checks)
        ]
    rates = _rates(trial)
    return "\n".join([*lines, "", f"{rates[0].upper()}{rates[1:]}."] if trial.rates else lines)


def _yes(passed: bool) -> str:
    return "yes" if passed else "**no**"


def _origin(outcome: Outcome) -> str:
    """When, with what and where a claim was tried; what differs between its trials stands side by side."""
    trials = outcome.trials
    versions = sorted({f"{name} {version}" for trial in trials for name, version in trial.versions.items()})
    machines = sorted({machine for trial in trials for machine in trial.machines})
    hashes = sorted({trial.data_sha256[:16] for trial in trials if trial.data_sha256})
    seconds = sum(trial.cpu_seconds or 0.0 for trial in trials)
    facts = [
        f"{outcome.date[:10]}",
        *([f"seeds from {outcome.first_seed} on"] if hashes else []),
        ", ".join(versions),
        " or ".join(machines),
        *([f"data sha256 {' and '.join(hashes)}"] if hashes else []),
        *([f"{seconds / 60:.1f} minutes of processor time"] if seconds else []),
    ]
    return "; ".join(facts) + "."


def write_page(page: Path, outcomes: Mapping[str, Outcome]) -> None:
    """Put the outcomes between the markers of a page, and the same as JSON beside it.

    Args:
        page: A Markdown file that has both markers, once each.
        outcomes: By name of the claim.

    Raises:
        GlidepathError: If the page lacks a marker or cannot be read.
    """
    try:
        before, rest = _split(page.read_text(encoding="utf-8"), BEGIN, page)
    except OSError as error:
        raise GlidepathError.of("reproduce", "--page", "a file that can be read", str(page), str(error)) from None
    _, after = _split(rest, END, page)
    data = {name: json.loads(outcome.to_json()) for name, outcome in outcomes.items()}
    write_whole(page.with_suffix(".json"), json.dumps(data, indent=1, ensure_ascii=False) + "\n")
    write_whole(page, f"{before}{BEGIN}\n\n{markdown(outcomes)}\n{END}{after}")


def read_beside(page: Path) -> dict[str, Outcome]:
    """The outcomes that `write_page` wrote beside a page.

    Args:
        page: The page.

    Raises:
        GlidepathError: If they are not as they were written.
    """
    data = json.loads(page.with_suffix(".json").read_text(encoding="utf-8"))
    return {name: Outcome.from_json(json.dumps(one)) for name, one in data.items()}


def _split(whole: str, marker: str, page: Path) -> Sequence[str]:
    parts = whole.split(marker)
    if len(parts) != 2:
        got = f"{len(parts) - 1} in {page.name}"
        raise GlidepathError.worded("reproduce", "--page", f"a page with {marker!r} once", got)
    return parts
