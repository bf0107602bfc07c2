"""What tools call things: what a column is, by its name (a counter, a rate, a loss, a norm of gradients), and what form a log of them has."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

# Counters of updates; an earlier group is believed before a later one. `[i/n]` in a line of text is `i_n`.
_STEPS = (
    ("global_step", "global_steps", "num_updates", "num_update", "optimizer_step"),
    ("step", "steps", "iteration", "iterations", "iter", "iters", "it", "update", "updates", "n_iter", "num_steps"),
    ("batch", "batch_idx", "batches", "minibatch", "i_n"),
)


def named(text: str) -> set[str]:
    """Returns the words of a list of them."""
    return set(re.findall(r"\w+", text))


_HELD_OUT = named("val valid validation eval evaluation test dev heldout tel")
_TRAIN = named("train training trainer charts x metrics model progress current cur optim perf")
_PLAIN = _TRAIN | named(
    "loss losses total lm reduced step epoch iter batch all overall mean cross entropy ce nll xent trl tel inner value"
)
_SMOOTHED = named("avg average running smooth smoothed ema moving global median epoch")
_NEVER = named(
    "scale scaler weight weights ratio coef momentum min max decay mult multiplier factor warmup init initial final target std best iters "
    "scheduler drop policy type patience power gamma end epochs lower upper bound ppl name seconds time beta beta1 beta2 eps"
)


class Role(NamedTuple):
    """What a column is.

    Args:
        name: `step`, `epoch`, `rate`, `loss`, `validation_loss` or `gradient_norm`.
        rank: Of several columns of one role the lowest is taken; from 100 on a loss is a part of the whole one.
    """

    name: str
    rank: int


def words(column: str) -> list[str]:
    """Returns the words of a column's name in lower case: `TrainLoss`, `train/loss` and `train_loss` have the same."""
    return re.findall(r"[a-z0-9]+", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", column).lower())


@lru_cache(maxsize=4096)
def role(column: str) -> Role | None:
    """Returns what a column is, or None where its name says nothing."""
    parts = words(re.sub(r"(?i)(train|val|valid|test|eval)loss\b", r"\1_loss", column))
    if not parts or len(column) > 200:
        return None
    own = [part for part in parts if part not in _TRAIN] or parts
    plain = "_".join(own)
    rank = next((rank for rank, names in enumerate(_STEPS) if plain in names), None)
    if rank is not None:
        return Role("step", rank + 10 * column.startswith("_"))
    if plain in ("epoch", "epochs"):
        return Role("epoch", len(parts))
    if _NEVER & set(parts):
        return None
    if "gnorm" in parts or ("norm" in parts and (len(parts) == 1 or {"grad", "gradient", "gradients"} & set(parts))):
        return Role("gradient_norm", len(parts))
    rate = [k for k, part in enumerate(parts) if re.fullmatch(r"lrs?\d*", part)]
    rate += [k for k in range(len(parts) - 1) if parts[k] == "learning" and re.fullmatch(r"rates?\d*", parts[k + 1])]
    if rate or parts == ["rate"]:
        return Role("rate", len(parts) + 10 * ("base" in parts))
    if not any(re.fullmatch(r"loss(es)?|trl|tel|nll|xent|entropy", part) for part in parts):
        return None
    held = bool(_HELD_OUT & set(parts))
    extra = set(parts) - _PLAIN - _SMOOTHED - _HELD_OUT
    rank = 100 if extra else 20 * len(_SMOOTHED & set(parts)) + ("total" not in parts) + 5 * (held and "test" in parts)
    if rank < 100 and not any(re.fullmatch(r"loss(es)?|t[re]l", part) for part in parts):
        rank += 2  # an entropy is the loss where there is no other
    return Role("validation_loss" if held else "loss", rank)


def kind(column: str) -> str:
    """Returns the name of a column's role, or an empty string."""
    found = role(column)
    return found.name if found is not None else ""


class Form(NamedTuple):
    """A form of log.

    Args:
        name: As people call it.
        made_of: `csv`, `json`, `json lines` or `text`.
        columns: Patterns, each of which is a column of it; `|` for one of several.
        file: A pattern of the file's name, where the columns do not tell it.
        row_only_with: The column that only rows of training have; other rows do not move the counters.
        position: How much the counter of a row is ahead of the schedule's position: what the tool is known for.
        mean: Whether a row is the mean over an epoch.
        once: Whether a step has one row of training: a later one sums up the epoch.
    """

    name: str
    made_of: str
    columns: tuple[str, ...]
    file: str = ""
    row_only_with: str = ""
    position: int | None = None
    mean: bool = False
    once: bool = False


FORMS = (
    Form("Ultralytics results.csv", "csv", ("epoch", r"lr/pg0|x/lr0", r"(train|val)/\w+_loss")),
    Form("HF Trainer's state", "json", ("step", "loss|eval_loss", "epoch"), r"trainer_state"),
    Form("Lightning metrics.csv", "csv", ("epoch", "step", r"lr-.*|train_loss\w*|val_loss"), "metrics"),
    Form("Lightning metrics.csv", "csv", ("epoch", "step", "lr-.*")),
    Form("mmcv log.json", "json lines", ("mode", "epoch", "iter"), position=1),
    Form("mmengine scalars.json", "json lines", ("step", "iter", "lr|base_lr"), row_only_with="iter", position=1),
    Form("detectron2 metrics.json", "json lines", ("iteration", "total_loss"), row_only_with="total_loss", position=0),
    Form("MAE or DeiT log.txt", "json lines", ("train_lr", "train_loss", "epoch"), mean=True),
    Form("W&B chart export", "csv", ("Step", r".* - .*__MIN")),
    Form("W&B history", "csv", ("_step", "_runtime|_timestamp")),
    Form("W&B history", "json lines", ("_step", "_runtime|_timestamp")),
    Form("TensorBoard CSV", "csv", ("Wall time", "Step", "Value")),
    Form("timm summary.csv", "csv", ("epoch", "train_loss", "eval_loss|eval_top1")),
    Form("fastai history.csv", "csv", ("epoch", "train_loss", "valid_loss", "time")),
    Form("Keras CSVLogger", "csv", ("epoch", "loss", "lr|learning_rate|val_loss|accuracy")),
    Form("Keras History", "json", ("loss", "val_loss|lr|learning_rate|accuracy")),
    Form("Megatron text", "text", ("iteration", r".*lm loss")),
    Form("fairseq text", "text", ("num_updates", "loss"), once=True),
    Form("OLMo text", "text", ("step", r"optim/learning_rate_group0|train/CrossEntropyLoss")),
    Form("llm.c text", "text", ("step", "trl|tel")),
    Form("Ultralytics text", "text", ("Epoch", "GPU_mem|gpu_mem", ".*loss")),
    Form("Darknet text", "text", ("step", "avg loss", "rate")),
    Form("torchtitan text", "text", ("step", "loss", "tps|tflops|memory")),
    Form("PaddleDetection text", "text", (r"\[i/n\]", "learning_rate", "ips|batch_cost")),
    Form("MetricLogger text", "text", ("Epoch|epoch", r"\[i/n\]", "loss", "max mem|mem|data|time")),
    Form("nanoGPT text", "text", ("iter|step", "loss|train loss", "time|mfu|val loss")),
)


def form_of(made_of: str, file: str, columns: Sequence[str]) -> Form:
    """Returns the form of a log made of such columns; one that no tool is known for has its make as its name.

    Args:
        made_of: `csv`, `json`, `json lines` or `text`.
        file: Name of the file.
        columns: Names of the columns of its first rows.
    """
    for form in FORMS:
        told = all(any(re.fullmatch(pattern, column) for column in columns) for pattern in form.columns)
        if form.made_of == made_of and told and re.search(form.file, file):
            return form
    plain = {"text": "text of names and numbers", "csv": "CSV", "json": "JSON", "json lines": "JSON lines"}
    return Form(plain.get(made_of, made_of), made_of, ())
