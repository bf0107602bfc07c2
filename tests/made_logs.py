"""Logs in the forms that tools write, made up from known schedules: files to read, to fit and to advise on, with their truth.

Nothing here comes from the package: the schedules are plain functions and each writer is a few lines.
"""

import json
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np

Rate = Callable[[float], float]


def linear(peak: float, warm: int, total: int, floor: float = 0.0) -> Rate:
    def rate(s: float) -> float:
        if s < warm:
            return peak * s / warm
        return peak * (floor + (1 - floor) * max(0.0, (total - s) / (total - warm)))

    return rate


def cosine(peak: float, warm: int, total: int, floor: float = 0.0) -> Rate:
    def rate(s: float) -> float:
        if s < warm:
            return peak * s / warm
        u = min((s - warm) / (total - warm), 1.0)
        return peak * (floor + (1 - floor) * 0.5 * (1 + math.cos(math.pi * u)))

    return rate


def polynomial(peak: float, total: int, power: float) -> Rate:
    return lambda s: peak * max(0.0, 1 - s / total) ** power


def inverse_sqrt(peak: float, warm: int) -> Rate:
    return lambda s: 1e-7 + (peak - 1e-7) * s / warm if s < warm else peak * math.sqrt(warm / s)


def drops(peak: float, warm: int, start: float, marks: tuple[int, ...], factor: float = 0.1) -> Rate:
    def rate(s: float) -> float:
        ramp = 1 - (1 - s / warm) * (1 - start) if s < warm else 1.0
        return peak * ramp * factor ** sum(s >= mark for mark in marks)

    return rate


def wsd(peak: float, warm: int, total: int, cool: int) -> Rate:
    return lambda s: peak * min(1.0, s / warm, max(0.0, (total - s) / cool))


def one_cycle(peak: float, total: int, share: float = 0.3) -> Rate:
    """PyTorch's OneCycleLR with its defaults."""

    def rate(s: float) -> float:
        up, last = share * total - 1, total - 1
        a, b, u = (peak / 25, peak, s / up) if s <= up else (peak, peak / 25 / 1e4, (s - up) / (last - up))
        return b + (a - b) / 2 * (1 + math.cos(math.pi * min(u, 1.0)))

    return rate


def restarts(peak: float, warm: int, cycle: int) -> Rate:
    return lambda s: (
        peak * s / warm if s < warm else peak * 0.5 * (1 + math.cos(math.pi * ((s - warm) % cycle) / cycle))
    )


def plateau(peak: float, marks: tuple[int, ...], factor: float) -> Rate:
    return lambda s: peak * factor ** sum(s >= mark for mark in marks)


def overwritten(peak: float, warm: int, total: int, start: float, floor: float) -> Rate:
    """The default of timm: the warmup lies over a cosine that runs from epoch 0."""
    return lambda s: (
        start + (peak - start) * s / warm
        if s < warm
        else floor + (peak - floor) * 0.5 * (1 + math.cos(math.pi * min(s / total, 1.0)))
    )


def overwritten_by_chain(peak: float, warm: int, total: int, floor: float) -> Rate:
    """MAE: the warmup first, then the cosine, on fractions of epochs."""
    return lambda e: (
        peak * e / warm
        if e < warm
        else floor + (peak - floor) * 0.5 * (1 + math.cos(math.pi * (e - warm) / (total - warm)))
    )


def yolo(
    lr0: float, batches: int, epochs: int, lrf: float = 0.01, cos: bool = False, bias: float | None = None
) -> Rate:
    """Ultralytics: the rate at the end of epoch e, counted from 0."""
    warm = max(3 * batches, 100)

    def rate(e: float) -> float:
        i = batches * e + batches - 1
        fall = 0.5 * (1 - math.cos(math.pi * e / epochs)) * (lrf - 1) + 1 if cos else (1 - e / epochs) * (1 - lrf) + lrf
        if i < warm:
            return (bias or 0.0) + (lr0 * fall - (bias or 0.0)) * i / warm
        return lr0 * fall

    return rate


def epoch_mean(of: Rate, length: int) -> Rate:
    """The mean over each epoch of a schedule by step."""
    return lambda e: sum(of((e * length + k) / length) for k in range(length)) / length


@dataclass
class Made:
    """A file with its truth."""

    name: str
    file: str
    text: str
    steps: list[float]
    rates: list[float] | None = None
    losses: list[float] | None = None
    truth: Rate | None = None
    """Rate by position; the position of a row is its step less `late`."""
    complete: bool | None = None
    fault: str = ""
    total: int = 0
    late: int = 0
    lag: tuple[tuple[int, int], ...] = ()
    kind: str = ""
    more: dict[str, str] = field(default_factory=dict)


def falling(
    steps: np.ndarray, total: int, rng: np.random.Generator, start: float = 3.0, noise: float = 0.03
) -> np.ndarray:
    """Losses that fall, with the heavy tails and the saw of epochs that minibatches have."""
    u = steps / total
    smooth = start * (0.25 + 0.75 * (1 + 25 * u) ** -0.7)
    saw = 1 - 0.01 * ((u * 5) % 1)
    return smooth * saw * (1 + noise * rng.standard_t(4, len(steps)) * 0.6)


def hf(rows: list[tuple], most: int, done: int, summary: bool = True) -> str:
    history = [
        {"epoch": s / 100, "grad_norm": 1.1, "learning_rate": r, "loss": round(y, 4), "step": int(s)}
        for s, r, y in rows
    ]
    for s, _, y in rows[4::5]:
        history.append({"epoch": s / 100, "eval_loss": round(y * 1.1, 4), "eval_runtime": 3.1, "step": int(s)})
    history.sort(key=lambda row: row["step"])
    if summary:
        history.append(
            {"epoch": done / 100, "step": done, "total_flos": 1e15, "train_loss": 0.7, "train_runtime": 12.0}
        )
    return json.dumps({"max_steps": most, "global_step": done, "log_history": history}, indent=1)


def jsonl(rows: list[dict]) -> str:
    return "\n".join(json.dumps(row) for row in rows) + "\n"


def table(names: str, rows: list[tuple], pad: bool = False) -> str:
    cells = [names.split(",")] + [[f"{v:.6g}" if isinstance(v, float) else str(v) for v in row] for row in rows]
    return "\n".join(",".join(f"{c:>20}" if pad else c for c in line) for line in cells) + "\n"


TEXTS: dict[str, Callable[[float, float, float, int], str]] = {
    "llmc": lambda s, r, y, n: f"s:{s:.0f} trl:{y:.4f} lr:{r:.6f} norm:1.37",
    "megatron": lambda s, r, y, n: (
        f" [2024-05-01 10:00:00] iteration {s:8.0f}/{n:8d} | consumed samples: {s * 64:12.0f} | elapsed time per iteration (ms): 865.2 | "
        f"learning rate: {r:.6E} | global batch size:    64 | lm loss: {y:.6E} | loss scale: 1.0 | grad norm: 0.231 | "
        "number of skipped iterations:   0 | number of nan iterations:   0 |"
    ),
    "fairseq": lambda s, r, y, n: (
        f"2020-07-17 04:08:14 | INFO | train_inner | epoch 001:    {s:.0f} / 2952 loss={y:.3f}, ppl=83.5, wps=8640.2, num_updates={s:.0f}, "
        f"lr={r:.6g}, gnorm=4.215, loss_scale=128, train_wall=22, wall=120"
    ),
    "fairseq-json": lambda s, r, y, n: (
        f'[2021-01-01 10:00:00,123][train_inner][INFO] - {{"epoch": 1, "update": {s / 2952}, "loss": "{y:.3f}", "ppl": "83.5", '
        f'"num_updates": "{s:.0f}", "lr": "{r:.6g}", "gnorm": "4.2", "loss_scale": "128"}}'
    ),
    "olmo": lambda s, r, y, n: (
        f"2025-12-27 22:12:56.867\thost:0\tolmo.train:990\tINFO\t[step={s:.0f}/{n},epoch=0]\n    optim/learning_rate_group0={r:.6g}\n"
        f"    throughput/total_tokens={int(s * 4096):,}\n    train/CrossEntropyLoss={y:.3f}"
    ),
    "metriclogger": lambda s, r, y, n: (
        f"Epoch: [{s // 500:.0f}]  [{s % 500:4.0f}/500]  eta: 0:00:25  lr: {r:.6f}  loss: {y:.4f} ({y * 1.02:.4f})  time: 0.19  "
        "data: 0.01  max mem: 2547"
    ),
    "paddle": lambda s, r, y, n: (
        f"[09/01 12:00:00] ppdet.engine INFO: Epoch: [{s // 500:.0f}] [{s % 500:4.0f}/500] learning_rate: {r:.6f} loss_cls: 0.5 "
        f"loss: {y:.6f} eta: 1:00:00 batch_cost: 0.5 data_cost: 0.0 ips: 10.0 images/s"
    ),
    "own": lambda s, r, y, n: f"Epoch 0 | Step {s:.0f}/{n} | Loss: {y:.4f} | LR: {r:.3e} | 12.1 it/s",
    "torchtitan": lambda s, r, y, n: (
        f"[rank0]:[titan] 2025-01-01 10:00:00,000 - root - INFO - step: {s:5.0f}  loss:  {y:.4f}  grad_norm:  1.2  lr:  {r:.6g}  "
        "memory: 10.00GiB(12.6%)  tps: 5,000  tflops: 300.00  mfu: 30.00%"
    ),
    "mmdet-text": lambda s, r, y, n: (
        f"2021-05-01 10:00:00,123 - mmdet - INFO - Epoch [{(s - 1) // 500 + 1:.0f}][{(s - 1) % 500 + 1:.0f}/500]\tlr: {r:.3e}, "
        f"eta: 1:02:03, time: 0.24, data_time: 0.01, memory: 3265, loss_cls: 0.05, loss: {y:.4f}"
    ),
    "swin": lambda s, r, y, n: (
        f"[2021-05-01 10:00:00 swin](main.py 226): INFO Train: [{s // 500:.0f}/20][{s % 500:.0f}/500]\teta 0:10:00 lr {r:.6f}\t"
        f"time 0.3 (0.3)\tloss {y:.4f} ({y:.4f})\tgrad_norm 1.2 (1.3)\tmem 9000MB"
    ),
    "espnet": lambda s, r, y, n: (
        f"[gpu01] 2022-02-12 10:00:11,123 (trainer:737) INFO: {(s - 1) // 500 + 1:.0f}epoch:train:{(s - 1) % 500 - 98:.0f}-"
        f"{(s - 1) % 500 + 1:.0f}batch: iter_time=0.111, loss_ctc=4.7, loss_att=3.5, acc=0.5, loss={y:.3f}, optim0_lr0={r:.4g}, train_time=1.1"
    ),
    "clu": lambda s, r, y, n: (
        f"I0501 10:10:00.123456 140012 logging_writer.py:48] [{s:.0f}] accuracy=0.512, learning_rate={r:.6g}, loss={y:.5f}"
    ),
    "diffusers": lambda s, r, y, n: (
        f"Steps:  {100 * s / n:.0f}%|█    | {s:.0f}/{n} [01:11<10:11,  4.1it/s, lr={r:.4g}, step_loss={y:.4g}]"
    ),
    "strokes": lambda s, r, y, n: (
        (
            "|  step  |   loss   |    lr     |  tokens  |\n|--------|----------|-----------|----------|\n"
            if s == 100
            else ""
        )
        + f"| {s:6.0f} | {y:8.4f} | {r:.4e} | {s * 12:8.0f} |"
    ),
    "tqdm": lambda s, r, y, n: (
        f" {100 * s / n:3.0f}%|███   | {s:.0f}/{n} [00:10<00:20, 30.5it/s, loss={y:.4f}, lr={r:.3g}]"
    ),
}


def made(seed: int = 0) -> Iterator[Made]:
    """Yields one file of every case; another seed has other numbers, lengths and noise."""
    rng = np.random.default_rng(seed)

    def pick(*choices):
        return choices[int(rng.integers(len(choices)))]

    def run(rate: Rate, total: int, every: int, first: int | None = None, last: int | None = None, noise: float = 0.03):
        steps = np.arange(every if first is None else first, (total if last is None else last) + 1, every)
        losses = falling(steps, total, rng, pick(2.3, 4.6, 7.0), noise)
        return [(float(s), rate(float(s)), float(y)) for s, y in zip(steps, losses, strict=True)]

    def columns(rows: list[tuple]) -> dict:
        return {"steps": [r[0] for r in rows], "rates": [r[1] for r in rows], "losses": [r[2] for r in rows]}

    # Trainer states: whole, cut off, late by one, updates skipped, in the middle of the warmup, another decay.
    total, warm, every = pick(900, 1234, 4000), pick(0, 50, 123), pick(10, 25)
    peak = pick(5e-5, 2e-4, 1e-3, 3e-5)
    for name, rate in (
        ("linear", linear(peak, warm, total)),
        ("cosine", cosine(peak, max(warm, 30), total)),
        ("constant", lambda s: peak),
        ("constant with warmup", lambda s: peak * min(1.0, s / 200)),
        ("inverse sqrt", lambda s: peak * s / 200 if s < 200 else peak * math.sqrt(200 / s)),
        ("polynomial", polynomial(peak, total, 2.0)),
        ("cosine to a tenth", cosine(peak, 100, total, 0.1)),
        ("wsd", wsd(peak, 100, total, total // 5)),
    ):
        rows = run(rate, total, every)
        yield Made(
            f"hf {name}",
            "trainer_state.json",
            hf(rows, total, total),
            **columns(rows),
            truth=rate,
            complete=True,
            total=total,
        )
    rate = linear(peak, 100, 9411)
    rows = run(rate, 9411, 50, last=pick(3000, 7000))
    yield Made(
        "hf cut linear",
        "trainer_state.json",
        hf(rows, 9411, int(rows[-1][0]), False),
        **columns(rows),
        truth=rate,
        complete=False,
        total=9411,
    )
    rate = cosine(peak, 100, 8000)
    rows = run(rate, 8000, 50, last=pick(3000, 6000))
    yield Made(
        "hf cut cosine",
        "trainer_state.json",
        hf(rows, 8000, int(rows[-1][0]), False),
        **columns(rows),
        truth=rate,
        complete=False,
        total=8000,
    )
    rate = linear(peak, 500, 2274)
    rows = run(rate, 2274, 20, last=400)
    yield Made(
        "hf in its warmup",
        "trainer_state.json",
        hf(rows, 2274, 400, False),
        **columns(rows),
        truth=rate,
        complete=False,
        total=2274,
    )
    for name, rate in (("linear", linear(peak, 0, 375)), ("cosine", cosine(peak, 40, 375))):
        rows = [(s, rate(s - 1), y) for s, _, y in run(rate, 375, 20, last=360)]
        yield Made(
            f"hf one late {name}",
            "trainer_state.json",
            hf(rows, 375, 375),
            **columns(rows),
            truth=rate,
            complete=True,
            total=375,
            late=1,
        )
    rate, lag = linear(1e-5, 500, 5000), ((0, 2), (1250, 3), (3000, pick(4, 6)))
    rows = [(s, rate(s - max(k for at, k in lag if s >= at)), y) for s, _, y in run(rate, 5000, 125, last=4750)]
    yield Made(
        "hf skipped updates",
        "trainer_state.json",
        hf(rows, 5000, 5000),
        **columns(rows),
        truth=rate,
        complete=True,
        total=5000,
        lag=lag,
    )
    rows = run(linear(1e-3, 0, 900), 900, 25)
    rows = [(s, r, y if s < 300 else y + 12 * (s - 300) / 600) for s, r, y in rows]
    yield Made(
        "hf diverged",
        "trainer_state.json",
        hf(rows, 900, 900),
        **columns(rows),
        truth=linear(1e-3, 0, 900),
        complete=True,
        total=900,
        fault="diverges",
    )
    rows = [(s, r, y if s < 500 else math.nan) for s, r, y in run(linear(1e-3, 100, 900), 900, 25)]
    text = hf(rows, 900, 900)
    yield Made(
        "hf not finite",
        "trainer_state.json",
        text,
        **columns(rows),
        truth=linear(1e-3, 100, 900),
        complete=True,
        total=900,
        fault="not finite",
    )

    # Ultralytics.
    for name, nb, cos in (
        ("small", pick(21, 40), False),
        ("large", pick(400, 250), False),
        ("cosine", pick(60, 120), True),
    ):
        epochs, lr0 = pick(60, 100, 150), pick(0.002, 0.01, 0.001111)
        rate, bias = yolo(lr0, nb, epochs, cos=cos), yolo(lr0, nb, epochs, cos=cos, bias=0.1)
        for version in (5, 8, 81):
            rows, upto = [], pick(30, epochs)
            for e in range(upto):
                y = falling(np.array([e]), epochs, rng)[0]
                r, b = float(f"{rate(e):.5g}"), float(f"{bias(e):.5g}")
                rows.append(
                    (
                        e + (version != 5),
                        r,
                        float(f"{y * 0.6:.5f}"),
                        float(f"{y * 0.4:.5f}"),
                        *((b, r, r) if version == 81 else (r, r, b if version == 5 else r)),
                    )
                )
            if version == 5:
                names = "epoch,train/box_loss,train/obj_loss,metrics/precision,metrics/mAP_0.5:0.95,val/box_loss,val/obj_loss,x/lr0,x/lr1,x/lr2"
            else:
                names = "epoch,train/box_loss,train/cls_loss,metrics/precision(B),metrics/mAP50-95(B),val/box_loss,val/cls_loss,"
                names += "lr/pg0,lr/pg1,lr/pg2"
            body = table(
                names, [(e, a, b, 0.5, 0.3, a * 1.1, b * 1.1, *rates) for e, _, a, b, *rates in rows], pad=version == 5
            )
            yield Made(
                f"yolo {name} {version}", "results.csv", body, [float(r[0]) for r in rows], [r[1] for r in rows], [r[2] + r[3] for r in rows],
                truth=lambda s, rate=rate, v=version: rate(s - (v != 5)), total=epochs, kind="rows",
            )  # fmt: skip

    # Detection: warmup and drops.
    total = pick(3000, 9000)
    rate = drops(pick(0.02, 0.00025), 1000, 0.001, (int(total * 0.7), int(total * 0.9)))
    rows = run(rate, total, 80, first=79)
    text = jsonl(
        [
            {
                "iteration": int(s),
                "eta_seconds": 5.0,
                "loss_box_reg": 0.1,
                "loss_cls": y - 0.1,
                "total_loss": y,
                "lr": r,
                "time": 0.4,
            }
            if k % 9
            else {"iteration": int(s), "bbox/AP": 20.0 + k}
            for k, (s, r, y) in enumerate(rows, 1)
        ]
    )
    kept = [row for k, row in enumerate(rows, 1) if k % 9]
    yield Made("detectron2", "metrics.json", text, **columns(kept), truth=rate, total=total)
    n, epochs = pick(150, 586, 733), 12
    marks = (8 * n, 11 * n)
    rate = drops(0.0025, 1, 1.0, marks)
    steps = [(e * n + i, e + 1, i) for e in range(epochs) for i in range(50, n + 1, 50)]
    losses = falling(np.array([s for s, _, _ in steps]), n * epochs, rng)
    body = [{"env_info": "linux", "seed": 0}]
    for k, ((s, e, i), y) in enumerate(zip(steps, losses, strict=True)):
        body.append(
            {
                "mode": "train",
                "epoch": e,
                "iter": i,
                "lr": float(f"{rate(s - 1):.5g}"),
                "memory": 3265,
                "loss_cls": 0.05,
                "loss": round(float(y), 5),
            }
        )
        if k + 1 == len(steps) or steps[k + 1][1] != e:
            body.append({"mode": "val", "epoch": e, "iter": 5000, "lr": float(f"{rate(s - 1):.5g}"), "mAP": 0.7})
    top = n // 50 * 50
    yield Made(
        "mmcv",
        pick("20200101_000000.log.json", "a.jsonl"),
        jsonl(body),
        [float((e - 1) * top + i) for _, e, i in steps],
        [rate(s - 1) for s, _, _ in steps],
        [round(float(y), 5) for y in losses],
        truth=drops(0.0025, 1, 1.0, (8 * top, 11 * top)),
        total=top * epochs,
        late=1,
    )
    rate = drops(0.02, 499, 0.001, (2400, 3300))
    rows = run(lambda s: rate(s - 1), 3600, 100)
    body = [
        {
            "lr": r,
            "data_time": 0.01,
            "grad_norm": 3.1,
            "loss": y,
            "loss_cls": 0.2,
            "epoch": k // 3 + 1,
            "iter": int(s),
            "step": int(s),
        }
        for k, (s, r, y) in enumerate(rows)
    ]
    body.insert(3, {"coco/bbox_mAP": 0.11, "time": 0.1, "step": 1})
    body.append({"coco/bbox_mAP": 0.3, "time": 0.1, "step": 12})
    yield Made("mmengine", "scalars.json", jsonl(body), **columns(rows), truth=rate, total=3600, late=1)

    # A row an epoch.
    epochs = pick(30, 40, 100)
    rate = overwritten(5e-4, 5, epochs, 1e-6, 1e-5)
    rows = run(rate, epochs, 1, first=0, last=epochs - 1)
    one = [
        {"train_lr": r, "train_loss": round(y, 5), "test_acc1": 1.0, "epoch": int(s), "n_parameters": 5536768}
        for s, r, y in rows
    ]
    yield Made("deit", "log.txt", jsonl(one), **columns(rows), truth=rate, total=epochs)
    yield Made(
        "deit restarted", "log.txt", jsonl(one[:2] + one[:2] + one[:3] + one), **columns(rows), truth=rate, total=epochs
    )
    yield Made(
        "timm",
        "summary.csv",
        table("epoch,train_loss,eval_loss,eval_top1,lr", [(int(s), y, y, 50.0, f"{r:.10g}") for s, r, y in rows]),
        **columns(rows),
        truth=rate,
        total=epochs,
    )
    length = pick(50, 81, 200)
    rate = epoch_mean(overwritten_by_chain(2e-3, 5, epochs, 1e-6), length)
    rows = run(rate, epochs, 1, first=0, last=epochs - 1)
    yield Made(
        "mae",
        "log.txt",
        jsonl([{"train_lr": r, "train_loss": y, "test_loss": y, "epoch": int(s)} for s, r, y in rows]),
        **columns(rows),
        truth=rate,
        total=epochs,
        kind="means",
    )
    rate = lambda s: 1e-3 * 0.9**s  # noqa: E731
    rows = run(rate, 30, 1, first=0, last=29)
    yield Made(
        "keras",
        "training.log",
        table(
            "epoch,accuracy,learning_rate,loss,val_accuracy,val_loss",
            [(int(s), 0.3, f"{r:.10g}", y, 0.3, y * 1.1) for s, r, y in rows],
        ),
        **columns(rows),
        truth=rate,
        total=30,
    )
    yield Made(
        "keras history",
        "history.json",
        json.dumps(
            {
                "accuracy": [0.1] * 30,
                "loss": [y for _, _, y in rows],
                "val_loss": [y * 1.1 for _, _, y in rows],
                "lr": [float(np.float32(r)) for _, r, _ in rows],
            }
        ),
        **columns(rows),
        truth=rate,
        total=30,
    )
    yield Made(
        "keras appended",
        "training_log.csv",
        table(
            "epoch,accuracy,loss,lr,val_loss", [(int(s), 0.3, y, f"{r:.10g}", y * 1.1) for s, r, y in rows[:7] + rows]
        ),
        **columns(rows),
        truth=rate,
        total=30,
    )
    rate = plateau(0.1, (17, 29, 44), 0.2)
    rows = run(rate, 60, 1, first=0, last=59)
    yield Made(
        "keras plateau",
        "training.csv",
        table("epoch,loss,lr,val_loss", [(int(s), y, f"{r:.8g}", y * 1.1) for s, r, y in rows]),
        **columns(rows),
        truth=rate,
        total=60,
        kind="plateau",
    )
    yield Made(
        "fastai",
        "history.csv",
        table("epoch,train_loss,valid_loss,accuracy,time", [(int(s), y, y, 0.5, "00:12") for s, _, y in rows]),
        [s for s, _, _ in rows],
        None,
        [y for _, _, y in rows],
    )

    # Lightning, W&B, TensorBoard.
    rate = linear(1e-3, 200, 1000)
    rows = [(s, rate(s), y) for s, _, y in run(rate, 1000, 50, first=49, last=999)]
    lines = [line for s, r, y in rows for line in (f",{r!r},{s:.0f},,", f"0,,{s:.0f},{y:.4f},")]
    yield Made(
        "lightning",
        "metrics.csv",
        "epoch,lr-AdamW,step,train_loss_step,val_loss\n" + "\n".join(lines),
        **columns(rows),
        truth=rate,
        total=1000,
    )
    lines = [line for s, r, y in rows for line in (f",{r / 10!r},{r!r},{s:.0f},", f"0,,,{s:.0f},{y:.4f}")]
    yield Made(
        "lightning groups",
        "metrics.csv",
        "epoch,lr-AdamW/pg1,lr-AdamW/pg2,step,train_loss\n" + "\n".join(lines),
        **columns(rows),
        truth=rate,
        total=1000,
    )
    rate = restarts(0.05, 50, 300)
    rows = run(rate, 950, 10, first=0)
    lines = [line for s, r, y in rows for line in (f",{r!r},{s:.0f},,", f"0,,{s:.0f},{y:.4f},")]
    yield Made(
        "lightning restarts",
        "metrics.csv",
        "epoch,lr-SGD,step,train_loss,val_loss\n" + "\n".join(lines),
        **columns(rows),
        truth=rate,
        total=950,
    )
    total = pick(2000, 3000)
    rate = cosine(pick(1e-3, 6e-4), 200, total, pick(0.0, 0.1))
    rows = run(rate, total, 100, first=0)
    plain = "\n".join(f'"{s:.0f}","{r!r}","{r!r}","{r!r}"' for s, r, _ in rows)
    yield Made(
        "wandb chart",
        "wandb_export_2024-01-02T10_11_12.345+01_00.csv",
        f'"Step","sky-7 - train/lr","sky-7 - train/lr__MIN","sky-7 - train/lr__MAX"\n{plain}',
        [r[0] for r in rows],
        [r[1] for r in rows],
        None,
        truth=rate,
        total=total,
    )
    body = table(
        "_step,_runtime,_timestamp,train/loss,train/lr,train/epoch,train/global_step",
        [(k, 3 * k, 1690000000 + k, y, f"{r!r}", s / 1000, int(s)) for k, (s, r, y) in enumerate(rows)],
    )
    yield Made("wandb history", "history.csv", body, **columns(rows), truth=rate, total=total)
    yield Made(
        "tensorboard csv",
        "run-.-tag-train_lr.csv",
        "Wall time,Step,Value\n" + "\n".join(f"1690000000.1,{s:.0f},{float(np.float32(r))!r}" for s, r, _ in rows),
        [r[0] for r in rows],
        [r[1] for r in rows],
        None,
        truth=rate,
        total=total,
    )
    rate = one_cycle(0.1, 1000)
    rows = run(rate, 1000, 10, first=0, last=999)
    yield Made(
        "one cycle",
        "log.csv",
        table("step,train_loss,learning-rate,loss/val", [(int(s), y, f"{r:.9g}", y * 1.1) for s, r, y in rows]),
        **columns(rows),
        truth=rate,
        total=1000,
    )
    rate = linear(1e-3, 100, 1000)
    rows = run(rate, 1000, 10)
    yield Made(
        "own names",
        "log.csv",
        table(
            "batch,TrainLoss,current_lr,Val Loss,lr_min,lr_decay_iters,lr-SGD-momentum",
            [(int(s), y, f"{r:.9g}", y * 1.1, 1e-5, 600000, 0.9) for s, r, y in rows],
        ),
        **columns(rows),
        truth=rate,
        total=1000,
    )
    yield Made(
        "charts",
        "run.jsonl",
        jsonl(
            [
                {"global_step": int(s), "charts/learning_rate": float(np.float32(r)), "losses/total_loss": y}
                for s, r, y in rows
            ]
        ),
        **columns(rows),
        truth=rate,
        total=1000,
    )

    # Text.
    for name, write in TEXTS.items():
        total, peak = pick(3000, 5000), pick(1e-3, 6e-4)
        rate = pick(linear, cosine)(peak, pick(100, 200), total)
        first = 100
        rows = run(rate, total, 100, first=first)
        done = write(1500.0, 0.0, 0.0, total) and rows
        if name == "own":
            done = rows[: len(rows) * 2 // 3]
        text = "\n".join(
            ["Namespace(lr=0.001, epochs=30, batch_size=64)", "", *(write(s, r, y, total) for s, r, y in done), ""]
        )
        yield Made(
            f"text {name}",
            pick("train.log", "log.txt", "output.log"),
            text,
            **columns(done),
            truth=rate,
            total=total,
            kind="rounded",
        )
    text = "step 0: train loss 4.4501, val loss 4.4402\n" + "\n".join(
        f"iter {s:.0f}: loss {y:.4f}, time 193.77ms, mfu 25.10%" for s, _, y in rows
    )
    yield Made("text nanogpt", "output.log", text, [r[0] for r in rows], None, [r[2] for r in rows])
    text = "\n".join(
        f"{TEXTS['llmc'](s, r, y, 0)}" + (f"\ns:{s:.0f} tel:{y:.4f}" if k % 5 == 4 else "")
        for k, (s, r, y) in enumerate(rows)
    )
    yield Made(
        "text restarted",
        "main.log",
        TEXTS["llmc"](100, 0.0005, 9.9, 0) + "\n" + TEXTS["llmc"](200, 0.001, 9.8, 0) + "\n" + text,
        **columns(rows),
        truth=rate,
        total=total,
        kind="rounded",
    )
    # What stands in no column: tables and text that name things behind the numbers, epochs that move the rate, fractions of them.
    rate = lambda s: restarts(peak, 50, (total - 50) / 3)(s) if s < total else 0.0  # noqa: E731
    total = pick(1000, 2000)
    rows = run(rate, total, 10)
    text = hf(rows, total, total).replace('"grad_norm"', '"entropy": 1.5, "grad_norm"')
    yield Made("hf parts", "trainer_state.json", text, **columns(rows), truth=rate, complete=True, total=total)
    own = overwritten(5e-4, 5, 30, 1e-6, 1e-5)
    by_epoch = [
        (float(e * 300 + i), own(e), 3 / (1 + e / 4 + i / 1200) + 0.3) for e in range(30) for i in range(0, 300, 50)
    ]
    line = "Train: {:.0f} [{:>4.0f}/300 ( 33%)]  Loss: {:.5f} (2.1)  Time: 0.301s, 3401.11/s  LR: {:.3e}  Data: 0.010 (0.020)"
    text = "\n".join(line.format(s // 300, s % 300, y, r) for s, r, y in by_epoch)
    yield Made(
        "text timm", "train.log", text, **columns(by_epoch), truth=lambda s: own(s // 300), total=9000, kind="rounded"
    )
    rate = linear(1e-4, 0, 600)
    rows = run(rate, 600, 10)  # no steps, but fractions of epochs
    text = "\n".join(f"{{'loss': {y:.4f}, 'learning_rate': {r!r}, 'epoch': {s / 100:.2f}}}" for s, r, y in rows)
    yield Made(
        "text epochs", "train.log", text, [s / 100 for s, _, _ in rows], [r for _, r, _ in rows], [y for *_, y in rows]
    )
    head = "\n      Epoch    GPU_mem   box_loss   cls_loss   dfl_loss  Instances       Size"
    text = "\n".join(
        f"{head}\n     {e}/60      3.21G      {2 / e:.4f}      {1 / e:.4f}        0.5         45        640: 100%|██|"
        "\n                 Class     Images  Instances  Box(P  R      mAP50\n                   all         64        120      0.512"
        for e in range(1, 61)
    )
    at = [float(e) for e in range(1, 61)]
    yield Made("text ultralytics", "train.log", text, at, None, [3 / e + 0.5 for e in at])
    text = "\n".join(
        f" {s}: {6 / s:.6f}, {5 / s:.6f} avg loss, 0.001000 rate, 5.213 seconds, {s * 64} images, 12.1 hours left"
        for s in range(1, 90)
    )
    at = [float(s) for s in range(1, 90)]
    yield Made("text darknet", "train.log", text, at, [0.001] * 89, [5 / s for s in at], truth=lambda s: 0.001)
    # Bars of progress, lines that might be a heading, few digits, few rows.
    own = lambda s: 1e-3 * 0.5 ** (s // 8)  # noqa: E731
    by_epoch = [(float(e), own(e - 1), round(4 / e + 0.5, 4)) for e in range(1, 31)]
    for name, half, full in (("2", "[====>.....]", "[==========]"), ("3", "━━━━━━━━━━", "━━━━━━━━━━")):
        bar = "Epoch {0:.0f}/30\n  9/250 {3} - loss: 9.1\n250/250 {4} - 12s 46ms/step - loss: {2} - val_loss: {2} - lr: {1:.4e}"
        text = "\n".join(bar.format(*row, half, full) for row in by_epoch)
        yield Made(
            f"text keras {name}", "train.log", text, **columns(by_epoch), truth=lambda s: own(s - 1), late=1, total=30
        )
    rate = linear(2e-4, 90, 3000)
    rows = run(rate, 3000, 20)
    one = "{3:.0f}%|██   | {0:.0f}/3000 [02:11<08:12, 3.11it/s]\n{{'loss': {2:.4f}, 'learning_rate': {1!r}, 'epoch': {4:.2f}}}"
    text = "\n".join(one.format(*row, row[0] / 30, row[0] / 250) for row in rows)
    yield Made("text bars", "train.log", text, **columns(rows), truth=rate, total=3000)
    text = "".join(
        f"\rEpoch {s // 500:.0f}:  10%|██  | {s:.0f}/3000 [00:10<10:11, 5.6it/s, loss={y:.3f}, lr={r:.4e}]"
        for s, r, y in rows
    )
    yield Made("text one bar", "train.log", text, **columns(rows), truth=rate, total=3000, kind="rounded")
    text = "\n".join(f"iter {s:.0f}: loss {y:.4f}, time 193.77ms, mfu 25.10%, lr {r:.4e}" for s, r, y in rows)
    yield Made("text commas", "output.log", text, **columns(rows), truth=rate, total=3000, kind="rounded")
    rate = drops(0.0025, 1000, 0.001, (6000, 8000))
    rows = run(rate, 8999, 20, first=19)
    text = "\n".join(
        f"[05/11 13:39:01 d2.utils.events]:  eta: 1:20:11  iter: {s:.0f}  total_loss: {y:.3g}  loss_cls: 1.1  time: 0.3199  last_time: 0.3  "
        f"data_time: 0.0111   lr: {r:.5g}  max_mem: 3101M"
        for s, r, y in rows
    )
    yield Made("text detectron2", "log.txt", text, **columns(rows), truth=rate, total=8999, kind="rounded")
    rate = lambda s: 20 * 512**-0.5 * min(s**-0.5, s * 8000**-1.5)  # noqa: E731
    rows = run(rate, 40000, 500)
    text = "\n".join(
        f"Step {s:.0f}/100000; acc:  52.1; ppl: 11.5; xent: {y:.2f}; lr: {r:.5f}; 20123/18233 tok/s;   571 sec"
        for s, r, y in rows
    )
    yield Made("text opennmt", "train.log", text, **columns(rows), truth=rate, total=40000, kind="rounded")
    rate = lambda s: 0.001 * min(1.0, (s / 200) ** 4) * (0.1 if s >= 800 else 1.0)  # noqa: E731
    rows = run(rate, 900, 1)
    text = "\n".join(
        f" {s:.0f}: {y:.6f}, {y:.6f} avg loss, {r:.6f} rate, 5.213 seconds, 64 images, 12.1 hours left"
        for s, r, y in rows
    )
    yield Made("text burn-in", "train.log", text, **columns(rows), truth=rate, total=900, kind="rounded")
    rate = lambda s: 0.05 * (1 + math.cos(math.pi * s / 10))  # noqa: E731
    rows = run(rate, 99, 1, first=0)
    yield Made(
        "a cosine past its length",
        "log.csv",
        table("epoch,loss,lr", [(int(s), y, f"{r:.12g}") for s, r, y in rows]),
        **columns(rows),
        truth=rate,
        total=99,
    )
    rate = linear(2e-5, 0, 6189)
    rows = run(rate, 6189, 500)
    yield Made(
        "hf sparse", "trainer_state.json", hf(rows, 6189, 6189), **columns(rows), truth=rate, complete=True, total=6189
    )
    rows = [(s, 0.1, min(y, 3.0) + (s > 300) * (s - 300) / 60) for s, _, y in run(rate, 900, 25)]
    yield Made(
        "hf constant, diverged",
        "trainer_state.json",
        hf(rows, 900, 900),
        **columns(rows),
        truth=lambda s: 0.1,
        complete=True,
        fault="diverges",
    )
    rate = lambda s: 1e-4 * 0.5 * (1 + math.cos(math.pi * s / 450))  # noqa: E731
    rows = run(rate, 900, 10)
    yield Made(
        "hf stepped twice",
        "trainer_state.json",
        hf(rows, 900, 900),
        **columns(rows),
        truth=rate,
        complete=True,
        total=900,
        fault="goes up again",
    )
    rate = linear(1e-3, 100, 2000)
    rows = run(rate, 1980, 20, first=0)
    line = "2021-11-02 10:00:00,123 DEBUG {} Batch {:.0f}/{:.0f} loss {:.6f} loss_att 1.1 lr {:.8f} rank 0"
    text = "\n".join(
        line.format("TRAIN", s // 500, s % 500, y, r)
        + (f"\n{line.format('CV', s // 500, 0, 9.9, r)}" if s % 500 == 480 else "")
        for s, r, y in rows
    )
    yield Made("text wenet", "train.log", text, **columns(rows), truth=rate, total=1980, kind="rounded")
    rows = run(rate, 2000, 20)
    text = "# run 17, seed 3\n" + table("step,loss,lr", [(int(s), y, f"{r:.12g}") for s, r, y in rows])
    yield Made("comments", "log.csv", text, **columns(rows), truth=rate, total=2000)
    text = table(
        "epoch,iter,iter_time,learning_rate,loss,step",
        [(0, int(4 * s), 0.2, f"{r:.12g}", y, int(s)) for s, r, y in rows],
    )
    yield Made("parts of steps", "metrics.csv", text, **columns(rows), truth=rate, total=2000)
    row = {"total_steps": 2000, "percentage": 1.0, "elapsed_time": "0:01:22"}
    text = jsonl([{"current_steps": int(s), "loss": y, "lr": r, "epoch": s / 900} | row for s, r, y in rows])
    yield Made("llama-factory", "trainer_log.jsonl", text, **columns(rows), truth=rate, total=2000)
