"""What notebooks show: the picture or the page of a result beside its text, and files of pictures as what they hold."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..core import GlidepathError

_TYPES = {".gif": "image/gif", ".png": "image/png", ".svg": "image/svg+xml"}
_Path = Path if TYPE_CHECKING else type(Path())  # before Python 3.12 only the platform's own class has children


def bundle(value: Any) -> dict[str, str]:
    """Returns a result by type: its text, and the picture or the markup that `looks` gives of it.

    Args:
        value: Something `Shown`. What cannot be drawn, or not without what is not installed, is its text alone.
    """
    import glidepath.view as view

    plain = {"text/plain": str(value)}
    try:
        look = value.looks(view)
        if look is None or isinstance(look, str):
            return plain | ({"text/html": look} if look else {})
        return plain | {"image/png": look._repr_mimebundle_()["image/png"]}
    except GlidepathError:
        return plain


def encoded(data: bytes) -> str:
    """Returns bytes as notebooks keep them."""
    return base64.b64encode(data).decode()


class Gif(bytes):
    """The bytes of an animation, which a notebook plays."""

    def __repr__(self) -> str:
        return f"<an animation, {len(self):,} bytes of GIF>"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        del include, exclude
        data = encoded(self)
        # Markup too: programs that turn notebooks into pages know no GIFs.
        html = f'<img alt="an animation" src="data:image/gif;base64,{data}" style="max-width:100%">'
        return {"text/plain": repr(self), "image/gif": data, "text/html": html}


class PicturePath(_Path):
    """Where a picture was written; a notebook shows the picture."""

    def __repr__(self) -> str:
        return repr(Path(self))

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        del include, exclude
        plain, kind = {"text/plain": str(self)}, _TYPES.get(self.suffix.lower())
        if kind is None or not self.is_file():  # no picture; moved or deleted since
            return plain
        data = self.read_bytes()
        if kind == "image/gif":
            return Gif(data)._repr_mimebundle_() | plain
        return plain | {kind: data.decode() if kind.endswith("xml") else encoded(data)}
