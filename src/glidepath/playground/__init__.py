"""The page where one moves a slider and sees the curve follow: `glidepath open`."""

from __future__ import annotations

from .server import serve

__all__ = ["serve"]
