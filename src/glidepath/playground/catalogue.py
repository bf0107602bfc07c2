"""What the page offers and how each argument is set: read from the declarations of the schedules themselves.

A new kind, recipe or scheduler of a library appears on the page with the controls that its own fields, bounds, units and docstring ask for.
"""

from __future__ import annotations

import functools
import inspect
import re
from collections.abc import Iterator, Mapping
from typing import Any, cast

from .. import dialects, recipes
from ..core import language, shorthand
from ..core.checks import types_of
from ..core.codec import field_notes, schema
from ..core.combinators import Product
from ..core.curves import Curve
from ..core.errors import GlidepathError
from ..core.node import Node
from ..core.rate import Rate
from ..core.schedule import Schedule
from ..core.text import parse, vocabulary
from ..view.articles import CLASSIC
from ..view.docstrings import source
from ..view.examples import example
from ..view.foreign import LIBRARIES
from .foreign import call_of, kind_of
from .formula import mathml
from .tree import signature, text_of, tree_of

__all__ = ["arguments_of", "catalogue", "entry_of", "example_of"]

HIDDEN = ("recurrence", "custom", "rate")

# How far a slider goes for arguments of other libraries, by name: lowest, highest, whether it is logarithmic. Ours say it with their types.
# Anything else is logarithmic from 1e-8 to 10 with 0 at its left end, which suits rates.
_RANGES: Mapping[str, tuple[float, float, bool]] = {
    "alpha": (0, 1, False),
    "beta": (0, 0.1, False),
    "down_fraction": (0.01, 0.99, False),
    "end_factor": (0, 1, False),
    "factor": (0.01, 1, False),
    "gamma": (0.01, 1, False),
    "m_mul": (0.1, 1, False),
    "decay_rate": (0.01, 1, False),
    "pct_start": (0.01, 0.99, False),
    "power": (0.1, 6, False),
    "start_factor": (0.01, 1, False),
    "t_mul": (1, 4, False),
    "T_mult": (1, 4, False),
}
_RATE = (1e-8, 10.0, True)
_SYMBOL = re.compile(r"(\$\\?[A-Za-z_{}0-9]+\$)(?:, |\.$|: )")  # the letter of the formula that a note begins with
_BARE = re.compile(r"\$[^$]*\$\.?")  # a note that is nothing but a letter of the formula says nothing beside a slider


@functools.cache
def catalogue() -> dict[str, Any]:
    """Returns every word by group, with its arguments: JSON data, made once."""
    words = {key: entry_of(*key) for key in _keys()}
    groups: dict[str, list[str]] = {}
    for (lib, word), entry in words.items():
        if entry is not None:
            groups.setdefault(entry["group"], []).append(f"{lib}.{word}" if lib else word)
    return {
        "groups": [
            {"name": name, "zh": {"name": language.said(name, "zh")}, "words": sorted(found, key=str.lower)}
            for name, found in groups.items()
        ],
        "words": {f"{lib}.{word}" if lib else word: entry for (lib, word), entry in words.items() if entry is not None},
        "curves": [
            *sorted(kind for kind, cls in Curve.registry.items() if not cls.field_names()),
            "polynomial(2)",
            "polynomial(3)",
        ],
        "phases": [*sorted(set(shorthand.__all__) - {"chain", "maximum", "minimum"}), "hold", "ramp", "repeat"],
    }


def _keys() -> Iterator[tuple[str, str]]:
    known = vocabulary()
    ordered = [
        *sorted(recipes.__all__),
        *sorted(set(shorthand.__all__) - {"chain", "maximum", "minimum"}),
        *sorted(known),
    ]
    yield from (("", word) for word in dict.fromkeys(ordered) if word in known and word not in HIDDEN)
    for lib in LIBRARIES:
        yield from ((lib, name) for name in dialects.names(lib))


def entry_of(lib: str, word: str) -> dict[str, Any] | None:
    """Returns one word with its arguments as the page needs it, or None if it cannot be shown by itself.

    Args:
        lib: A library, or an empty string.
        word: The word.
    """
    text = example_of(lib, word)
    if not text:
        return None
    make = _maker(lib, word)
    doc = inspect.getdoc(make) or ""
    first = _plain(doc.partition("\n")[0])
    arguments = arguments_of(lib, word)
    if lib in CLASSIC:
        for each in arguments:
            each["note"] = each["note"] or language.argument(word, each["name"], "en")
            each["zh"] = {"note": language.argument(word, each["name"], "zh")}
    chinese = _plain(language.said(doc.partition("\n")[0], "zh"))
    latex = _displayed(doc)
    if lib:
        latex, symbols = _formula_of(text, {each["name"]: each["default"] for each in arguments})
        for each in arguments:
            each |= {"symbol": symbols[each["name"]]} if each["name"] in symbols else {}
    return {
        "group": _group(lib, word),
        "about": (first.partition(": ")[2] or first) if lib else first,
        "formula": mathml(latex) if latex else "",
        "source": source(make),
        "args": arguments,
        "text": text,
        "zh": {"about": chinese if chinese != first else ""},
    }


def _displayed(doc: str) -> str:
    formula = re.search(r"\$\$(.+?)\$\$", doc, re.DOTALL)
    return formula.group(1).strip() if formula else ""


def _formula_of(text: str, defaults: dict[str, Any]) -> tuple[str, dict[str, str]]:
    """Returns the formula of the kind that another library's call comes to, and which symbol in it each argument is.

    Args:
        text: A call as the page begins with it.
        defaults: Of the arguments that it leaves out.
    """
    tree = cast("dict[str, Any]", tree_of(text))
    given = defaults | {each["name"]: each["value"] for each in tree["args"]}
    node, scaled = _inner(tree)
    latex, notes = _displayed(inspect.getdoc(type(node)) or ""), field_notes(type(node)) if node else {}
    if node is None or not latex or node.schedules():
        return "", {}
    found: dict[str, str] = {}
    for name, value in given.items():
        for field in node.field_names() if type(value) in (int, float) else ():
            letter = _SYMBOL.match(notes.get(field, "")) if getattr(node, field) == value else None
            other = value + 1 if type(value) is int else value / 2
            rest = [each for each in tree["args"] if each["name"] != name]
            moved = _inner({**tree, "args": [*rest, {"name": name, "value": other}]})[0] if letter else None
            if letter and getattr(moved, field, None) == other:
                found[name] = _plain(letter[1])
    return (rf"\eta(t) = \eta_0\,f(t), \quad {latex}" if scaled else latex), found


def _inner(tree: dict[str, Any]) -> tuple[Schedule | None, bool]:
    """Returns what a library's call comes to without its base rate, and whether there was one."""
    try:
        schedule = node = parse(text_of(tree))
    except GlidepathError:
        return None, False
    while isinstance(node, Rate) or (isinstance(node, Product) and len(node.parts) == 1):
        node = node.schedule if isinstance(node, Rate) else node.parts[0]
    return node, schedule is not node


def arguments_of(lib: str, word: str) -> list[dict[str, Any]]:
    """Returns how each argument of a word is set.

    Args:
        lib: A library, or an empty string.
        word: The word.
    """
    make = _maker(lib, word)
    notes, rules = field_notes(make), {} if lib else _rules(make)
    return [
        _argument(parameter, rules.get(parameter.name), notes.get(parameter.name, ""), bool(lib))
        for parameter in signature(lib, word).parameters.values()
    ]


def _maker(lib: str, word: str) -> Any:
    if not lib:
        return vocabulary()[word]
    from ..dialects.table import known

    return known(lib).readers[word]


def _group(lib: str, word: str) -> str:
    if lib:
        from ..dialects.table import known

        return known(lib).title
    if word in recipes.__all__:
        return "Whole schedules"
    if word in shorthand.__all__ and word not in ("chain", "maximum", "minimum"):
        return "Phases"
    inside = any(p.name in ("schedule", "parts", "phases") for p in signature("", word).parameters.values())
    if inside:
        return "Made of others"
    return "Other schedules" if word in Schedule.registry else "Registered here"


def _rules(make: Any) -> dict[str, Any]:
    """Returns the JSON Schema of each argument, from the types that a kind or a recipe declares."""
    if not (inspect.isclass(make) and issubclass(make, Node)):
        return {name: check.json_schema for name, check in types_of(inspect.unwrap(make)).items()}
    return _schema()[f"schedule.{make.kind}"]["properties"]


@functools.cache
def _schema() -> dict[str, Any]:
    return schema()["$defs"]


def _argument(parameter: inspect.Parameter, rule: dict[str, Any] | None, note: str, foreign: bool) -> dict[str, Any]:
    """Returns how one argument is set: its type, bounds, unit, slider and one-line doc."""
    required = parameter.default is parameter.empty
    default = None if required or isinstance(parameter.default, Node) else parameter.default
    default = str(parameter.default) if isinstance(parameter.default, Node) else default
    if isinstance(default, tuple):
        default = list(default)
    options = [each for each in rule.get("anyOf", [rule]) if each.get("type") != "null"] if rule else []
    bounds = options[0] if options else {}
    kind = _kind(parameter, bounds, default, foreign)
    unit = bounds.get("unit", "steps" if kind in ("length", "lengths") else "")
    made: dict[str, Any] = {
        "name": parameter.name,
        "type": kind,
        "required": required,
        "default": default,
        "note": "" if _BARE.fullmatch(note) else _plain(note),
        "zh": {"note": "" if _BARE.fullmatch(note) else _plain(language.said(note, "zh"))},
    }
    if symbol := _SYMBOL.match(note):
        made["symbol"] = _plain(symbol[1])
    made["nullable"] = (not required and parameter.default is None) or bool(
        rule and len(options) < len(rule.get("anyOf", []))
    )
    if unit:
        made["unit"] = unit
    if kind == "choice":
        made["choices"] = bounds["enum"]
    if kind in ("length", "integer"):
        made["min"] = bounds.get("minimum", _least(parameter.name, default))
    if kind in ("number", "integer"):
        usual = _RANGES.get(parameter.name) if foreign else None
        low, high, log = bounds.get("slider") or usual or (_RATE if kind == "number" else (1, 100, False))
        made |= {"low": low, "high": high, "log": log}
        if kind == "number":
            made["zero"] = "exclusiveMinimum" not in bounds and (log or low == 0)
    return made


def _least(name: str, default: Any) -> int:
    return 0 if default == 0 or name in ("warmup", "hold", "explore") else 1


def _kind(parameter: inspect.Parameter, bounds: Mapping[str, Any], default: Any, foreign: bool) -> str:
    name, hint = parameter.name, str(parameter.annotation)
    if parameter.kind is parameter.VAR_POSITIONAL or bounds.get("items", {}).get("$ref"):
        return "schedules"
    if str(bounds.get("$ref", "")).endswith("/schedule") or hint in ("Schedule", "'Schedule'"):
        return "schedule"
    if str(bounds.get("$ref", "")).endswith("/curve") or "Curve" in hint:
        return "curve"
    if "enum" in bounds:
        return "choice"
    if bounds.get("type") == "array" or "Sequence" in hint:
        return "lengths" if bounds.get("unit") == "steps" or name == "boundaries" else "numbers"
    if bounds.get("type") == "boolean" or hint == "bool" or isinstance(default, bool):
        return "flag"
    if bounds.get("type") == "string" or hint == "str":
        return "text"
    if bounds.get("type") == "integer" or hint.startswith("int"):
        return (
            "length"
            if bounds.get("unit") == "steps" or (not bounds and name not in ("model_size", "cycles"))
            else "integer"
        )
    return kind_of(name, default) if foreign else "number"


def example_of(lib: str, word: str) -> str:
    """Returns the text that a word begins with on the page, or an empty string if there is none.

    Args:
        lib: A library, or an empty string.
        word: The word.
    """
    return example(word) if not lib else call_of(lib, word)


def _plain(text: str) -> str:
    r"""Returns a line of a docstring with its formulas as letters: `$T$` becomes T, `\rho` becomes ρ."""
    greek = {
        r"\rho": "ρ",
        r"\gamma": "γ",
        r"\sigma": "σ",
        r"\tau": "τ",
        r"\alpha": "α",
        r"\beta": "β",
        r"\theta": "θ",
        r"\lambda": "λ",
    }
    for name, sign in greek.items():
        text = text.replace(name, sign)
    text = re.sub(r"\$1/\(w\+1\)\$", "1/(w+1)", text)
    return re.sub(r"\$([^$]*)\$", lambda found: re.sub("[_{}]", "", found.group(1)), text)
