"""The page where one moves a slider and sees the curve follow: `glidepath open`."""

from __future__ import annotations

from .links import fragment
from .server import serve

__all__ = ["fragment", "serve"]
