"""MMEngine's parameter schedulers and mmcv's learning-rate hooks: OpenMMLab before and after 2022.

MMEngine's act inside a window of steps and leave the last value after it. A step is an epoch, or an iteration where `by_epoch=False`;
`convert_to_iter_based=True` with `epoch_length` turns the one into the other, and `epoch_length` alone repeats each epoch's value.
"""

from __future__ import annotations

from copy import copy
from typing import Any

from ..core import Exponential, Hold, Maximum, Product, Ramp, Schedule
from . import pieces
from .calls import Call
from .pytorch import PYTORCH
from .table import CallSite, dialect

_INF = 10**9
_LENGTH = "the number of iterations in an epoch: epoch_length=…, or --let epoch_length=…"


def _window(a: Any, local: Schedule) -> Schedule:
    """Returns what acts from `begin` on and stays from the last step before `end` on."""
    begin, end = _scaled(a, a.begin), _end(a)
    a.require(begin < end, "end", f"above begin, {a.begin}")
    last = end - begin - 1
    local = pieces.until(local, last) if last else Hold(value=local(0))
    whole = pieces.held(a.lr, begin, local)
    stairs = a.epoch_length and a.by_epoch and not a.convert_to_iter_based
    return pieces.by_epoch(whole, a.epoch_length, None) if stairs else whole


def _scaled(a: Any, steps: float) -> int:
    """Returns a number of epochs in iterations where that is asked for."""
    if not a.convert_to_iter_based:
        return int(steps)
    a.require(a.by_epoch, "by_epoch", "true to be converted")
    return int(steps * a.given("epoch_length", "given to convert", _LENGTH))


def _end(a: Any) -> int:
    return _INF if a.end == _INF else _scaled(a, a.end)


def _last(a: Any) -> int:
    """Returns the last step of the window, on its own clock."""
    return max(_end(a) - _scaled(a, a.begin) - 1, 0)


MMENGINE = dialect("mmengine", around=_window)


def ConstantLR(a: Any) -> Schedule:
    last, low = _last(a), Hold(value=a.lr * a.factor)
    a.require(a.factor > 0 or last > 10**8, "factor", "above 0: MMEngine divides by it at the end")
    return pieces.in_sequence([low, Hold(value=a.lr)], [last]) if last else low


def LinearLR(a: Any) -> Schedule:
    last = _last(a)
    a.require(a.start_factor > 0 or not last, "start_factor", "above 0: MMEngine divides by it")
    return Ramp(a.lr * a.start_factor, a.lr * a.end_factor, last) if last else Hold(value=a.lr * a.start_factor)


def CosineAnnealingLR(a: Any) -> Schedule:
    steps = _scaled(a, a.T_max) if a.T_max else _end(a) - _scaled(a, a.begin)
    return pieces.up_and_down(a.lr, a.level("eta_min", "eta_min_ratio", needed=False), steps)


def OneCycleLR(a: Any) -> Schedule:
    total = _last(a) + 1 if a.total_steps is None else _scaled(a, a.total_steps)
    own = ("pct_start", "anneal_strategy", "div_factor", "final_div_factor", "three_phase")
    arguments = {"max_lr": a.eta_max, "total_steps": total, **{name: getattr(a, name) for name in own}}
    at = CallSite(PYTORCH, "OneCycleLR", a.lr, strict=a.at.strict)
    return PYTORCH.readers["OneCycleLR"](at, **arguments)


def CosineRestartLR(a: Any) -> Schedule:
    low = a.level("eta_min", "eta_min_ratio")
    a.require(len(a.periods) == len(a.restart_weights), "restart_weights", "one for each period")
    pairs = zip(a.restart_weights, (_scaled(a, period) for period in a.periods), strict=True)
    parts = [(Ramp(a.lr * weight, low, n, pieces.COSINE), n) for weight, n in pairs]
    last, steps = parts[-1]
    return pieces.each(parts, Hold(value=last(steps - 1)))


MMENGINE.rows(
    globals(),
    ExponentialLR=lambda a: Exponential(a.gamma, 1, a.lr),
    StepLR=lambda a: pieces.scaled(pieces.stairs(a.gamma, _scaled(a, a.step_size)), a.lr),
    MultiStepLR=lambda a: pieces.scaled(pieces.drops([_scaled(a, m) for m in a.milestones], a.gamma), a.lr),
    PolyLR=lambda a: pieces.ramp(a.lr, a.eta_min if _last(a) else a.lr, _last(a), pieces.curve_of_power(a.power)),
)
for _name, _row in MMENGINE.readers.copy().items():
    _also = MMENGINE.readers[f"{_name[:-2]}ParamScheduler"] = copy(_row)
    _also.leading = ("optimizer", "param_name")


def param_scheduler(a: Any) -> Schedule:
    """Returns what `param_scheduler` of a configuration file makes together; without the length of an epoch, by epoch."""
    from .configs.reading import schedule_of_data

    counted = a.epoch_length is not None or len({bool(part.get("by_epoch", True)) for part in a.parts}) < 2
    a.at.require(counted, "epoch_length", "given for epochs beside iterations", None, _LENGTH)
    parts = [{**part, "type": str(getattr(part.get("type"), "name", part.get("type")))} for part in a.parts]
    data = {"optim_wrapper": {"optimizer": {"lr": a.lr}}, "param_scheduler": parts}
    return schedule_of_data(data, "MMEngine", {"steps_per_epoch": a.epoch_length or 1})


MMENGINE.rows({"param_scheduler": param_scheduler}, plain=("param_scheduler",))


# mmcv -----------------------------------------------------------------------------------------------------------------------------------


def _hooked(a: Any, regular: Schedule) -> Schedule:
    """Returns a hook's rate by iteration, under its warmup; by epoch where the length of an epoch is not known."""
    counted = a.epoch_length is not None or (not (a.by_epoch and a.warmup) and not a.warmup_by_epoch)
    a.at.require(counted, "epoch_length", "given for a warmup beside epochs", None, _LENGTH)
    if a.by_epoch and a.epoch_length is not None:
        regular = pieces.by_epoch(regular, a.epoch_length, a.max_epochs)
    if a.warmup is None:
        return regular
    steps = a.warmup_iters * (a.epoch_length if a.warmup_by_epoch else 1)
    a.require(steps > 0, "warmup_iters", "above 0 with a warmup")
    factor: Schedule = Hold(value=a.warmup_ratio)
    if a.warmup == "linear":
        factor = Ramp(a.warmup_ratio, 1.0, steps)
    elif a.warmup == "exp":
        factor = pieces.formula("r ** (1 - step / n)", r=a.warmup_ratio, n=steps)
    return Product((regular, pieces.in_sequence([factor, Hold()], [steps])))


MMCV = dialect("mmcv", around=_hooked)


def _total(a: Any) -> int:
    name = "max_epochs" if a.by_epoch else "max_iters"
    return a.given(name, remedy=f"the length of the run: {name}=…, or --let {name}=…")


def StepLrUpdaterHook(a: Any) -> Schedule:
    a.require(isinstance(a.step, int | list | tuple), "step", "a whole number or a list of them")
    drops = pieces.stairs(a.gamma, a.step) if isinstance(a.step, int) else pieces.drops(list(a.step), a.gamma)
    scaled = pieces.scaled(drops, a.lr)
    return scaled if a.min_lr is None else Maximum((scaled, Hold(value=a.min_lr)))


def FlatCosineAnnealingLrUpdaterHook(a: Any) -> Schedule:
    total, low = _total(a), a.level("min_lr", "min_lr_ratio")
    start = round(total * a.start_percent)
    return pieces.held(a.lr, start, pieces.ramp(a.lr, low, total - start, pieces.COSINE))


def CosineRestartLrUpdaterHook(a: Any) -> Schedule:
    low = a.level("min_lr", "min_lr_ratio")
    a.require(len(a.periods) == len(a.restart_weights), "restart_weights", "one for each period")
    pairs = zip(a.restart_weights, a.periods, strict=True)
    return pieces.each([(Ramp(low + weight * (a.lr - low), low, n, pieces.COSINE), n) for weight, n in pairs])


def lr_config(a: Any) -> Schedule:
    name = f"{a.policy.title() if a.policy == a.policy.lower() else a.policy}LrUpdaterHook"
    a.require(MMCV.find(name) is not None, "policy", "one of mmcv's, such as 'step' or 'CosineAnnealing'")
    return MMCV.inside(a.at, Call(name, a.more))


MMCV.rows(
    globals(),
    FixedLrUpdaterHook=lambda a: Hold(value=a.lr),
    ExpLrUpdaterHook=lambda a: Exponential(a.gamma, 1, a.lr),
    PolyLrUpdaterHook=lambda a: Ramp(a.lr, a.min_lr, _total(a), pieces.curve_of_power(a.power)),
    InvLrUpdaterHook=lambda a: pieces.formula("lr * (1 + g * step) ** p", lr=a.lr, g=a.gamma, p=-a.power),
    CosineAnnealingLrUpdaterHook=lambda a: Ramp(a.lr, a.level("min_lr", "min_lr_ratio"), _total(a), pieces.COSINE),
    LinearAnnealingLrUpdaterHook=lambda a: Ramp(a.lr, a.level("min_lr", "min_lr_ratio"), _total(a)),
    plain=("lr_config",),
)
