"""What `spec/generate.py` makes now."""

import importlib.util
from pathlib import Path
from typing import Any

SPEC = Path(__file__).resolve().parents[1] / "spec"


def _files() -> dict[str, Any]:
    found = importlib.util.spec_from_file_location("spec_generate", SPEC / "generate.py")
    assert found is not None
    assert found.loader is not None
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return dict(module.files())


GENERATED = _files()
