"""`python -m bench.claims`, which is `make reproduce`: tries published claims, or lists them."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import typer
from rich.console import Console
from rich.table import Table

from glidepath.cli import main
from glidepath.cli.common import beside, say
from glidepath.cli.engines import EngineOptions, trained
from glidepath.cli.options import command

from . import CLAIMS, Claim, Outcome
from . import page as pages
from . import reproduce as tried

app = typer.Typer(
    name="python -m bench.claims",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@command(on=app)
def reproduce(
    names: list[str] | None = None,
    short: bool = False,
    seeds_from: int | None = None,
    out: Path = Path("runs/reproduce"),
    page: Path | None = None,
    data: Path | None = None,
    *,
    trainer: EngineOptions,
    as_json: bool = False,
) -> None:
    """Try published claims about schedules by criteria fixed beforehand. Exits with 1 if one fails; goes on where it stopped.

    Args:
        names ([NAME]...): Claims such as C1 and C7, or all. Without a name they are listed.
        short: The short forms, of fewer runs and with criteria of their own.
        seeds_from (--seeds-from SEED): Use this seed and the following, not the declared.
        out (--out, -o): Folder for records, reports and outcomes.
        page (--page): Write the outcomes in the folder into this page, between its markers.
        data (--data): Folder of the public loss curves that F2 and F3 read. Default: the variable GLIDEPATH_LOSS_CURVES; without either
            they are skipped.
    """
    failed = False
    if data is not None:
        os.environ["GLIDEPATH_LOSS_CURVES"] = str(data)
    if names:
        chosen = trainer.made()
        several = len(names) > 1 or names[0].lower() == "all"
        with trained(out) as progress:

            def told(outcome: Outcome) -> None:
                if several:
                    progress.note(f"{outcome.claim} is tried")

            outcomes = tried(
                names, out=out, short=short, first_seed=seeds_from, engine=chosen, progress=progress, told=told
            )
        failed = any(outcome.tried and not outcome.passed for outcome in outcomes)
        data_of = [json.loads(outcome.to_json()) for outcome in outcomes]
        say(json.dumps(data_of, indent=1) if as_json else pages.text(outcomes))
    elif page is None:
        _list(list(CLAIMS.values()), as_json)
    if page is not None:
        found = pages.recorded(out)
        pages.write_page(page, found)
        missing = [name for name in CLAIMS if name not in found]
        beside(f"wrote {page} from {out}" + (f"; not run: {', '.join(missing)}" if missing else ""))
    sys.exit(1 if failed else 0)


def _list(claims: list[Claim], as_json: bool) -> None:
    rows = [
        {
            "claim": claim.name,
            "title": claim.title,
            "runs": sum(trial.size.runs for trial in claim.trials),
            "seconds": round(sum(trial.size.part.cost for trial in claim.trials)),
            "short_seconds": round(sum(trial.size.part.cost for trial in claim.short)) if claim.short else None,
        }
        for claim in claims
    ]
    if as_json:
        say(json.dumps(rows, indent=1))
        return
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    for heading in ("claim", "finding", "runs", "takes about", "--short"):
        table.add_column(heading, justify="left" if heading in ("claim", "finding") else "right")
    for row in rows:
        short = row["short_seconds"]
        times = _time(row["seconds"]), "–" if short is None else _time(short)
        table.add_row(str(row["claim"]), str(row["title"]), str(row["runs"]), *times)
    console = Console()
    with console.capture() as drawn:
        console.print(table)
    say(drawn.get().rstrip("\n"))
    whole = sum(trial.size.part.cost for claim in claims for trial in claim.trials)
    tries = "python -m bench.claims C1 C7 tries two of them; all, every one."
    beside(f"\nTimes are of one processor; all take {_time(whole)}. {tries}")


def _time(seconds: object) -> str:
    number = float(str(seconds))
    return f"{number / 60:.0f} min" if number >= 90 else f"{max(1, round(number))} s"


if __name__ == "__main__":
    main(app)
