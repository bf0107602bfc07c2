"""YAML and JSON as plain data: read without executing anything, refused early where they are hostile."""

from __future__ import annotations

import io
import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .codec import parsed
from .errors import GlidepathError

MAX_TEXT = 256_000
MAX_YAML = 64_000
MAX_DEPTH = 32
MAX_NODES = 10_000
_INTEGER = re.compile(r"[-+]?[0-9]{1,400}\Z")
_FLOAT = re.compile(r"[-+]?(\.[0-9]{1,400}|[0-9]{1,400}(\.[0-9]{0,400})?)([eE][-+]?[0-9]{1,9})?\Z")
_PLAIN: dict[str, Any] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_NOT_FINITE = re.compile(r"[-+]?\.(inf|Inf|INF)\Z|\.(nan|NaN|NAN)\Z")


def text_of_file(path: str | Path) -> str:
    """Returns the text of a file.

    Raises:
        GlidepathError: If it cannot be read, is larger than `MAX_TEXT` bytes, or is no UTF-8.
    """
    file = Path(path)
    try:
        with file.open("rb") as stream:
            content = stream.read(MAX_TEXT + 1)
        text = content.decode("utf-8-sig")
    except OSError as error:
        raise GlidepathError.of(file.name, "file", "a file that can be read", str(file), error.strerror or "") from None
    except UnicodeDecodeError:
        raise GlidepathError.of(file.name, "file", "text in UTF-8", str(file)) from None
    if len(content) > MAX_TEXT:
        raise GlidepathError.of("$", "", f"at most {MAX_TEXT} characters", f"more than {MAX_TEXT}")
    return text


def data_of_text(text: str, json: bool, *, foreign: bool = False) -> Any:
    """Returns the data of YAML or JSON text: mappings, lists, text, finite numbers, true, false and null.

    Args:
        text: The text.
        json: Whether it is JSON.
        foreign: Whether it is another tool's YAML: what has a tag becomes a mapping from `!` to the tag's name with what it holds,
            an alias is what its anchor marks, `<<` lays mappings under its own, a key that is no word becomes its text, infinity is a number.

    Raises:
        GlidepathError: If it is something else, too large, too deep, or has a key twice, a tag, an anchor or an alias.
    """
    if len(text) > MAX_TEXT:
        raise GlidepathError.of("$", "", f"at most {MAX_TEXT} characters", f"more than {MAX_TEXT}")
    if json:
        _check_depth(text, 8 * MAX_DEPTH, r'"(?:[^"\\]|\\.)*"|')
        return parsed(text, 4 * MAX_TEXT, finite=True)
    return _yaml(text, foreign)


def _check_depth(text: str, most: int, quoted: str = "") -> None:
    """Refuses text that opens more brackets than the deepest plan has, before anything is read."""
    deep = deepest = 0
    for found in re.finditer(quoted + r"[\[\]{}]", text):
        deep = max(0, deep + {"[": 1, "{": 1, "]": -1, "}": -1}.get(found[0], 0))
        deepest = max(deepest, deep)
    if deepest > most:
        raise GlidepathError.of("$", "", f"nested at most {most} deep", f"depth {deepest}")


def _yaml(text: str, foreign: bool) -> Any:
    """Reads YAML 1.2 from its events, so that nothing is built before it is known to be harmless."""
    if len(text) > MAX_YAML and not foreign:
        raise GlidepathError.of("$", "", f"at most {MAX_YAML} characters of YAML", f"{len(text)}", "write it as JSON")
    _check_depth(text, 4 * MAX_DEPTH)
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    try:
        return _built(YAML(typ="safe", pure=True).parse(io.StringIO(text)), foreign)
    except YAMLError as error:
        mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
        at = f"line {mark.line + 1}, column {mark.column + 1}" if mark is not None else ""
        reason = str(getattr(error, "problem", None) or str(error).partition("\n")[0])
        raise GlidepathError.of("$", "", "YAML", at or text, reason[:200]) from None
    except (RecursionError, ValueError, IndexError, KeyError, TypeError, AttributeError, AssertionError) as error:
        if isinstance(error, GlidepathError):
            raise
        raise GlidepathError.of("$", "", "YAML", text, f"{type(error).__name__}: {error}"[:200]) from None


def _built(events: Iterator[Any], foreign: bool) -> Any:
    """Builds the data of one document."""
    roots: list[Any] = []
    marked: dict[str, Any] = {}
    laid = 0
    stack: list[tuple[Any, list[Any]]] = [(roots, [])]  # a container, and the key that waits for its value

    def put(value: Any, at: str) -> None:
        container, key = stack[-1]
        if not isinstance(container, dict):
            container.append(value)
        elif key:
            container[key.pop()] = value
        elif isinstance(value, dict | list):
            raise GlidepathError.of(at, "every key", "a word", "a list or a mapping")
        elif not isinstance(value, str) and not foreign:
            raise GlidepathError.of(at, "every key", "a word", value)
        elif value in container:
            raise GlidepathError.of(at, f"key {value[:50]!r}", "given once in a mapping", "it twice")
        else:
            key.append(str(value))

    for nodes, event in enumerate(events):
        name, at = type(event).__name__.removesuffix("Event"), f"line {event.start_mark.line + 1}"
        if max(nodes, laid) > 4 * MAX_NODES:
            raise GlidepathError.of(at, "", f"made of at most {MAX_NODES} nodes", "more")
        anchor, tag = getattr(event, "anchor", None), getattr(event, "tag", None)
        if name == "Alias" and foreign:
            put(marked.get(str(anchor)), at)
            continue
        if anchor is not None and not foreign:
            raise GlidepathError.of(at, "", "free of anchors and aliases", "one", "write it out")
        if (tag is not None or getattr(event, "ctag", None) is not None) and not foreign:
            raise GlidepathError.of(at, "", "free of tags", str(tag or "")[:100])
        if name in ("Scalar", "MappingStart", "SequenceStart"):
            mark = {} if tag is None else {"!": str(tag).lstrip("!")}
            made = _scalar(event, at, foreign) if name == "Scalar" else [] if name == "SequenceStart" else dict(mark)
            put({**mark, "value": made} if mark and not isinstance(made, dict) else made, at)
            marked |= {} if anchor is None else {str(anchor): made}
            stack += [] if name == "Scalar" else [(made, [])]
            if len(stack) > 4 * MAX_DEPTH:
                raise GlidepathError.of(at, "", f"nested at most {4 * MAX_DEPTH} deep", "a deeper document")
        elif name in ("MappingEnd", "SequenceEnd"):
            done, _ = stack.pop()
            laid += _laid_under(done) if foreign and isinstance(done, dict) and "<<" in done else 0
        elif name == "DocumentStart" and roots:
            if foreign:
                break
            raise GlidepathError.of(at, "", "one document", "several")
    return roots[0] if roots else None


def _laid_under(over: dict[str, Any]) -> int:
    """Puts what `<<` names under the mapping that names it; returns how many keys that were."""
    below = over.pop("<<")
    parts = {id(part): part for part in (below if isinstance(below, list) else [below])}
    for part in parts.values():
        for key, value in list(part.items()) if isinstance(part, dict) else ():
            over.setdefault(key, value)
    return sum(len(part) for part in parts.values() if isinstance(part, dict))


def _scalar(event: Any, where: str, foreign: bool = False) -> Any:
    value = str(event.value)
    if getattr(event, "style", None):  # quoted or a block: text
        return value
    if value in _PLAIN:
        return _PLAIN[value]
    if _INTEGER.match(value):
        return int(value)
    if foreign and _NOT_FINITE.match(value):
        return float(value.replace(".", ""))
    if _NOT_FINITE.match(value) or (_FLOAT.match(value) and not math.isfinite(float(value))):
        raise GlidepathError.of(where, "every number", "finite", value)
    return float(value) if _FLOAT.match(value) else value
