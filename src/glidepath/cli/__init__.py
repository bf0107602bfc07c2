"""The command line: parse, call, print.

Data goes to standard output, messages to standard error. Exit codes are 0, 1 (it failed), 2 (it was asked wrongly) and 130 (Ctrl-C).
"""

from __future__ import annotations

import sys
from typing import Annotated

import typer

import glidepath

from ..core import GlidepathError
from ..core.errors import missing

# Each adds its commands, in the order of the help.
from . import schedules, training, choosing, forecasts  # isort: skip
from .common import EXTRAS, fail
from .options import app, in_language

__all__ = ["app", "main"]

_ROOMS = (schedules, training, choosing, forecasts)


def main(made: typer.Typer = app) -> None:
    """Runs the command line: the entry point of `glidepath` and `python -m glidepath`.

    Args:
        made: The application.
    """
    try:
        in_language(made)()
    except GlidepathError as error:
        fail(error)
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package not in EXTRAS:
            raise
        fail(missing(error, "glidepath", EXTRAS[package]))
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(1)


def _version(value: bool) -> None:
    if value:
        print(f"glidepath {glidepath.__version__}")
        raise typer.Exit


@app.callback()
def _common(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and exit.", callback=_version, is_eager=True)
    ] = False,
) -> None:
    pass
