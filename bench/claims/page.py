"""Outcomes for the eye: a plain text for the terminal, and the part of a Markdown page that lies between two markers."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from glidepath.core import GlidepathError, write_whole

from .declared import CLAIMS
from .outcome import Outcome, TrialOutcome
from .running import outcome_path

BEGIN = "<!-- outcomes: written by `make reproduce`, not by hand -->"
END = "<!-- end of outcomes -->"


def text(outcomes: Iterable[Outcome]) -> str:
    """A block a claim: what was checked, what was measured, whether it holds.

    Args:
        outcomes: What to show.
    """
    lines: list[str] = []
    for outcome in outcomes:
        lines.append(outcome.sentence)
        for trial in outcome.trials:
            lines.append(f"  {trial.title}{f': skipped, {trial.skipped}' if trial.skipped else ''}")
            for verdict in trial.verdicts:
                lines.append(f"    {verdict.rule}")
                width = max(len(check.subject) for check in verdict.checks)
                for check in verdict.checks:
                    held = "holds" if check.passed else "FAILS"
                    lines.append(f"      {held}  {check.subject:<{width}}  {check.measured}")
            lines += [f"    {_rates(trial)}"] if trial.rates else []
        lines.append("")
    return "\n".join(lines)


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
    files = {name: outcome_path(folder, name) for name in CLAIMS}
    return {name: Outcome.from_json(file.read_text(encoding="utf-8")) for name, file in files.items() if file.is_file()}


def markdown(outcomes: Mapping[str, Outcome]) -> str:
    """Every claim with its outcome; claims without one stand as not run.

    Args:
        outcomes: By name of the claim.
    """
    rows, sections = ["| claim | finding | outcome | date |", "|---|---|---|---|"], list[str]()
    for name, claim in CLAIMS.items():
        outcome, heading = outcomes.get(name), f"{name}: {claim.title}"
        anchor = "".join(one for one in heading.lower() if one.isalnum() or one in " -").replace(" ", "-")
        date = "–" if outcome is None else outcome.date[:10]
        rows.append(f"| [{name}](#{anchor}) | {claim.title} | {_word(outcome)} | {date} |")
        parts = [f"### {heading}", f"{claim.statement} ([{claim.source}]({claim.url}))"]
        parts += ["Not run."] if outcome is None else [*map(_trial, outcome.trials), _origin(outcome)]
        sections += parts
    return "\n\n".join(["\n".join(rows), *sections]) + "\n"


def _word(outcome: Outcome | None) -> str:
    if outcome is None or not outcome.tried:
        return "not run" if outcome is None else "not tried"
    held = sum(check.passed for check in outcome.checks)
    word = "**reproduced**" if outcome.passed else "**not reproduced**"
    return f"{word}, {held} of {len(outcome.checks)} checks hold"


def _trial(trial: TrialOutcome) -> str:
    if trial.skipped:
        return f"**{trial.title}**: skipped, {trial.skipped}."
    lines = [f"**{trial.title}**", "", "| rule | checked | measured | holds |", "|---|---|---|---|"]
    for verdict in trial.verdicts:
        for at, check in enumerate(verdict.checks):
            rule, held = "" if at else verdict.rule, "yes" if check.passed else "**no**"
            lines.append(f"| {rule} | {check.subject} | {check.measured} | {held} |")
    rates = _rates(trial)
    return "\n".join([*lines, "", f"{rates[0].upper()}{rates[1:]}."] if trial.rates else lines)


def _origin(outcome: Outcome) -> str:
    """When, with what and where a claim was tried; what differs between its trials stands side by side."""
    trials = outcome.trials
    versions = sorted({f"{name} {version}" for trial in trials for name, version in trial.versions.items()})
    machines = sorted({machine for trial in trials for machine in trial.machines})
    hashes = sorted({trial.data_sha256[:16] for trial in trials if trial.data_sha256})
    seconds = sum(trial.cpu_seconds or 0.0 for trial in trials)
    facts = (
        outcome.date[:10],
        f"seeds from {outcome.first_seed} on" if hashes else "",
        ", ".join(versions),
        " or ".join(machines),
        f"data sha256 {' and '.join(hashes)}" if hashes else "",
        f"{seconds / 60:.1f} minutes of processor time" if seconds else "",
    )
    return "; ".join(filter(None, facts)) + "."


def write_page(page: Path, outcomes: Mapping[str, Outcome]) -> None:
    """Put the outcomes between the markers of a page, and the same as JSON beside it.

    Args:
        page: A Markdown file that has both markers, once each.
        outcomes: By name of the claim.

    Raises:
        GlidepathError: If the page lacks a marker or cannot be read.
    """
    try:
        whole = page.read_text(encoding="utf-8")
    except OSError as error:
        raise GlidepathError.of("reproduce", "--page", "a file that can be read", str(page), str(error)) from None
    for marker in (BEGIN, END):
        if whole.count(marker) != 1:
            got = f"{whole.count(marker)} in {page.name}"
            raise GlidepathError.worded("reproduce", "--page", f"a page with {marker!r} once", got)
    before, after = whole.partition(BEGIN)[0], whole.partition(END)[2]
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
