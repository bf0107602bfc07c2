"""LaTeX as MathML, which the browser draws by itself."""

from __future__ import annotations

import functools
import re

__all__ = ["mathml"]

MAX_LATEX = 20_000


@functools.lru_cache(maxsize=512)
def mathml(latex: str) -> str:
    """Returns a formula as MathML; an empty string where it cannot be turned into it.

    Args:
        latex: A formula without its dollar signs.

    Examples:
        >>> "<msup>" in mathml("t^2")
        True
    """
    if len(latex) > MAX_LATEX:
        return ""
    from latex2mathml.converter import convert

    prepared = latex.replace(r"\tfrac", r"\frac").replace(r"\dots", r"\ldots")
    prepared = re.sub(r"\\text\{([^}]*)\}", lambda found: rf"\mathrm{{{found.group(1)}}}".replace(" ", r"\ "), prepared)
    try:
        return convert(prepared, display="block")
    except Exception:  # noqa: BLE001 - whatever a converter raises at a command it does not know: the page shows no formula then
        return ""
