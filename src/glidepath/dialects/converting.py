"""From one library's call to another's code, and back to our own text."""

from __future__ import annotations

from collections.abc import Callable

from ..core.errors import GlidepathError, did_you_mean
from ..core.rate import Rate
from ..core.schedule import Schedule
from ..core.text import parse, vocabulary
from . import write_functions, write_schedulers
from .calls import Call, read
from .reading import At, read_call
from .resolving import library_of
from .writing import based

__all__ = ["convert", "read_text", "render"]

_WRITERS: dict[str, Callable[[Schedule], str]] = {
    "pytorch": write_schedulers.pytorch,
    "oneflow": write_schedulers.oneflow,
    "keras": write_functions.keras,
    "optax": write_functions.optax,
    "python": write_functions.python,
}
_BASE = 0.1  # of a call that does not hold its own


def render(schedule: Schedule | str, framework: str, *, base_lr: float | None = None) -> str:
    """Returns a schedule as code of a library.

    PyTorch and OneFlow: `make_scheduler(optimizer)`, and `base_lr`, the rate that the optimizer must have, where the values are absolute.
    Keras and optax: `schedule`. Plain Python: a function `schedule(t)` that needs nothing but the standard library. A library's own class
    is used where it has one; anything else becomes a function of the step.

    Args:
        schedule: A schedule or its text.
        framework: `pytorch`, `oneflow`, `keras`, `optax` or `python`.
        base_lr: What a factor is multiplied by; None leaves it a factor.

    Raises:
        NotExpressible: If a part of the schedule cannot be said there.
        GlidepathError: If the framework is unknown.

    Examples:
        >>> print(render("cosine(100)", "optax"))
        import optax
        <BLANKLINE>
        schedule = optax.cosine_decay_schedule(1.0, 100, alpha=0.0)
        <BLANKLINE>
    """
    if not isinstance(framework, str) or framework not in _WRITERS:
        hint = did_you_mean(str(framework)[:50], _WRITERS)
        raise GlidepathError.of("render", "framework", f"one of {', '.join(_WRITERS)}", framework, hint)
    given = Schedule.of(schedule)
    if base_lr is not None and given.absolute:
        raise GlidepathError.of("render", "base_lr", "None for a schedule in absolute values", base_lr)
    made = based(given, base_lr)
    if base_lr is not None and framework in ("pytorch", "oneflow"):
        made = Rate(made)
    try:
        return _WRITERS[framework](made)
    except RecursionError:
        rule = "of fewer parts in a row to be written as code"
        raise GlidepathError.worded(
            "render", "schedule", rule, f"{made._size} nodes", "a recipe or a chain of fewer"
        ) from None


def read_text(source: str, *, framework: str | None = None, base_lr: float = _BASE, strict: bool = True) -> Schedule:
    """Returns the schedule of one library call, such as `torch.optim.lr_scheduler.StepLR(step_size=30)`, or of our own text.

    Args:
        source: The call, or our text.
        framework: The library, where the call does not say it; None finds the first that knows the name.
        base_lr: The base rate, where the call does not say it.
        strict: As in `load`.

    Raises:
        GlidepathError: If it is neither.
    """
    if not isinstance(source, str):
        raise GlidepathError.of("text", "", "a string", source)
    name = source.strip().partition("(")[0].strip()
    if framework is None and (not name.replace(".", "").isidentifier() or name in vocabulary()):
        return parse(source)
    call = read(source)
    language = library_of(call, framework)
    proper = language.named(call.name)
    at = At(language, proper, 1.0 if proper == "NoamDecay" else base_lr, strict=strict)
    return read_call(at, Call(proper, call.arguments, call.given))


def base_taken(source: Schedule | str, to: str, *, framework: str | None = None, strict: bool = True) -> float | None:
    """Returns the base rate that `convert` and `render` write where none is given; None where they need none.

    A factor becomes Keras's and optax's rates as it is, which is a base rate of 1. A call whose values follow from its optimizer's rate is
    read with 0.1.

    Args:
        source: A schedule, its text, or a call.
        to: As in `convert`.
        framework: As in `convert`.
        strict: As in `convert`.

    Raises:
        GlidepathError: If it cannot be read.
    """
    schedule = source if isinstance(source, Schedule) else read_text(source, framework=framework, strict=strict)
    if not schedule.absolute:
        return 1.0 if to in ("keras", "optax") else None
    if isinstance(source, Schedule) or not isinstance(schedule, Rate) or schedule.base is None:
        return None
    try:
        other = read_text(source, framework=framework, base_lr=_BASE * (1 + 1e-6), strict=strict)
    except GlidepathError:
        return _BASE  # refused for another base: it has a say
    return None if isinstance(other, Rate) and other.schedule == schedule.schedule else _BASE


def convert(
    source: str, to: str, *, framework: str | None = None, base_lr: float | None = None, strict: bool = True
) -> str:
    """Returns one library's call as another's code, or as our own text.

    Args:
        source: One call, such as `torch.optim.lr_scheduler.StepLR(step_size=30, gamma=0.1)`, or our own text. It is read from its syntax
            tree; nothing is executed.
        to: `pytorch`, `oneflow`, `keras`, `optax`, `python`, or `glidepath` for our own text.
        framework: The library of the call, where it does not say so itself.
        base_lr: The base rate, where the call does not hold it; None is 0.1 for a call, and leaves a schedule of ours a factor.
        strict: As in `load`.

    Raises:
        GlidepathError: If the call cannot be read, or cannot be said there (`NotExpressible`).

    Examples:
        >>> print(convert("keras.optimizers.schedules.CosineDecay(0.1, 1000)", "glidepath"))
        cosine(1000, peak=0.1)
    """
    schedule = read_text(source, framework=framework, base_lr=_BASE if base_lr is None else base_lr, strict=strict)
    if to == "glidepath":
        return str(schedule.schedule if isinstance(schedule, Rate) else schedule)
    return render(schedule, to, base_lr=None if schedule.absolute else base_lr)
