"""The forms in which tools write their logs: how each is recognised, and what in it has to be known to read it right."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Form:
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
