"""Runs every benchmark, or those named: `python -m bench core torch_attach`."""

from __future__ import annotations

import importlib
import pkgutil
import sys

from rich.console import Console
from rich.table import Table

import bench


def main() -> int:
    """Prints a table for every benchmark; exits with 1 if a bar is missed."""
    known = sorted(info.name for info in pkgutil.iter_modules(bench.__path__) if not info.name.startswith("_"))
    wanted = sys.argv[1:] or known
    unknown = [name for name in wanted if name not in known]
    if unknown:
        print(f"bench: names must be some of {', '.join(known)}, got {', '.join(unknown)}", file=sys.stderr)
        return 2
    console, missed = Console(), 0
    for name in wanted:
        module = importlib.import_module(f"bench.{name}")
        if not hasattr(module, "rows"):
            continue
        about = (module.__doc__ or name).partition("\n")[0]
        table = Table(title=f"{name}: {about}", title_justify="left")
        for heading, side in (("case", "left"), ("measured", "right"), ("bar", "left"), ("", "left")):
            table.add_column(heading, justify=side)
        for row in module.rows():
            missed += not row.ok
            table.add_row(row.name, f"{row.ratio:.3g}", row.bar, "[green]holds[/]" if row.ok else "[bold red]missed[/]")
        console.print(table)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
