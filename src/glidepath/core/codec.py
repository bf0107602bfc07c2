"""JSON both ways, its schema, and the canonical form behind fingerprints."""

from __future__ import annotations

import dataclasses
import inspect
import json
import math
import re
from collections import Counter
from typing import Any

from .curves import Curve
from .errors import GlidepathError, did_you_mean
from .fields import one_document
from .files import canonical_json
from .node import Node, checks_of
from .schedule import MAX_DEPTH, MAX_NODES, Schedule

MAX_BYTES = 64 * 2**20


def data_of(node: Node, sparse: bool = False) -> dict[str, Any]:
    """Returns a node as JSON data; every field is written out, or those that are not as they are by default, and curves in full."""
    fields = [f for f in dataclasses.fields(node) if not sparse or getattr(node, f.name) != f.default]  # type: ignore[arg-type]
    return {"kind": node.kind} | {f.name: _plain(node.field_data(f.name), sparse) for f in fields}


def _plain(value: Any, sparse: bool = False) -> Any:
    if isinstance(value, Curve) and not value.field_names() and not sparse:
        return value.kind
    if isinstance(value, Node):
        return data_of(value, sparse)
    return [_plain(item, sparse) for item in value] if isinstance(value, tuple) else value


def canonical(node: Node) -> str:
    """Returns the JSON text that fingerprints are made of: sorted, without spaces, without fields that have their default.

    A field that a later version adds with a default leaves the fingerprints of older schedules as they were.
    """
    return canonical_json(data_of(node, sparse=True))


def parsed(text: str | bytes, most: int = MAX_BYTES, finite: bool = False) -> Any:
    """Returns the data of JSON text.

    Args:
        text: At most `most` bytes.
        most: The limit.
        finite: Whether a number such as 1e999 is refused here.

    Raises:
        GlidepathError: If the text is not JSON (NaN, infinities and duplicate keys included).
    """
    if not isinstance(text, str | bytes | bytearray):
        raise GlidepathError.of("$", "", "JSON text", text)
    if len(text) > most:
        raise GlidepathError.worded("$", "", f"at most {most} bytes", f"{len(text)} bytes")
    try:
        real = _finite if finite else float
        return json.loads(text, object_pairs_hook=_unique, parse_constant=_finite, parse_int=_integer, parse_float=real)
    except GlidepathError:
        raise
    except RecursionError:
        raise GlidepathError.worded("$", "", f"nested at most {MAX_DEPTH} deep", "a deeper document") from None
    except ValueError as error:
        raise GlidepathError.of("$", "", "JSON", text, str(error)[:200]) from None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        twice = Counter(key for key, _ in pairs).most_common(1)[0][0]
        raise GlidepathError.worded("$", f"key {twice[:50]!r}", "given once in an object", "it twice")
    return found


def _finite(digits: str) -> float:
    if not math.isfinite(value := float(digits)):
        raise GlidepathError.of("$", "every number", "finite", digits)
    return value


def _integer(digits: str) -> int:
    if len(digits) > 400:
        raise GlidepathError.worded("$", "every number", "of at most 400 digits", f"one of {len(digits)}")
    return int(digits)


@one_document()
def node_of(data: Any, base: type[Node]) -> Node:
    """Returns the node of the family `base` that JSON data describes.

    Raises:
        GlidepathError: With every problem found and the path of each.
    """
    if isinstance(data, base):
        return data
    _check_shape(data)
    known = sorted(base.registry)
    if not isinstance(data, dict):
        raise GlidepathError.of("$", "", f'an object with a "kind" ({base.__name__.lower()})', data)
    kind = data.get("kind")
    if kind is None:
        raise GlidepathError.worded("$", "kind", f"given, one of {', '.join(known)}", "nothing")
    if not isinstance(kind, str) or kind not in base.registry:
        hint = did_you_mean(kind, known) if isinstance(kind, str) else ""
        raise GlidepathError.of("$", "kind", f"one of {', '.join(known)}", kind, hint)
    fields = {key: value for key, value in data.items() if key != "kind"}
    odd = [key for key in fields if not isinstance(key, str)]
    if odd:
        raise GlidepathError.of("$", "every key", "a string", odd[0])
    try:
        return base.registry[kind](**fields)
    except GlidepathError as error:  # `$` stands for the node itself
        raise GlidepathError(
            p if p.where.startswith("$") else dataclasses.replace(p, where=f"$ ({p.where})") for p in error.problems
        ) from None


def _check_shape(data: Any) -> None:
    """Refuses data that is nested too deep or has too many nodes, before anything is built; without recursion."""
    nodes, stack = 0, [(data, 1)]
    while stack:
        value, depth = stack.pop()
        if depth > 4 * MAX_DEPTH:
            raise GlidepathError.worded("$", "", f"nested at most {MAX_DEPTH} deep", "a deeper document")
        nodes += isinstance(value, dict)
        if nodes > 2 * MAX_NODES:
            raise GlidepathError.worded("$", "", f"made of at most {MAX_NODES} nodes", "more")
        inside = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
        stack.extend((item, depth + 1) for item in inside if isinstance(item, dict | list))


def schema() -> dict[str, Any]:
    """Returns the JSON Schema (draft 2020-12) of schedules: every kind with its fields, bounds, units and one-line descriptions."""
    definitions: dict[str, Any] = {}
    for base in (Schedule, Curve):
        name = base.__name__.lower()
        kinds = dict(sorted(base.registry.items()))
        options: list[Any] = [{"$ref": f"#/$defs/{name}.{kind}"} for kind in kinds]
        if base is Curve:
            options.append({"type": "string", "description": "A curve as text, such as cosine or polynomial(2)."})
        definitions[name] = {"oneOf": options}
        definitions |= {f"{name}.{kind}": _object(cls) for kind, cls in kinds.items()}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "glidepath schedule",
        "$ref": "#/$defs/schedule",
        "$defs": definitions,
    }


def _object(cls: type[Node]) -> dict[str, Any]:
    notes = field_notes(cls)
    properties: dict[str, Any] = {"kind": {"const": cls.kind}}
    required = ["kind"]
    for field, check in checks_of(cls):
        needed = field.default is dataclasses.MISSING
        required += [field.name] if needed else []
        note = {"description": notes[field.name]} if field.name in notes else {}
        properties[field.name] = {**check.json_schema, **note, **({} if needed else {"default": _plain(field.default)})}
    return {
        "type": "object",
        "description": (inspect.getdoc(cls) or "").partition("\n")[0],
        "properties": properties,
        "required": required,
        "additionalProperties": False,
    }


def field_notes(thing: Any) -> dict[str, str]:
    """Returns what the docstring's `Args:` says of each argument, on one line; what stands in parentheses behind a name belongs to it."""
    doc = inspect.getdoc(thing) or ""
    match = re.search(r"^Args:\n((?:    .*\n?|\n)+)", doc, re.MULTILINE)
    notes: dict[str, str] = {}
    name = ""
    for line in (match.group(1) if match else "").splitlines():
        found = re.match(r"    (\w+(?: \(.+?\))?): (.*)", line)
        if found:
            name = found.group(1)
            notes[name] = found.group(2)
        elif name and line.strip():
            notes[name] += " " + line.strip()
    return notes
