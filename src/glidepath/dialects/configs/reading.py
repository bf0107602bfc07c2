"""A configuration file as a schedule: which tool's form it has, what it says, what it cannot know and has to be told."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

from ...core import GlidepathError, Hold, Problem, Rate, Schedule, Until, shown
from ...core.documents import text_of_file
from ...core.fields import number
from ..pieces import scaled
from ..reading import load
from ..table import known
from .sources import Unbound, data_of

_NEEDED: Any = object()
_TEXT = re.compile(r"^[ \-]*([A-Za-z_]\w*): *([-+]?(?:\d+[eE][-+]?\d+|\d*\.\d*[eE]\d+))\s*(?:#.*)?$", re.MULTILINE)
# What an update consumes.
_BATCH = ("per_device_train_batch_size", "micro_batch_size", "train_micro_batch_size_per_gpu")
_BATCHES = (*_BATCH, "train_dataloader.batch_size", "batch_size")
_UNITS = {**dict.fromkeys(_BATCHES, "batch"), "gradient_accumulation_steps": "accumulation"}


@dataclass(frozen=True)
class Config:
    """What a configuration file says about the rate.

    Args:
        form: Whose file it was taken for.
        schedule: The rate at every update, in absolute values.
        base: The rate that the schedule is a multiple of.
        total: Updates of the run; None where the file does not end it.
        groups: Multiples of the rate by parameter group, where the file names any.
        notes: How each number came about, a line each.
        odd: What is strange in the file, a line each.
        units: What an update consumes, by the names of a plan's horizon, as far as the file says it.
    """

    form: str
    schedule: Rate
    base: float
    total: int | None = None
    groups: Mapping[str, float] = field(default_factory=dict[str, float])
    notes: tuple[str, ...] = ()
    odd: tuple[str, ...] = ()
    units: Mapping[str, int] = field(default_factory=dict[str, int])

    @property
    def document(self) -> dict[str, Any]:
        """The same as a plan's data, for `Plan.of`: a rule for each group, and what the file says of an update as the horizon."""
        most = {"schedule": str(self.schedule), "groups": ["*", *(f"!{name}" for name in self.groups)]}
        own = {name: Rate(scaled(self.schedule.schedule, factor)) for name, factor in self.groups.items()}
        rest = [{"schedule": str(rate), "groups": [name]} for name, rate in own.items()]
        length = {"length": f"{self.total} steps"} if self.total else {}
        return {"name": self.form, "rules": [most, *rest], "horizon": {**length, **self.units}}


@dataclass(frozen=True)
class FileForm:
    """A tool's form of file: how it is known and how it is read.

    Args:
        title: Whose it is.
        known: Tells from the file's data whether it has this form.
        read: Returns the schedule of absolute values.
        plain: Whether its reader of YAML takes `3e-4` for text, as PyYAML does, and nobody makes a number of it.
    """

    title: str
    known: Recogniser
    read: FormReader
    plain: bool = False


Recogniser = Callable[[dict[str, Any]], bool]
FormReader = Callable[["FileReading"], Schedule]
FORMS: list[FileForm] = []


def form(title: str, known: Recogniser, plain: bool = False) -> Callable[[FormReader], FormReader]:
    """Registers the function below as the reader of a form; forms are tried in the order in which they stand."""

    def register(read: FormReader) -> FormReader:
        FORMS.append(FileForm(title, known, read, plain))
        return read

    return register


class FileReading:
    """A file that is being read: gives its numbers, notes where they come from, and collects what is missing.

    Args:
        data: What the file holds.
        names: What the caller gives: in place of what the file says, or for what it cannot know.
        where: The file, for errors.
        texts: What numbers are text for the file's own reader, by the last word of their place.
    """

    def __init__(self, data: dict[str, Any], names: Mapping[str, Any], where: str, texts: Any = None) -> None:
        self.data, self.names, self.where, self.texts = data, names, where, texts or {}
        self.base, self.groups, self.notes, self.odd = 0.0, dict[str, float](), list[str](), list[str]()
        self.problems, self.missing, self.used = list[Problem](), dict[str, str](), set[str]()
        self.total: int | None = None

    def by(self, form: FileForm) -> Schedule:
        """The schedule as a form reads it.

        Raises:
            GlidepathError: With every problem found, every name that is missing, and every name that is given and not known.
        """
        schedule: Schedule | None = None
        try:
            schedule = form.read(self)
        except GlidepathError as error:
            if not self.missing:  # what follows from a number that is not there yet is no fault of the file
                self.problems += [replace(p, where=f"{self.where}: {p.where}") for p in error.problems]
        for name in sorted(set(self.names) - self.used):
            plain = {name for name, value in self.data.items() if isinstance(value, int | float)}
            known_ones = ", ".join(sorted(self.used | plain)[:12])
            self.refuse(name, f"a name that {form.title} has ({known_ones})", self.names[name])
        for name, why in self.missing.items():
            self.problems.append(Problem(self.where, name, "given", f"nothing: {why}", f"--let {name}=…"))
        if self.problems or schedule is None:
            raise GlidepathError(self.problems)
        return schedule

    def at(self, path: str, default: Any = None) -> Any:
        """What stands at a place such as `optimizer.params.lr`; an index of a list is a number."""
        found: Any = self.data
        with suppress(LookupError, TypeError, ValueError):
            for part in path.split("."):
                found = found[int(part) if isinstance(found, list) else part]
            return default if found is None else found
        return default

    def ask(self, name: str, why: str) -> float:
        """A number that the file cannot know: as given, or noted as missing."""
        self.used.add(name)
        if name in self.names:
            value = self._checked(name, self.names[name])
            self.notes.append(f"{name} = {value:g} (given)")
            return value
        self.missing.setdefault(name, why)
        return 1000.0

    def number(self, path: str, default: Any = _NEEDED) -> float:
        """The number at a place; a name given in its last word's stead wins; text that is a number is one, and is told of."""
        name = path.rpartition(".")[2]
        if name in self.names:
            return self.ask(name, "")
        if (value := self.at(path)) is None:
            return self.ask(name, f"{path} is not in the file") if default is _NEEDED else default
        if isinstance(value, Unbound):
            asked = [self.ask(one, f"{path} is written {value.text!r}") for one in value.names or (name,)]
            return 1000.0 if value.names else asked[0]
        if isinstance(value, str) and value.strip().lower() == "auto":
            return self.ask(name, f"{path} is 'auto': whoever trains decides it")
        if isinstance(value, str) and _is_number(value):
            self.odd.append(f"{path} is the text {value!r} here; taken as {float(value):g}")
            value = float(value)
        number = self._checked(path, value)
        self.notes.append(f"{path} = {number:g}")
        if text := self.texts.get(name, ""):
            better = f"{number:.1e}" if float(f"{number:.1e}") == number else repr(float(number))
            self.odd.append(f"{path} is written {text}, which is text for the tool's reader of YAML: write {better}")
        return number

    def whole(self, path: str, default: Any = _NEEDED) -> int:
        """The whole number at a place."""
        value = self.number(path, default)
        if value != int(value):
            self.refuse(path, "a whole number", value)
        return int(value)

    def numbers(self, path: str) -> list[float]:
        """The numbers of a list at a place, which may be written as text, `(60000, 80000)`."""
        value = self.at(path, [])
        if isinstance(value, str):
            value = [part for part in value.strip("()[] ").split(",") if part.strip()]
        items = cast("list[Any]", value if isinstance(value, list) else [value])
        found = [float(item) for item in items if _is_number(item)]
        if len(found) < len(items):
            self.refuse(path, "a list of numbers", value)
        self.notes.append(f"{path} = {', '.join(f'{number:g}' for number in found)}")
        return found

    def plain(self, path: str, value: Any) -> Any:
        """An argument that is handed on as it stands; a number is read, what the file leaves open is settled first."""
        auto = isinstance(value, str) and value.strip().lower() == "auto"
        open_here = auto or (isinstance(value, Unbound) and bool(value.names))
        return self.number(path) if open_here or _is_number(value) or path.rpartition(".")[2] in self.names else value

    def section(self, path: str, *skipped: str) -> dict[str, Any]:
        """The arguments that a mapping holds, as they are handed on, without those that are skipped or null."""
        own = mapping({"": self.at(path)}, "")
        return {n: self.plain(f"{path}.{n}", v) for n, v in own.items() if n not in skipped and v is not None}

    def load(self, library: str, name: str, given: Mapping[str, Any], base: float | None = None) -> Schedule:
        """The schedule of a library's scheduler, for the file's base rate; whole numbers where lengths are wanted."""
        row = known(library).readers.get(name)
        counts = [key for key, kind in (row.types if row else {}).items() if kind.kind in ("length", "integer")]
        whole = {k: int(v) for k, v in given.items() if k in counts and isinstance(v, float) and v.is_integer()}
        return load(library, name, {**given, **whole}, base_lr=self.base if base is None else base).schedule

    def word(self, path: str, default: str | None = "") -> str:
        """The word at a place, without its module; one that is given instead wins, one without a default is asked for."""
        name = path.rpartition(".")[2]
        said = self.names.get(name, self.at(path, default))
        self.used |= {name} & set(self.names)
        if said is None:
            self.missing.setdefault(name, f"{path} is not in the file")
        return str(said).rpartition(".")[2]

    def group(self, name: str, path: str, factor: Any = None) -> None:
        """Notes the group whose rate is a multiple of the others', where the file says a plain number.

        Args:
            name: The group.
            path: Where the file says it.
            factor: What it says there; None looks.
        """
        found = self.at(path) if factor is None else factor
        if _is_number(found) and float(found) != 1:
            self.groups[name] = float(found)

    def updates(self, steps: float, epochs: float, said: str) -> int:
        """Length of the run: what is given as `total`, else the steps of the file, else its epochs, whose length is asked for.

        Args:
            steps: Updates by the file; 0 where it says none.
            epochs: Epochs by the file.
            said: Where it says them.
        """
        if "total" in self.names:
            total = self.ask("total", "")
        elif steps > 0:
            total = steps
        else:
            total = math.ceil(epochs * self.an_epoch(f"{said} = {epochs:g}; or total, the updates of the whole run"))
        self.total = int(total)
        self.notes.append(f"the run has {self.total} updates")
        return self.total

    def an_epoch(self, why: str = "") -> float:
        """Updates of an epoch, which depend on the data."""
        return self.ask("steps_per_epoch", why or "updates of an epoch depend on the data")

    def refuse(self, path: str, rule: str, value: Any, remedy: str = "") -> None:
        """Notes that something cannot be read."""
        self.problems.append(Problem(self.where, path, rule, shown(value), remedy))

    def _checked(self, name: str, value: Any) -> float:
        if isinstance(value, str) or (plain := number(value)) is None or not math.isfinite(plain):
            self.refuse(name, "a number" if isinstance(value, str) else "a finite number", value)
            return 1.0
        return plain


def mapping(data: Any, name: str) -> dict[str, Any]:
    """Returns the mapping under a name, empty where there is none."""
    value = data.get(name)
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def _is_number(value: Any) -> bool:
    try:
        return not isinstance(value, bool) and math.isfinite(float(value))
    except (TypeError, ValueError, OverflowError):
        return False


def read_config(path: str | Path, **names: Any) -> Config | None:
    """Returns the schedule that a training tool's configuration file stands for, or None if it is of no form that is known.

    The form is found by content. Nothing in the file is run; files that it names as its base are read from beside it.

    Args:
        path: The file: YAML, JSON, TOML, Python's assignments, or a command with its options.
        **names: What the file cannot know, such as `total` or `steps_per_epoch`; a name that stands in the file wins over it.

    Raises:
        GlidepathError: If the file cannot be read or is hostile; with every value that is wrong; or with every name that is missing.

    Examples:
        >>> import pathlib, tempfile
        >>> file = pathlib.Path(tempfile.mkdtemp()) / "args.yaml"
        >>> _ = file.write_text("{learning_rate: 1.0e-4, lr_scheduler_type: linear, max_steps: 900, warmup_steps: 90}")
        >>> read_config(file).schedule(45)
        5e-05
    """
    file = Path(path)
    data = data_of(file, names)
    chosen = next((one for one in FORMS if one.known(data)), None)
    kind = data.pop("")
    if chosen is None:
        return None
    plain = chosen.plain and kind == "yaml" and file.suffix != ".json"
    reading = FileReading(data, names, file.name, dict(_TEXT.findall(text_of_file(file))) if plain else {})
    if kind == "python":
        reading.used |= _unbound(data_of(file, {}))
    schedule = reading.by(chosen)
    if reading.total and reading.total < schedule.duration and not isinstance(schedule, Hold):
        schedule = Until(schedule, reading.total)  # what a formula does beyond the run is not meant
    said = [(ours, reading.at(place)) for place, ours in reversed(_UNITS.items())]
    units = {ours: value for ours, value in said if type(value) is int and value > 0}
    notes, odd = tuple(reading.notes), tuple(dict.fromkeys(reading.odd))
    return Config(chosen.title, Rate(schedule), reading.base, reading.total, dict(reading.groups), notes, odd, units)


def schedule_of_data(data: dict[str, Any], title: str, names: Mapping[str, Any] | None = None) -> Schedule:
    """Returns the schedule that a form's data stand for.

    Args:
        data: What a file would hold.
        title: The form.
        names: As in `read_config`; not all need be used.

    Raises:
        GlidepathError: With every problem found, or what is missing.
    """
    reading = FileReading(data, names or {}, title)
    reading.used |= {*reading.names}
    return reading.by(next(one for one in FORMS if one.title == title))


def form_of(path: str | Path) -> str:
    """Returns whose form a file has, or nothing where it has none or cannot be read.

    Args:
        path: Any text, such as one that may be the name of a file.
    """
    file = Path(path)
    try:
        data = data_of(file, {}) if file.suffix and file.is_file() else None
    except (GlidepathError, OSError, ValueError):  # too long for a name, or no text of one
        return ""
    return next((one.title for one in FORMS if data is not None and one.known(data)), "")


def _unbound(value: Any) -> set[str]:
    """Returns the names that Python's values lack."""
    if isinstance(value, Unbound):
        return set(value.names)
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return {name for item in inner for name in _unbound(item)}
