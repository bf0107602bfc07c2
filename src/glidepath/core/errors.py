"""The one exception family, and how a refused value is shown."""

from __future__ import annotations

import difflib
import functools
import reprlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

__all__ = ["GlidepathError", "MissingLibrary", "Problem", "did_you_mean", "installing", "missing", "shown", "version"]

_DISTRIBUTION = "glidepath-lr"  # under which it is installed; `glidepath` on the package index is somebody else's
_LISTED = 100  # problems in a message; `problems` has them all
_SHORT = reprlib.Repr()  # looks at the beginning of a large value only
_SHORT.maxlist = _SHORT.maxtuple = _SHORT.maxdict = _SHORT.maxset = _SHORT.maxfrozenset = 8
_SHORT.maxstring = _SHORT.maxother = _SHORT.maxlong = 200


@dataclass(frozen=True)
class Problem:
    """One broken rule.

    Args:
        where: The thing that was given, such as `ramp` or `$.phases[2] (ramp)`.
        field: The argument or field, or an empty string when the whole thing is meant.
        rule: What it must be, to be read after "must be".
        value: What was given instead, as it is shown.
        remedy: What to do, or an empty string.
    """

    where: str
    field: str
    rule: str
    value: str
    remedy: str = ""

    def __post_init__(self) -> None:
        for name in ("where", "field", "rule", "value", "remedy"):  # half a character can be given, but not written
            text = getattr(self, name)
            if not text.isascii():
                object.__setattr__(self, name, text.encode("utf-8", "backslashreplace").decode())

    def __str__(self) -> str:
        subject = f"{self.field} " if self.field else ""
        remedy = f" ({self.remedy})" if self.remedy else ""
        return f"{self.where}: {subject}must be {self.rule}, got {self.value}{remedy}"


class GlidepathError(ValueError):
    """Something was refused; lists every problem found, each as `<where>: <field> must be <rule>, got <value>`.

    Args:
        problems: The broken rules, at least one.
    """

    def __init__(self, problems: Iterable[Problem] | Problem) -> None:
        self.problems: tuple[Problem, ...] = (problems,) if isinstance(problems, Problem) else tuple(problems)
        lines = [str(problem) for problem in self.problems[:_LISTED]]
        more = len(self.problems) - len(lines)
        super().__init__("\n".join([*lines, f"… and {more} more problems"] if more else lines))

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.problems,)

    @classmethod
    def of(cls, where: str, field: str, rule: str, value: Any, remedy: str = "") -> GlidepathError:
        """Returns the error of one problem; `value` is shortened for display."""
        return cls(Problem(where, field, rule, shown(value), remedy))

    @classmethod
    def worded(cls, where: str, field: str, rule: str, got: str, remedy: str = "") -> GlidepathError:
        """Returns the error of one problem whose value is described in words."""
        return cls(Problem(where, field, rule, got, remedy))

    def inside(self, path: str) -> GlidepathError:
        """Returns the same error with `path` in front of every `where`."""
        return type(self)(replace(problem, where=_joined(path, problem.where)) for problem in self.problems)


class MissingLibrary(GlidepathError, ModuleNotFoundError):
    """A library is not installed; an `ImportError` too, so that `try: import …` goes on working."""


def missing(error: ImportError | str, where: str, extra: str) -> MissingLibrary:
    """Returns the error of a library that is not installed, with the extra that brings it in.

    Args:
        error: Of the import, or the library's name.
        where: What needs it.
        extra: Ours, such as `jax`.

    Raises:
        ImportError: The same, where it is one of ours that is missing, or the library is there and broken.
    """
    name = error if isinstance(error, str) else (error.name or "").partition(".")[0]
    if not isinstance(error, str) and (name == "glidepath" or not isinstance(error, ModuleNotFoundError)):
        raise error
    return MissingLibrary(Problem(where, "packages", "installed", f"no {name}", installing(extra)))


def installing(extra: str) -> str:
    """Returns the command that installs an extra: of the distribution, or of the checkout that this code runs from."""
    from pathlib import Path

    root, source = Path(__file__).parents[3], Path(__file__).parents[2]
    checkout = source.name == "src" and (root / "pyproject.toml").is_file()
    return f"pip install '{'.' if checkout else _DISTRIBUTION}[{extra}]'"


def version() -> str:
    """Returns the version that is installed; `source` for a folder without an installation."""
    from importlib import metadata

    for name in (_DISTRIBUTION, "glidepath"):  # as it was called before
        try:
            return metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return "source"


def _joined(path: str, where: str) -> str:
    if where.startswith("$"):
        return path + where[1:]
    return f"{path} ({where})" if where else path


def shown(value: Any, limit: int = 60) -> str:
    """Returns `repr(value)` for a message: at most about `limit` characters, safe for numbers of any size."""
    if isinstance(value, int) and not isinstance(value, bool) and value.bit_length() > 200:
        return f"an integer of {value.bit_length()} bits"
    if isinstance(value, str | bytes) and len(value) > limit:
        return f"{value[:limit]!r}… ({len(value)} characters)"
    if isinstance(value, list | tuple | dict | set | frozenset) and len(value) > 8:
        return f"a {type(value).__name__} of {len(value)} items"
    try:
        text = _SHORT.repr(value)
    except Exception:  # noqa: BLE001 - somebody else's repr may raise anything
        return f"a {type(value).__name__}"
    return text if len(text) <= 2 * limit else text[: 2 * limit] + "…"


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Returns `did you mean 'x'?` for the known word nearest to `word`, or an empty string."""
    return _nearest(word[:50].lower(), tuple(sorted(known)[:500]))


@functools.lru_cache(maxsize=1000)
def _nearest(word: str, known: tuple[str, ...]) -> str:
    near = difflib.get_close_matches(word, known, n=1, cutoff=0.6)
    return f"did you mean {near[0]!r}?" if near else ""
