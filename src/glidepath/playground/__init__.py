"""The page where one moves a slider and sees the curve follow: `glidepath open`."""

from __future__ import annotations

from .exports import fragment
from .server import serve

__all__ = ["fragment", "serve"]
