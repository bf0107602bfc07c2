"""Plans as YAML and JSON text: read without executing anything, refused early where they are hostile."""

from __future__ import annotations

import io
import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..core.codec import parsed
from ..core.errors import GlidepathError
from .model import Plan

__all__ = ["MAX_TEXT", "plan_of_text", "read", "write", "yaml_of"]

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


def read(path: str | Path) -> Plan:
    """Returns the plan in a `.yaml`, `.yml` or `.json` file.

    Raises:
        GlidepathError: If the file cannot be read, or with every problem of the plan.
    """
    return Plan.from_dict(data_of_file(path))


def data_of_file(path: str | Path) -> Any:
    """Returns the data in a `.yaml`, `.yml` or `.json` file.

    Raises:
        GlidepathError: If the file cannot be read, or for what `data_of_text` refuses.
    """
    file = Path(path)
    if file.suffix not in (".yaml", ".yml", ".json"):
        raise GlidepathError.of(file.name, "file", "a .yaml, .yml or .json file", str(file))
    try:
        with file.open("rb") as stream:
            content = stream.read(MAX_TEXT + 1)
        text = content.decode("utf-8-sig")
    except OSError as error:
        raise GlidepathError.of(file.name, "file", "a file that can be read", str(file), error.strerror or "") from None
    except UnicodeDecodeError:
        raise GlidepathError.of(file.name, "file", "text in UTF-8", str(file)) from None
    return data_of_text(text, json=file.suffix == ".json")


def write(plan: Plan, path: str | Path) -> Path:
    """Writes a plan to a `.yaml`, `.yml` or `.json` file, the old one or the new one if it is interrupted, and returns its path.

    Raises:
        GlidepathError: If the name ends otherwise.
    """
    file = Path(path)
    if file.suffix not in (".yaml", ".yml", ".json"):
        raise GlidepathError.of(file.name, "file", "a .yaml, .yml or .json file", str(file))
    text = plan.to_json(indent=2) + "\n" if file.suffix == ".json" else plan.to_yaml()
    fresh = file.with_name(file.name + ".new")
    fresh.write_text(text, encoding="utf-8")
    return fresh.replace(file)


def plan_of_text(text: str) -> Plan:
    """Returns the plan that YAML or JSON text describes.

    Raises:
        GlidepathError: With every problem found and the path of each.
    """
    return Plan.from_dict(any_data_of_text(text))


def any_data_of_text(text: str) -> Any:
    """Returns the data of text that is JSON if it begins with a brace, otherwise YAML; see `data_of_text`."""
    return data_of_text(text, json=text.lstrip()[:1] == "{")


def data_of_text(text: str, json: bool) -> Any:
    """Returns the data of YAML or JSON text: mappings, lists, text, finite numbers, true, false and null.

    Raises:
        GlidepathError: If it is something else, too large, too deep, or has a key twice, a tag, an anchor or an alias.
    """
    if len(text) > MAX_TEXT:
        raise GlidepathError.of("$", "", f"at most {MAX_TEXT} characters", f"more than {MAX_TEXT}")
    if json:
        _check_depth(text, 8 * MAX_DEPTH, r'"(?:[^"\\]|\\.)*"|')
        data = parsed(text, 4 * MAX_TEXT)
        _check_numbers(data)
        return data
    return _yaml(text)


def _check_depth(text: str, most: int, quoted: str = "") -> None:
    """Refuses text that opens more brackets than the deepest plan has, before anything is read."""
    deep = deepest = 0
    for found in re.finditer(quoted + r"[\[\]{}]", text):
        deep = max(0, deep + {"[": 1, "{": 1, "]": -1, "}": -1}.get(found[0], 0))
        deepest = max(deepest, deep)
    if deepest > most:
        raise GlidepathError.of("$", "", f"nested at most {most} deep", f"depth {deepest}")


def _check_numbers(data: Any) -> None:
    stack = [data]
    while stack:
        item = stack.pop()
        if isinstance(item, float) and not math.isfinite(item):
            raise GlidepathError.of("$", "every number", "finite", item)
        if isinstance(item, dict | list):
            stack.extend(item.values() if isinstance(item, dict) else item)


def _yaml(text: str) -> Any:
    """Reads YAML 1.2 from its events, so that nothing is built before it is known to be harmless."""
    if len(text) > MAX_YAML:
        raise GlidepathError.of("$", "", f"at most {MAX_YAML} characters of YAML", f"{len(text)}", "write it as JSON")
    _check_depth(text, 4 * MAX_DEPTH)
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    try:
        return _built(YAML(typ="safe", pure=True).parse(io.StringIO(text)))
    except YAMLError as error:
        mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
        at = f"line {mark.line + 1}, column {mark.column + 1}" if mark is not None else ""
        reason = str(getattr(error, "problem", None) or str(error).partition("\n")[0])
        raise GlidepathError.of("$", "", "YAML", at or text, reason[:200]) from None
    except (RecursionError, ValueError, IndexError, KeyError, TypeError, AttributeError, AssertionError) as error:
        if isinstance(error, GlidepathError):
            raise
        raise GlidepathError.of("$", "", "YAML", text, f"{type(error).__name__}: {error}"[:200]) from None


def _built(events: Iterator[Any]) -> Any:
    """Builds the data of one document."""
    roots: list[Any] = []
    stack: list[tuple[Any, list[Any]]] = [(roots, [])]  # a container, and the key that waits for its value

    def where(event: Any) -> str:
        return f"line {event.start_mark.line + 1}"

    def put(value: Any, event: Any) -> None:
        container, key = stack[-1]
        if not isinstance(container, dict):
            container.append(value)
        elif key:
            container[key.pop()] = value
        elif not isinstance(value, str):
            raise GlidepathError.of(where(event), "every key", "a word", value)
        elif value in container:
            raise GlidepathError.of(where(event), f"key {value[:50]!r}", "given once in a mapping", "it twice")
        else:
            key.append(value)

    for nodes, event in enumerate(events):
        name = type(event).__name__
        if nodes > 4 * MAX_NODES:
            raise GlidepathError.of(where(event), "", f"made of at most {MAX_NODES} nodes", "more")
        if name == "AliasEvent" or getattr(event, "anchor", None) is not None:
            raise GlidepathError.of(where(event), "", "free of anchors and aliases", "one", "write it out")
        if getattr(event, "tag", None) is not None or getattr(event, "ctag", None) is not None:
            raise GlidepathError.of(where(event), "", "free of tags", str(getattr(event, "tag", ""))[:100])
        if name == "ScalarEvent":
            put(_scalar(event, where(event)), event)
        elif name in ("MappingStartEvent", "SequenceStartEvent"):
            fresh: Any = {} if name == "MappingStartEvent" else []
            if isinstance(stack[-1][0], dict) and not stack[-1][1]:
                raise GlidepathError.of(where(event), "every key", "a word", "a list or a mapping")
            put(fresh, event)
            stack.append((fresh, []))
            if len(stack) > 4 * MAX_DEPTH:
                raise GlidepathError.of(where(event), "", f"nested at most {4 * MAX_DEPTH} deep", "a deeper document")
        elif name in ("MappingEndEvent", "SequenceEndEvent"):
            stack.pop()
        elif name == "DocumentStartEvent" and roots:
            raise GlidepathError.of(where(event), "", "one document", "several")
    return roots[0] if roots else None


def _scalar(event: Any, where: str) -> Any:
    value = str(event.value)
    if getattr(event, "style", None):  # quoted or a block: text
        return value
    if value in _PLAIN:
        return _PLAIN[value]
    if _INTEGER.match(value):
        return int(value)
    if _NOT_FINITE.match(value) or (_FLOAT.match(value) and not math.isfinite(float(value))):
        raise GlidepathError.of(where, "every number", "finite", value)
    return float(value) if _FLOAT.match(value) else value


def yaml_of(data: dict[str, Any]) -> str:
    """Returns data as YAML."""
    from ruamel.yaml import YAML

    yaml = YAML(typ="safe", pure=True)
    yaml.default_flow_style = False
    yaml.width = 1_000_000
    yaml.allow_unicode = True
    yaml.sort_base_mapping_type_on_output = False  # type: ignore[assignment]
    stream = io.StringIO()
    yaml.dump(data, stream)
    return stream.getvalue()
