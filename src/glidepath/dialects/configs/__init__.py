"""Configuration files of training tools, read as schedules."""

from __future__ import annotations

from . import forms as _forms  # each form registers itself
from .reading import Config, form_of, read_config

_FORMS = _forms

__all__ = ["Config", "form_of", "read_config"]
