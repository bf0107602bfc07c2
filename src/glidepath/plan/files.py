"""Plans as YAML and JSON text: read without executing anything, refused early where they are hostile."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

from ..core.documents import MAX_TEXT, data_of_text, text_of_file
from ..core.errors import GlidepathError
from ..core.files import write_whole
from .model import Plan

__all__ = ["MAX_TEXT", "plan_of_text", "read", "write", "yaml_of"]


def read(path: str | Path) -> Plan:
    """Returns the plan in a `.yaml`, `.yml` or `.json` file, or the one that a training tool's configuration stands for.

    Raises:
        GlidepathError: If the file cannot be read, with every problem of the plan, or with what the configuration leaves open.
    """
    try:
        return Plan.from_dict(data_of_file(path))
    except GlidepathError:
        from ..dialects.configs import form_of, read_config  # looked at only for what is no plan of ours

        if not form_of(path) or (config := read_config(path)) is None:
            raise
        return Plan.of(config.document)


def data_of_file(path: str | Path) -> Any:
    """Returns the data in a `.yaml`, `.yml` or `.json` file.

    Raises:
        GlidepathError: If the file cannot be read, or for what `data_of_text` refuses.
    """
    file = Path(path)
    if file.suffix not in (".yaml", ".yml", ".json"):
        raise GlidepathError.of(file.name, "file", "a .yaml, .yml or .json file", str(file))
    return data_of_text(text_of_file(file), json=file.suffix == ".json")


def write(plan: Plan, path: str | Path) -> Path:
    """Writes a plan to a `.yaml`, `.yml` or `.json` file, the old one or the new one if it is interrupted, and returns its path.

    Raises:
        GlidepathError: If the name ends otherwise.
    """
    file = Path(path)
    if file.suffix not in (".yaml", ".yml", ".json"):
        raise GlidepathError.of(file.name, "file", "a .yaml, .yml or .json file", str(file))
    text = plan.to_json(indent=2) + "\n" if file.suffix == ".json" else plan.to_yaml()
    return write_whole(file, text)


def plan_of_text(text: str) -> Plan:
    """Returns the plan that YAML or JSON text describes.

    Raises:
        GlidepathError: With every problem found and the path of each.
    """
    return Plan.from_dict(any_data_of_text(text))


def any_data_of_text(text: str) -> Any:
    """Returns the data of text that is JSON if it begins with a brace, otherwise YAML; see `data_of_text`."""
    return data_of_text(text, json=text.lstrip()[:1] == "{")


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
