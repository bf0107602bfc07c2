"""From one library's call to another's code, and back to our own text."""

from __future__ import annotations

import ast
import contextlib
import itertools
import re
from collections.abc import Mapping
from typing import Any

from ..core import GlidepathError, Rate, Schedule, did_you_mean, parse, vocabulary
from ..core.syntax import syntax
from . import write_targets
from .snippets import BASE, FoundCall, chosen, mentioned, read_calls
from .write_code import WRITERS

_MARK = "# glidepath: "
_FUNCTION = re.compile(r"^(def (?!make_scheduler)|class )", re.MULTILINE)


def render(schedule: Schedule | str, framework: str, *, base_lr: float | None = None) -> str:
    """Returns a schedule as code of a library.

    PyTorch and OneFlow: `make_scheduler(optimizer)`, and `base_lr`, the rate that the optimizer must have, where the values are absolute.
    transformers, timm and Composer: their own class or function; MMEngine, DeepSpeed and Megatron-LM: a piece of configuration, which holds
    the rate itself. Keras and optax: `schedule`. Plain Python: a function `schedule(t)` that needs nothing but the standard library. A
    library's own class is used where it has one; for PyTorch, OneFlow, Keras and optax anything else becomes a function of the step, under a
    line that says the schedule. What is written is read back, equal: by `read_text`, or by `read_config` where it is configuration.

    Args:
        schedule: A schedule or its text.
        framework: `pytorch`, `oneflow`, `keras`, `optax`, `python`, `transformers`, `timm`, `composer`, `mmengine`, `deepspeed` or
            `megatron`.
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
    known = targets()
    if not isinstance(framework, str) or framework not in known:
        hint = did_you_mean(str(framework)[:50], known)
        raise GlidepathError.of("render", "framework", f"one of {', '.join(known)}", framework, hint)
    given = Schedule.of(schedule)
    if base_lr is not None and given.absolute:
        raise GlidepathError.of("render", "base_lr", "None for a schedule in absolute values", base_lr)
    made = given if base_lr is None else given * base_lr
    if base_lr is not None and framework in ("pytorch", "oneflow"):
        made = Rate(made)
    try:
        if framework in write_targets.TARGETS:
            return write_targets.written(given, framework, base_lr)
        code = WRITERS[framework](made)
        return f"{_MARK}{made}\n{code}" if _FUNCTION.search(code) else code
    except RecursionError:
        rule, remedy = "of fewer parts in a row to be written as code", "a recipe or a chain of fewer"
        raise GlidepathError.worded("render", "schedule", rule, f"{made._size} nodes", remedy) from None


def targets() -> tuple[str, ...]:
    """Returns the names of the libraries and tools that `render` writes for."""
    return (*WRITERS, *write_targets.TARGETS)


def own_code(source: str) -> Schedule | None:
    """Returns the schedule that a piece of code says it was written from, if it is still word for word what is written for it.

    Args:
        source: Any text.
    """
    marked = [line.removeprefix(_MARK) for line in source.splitlines() if line.startswith(_MARK)]
    bare = source.strip().partition("\n")[2].strip()
    for said, writer in itertools.product(marked[:1], WRITERS.values()):
        with contextlib.suppress(GlidepathError):
            if writer(made := parse(said)).strip() == bare:
                return made
    return None


def is_ours(source: str) -> bool:
    """Tells whether a text is in our own words, and not somebody's code.

    Args:
        source: One line of ours, a call of another library, or code.
    """
    try:
        node: ast.AST = syntax(source.strip())
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        first = re.sub(r"\W.*", "", source.strip(), flags=re.DOTALL)
        return "\n" not in source.strip() and "=" not in source.partition("(")[0] and first in ("", *vocabulary())
    while isinstance(node, ast.BinOp | ast.UnaryOp):
        node = node.left if isinstance(node, ast.BinOp) else node.operand
    if isinstance(node, ast.Call):
        return isinstance(node.func, ast.Name) and node.func.id in vocabulary()
    return True


def foreign(text: str, let: Mapping[str, Any] | None = None) -> Schedule | None:
    """Returns a library's call as our own schedules are: a factor where its rates follow the optimizer's, else rates of its own.

    Args:
        text: A call, or code that holds one.
        let: As in `read_text`.

    Returns:
        None if no library has a scheduler that the text names.

    Raises:
        GlidepathError: If the call cannot be read.
    """
    if is_ours(text) or not mentioned(text):
        return None
    found = chosen(read_calls(text, None, let), None)
    made = [found.schedules(base) for base in (1.0, 0.5)]
    if len(made[0]) > 1:
        return read_text(text, let=let)  # refuses it: one schedule is wanted
    whole, half = (next(iter(one.values())) for one in made)
    probes = [0, 1, 2, 3, 5, 10, 30, 100, 300, 1000, 3000, 10_000]
    follows = all(abs(0.5 * whole(t) - half(t)) <= 1e-12 * abs(half(t)) for t in probes)
    return whole.schedule if follows and any(map(whole, probes)) else next(iter(found.schedules().values()))


def read_groups(
    source: str,
    *,
    framework: str | None = None,
    base_lr: float | None = None,
    strict: bool = True,
    let: Mapping[str, Any] | None = None,
    call: int | None = None,
) -> dict[str, Schedule]:
    """Returns the schedule of each parameter group of one scheduler call: `0`, `1` … where an argument holds a list for them.

    Args:
        source: A call, code that holds one, or our text; a single schedule has an empty name.
        framework: As in `read_text`.
        base_lr: As in `read_text`.
        strict: As in `load`.
        let: As in `read_text`.
        call: As in `read_text`.

    Raises:
        GlidepathError: If it cannot be read.

    Examples:
        >>> two = read_groups("OneCycleLR(optimizer, max_lr=[0.1, 1.0], total_steps=10)")
        >>> {name: schedule(0) for name, schedule in two.items()}
        {'0': 0.004, '1': 0.04}
    """
    if not isinstance(source, str):
        raise GlidepathError.of("text", "", "a string", source)
    if framework is None and is_ours(source):
        return {"": parse(source)}
    if (own := own_code(source)) is not None:
        return {"": own}
    return dict(chosen(read_calls(source, framework, let), call).schedules(base_lr, strict))


def read_text(
    source: str,
    *,
    framework: str | None = None,
    base_lr: float | None = None,
    strict: bool = True,
    let: Mapping[str, Any] | None = None,
    call: int | None = None,
    group: int | None = None,
) -> Schedule:
    """Returns the schedule of a library's scheduler call as people write it, or of our own text.

    The call may stand in code: imports, assignments and arithmetic are followed, a lambda or a `def` of the same code is read into a formula,
    and the rate of an optimizer that the code makes is the base rate. Nothing is run.

    Args:
        source: The call, code that holds it, or our text.
        framework: The library, where the call does not say it; None finds the most usual one that has the name.
        base_lr: The base rate; None is what the code says, or 0.1.
        strict: As in `load`.
        let: What names stand for that the code leaves open, such as `{"args.epochs": 90, "len(loader)": 500}`.
        call: Which call, from 1 on, where there are several.
        group: Which parameter group, where an argument holds a list for them.

    Raises:
        GlidepathError: If it is neither, or holds names that nobody gave.

    Examples:
        >>> read_text("StepLR(optimizer, step_size=epochs // 3)", let={"epochs": 90})(30)
        0.010000000000000002
    """
    made = read_groups(source, framework=framework, base_lr=base_lr, strict=strict, let=let, call=call)
    if len(made) == 1:
        return next(iter(made.values()))
    if group is not None and str(group) in made:
        return made[str(group)]
    rule = f"from 0 to {len(made) - 1}: an argument holds one value for each"
    raise GlidepathError.of("text", "group", rule, group, "in Python group=0, or read_groups for all")


def base_taken(source: Schedule | str, to: str, found: FoundCall | None = None, strict: bool = True) -> float | None:
    """Returns the base rate that `convert` and `render` write where none is given; None where they need none.

    A factor becomes Keras's and optax's rates as it is, which is a base rate of 1. A call whose values follow from its optimizer's rate is
    read with 0.1, unless its code says the rate.

    Args:
        source: A schedule, its text, or a call.
        to: As in `convert`.
        found: The call that the schedule is of, where it was looked for already.
        strict: As in `convert`.

    Raises:
        GlidepathError: If it cannot be read.
    """
    if isinstance(source, str) and not is_ours(source):
        found = chosen(read_calls(source), None)
    if found is None:
        schedule = source if isinstance(source, Schedule) else parse(source)
        return 1.0 if not schedule.absolute and to in ("keras", "optax") else None
    if found.base is not None:
        return None
    try:
        one, other = (found.schedules(base, strict) for base in (BASE, BASE * (1 + 1e-6)))
    except GlidepathError:
        return BASE  # refused for another base: it has a say
    return None if [made.schedule for made in one.values()] == [made.schedule for made in other.values()] else BASE


def convert(
    source: str, to: str, *, framework: str | None = None, base_lr: float | None = None, strict: bool = True
) -> str:
    """Returns one library's call as another's code, or as our own text.

    Args:
        source: One call, such as `torch.optim.lr_scheduler.StepLR(step_size=30, gamma=0.1)`, or our own text. It is read from its syntax
            tree; nothing is executed.
        to: As `framework` in `render`, or `glidepath` for our own text.
        framework: The library of the call, where it does not say so itself.
        base_lr: The base rate, where the call does not hold it; None is 0.1 for a call, and leaves a schedule of ours a factor.
        strict: As in `load`.

    Raises:
        GlidepathError: If the call cannot be read, or cannot be said there (`NotExpressible`).

    Examples:
        >>> print(convert("keras.optimizers.schedules.CosineDecay(0.1, 1000)", "glidepath"))
        cosine(1000, peak=0.1)
    """
    schedule = read_text(source, framework=framework, base_lr=base_lr, strict=strict)
    if to == "glidepath":
        return str(schedule.schedule if isinstance(schedule, Rate) else schedule)
    return render(schedule, to, base_lr=None if schedule.absolute else base_lr)
