"""Other libraries' schedulers by their own names and arguments: read into our schedules, and written as their code.

`load` reads a scheduler, `read_text` a call as people write it, `from_live` one that stands in memory, `render` writes a schedule as a
library's code, `convert` does both. `read_config` reads what a training tool's configuration file says of the rate. No library is imported
for any of it.
"""

from __future__ import annotations

from importlib import import_module

TABLES = (  # each library registers itself
    *("pytorch", "replay", "transformers", "optax", "keras", "timm", "mmengine", "fvcore", "engines", "composer"),
    *("ignite", "olmo", "trainers"),
)
for _table in TABLES:
    import_module(f".{_table}", __name__)

from .configs import Config, read_config  # noqa: E402 - after the tables that they ask
from .converting import convert, read_groups, read_text, render  # noqa: E402
from .live import from_live  # noqa: E402
from .reading import load  # noqa: E402
from .snippets import read_calls  # noqa: E402
from .table import libraries, names  # noqa: E402
from .writing import NotExpressible  # noqa: E402

__all__ = [
    "Config",
    "NotExpressible",
    "convert",
    "from_live",
    "libraries",
    "load",
    "names",
    "read_calls",
    "read_config",
    "read_groups",
    "read_text",
    "render",
]
