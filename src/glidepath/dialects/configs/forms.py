"""The forms of configuration files: a recogniser and a mapping each, from what the tool calls things to the schedule that it trains with.

A form returns the rate of update `step`, in absolute values, and notes the base rate and the length of the run on the way. A formula that a
library's scheduler has already is taken from there (`FileReading.load`), never written again.

Over 400 lines: each form is a paragraph, and they share nothing else.
"""

from __future__ import annotations

import math
from typing import Any, cast

from ...core import Hold, Ramp, Schedule, Stretch
from ...core.curves import Polynomial
from .. import pieces
from ..table import known
from .reading import FileReading, form, mapping

# Hugging Face and what trains with it -----------------------------------------------------------------------------------------------


def _transformers(r: FileReading, kind: str, warmup: int, total: int, own: dict[str, Any]) -> Schedule:
    r.notes.append(f"warmup = {warmup} updates")
    if warmup >= total > 0 and not r.missing:
        r.odd.append(f"the warmup of {warmup} updates is as long as the run of {total}, or longer")
    given = {"name": kind, "num_warmup_steps": warmup, "num_training_steps": total, "scheduler_specific_kwargs": own}
    return r.load("transformers", "get_scheduler", given)


@form("axolotl", lambda d: "base_model" in d and bool({"micro_batch_size", "lr_scheduler", "num_epochs"} & set(d)))
def axolotl(r: FileReading) -> Schedule:
    """Its own names around transformers' schedulers; without a warmup, 3 % of the run and at most 100 updates."""
    r.base = r.number("learning_rate")
    total = r.updates(r.number("max_steps", 0), r.number("num_epochs", 1), "num_epochs")
    steps, share = r.number("warmup_steps", 0), r.number("warmup_ratio", 0.0)
    warmup = int(steps) or int(share * total) or (0 if share else min(int(0.03 * total), 100))
    own, kind = r.section("lr_scheduler_kwargs"), r.word("lr_scheduler", "cosine")
    if least := r.number("cosine_min_lr_ratio", 0.0):
        kind, own = "cosine_with_min_lr", {"min_lr_rate": least}
    return _transformers(r, kind, 2 if warmup == 1 else warmup, total, own)


def _of_trainer(data: dict[str, Any]) -> bool:
    run = {"num_train_epochs", "max_steps", "per_device_train_batch_size"}
    return "lr_scheduler_type" in data or ("learning_rate" in data and bool(run & set(data)))


@form("Hugging Face TrainingArguments", _of_trainer, plain=True)
@form("LLaMA-Factory", lambda d: _of_trainer(d) and "stage" in d and "finetuning_type" in d)  # tried first
def training_arguments(r: FileReading) -> Schedule:
    """`TrainingArguments`: the warmup's share is rounded up; `max_steps` above 0 wins over epochs."""
    r.base = r.number("learning_rate", 5e-5)
    total = r.updates(r.number("max_steps", 0), r.number("num_train_epochs", 3), "num_train_epochs")
    steps, share = r.number("warmup_steps", 0), r.number("warmup_ratio", 0.0)
    if steps > 0 and share > 0:
        r.odd.append("warmup_steps and warmup_ratio are both given: the steps count")
    warmup = int(steps) if steps >= 1 else math.ceil(total * (steps or share))
    return _transformers(r, r.word("lr_scheduler_type", "linear"), warmup, total, r.section("lr_scheduler_kwargs"))


@form("torchtune", lambda d: any("_component_" in mapping(d, name) for name in ("optimizer", "lr_scheduler")))
def torchtune(r: FileReading) -> Schedule:
    """Its scheduler has transformers' name and formula; the run has `epochs` times `max_steps_per_epoch` or what the data give."""
    r.base = r.number("optimizer.lr")
    if not isinstance(r.at("lr_scheduler"), dict):
        return Hold(value=r.base)
    each, epochs = r.number("max_steps_per_epoch", 0), r.number("epochs", 1)
    given: dict[str, Any] = {"num_training_steps": r.updates(each * epochs, epochs, "epochs")}
    given["num_warmup_steps"] = r.whole("lr_scheduler.num_warmup_steps", 0)
    if r.at("lr_scheduler.num_cycles") is not None:
        given["num_cycles"] = r.number("lr_scheduler.num_cycles")
    return r.load("transformers", r.word("lr_scheduler._component_"), given)


# Small language-model trainers ------------------------------------------------------------------------------------------------------


@form("nanoGPT", lambda d: d[""] == "python" and bool({"warmup_iters", "lr_decay_iters", "decay_lr"} & set(d)))
def nanogpt(r: FileReading) -> Schedule:
    """`train.py`'s own defaults where the file says nothing; the warmup begins at `1 / (warmup_iters + 1)`, as it does since 2024."""
    r.base = r.number("learning_rate", 6e-4)
    r.total = r.whole("max_iters", 600_000)
    if r.at("decay_lr") is False:
        return Hold(value=r.base)
    warmup, end = r.whole("warmup_iters", 2000), r.whole("lr_decay_iters", 600_000)
    if "lr_decay_iters" not in {**r.data, **r.names}:
        r.odd.append("lr_decay_iters is not in the file: 600000, the default of train.py")
    given = {"warmup_iters": warmup, "lr_decay_iters": end, "min_lr": r.number("min_lr", 6e-5)}
    n = warmup + 1
    r.notes.append(f"update k of the warmup has {r.base:g}*(k+1)/{n}; before 2024 it had {r.base:g}*k/{warmup}")
    return r.load("trainers", "nanoGPT", given)


@form(
    "litgpt",
    lambda d: "lr_warmup_steps" in mapping(d, "train") or {"warmup_iters", "min_lr", "learning_rate"} <= set(d),
)
def litgpt(r: FileReading) -> Schedule:
    """A straight line from 0, then half a cosine down to `min_lr`."""
    flat, rate = "warmup_iters" in r.data, "learning_rate"
    r.base = r.number(next((p for p in ("optimizer.init_args.lr", "train.learning_rate", rate) if r.at(p)), rate))
    if flat:
        warmup, end = r.whole("warmup_iters"), r.whole("lr_decay_iters" if "lr_decay_iters" in r.data else "max_iters")
        r.total = r.whole("max_iters", end)
    else:
        warmup = r.whole("train.lr_warmup_steps")
        tokens, batch = r.number("train.max_tokens", 0), r.number("train.global_batch_size", 0)
        length = r.number("train.max_seq_length", 0)
        steps = tokens // (batch * length) if tokens and batch and length else 0
        end = r.updates(r.number("train.max_steps", 0) or steps, r.number("train.epochs", 1), "train.epochs")
    least = r.number("min_lr" if flat else "train.min_lr", 0.0)
    return r.load("trainers", "litgpt", {"warmup_iters": warmup, "max_iters": end, "min_lr": least})


@form("OLMo", lambda d: "learning_rate" in mapping(d, "optimizer") and "name" in mapping(d, "scheduler"))
def olmo(r: FileReading) -> Schedule:
    """OLMo's trainer: a line from a tenth of the rate unless `warmup_min_lr` says otherwise, then a cosine or a line; update k has f(k + 1)."""
    r.base = r.number("optimizer.learning_rate")
    kind, units = r.word("scheduler.name"), str(r.at("scheduler.units", "steps"))
    said = str(r.at("max_duration", ""))
    steps = float(said.replace("_", "")) if said.replace("_", "").isdecimal() else 0.0
    if units == "tokens":
        r.refuse("scheduler.units", "steps", units, "give the same lengths in updates")
    total = r.updates(steps, float(said[:-2]) if said.endswith("ep") else 1, f"max_duration = {said}")
    given: dict[str, Any] = {"t_warmup": r.whole("scheduler.t_warmup", 100), "t_max": r.whole("scheduler.t_max", total)}
    if r.at("scheduler.warmup_min_lr") is not None:
        given["warmup_min_lr"] = r.number("scheduler.warmup_min_lr")
    return r.load("trainers", "OLMo", {**given, "name": kind, "alpha_f": r.number("scheduler.alpha_f", 0.1)})


# Of the classes that are not called as in the file.
_COMPOSER = {"cosine": "CosineAnnealing", "linear_decay": "Linear", "multistep": "MultiStep"}


@form("Composer", lambda d: "lr" in mapping(d, "optimizer") and "name" in mapping(d, "scheduler"))
def composer(r: FileReading) -> Schedule:
    """MosaicML's schedulers by their names in its configurations; times such as `0.5dur`, `10ba`, `2ep`."""
    r.base, kind, said = r.number("optimizer.lr"), r.word("scheduler.name"), str(r.at("max_duration", ""))
    stem = kind.removesuffix("_with_warmup")
    name = f"{_COMPOSER.get(stem, stem.title().replace('_', ''))}{'WithWarmup' if stem != kind else ''}Scheduler"
    given = r.section("scheduler", "name", "schedulers")
    times = [said, *(str(value) for name, value in given.items() if name.startswith("t_"))]
    epochs = float(said[:-2]) if said.endswith("ep") else 0.0
    total = r.updates(float(said[:-2]) if said.endswith("ba") else 0.0, epochs or 1.0, f"max_duration = {said}")
    given["max_duration"] = said if epochs else f"{total}ba"
    if epochs or any(time.endswith("ep") for time in times):
        given["dataloader_len"] = round(total / epochs) if epochs else int(r.an_epoch())
    return r.load("composer", name if known("composer").find(name) else kind, given)


_FAIRSEQ = ("fixed", "inverse_sqrt", "polynomial_decay", "cosine", "tri_stage", "triangular", "step")


@form("fairseq", lambda d: "_name" in mapping(d, "lr_scheduler") or {"optimization", "lr_scheduler"} <= set(d))
def fairseq(r: FileReading) -> Schedule:
    """Fairseq's schedulers by updates made; a list of rates is one an epoch, of which the first counts here."""
    rates, kind = r.numbers("optimization.lr"), r.word("lr_scheduler._name", r.word("lr_scheduler"))
    if not rates or kind not in _FAIRSEQ:
        words = ("lr_scheduler._name", f"one of {', '.join(_FAIRSEQ)}", kind)
        r.refuse(*(words if rates else ("optimization.lr", "a list of rates", r.at("optimization.lr"))))
        return Hold()
    name = "InverseSquareRoot" if kind == "inverse_sqrt" else f"{kind.title().replace('_', '')}LR"
    r.base, given = rates[0], r.section("lr_scheduler", "_name", "lr", "max_update", "total_num_update")
    r.total = r.whole("optimization.max_update", 0) or None
    place = {"polynomial_decay": "total_num_update", "cosine": "max_update", "tri_stage": "max_update"}.get(kind)
    if place and not given.get("lr_period_updates") and (kind != "tri_stage" or "phase_ratio" in given):
        said = r.number(f"lr_scheduler.{place}", 0) or r.total or 0
        given[place] = r.updates(said, r.number("optimization.max_epoch", 1), "optimization.max_epoch")
    return r.load("fairseq", f"{name}Schedule", given)


@form("torchtitan", lambda d: "lr" in mapping(d, "optimizer") and "steps" in mapping(d, "training"))
def torchtitan(r: FileReading) -> Schedule:
    """The container of `[lr_scheduler]`, over `training.steps` unless it has `total_steps`."""
    r.base, at = r.number("optimizer.lr", 8e-4), "lr_scheduler"
    r.total = r.whole("training.steps", 10_000)
    least = "min_lr_factor" if r.at(f"{at}.min_lr_factor") is not None else "lr_min"  # as it was called before
    place = f"{at}.warmup_steps" if r.at(f"{at}.warmup_steps") is not None else "training.warmup_steps"
    given: dict[str, Any] = {"total_steps": r.whole(f"{at}.total_steps", r.total), "warmup_steps": r.whole(place, 200)}
    if r.at(f"{at}.decay_ratio") is not None:
        given["decay_ratio"] = r.number(f"{at}.decay_ratio")
    given |= {"decay_type": r.word(f"{at}.decay_type", "linear"), "min_lr_factor": r.number(f"{at}.{least}", 0.0)}
    return r.load("torchtitan", "LRSchedulersContainer", given)


@form("OLMo-core", lambda d: bool({"optim", "scheduler"} & set(mapping(d, "train_module"))))
def olmo_core(r: FileReading) -> Schedule:
    """The scheduler of `train_module`, whose class stands in a script where only its fields are overridden; update k has f(k + 1)."""
    at, own = "train_module", mapping(mapping(r.data, "train_module"), "scheduler")
    r.base = r.number(f"{at}.optim.lr")
    name = r.word("scheduler", str(own.get("_CLASS_") or own.get("name") or "CosWithWarmup"))
    if not own.get("_CLASS_") and "scheduler" not in r.names:
        r.odd.append(f"the scheduler's class stands in the script: taken for {name} (--let scheduler=WSD for another)")
    tokens = own.get("units") == "tokens"
    run, unit = r.at("trainer.max_duration.value"), str(r.at("trainer.max_duration.unit", "epochs"))
    batch = r.number("data_loader.global_batch_size") if tokens or unit == "tokens" else 1.0
    length = r.number("trainer.max_duration.value") if run is not None else 0.0
    if run is None and "total" not in r.names:
        r.ask("total", "trainer.max_duration is not in the file")
    steps = {"steps": length, "tokens": length // batch}.get(unit, 0.0)
    total = r.updates(steps if length else r.names.get("total", 1), length, f"trainer.max_duration = {length:g}")
    length = int(total * batch) if tokens else total
    law = r.load("olmo_core", name, {"t_max": length, **r.section(f"{at}.scheduler", "_CLASS_", "units", "name")})
    return pieces.after(Stretch(law, 1 / batch) if tokens else law, 1)


# Engines ------------------------------------------------------------------------------------------------------------------------------


@form("DeepSpeed", lambda d: {"type", "params"} <= set(mapping(d, "scheduler")))
def deepspeed(r: FileReading) -> Schedule:
    """The scheduler of a `ds_config.json`, by its class and parameters; what is `auto` is asked for."""
    given = r.section("scheduler.params")
    kind = r.word("scheduler.type")
    r.base = float(given.get("warmup_max_lr", given.get("cycle_max_lr", 0)) or r.number("optimizer.params.lr"))
    return r.load("deepspeed", kind, given, r.number("optimizer.params.lr", r.base))


_MEGATRON = {"train_iters", "train_samples", "lr_decay_style", "lr_warmup_iters", "lr_warmup_fraction"}


@form("Megatron-LM", lambda d: d[""] == "options" and "lr" in d and bool(_MEGATRON & set(d)))
def megatron(r: FileReading) -> Schedule:
    """Megatron-LM's options; counted in samples, lengths are divided by the global batch."""
    by_samples = "train_samples" in r.data
    batch = r.number("global_batch_size") if by_samples else 1

    def length(name: str, default: float) -> int:
        return round(r.number(name, default) / batch)

    r.base = r.number("lr")
    unit = "samples" if by_samples else "iters"
    known_run = "total" in r.names or f"train_{unit}" in r.data
    steps = length(f"train_{unit}", 0) if known_run else r.ask("total", "train_iters is not among the options")
    total = r.updates(steps, 0, "")
    decay = length(f"lr_decay_{unit}", total * batch)
    share = r.number("lr_warmup_fraction", 0.0)
    given: dict[str, Any] = {"max_lr": r.base, "min_lr": r.number("min_lr", 0.0), "lr_decay_steps": decay}
    given["init_lr"], given["lr_decay_style"] = r.number("lr_warmup_init", 0.0), r.word("lr_decay_style", "linear")
    given["lr_warmup_steps"] = round(share * decay) if share else length(f"lr_warmup_{unit}", 0)
    if given["lr_decay_style"] == "WSD":
        given["wsd_decay_steps"] = length(f"lr_wsd_decay_{unit}", 0)
        given["lr_wsd_decay_style"] = r.word("lr_wsd_decay_style", "exponential")
    return r.load("megatron", "OptimizerParamScheduler", given)


# Image models -----------------------------------------------------------------------------------------------------------------------------


@form("Ultralytics", lambda d: "lr0" in d, plain=True)
def ultralytics(r: FileReading) -> Schedule:
    """Row by row of epochs, with the warmup by batch: the rate of the weights; `step` counts batches."""
    r.base, epochs = r.number("lr0"), r.number("epochs")
    each, share = r.an_epoch("the batches of an epoch depend on the data"), r.number("lrf", 0.01)
    warmup = r.number("warmup_epochs", 3.0)
    if str(r.at("optimizer", "")).lower() == "auto" and "lr0" not in r.names:
        told = "chooses the rate itself: lr0 of the file is not used (--let lr0=… for the true one)"
        r.odd.append(f"optimizer: auto {told}")
    r.total = math.ceil(epochs * each)
    if warmup > 0:
        told = "batches; the bias group comes down from warmup_bias_lr instead"
        r.notes.append(f"warmup over {max(round(warmup * each), 100)} {told}")
    given = {"epochs": epochs, "lrf": share, "warmup_epochs": warmup, "steps_per_epoch": each}
    return r.load("trainers", "Ultralytics", {**given, "cos_lr": bool(r.at("cos_lr"))})


@form("detectron2", lambda d: "SOLVER" in d)
def detectron2(r: FileReading) -> Schedule:
    """The scheduler of `SOLVER`, with detectron2's defaults."""
    r.base, total = r.number("SOLVER.BASE_LR", 0.001), r.whole("SOLVER.MAX_ITER", 40_000)
    r.group("bias", "SOLVER.BIAS_LR_FACTOR")
    r.total = total
    warmup, kind = r.whole("SOLVER.WARMUP_ITERS", 1000), r.word("SOLVER.LR_SCHEDULER_NAME", "WarmupMultiStepLR")
    if warmup > total:
        r.odd.append(f"WARMUP_ITERS {warmup} is beyond MAX_ITER {total}: cut there")
    start, way = r.number("SOLVER.WARMUP_FACTOR", 0.001), r.word("SOLVER.WARMUP_METHOD", "linear")
    given: dict[str, Any] = {"warmup_iters": min(warmup, total), "warmup_factor": start, "warmup_method": way}
    if kind == "WarmupMultiStepLR":
        marks = [int(mark) for mark in (r.numbers("SOLVER.STEPS") if r.at("SOLVER.STEPS") is not None else [30_000])]
        if beyond := [mark for mark in marks if mark >= total]:
            r.odd.append(f"STEPS {beyond} are beyond MAX_ITER {total}: they are left out")
        given |= {"milestones": [mark for mark in marks if mark < total], "gamma": r.number("SOLVER.GAMMA", 0.1)}
    given["max_iters" if kind == "WarmupCosineLR" else "max_iter"] = total
    return r.load("fvcore", kind, given)


@form("PaddleDetection", lambda d: "LearningRate" in d, plain=True)
def paddledetection(r: FileReading) -> Schedule:
    """`LearningRate`: the schedulers that the tags name, the warmup in updates before the decay in epochs."""
    r.base = r.number("LearningRate.base_lr")
    epochs, each = r.number("epoch"), r.an_epoch()
    r.updates(0, epochs, "epoch")
    parts = [part if isinstance(part, dict) else {} for part in cast("list[Any]", r.at("LearningRate.schedulers", []))]
    places = {str(p.get("!", p.get("name", ""))): f"LearningRate.schedulers.{i}" for i, p in enumerate(parts) if p}
    warmup, line, decay = 0, None, Hold(value=r.base)
    for name, at in sorted(places.items(), key=lambda place: not place[0].endswith("Warmup")):
        if name in ("LinearWarmup", "ExpWarmup"):
            by_steps = r.at(f"{at}.epochs") is None
            warmup = r.whole(f"{at}.steps", 500) if by_steps else round(r.number(f"{at}.epochs") * each)
            start = r.base * r.number(f"{at}.start_factor", 1 / 3) if name == "LinearWarmup" else 0.0
            curve = pieces.LINEAR if name == "LinearWarmup" else Polynomial(r.number(f"{at}.power", 2.0))
            line = Ramp(start, r.base, max(warmup, 1), curve)
        elif name == "PiecewiseDecay":
            marks = [int(int(each) * mark) for mark in r.numbers(f"{at}.milestones")]
            gamma = None if isinstance(r.at(f"{at}.gamma"), list) else r.number(f"{at}.gamma", 0.1)
            values = r.numbers(f"{at}.gamma") if gamma is None else [gamma ** (k + 1) for k in range(len(marks))]
            decay = pieces.levels(marks, [r.base, *(r.base * value for value in values[: len(marks)])])
        elif name == "CosineDecay":
            ends = round(r.number(f"{at}.max_epochs", epochs) * each)
            still = round(r.number(f"{at}.last_plateau_epochs", 0) * each)
            least = r.base * r.number(f"{at}.min_lr_ratio", 0.0)
            start = warmup if r.at(f"{at}.use_warmup", True) else 0
            decay = pieces.held(r.base, start, Ramp(r.base, least, max(ends - start - still, 1), pieces.COSINE))
        elif not name.endswith("Warmup"):
            r.refuse(at, "a PiecewiseDecay, a CosineDecay or a warmup", name)
    return decay if line is None or not warmup else pieces.in_sequence([line, pieces.after(decay, warmup)], [warmup])


@form("PaddleClas", lambda d: "lr" in mapping(d, "Optimizer"), plain=True)
def paddleclas(r: FileReading) -> Schedule:
    """`Optimizer.lr`: Paddle's own schedulers with lengths in epochs, behind its `LinearWarmup`."""
    at = "Optimizer.lr"
    kind = r.word(f"{at}.name", "Constant")
    epochs, by_epoch = r.number("Global.epochs"), bool(r.at(f"{at}.by_epoch"))
    each = 1.0 if by_epoch else r.an_epoch()
    values = r.numbers(f"{at}.values") if kind == "Piecewise" else []
    r.base = values[0] if values else r.number(f"{at}.learning_rate")
    if values and r.at(f"{at}.learning_rate") not in (None, r.base):
        r.odd.append(f"{at}.learning_rate is not used: the first of the values, {r.base:g}, is")
    r.total = math.ceil(epochs * each)
    warm = r.number(f"{at}.warmup_epoch", 0.0)
    steps, left = round(warm * each), (epochs - warm) * each
    if warm and not by_epoch and kind != "Linear":
        told = "is read as epochs; without by_epoch the newest PaddleClas takes it for updates"
        r.odd.append(f"warmup_epoch = {warm:g} {told}")
    power = {"power": r.number(f"{at}.power", 1.0)} if kind == "Linear" else {}
    gamma = {"gamma": r.number(f"{at}.gamma", 0.1)} if kind in ("Step", "MultiStepDecay") else {}
    takes: dict[str, Any] = {  # Paddle's class, and what it is given
        "Cosine": lambda: ("CosineAnnealingDecay", {"T_max": left, "eta_min": r.number(f"{at}.eta_min", 0.0)}),
        "Linear": lambda: ("PolynomialDecay", {"decay_steps": round(left), "end_lr": r.number(f"{at}.end_lr", 0.0)}),
        "Step": lambda: ("StepDecay", {"step_size": round(r.number(f"{at}.step_size") * each)}),
        "MultiStepDecay": lambda: (kind, {"milestones": [round(x * each) for x in r.numbers(f"{at}.milestones")]}),
    }
    decay: Schedule = Hold(value=r.base)
    if kind in takes:
        name, own = takes[kind]()
        decay = r.load("paddle", name, own | power | gamma)
    elif kind == "Piecewise":
        decay = pieces.levels([round(mark * each) for mark in r.numbers(f"{at}.decay_epochs")], values)
    elif kind != "Constant":
        r.refuse(f"{at}.name", "Constant, Linear, Cosine, Step, MultiStepDecay or Piecewise", kind)
    return decay if steps < 1 else pieces.warmed(r.number(f"{at}.warmup_start_lr", 0.0), r.base, steps, decay)


@form("timm", lambda d: "sched" in d)
def timm(r: FileReading) -> Schedule:
    """Timm's arguments, by its own `create_scheduler_v2`; the rates are those of every update."""
    r.base = r.number("lr")
    epochs, each = r.number("epochs", 300), r.an_epoch()
    cycles = ["k_decay", "cycle_mul", "cycle_decay", "cycle_limit", "noise", "noise_pct", "noise_std"]
    plain = "min_lr warmup_lr warmup_prefix warmup_epochs decay_epochs decay_rate decay_milestones cooldown_epochs patience_epochs"
    given: dict[str, Any] = {"sched": r.word("sched"), "num_epochs": int(epochs)}
    for theirs, ours in [*((f"lr_{name}", name) for name in cycles), *((name, name) for name in plain.split())]:
        if (value := r.at(theirs)) is not None:
            given[ours] = r.plain(theirs, value)
    by_updates = bool(r.at("sched_on_updates"))
    given |= {"updates_per_epoch": int(each), "step_on_epochs": not by_updates}
    schedule = r.load("timm", "create_scheduler_v2", given)
    r.total = math.ceil(epochs * each)
    return schedule if by_updates else pieces.by_epoch(schedule, int(each), int(epochs))


def _of_keras(data: Any) -> dict[str, Any] | None:
    """Finds `learning_rate` of a saved optimizer, wherever it stands."""
    stack = [data]
    while stack:
        item = stack.pop()
        if isinstance(item, dict):
            rate = item.get("learning_rate")
            if isinstance(rate, dict) and "class_name" in rate:
                return cast("dict[str, Any]", rate)
            stack += item.values()
        elif isinstance(item, list):
            stack += item
    return None


@form("Keras", lambda d: _of_keras(d) is not None)
def keras(r: FileReading) -> Schedule:
    """The schedule that a saved model's optimizer holds."""
    rate = _of_keras(r.data) or {}
    given = {name: value for name, value in mapping(rate, "config").items() if name != "name" and value is not None}
    r.base = float(given.get("initial_learning_rate", 0.0) or 0.0)
    return r.load("keras", str(rate["class_name"]).rpartition(">")[2], given)


# OpenMMLab --------------------------------------------------------------------------------------------------------------------------------


def _paramwise(r: FileReading, at: str) -> None:
    """Notes the groups of `paramwise_cfg`: the keys of names with an `lr_mult`, and the biases."""
    for key, own in mapping(r.at(at, {}), "custom_keys").items():
        if isinstance(own, dict) and "lr_mult" in own:
            r.group(key, f"{at}.custom_keys", own["lr_mult"])
    r.group("bias", f"{at}.bias_lr_mult")
    r.group("dcn_offset", f"{at}.dcn_offset_lr_mult")


@form("MMCV", lambda d: isinstance(d.get("lr_config"), dict))
def mmcv(r: FileReading) -> Schedule:
    """`lr_config`: a policy by epoch or by update, times a warmup by update."""
    at = "lr_config"
    _paramwise(r, "optimizer.paramwise_cfg")
    r.base, by_epoch = r.number("optimizer.lr"), bool(r.at(f"{at}.by_epoch", "IterBased" not in r.word("runner.type")))
    place = next((p for p in ("runner.max_epochs", "total_epochs", "max_epochs") if r.at(p)), "runner.max_epochs")
    iters = r.whole("runner.max_iters", 0) or r.whole("total_iters", 0)
    each = int(r.an_epoch()) if by_epoch or not iters else 1
    given = r.section(at)
    if not any(name in given for name in ("min_lr", "min_lr_ratio")) and "Cosine" in str(given.get("policy")):
        given["min_lr"] = 0
    if by_epoch:
        given |= {"max_epochs": r.whole(place), "epoch_length": each}
        r.total = given["max_epochs"] * each
    else:
        given["max_iters"] = r.total = iters or r.whole(place) * each
    return r.load("mmcv", "lr_config", given | {"by_epoch": by_epoch})


@form("MMEngine", lambda d: "param_scheduler" in d or "optim_wrapper" in d)
def mmengine(r: FileReading) -> Schedule:
    """`param_scheduler`: each changes the rate that the others left, from its `begin` up to its `end`."""
    _paramwise(r, "optim_wrapper.paramwise_cfg")
    r.base = r.number("optim_wrapper.optimizer.lr")
    parts: Any = r.at("param_scheduler", [])
    if isinstance(parts, dict):
        r.data["param_scheduler"] = parts = [parts]
    iters, epochs = r.at("train_cfg.max_iters"), r.at("train_cfg.max_epochs")
    counted = any(isinstance(part, dict) and cast("dict[str, Any]", part).get("by_epoch", True) for part in parts)
    each = int(r.an_epoch()) if counted or (epochs and not iters) else 1
    total = r.number("train_cfg.max_iters") if iters else (r.number("train_cfg.max_epochs") if epochs else 0.0) * each
    r.total = math.ceil(total) or None
    found: Schedule = Hold(value=r.base)
    ended = 0.0
    for i, part in enumerate(cast("list[dict[str, Any]]", parts)):
        at = f"param_scheduler.{i}"
        kind, by_epoch = str(part.get("type", "")).rpartition(".")[2], bool(part.get("by_epoch", True))
        if kind.endswith("Momentum"):
            continue
        unit = each if by_epoch else 1
        begin, end = r.number(f"{at}.begin", 0), r.number(f"{at}.end", (total / unit) if total else 10**9)
        own = r.section(at, "type", "begin", "end", "by_epoch", "verbose", "param_name")
        own |= {"end": end - begin, "by_epoch": by_epoch} | ({"epoch_length": each} if by_epoch else {})
        moment = round(begin * unit)
        follows = moment >= ended
        if not follows and any(own.get(name) for name in ("eta_min", "eta_min_ratio")):
            r.refuse(f"{at}.eta_min", "0 while another scheduler works beside it", own, "they cannot be told apart")
        law = r.load("mmengine", kind, own, found(moment) if follows else 1.0)
        later = pieces.in_sequence([found if follows else Hold(), law], [moment]) if moment else law
        found = later if follows else pieces.times([found, later])
        # it acts for the last time a step of its own before its end
        ended = max(ended, end * unit - (1 if part.get("convert_to_iter_based") else unit))
    return found
