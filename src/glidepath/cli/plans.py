"""Commands for plans and controllers: check, diff, replay."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from .common import names_of, told_of
from .options import command


@command()
def check(plan: Path, model: str | None = None, let: list[str] | None = None, as_json: bool = False) -> None:
    """Check a plan: every finding with its path, rule, values and remedy. Exits with 1 if there are errors.

    Of a training tool's configuration file: whose it is, the rate and the length that it gives, and what is odd in it.

    Args:
        plan (PLAN): A .yaml or .json plan, or a training tool's configuration file.
        model: module:factory, which returns an optimizer or parameter groups; it is imported and called.
    """
    from .. import plan as plans
    from ..dialects.configs import form_of, read_config
    from ..plan.check import load_model

    if form_of(str(plan)) and (config := read_config(plan, **names_of(let))) is not None:
        made = plans.Plan.of(config.document)
        found = plans.check(made, None if model is None else load_model(model))
        lines = [*told_of(plan.name, config), f"the rate: {config.schedule}", *str(made.derived).splitlines()]
        found = [finding for finding in found if finding.code != "over-before-the-end"]  # a last level may hold
        lines += [f"{finding.level}: {finding}" for finding in found]
        data = {name: getattr(config, name) for name in ("form", "base", "total", "odd", "notes")}
        data |= {"schedule": config.schedule.to_dict(), "plan": made.to_dict(), "findings": list(map(str, found))}
        print(json.dumps(data, indent=2) if as_json else "\n".join(lines))
        sys.exit(any(finding.level == "error" for finding in found))
    report = plans.check_file(plan, model)
    print(json.dumps(report.to_dict(), indent=2) if as_json else "\n".join(report.lines()))
    sys.exit(0 if report.ok else 1)


@command()
def diff(first: Path, second: Path, as_json: bool = False) -> None:
    """Tell what differs between two plans. Exits with 1 if anything does.

    Args:
        first (FIRST): A .yaml or .json plan.
        second (SECOND): Another.
    """
    from .. import plan as plans

    found = plans.diff_files(first, second)
    print(json.dumps(found.to_dict(), indent=2) if as_json else "\n".join(found.lines()))
    sys.exit(1 if found else 0)


@command()
def replay(
    log: Path,
    controller: str,
    metric: str | None = None,
    schedule: str | None = None,
    base: float | None = 1.0,
    changes: bool = False,
    as_json: bool = False,
) -> None:
    """Replay a controller on recorded metrics: what it would have decided, when and why.

    Args:
        log (LOG): A .csv, .jsonl or .json file of recorded metrics.
        controller (CONTROLLER): Such as "plateau(factor=0.5, patience=2)", or a library's "ReduceLROnPlateau(patience=3)".
        metric: The column or key. Default: the only one.
        schedule (--schedule, -s): A schedule that the controller steers.
        changes: Only the observations that changed something.
    """
    from .. import feedback
    from ..dialects.plateaus import plateau_of

    steering = plateau_of(controller, 1.0 if base is None else base) or controller
    made = feedback.replay_file(log, steering, metric=metric, schedule=schedule, base=1.0 if base is None else base)
    print(json.dumps(made.to_dict(), indent=2) if as_json else "\n".join(made.lines(every=not changes)))
