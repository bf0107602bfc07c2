"""What the page offers and how each argument is set: read from the declarations of the schedules themselves.

A new kind, recipe or scheduler of a library appears on the page with the controls that its own fields, bounds, units and docstring ask for.
"""

from __future__ import annotations

import functools
import inspect
import json
import re
from collections.abc import Mapping
from typing import Any, cast

from .. import dialects, recipes
from ..core import (
    GlidepathError,
    Node,
    Product,
    Rate,
    Schedule,
    checks_of,
    language,
    parse,
    shorthand,
    types_of,
    vocabulary,
)
from ..core.codec import field_notes
from ..core.curves import Curve
from ..dialects.table import known
from ..view.examples import CLASSIC, LIBRARIES, about, example, group_of, source
from ..view.examples import arguments_of as begun
from .tree import signature, text_of, tree_of

HIDDEN = ("recurrence", "custom", "rate")

# How far a slider goes for arguments of other libraries, by name: lowest, highest, whether it is logarithmic. Ours say it with their types.
# Anything else is logarithmic from 1e-8 to 10 with 0 at its left end, which suits rates.
_RANGES: Mapping[str, tuple[float, float, bool]] = {
    **dict.fromkeys(("alpha", "end_factor"), (0, 1, False)),
    "beta": (0, 0.1, False),
    **dict.fromkeys(("down_fraction", "pct_start"), (0.01, 0.99, False)),
    **dict.fromkeys(("factor", "gamma", "decay_rate", "start_factor"), (0.01, 1, False)),
    "m_mul": (0.1, 1, False),
    "power": (0.1, 6, False),
    **dict.fromkeys(("t_mul", "T_mult"), (1, 4, False)),
}
_RATE = (1e-8, 10.0, True)
_SYMBOL = re.compile(r"(\$\\?[A-Za-z_{}0-9]+\$)(?:, |\.$|: )")  # the letter of the formula that a note begins with
_BARE = re.compile(r"\$[^$]*\$\.?")  # a note that is nothing but a letter of the formula says nothing beside a slider


@functools.cache
def catalogue() -> dict[str, Any]:
    """Returns every word by group, with its arguments: JSON data, made once."""
    ours = dict.fromkeys([*sorted(recipes.__all__), *sorted(_PHASES), *sorted(vocabulary())])
    keys = [("", word) for word in ours if word in vocabulary() and word not in HIDDEN]
    keys += [(lib, name) for lib in LIBRARIES for name in dialects.names(lib)]
    words = {f"{lib}.{word}".lstrip("."): entry for lib, word in keys if (entry := entry_of(lib, word)) is not None}
    groups: dict[str, list[str]] = {}
    for name, entry in words.items():
        groups.setdefault(entry["group"], []).append(name)
    plain = sorted(kind for kind, cls in Curve.registry.items() if not cls.field_names())
    return {
        "groups": [
            {"name": name, "zh": {"name": language.said(name, "zh")}, "words": sorted(found, key=str.lower)}
            for name, found in groups.items()
        ],
        "words": words,
        "curves": [*plain, "polynomial(2)", "polynomial(3)"],
        "phases": [*sorted(_PHASES), "hold", "ramp", "repeat"],
    }


_PHASES = {*shorthand.__all__} - {"chain", "maximum", "minimum"}


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
    first, chinese = _plain(about(make)), _plain(language.said(about(make), "zh"))
    arguments = {each["name"]: each for each in arguments_of(lib, word)}
    defaults = {name: each["default"] for name, each in arguments.items()}
    latex, symbols = _formula_of(text, defaults) if lib else (_displayed(make), {})
    for name, each in arguments.items() if lib else ():
        each |= {"symbol": symbols[name]} if name in symbols else {}
        if lib in CLASSIC:
            each["note"] = each["note"] or language.argument(word, name, "en")
            each["zh"] = {"note": language.argument(word, name, "zh")}
    return {
        "group": known(lib).title if lib else group_of(word),
        "about": (first.partition(": ")[2] or first) if lib else first,
        "formula": mathml(latex) if latex else "",
        "source": source(make),
        "args": list(arguments.values()),
        "text": text,
        "zh": {"about": chinese if chinese != first else ""},
    }


def _displayed(make: Any) -> str:
    formula = re.search(r"\$\$(.+?)\$\$", inspect.getdoc(make) or "", re.DOTALL)
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
    latex, notes = _displayed(type(node)), field_notes(type(node)) if node else {}
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
    notes, types = field_notes(make), known(lib).readers[word].types if lib else {}
    enums = {name: {"enum": list(kind.options)} for name, kind in types.items()}
    rules: dict[str, Any] = enums if lib else _rules(make)
    made: list[dict[str, Any]] = []
    for name, parameter in signature(lib, word).parameters.items():
        required = parameter.default is parameter.empty
        default = None if required else parameter.default
        default = str(default) if isinstance(default, Node) else default
        rule = rules.get(name, {})
        options = [each for each in rule.get("anyOf", [rule]) if each.get("type") != "null"]
        kind = _foreign_kind(name, default, types) if lib else _kind(parameter, options[0], default)
        nullable = (not required and parameter.default is None) or len(options) < len(rule.get("anyOf", []))
        one = control(name, kind, options[0], default, notes.get(name, ""), bool(lib))
        made.append(one | {"required": required, "nullable": nullable})
    return made


def _maker(lib: str, word: str) -> Any:
    return known(lib).readers[word] if lib else vocabulary()[word]


def _rules(make: Any) -> dict[str, Any]:
    """Returns the JSON Schema of each argument, from the types that a kind or a recipe declares."""
    if inspect.isclass(make) and issubclass(make, Node):
        return {field.name: check.json_schema for field, check in checks_of(make)}
    return {name: check.json_schema for name, check in types_of(inspect.unwrap(make)).items()}


def control(name: str, kind: str, bounds: Mapping[str, Any], default: Any, note: str, foreign: bool) -> dict[str, Any]:
    """Returns how one argument is set: its type, bounds, unit, slider and one-line doc.

    Args:
        name: The argument's.
        kind: The sort of control.
        bounds: Its JSON Schema.
        default: Its default.
        note: What its docstring says.
        foreign: Whether it is of a scheduler of another library.
    """
    symbol, note = _SYMBOL.match(note), "" if _BARE.fullmatch(note) else note
    zh = {"note": _plain(language.said(note, "zh")) if note else ""}
    made: dict[str, Any] = {"name": name, "type": kind, "default": default, "note": _plain(note), "zh": zh}
    if symbol:
        made["symbol"] = _plain(symbol[1])
    if unit := bounds.get("unit", "steps" if kind in ("length", "lengths") else ""):
        made["unit"] = unit
    if kind == "choice":
        made["choices"] = bounds["enum"]
    if kind in ("length", "integer"):
        made["min"] = bounds.get("minimum", 0 if default == 0 or name in ("warmup", "hold", "explore") else 1)
    if kind in ("number", "integer"):
        usual = _RANGES.get(name) if foreign else None
        low, high, log = bounds.get("slider") or usual or (_RATE if kind == "number" else (1, 100, False))
        made |= {"low": low, "high": high, "log": log}
        if kind == "number":
            made["zero"] = "exclusiveMinimum" not in bounds and (log or low == 0)
    return made


def _foreign_kind(name: str, default: Any, types: Mapping[str, Any]) -> str:
    """Returns how a library's argument is set, as its row says; one that the row looks at itself, by its default."""
    kind = types[name].kind if name in types else "auto"
    if kind == "auto":
        kinds = {bool: "flag", list: "lengths", tuple: "lengths", int: "integer", float: "number", str: "text"}
        return "lengths" if name in ("boundaries", "milestones") else kinds.get(type(default), "auto")
    return "integer" if kind == "length" and name in _RANGES else kind


def _kind(parameter: inspect.Parameter, bounds: Mapping[str, Any], default: Any) -> str:
    """Returns how an argument of ours is set, by what its type accepts; a registered formula's have no types."""
    name, hint, kind = parameter.name, str(parameter.annotation), bounds.get("type")
    if parameter.kind is parameter.VAR_POSITIONAL or bounds.get("items", {}).get("$ref"):
        return "schedules"
    for family in ("schedule", "curve"):
        if str(bounds.get("$ref", "")).endswith(f"/{family}") or hint.strip("'") == family.capitalize():
            return family
    if "enum" in bounds:
        return "choice"
    if kind == "array" or "Sequence" in hint:
        return "lengths" if bounds.get("unit") == "steps" or name == "boundaries" else "numbers"
    if kind == "integer" or hint.startswith("int"):
        steps = bounds.get("unit") == "steps" or (not bounds and name not in ("model_size", "cycles"))
        return "length" if steps else "integer"
    if isinstance(default, bool):
        return "flag"
    return {"boolean": "flag", "string": "text"}.get(str(kind), "text" if hint == "str" else "number")


def example_of(lib: str, word: str) -> str:
    """Returns the text that a word begins with on the page, or an empty string if there is none.

    Args:
        lib: A library, or an empty string.
        word: The word.
    """
    arguments = begun(lib, word) if lib else None
    if arguments is None:
        return "" if lib else example(word)
    return f"{lib}.{word}({', '.join(f'{name}={_written(value)}' for name, value in arguments.items())})"


def _written(value: Any) -> str:
    """Returns an argument as the page's text has it: what its controls have no form for stands in a string."""
    plain = not isinstance(value, dict | str) and not (isinstance(value, list) and isinstance(value[0], dict | tuple))
    return repr(value) if plain else json.dumps(value if isinstance(value, str) else repr(value))


def _plain(text: str) -> str:
    r"""Returns a line of a docstring with its formulas as letters: `$T$` becomes T, `\rho` becomes ρ."""
    greek = ("rho", "gamma", "sigma", "tau", "alpha", "beta", "theta", "lambda")
    for name, sign in zip(greek, "ργσταβθλ", strict=True):
        text = text.replace(f"\\{name}", sign)
    return re.sub(r"\$([^$]*)\$", lambda found: re.sub("[_{}]", "", found.group(1)), text)


@functools.lru_cache(maxsize=512)
def mathml(latex: str) -> str:
    """Returns a formula as MathML; an empty string where it cannot be turned into it.

    Args:
        latex: A formula without its dollar signs.

    Examples:
        >>> "<msup>" in mathml("t^2")
        True
    """
    if len(latex) > 20_000:
        return ""
    from latex2mathml.converter import convert

    prepared = latex.replace(r"\tfrac", r"\frac").replace(r"\dots", r"\ldots")
    prepared = re.sub(r"\\text\{([^}]*)\}", lambda found: rf"\mathrm{{{found.group(1)}}}".replace(" ", r"\ "), prepared)
    try:
        return convert(prepared, display="block")
    except Exception:  # noqa: BLE001 - whatever a converter raises at a command it does not know: the page shows no formula then
        return ""
