"""Logs of every kind are read, and what is none is refused."""

import base64
import json
import struct
from pathlib import Path

import numpy as np
import pytest

import glidepath as gp
from glidepath import GlidepathError
from glidepath.logs import Series, read
from glidepath.logs.events import _masked


def values(log, name: str) -> tuple[list, list]:
    series = log.series[name]
    return series.steps.tolist(), series.values.tolist()


@pytest.mark.parametrize(
    "head",
    [
        "step,loss,lr",
        "global_step,train_loss,learning_rate",
        "update,train/loss,lr-SGD",
        "iteration,loss,train/learning_rate",
        "Step,Loss,LR",
        "iter,loss_step,lr/0",
    ],
)
def test_csv_by_the_names_of_its_columns(head: str, tmp_path: Path):
    file = tmp_path / "run.csv"
    file.write_text(head + "\n0,2.5,0.1\n10,nan,0.05\n20,,0.01\n")

    log = read(file)

    assert values(log, "rate") == ([0, 10, 20], [0.1, 0.05, 0.01])
    assert log.series["loss"].steps.tolist() == [0, 10]
    assert np.isnan(log.series["loss"].values[1])


def test_csv_with_semicolons_tabs_and_a_byte_order_mark(tmp_path: Path):
    (tmp_path / "a.csv").write_text("\ufeffstep;loss\n0;1.5\n", encoding="utf-8")
    (tmp_path / "b.tsv").write_text("step\tloss\n0\t1.5\n")

    assert values(read(tmp_path / "a.csv"), "loss") == values(read(tmp_path / "b.tsv"), "loss") == ([0], [1.5])


def test_rows_without_a_step_are_counted(tmp_path: Path):
    (tmp_path / "a.csv").write_text("loss\n3\n2\n1\n")

    assert values(read(tmp_path / "a.csv"), "loss") == ([0, 1, 2], [3, 2, 1])


def test_json_lines_and_a_half_written_last_line(tmp_path: Path):
    file = tmp_path / "run.jsonl"
    file.write_text(
        '{"step": 0, "loss": 2.0, "lr": 0.1, "grad_norm": 3.0}\n{"step": 1, "loss": NaN, "lr": 0.2}\n{"step": 2, "lo'
    )

    log = read(file)

    assert values(log, "rate") == ([0, 1], [0.1, 0.2])
    assert values(log, "gradient_norm") == ([0], [3.0])


def test_lightning_s_folder(tmp_path: Path):
    folder = tmp_path / "lightning_logs" / "version_0"
    folder.mkdir(parents=True)
    (folder / "metrics.csv").write_text("epoch,lr-SGD,step,train_loss,val_loss\n0,0.1,0,,\n0,,49,2.0,\n0,,49,,2.5\n")

    log = read(folder)

    assert values(log, "rate") == ([0], [0.1])
    assert values(log, "loss") == ([49], [2.0])
    assert values(log, "validation_loss") == ([49], [2.5])


def test_the_trainer_s_state_of_the_last_checkpoint(tmp_path: Path):
    for step in (10, 20):
        folder = tmp_path / f"checkpoint-{step}"
        folder.mkdir()
        history = [
            {"epoch": s / 10, "step": s, "loss": 2.0 / s, "learning_rate": 0.1 / s, "grad_norm": 1.0}
            for s in range(10, step + 1, 10)
        ]
        (folder / "trainer_state.json").write_text(
            json.dumps({"log_history": [*history, {"step": step, "eval_loss": 9.0}], "global_step": step})
        )

    log = read(tmp_path)

    assert values(log, "loss") == ([10, 20], [0.2, 0.1])
    assert values(log, "rate") == ([10, 20], [0.01, 0.005])
    assert values(log, "validation_loss") == ([20], [9.0])


def test_glidepath_s_own_loggers(tmp_path: Path):
    (tmp_path / "a.csv").write_text(
        "update,group,parameter,value\n0,0,lr,0.1\n0,1,lr,0.9\n0,0,weight_decay,0.5\n1,0,lr,0.05\n"
    )
    rows = [
        {"event": "applied", "update": 0, "group": "0", "parameter": "lr", "value": 0.1},
        {"event": "foreign", "update": 1},
    ]
    (tmp_path / "b.jsonl").write_text("\n".join(map(json.dumps, rows)))

    assert values(read(tmp_path / "a.csv"), "rate") == ([0, 1], [0.1, 0.05])
    assert values(read(tmp_path / "b.jsonl"), "rate") == ([0], [0.1])


def test_a_record_of_the_lab_brings_its_plan(tmp_path: Path):
    from glidepath.lab import RunSpec, Store, find_task, run

    spec = RunSpec(find_task("mnist1d"), gp.parse("warmup(5) >> cosine(25)"), 0.05, 0, 30)
    Store(tmp_path).write(run(spec))

    log = read(tmp_path)

    assert log.base == 0.05
    assert str(log.planned) == "warmup(5) >> cosine(25)"
    assert values(log, "rate")[1] == pytest.approx([0.05 * log.planned(t) for t in range(30)])
    assert len(log.series["loss"]) == 30


def record(tag: str, step: int, value: float, form: str = "simple") -> bytes:
    """Return one framed event with one scalar, as TensorBoard (`simple`) or TensorFlow 2 (`tensor`) write it."""

    def varint(n: int) -> bytes:
        out = b""
        while n > 127:
            out, n = out + bytes([n & 127 | 128]), n >> 7
        return out + bytes([n])

    def message(field: int, data: bytes) -> bytes:
        return varint(field << 3 | 2) + varint(len(data)) + data

    if form == "simple":
        held = varint(2 << 3 | 5) + struct.pack("<f", value)
    else:
        held = message(8, varint(1 << 3) + varint(1) + message(2, b"") + message(4, struct.pack("<f", value)))
    event = (
        varint(1 << 3 | 1)
        + struct.pack("<d", 1e9)
        + varint(2 << 3)
        + varint(step)
        + message(5, message(1, message(1, tag.encode()) + held))
    )
    head = struct.pack("<Q", len(event))
    return head + struct.pack("<I", _masked(head)) + event + struct.pack("<I", _masked(event))


@pytest.mark.parametrize("form", ["simple", "tensor"])
def test_tensorboard_s_events(form: str, tmp_path: Path):
    data = b"".join(record("train/loss", s, 2.0 / (s + 1), form) + record("lr", s, 0.5, form) for s in (0, 300, 70_000))
    (tmp_path / "events.out.tfevents.1.host").write_bytes(data + data[:30])  # the last record is cut off

    log = read(tmp_path)

    assert log.series["loss"].steps.tolist() == [0, 300, 70_000]
    assert log.series["loss"].values.tolist() == pytest.approx([2.0, 2 / 301, 2 / 70_001], rel=1e-6)
    assert log.series["rate"].values.tolist() == [0.5, 0.5, 0.5]


def test_checksums_are_crc32c():
    """The check value of CRC-32C for 123456789 is e3069283; TFRecord rotates it and adds a constant."""
    crc = 0xE3069283

    assert _masked(b"123456789") == (((crc >> 15) | (crc << 17)) + 0xA282EAD8) & 0xFFFFFFFF


# Written by TensorBoard 2.21 through PyTorch: `add_scalars("loss", {"train": 2 / (s + 1), "val": 2.5 / (s + 1)})`, the rate, a text.
RECORDED = {
    "events.out.tfevents.1.host.0": (
        "SAAAAAAAAAD+kkidCaXkMK0Iw9pBGg1icmFpbi5FdmVudDoyUi4KLHRlbnNvcmJvYXJkLnN1bW1hcnkud3JpdGVyLmV2ZW50X2ZpbGVfd3Jp"
        "dGVyUSX7hBYAAAAAAAAAT2G+KAluIjGtCMPaQSoLCgkKAmxyFW8SgzpKcK1LGAAAAAAAAACjf0siCUEjMa0Iw9pBEAEqCwoJCgJschUOdFo6"
        "8IsKGRgAAAAAAAAAo39LIgnkIzGtCMPaQRACKgsKCQoCbHIVPsMuOigFno4YAAAAAAAAAKN/SyIJUSQxrQjD2kEQAyoLCgkKAmxyFW8SAzr2"
        "Vcb8GAAAAAAAAACjf0siCaQkMa0Iw9pBEAQqCwoJCgJschU+w645YCjthhgAAAAAAAAAo39LIgnzJDGtCMPaQRAFKgsKCQoCbHIVPsMuOahH"
        "1ig0AAAAAAAAAF4zF1wJkiUxrQjD2kEqKQonCg5hL3RleHRfc3VtbWFyeUILCAcSBBICCAFCAWJKCAoGCgR0ZXh0GI+kEA=="
    ),
    "loss_train/events.out.tfevents.1.host.0": (
        "SAAAAAAAAAD+kkidCQPuMK0Iw9pBGg1icmFpbi5FdmVudDoyUi4KLHRlbnNvcmJvYXJkLnN1bW1hcnkud3JpdGVyLmV2ZW50X2ZpbGVfd3Jp"
        "dGVy4cbDSRgAAAAAAAAAo39LIgmj6jCtCMPaQSoNCgsKBGxvc3MVAAAAQLHod+YaAAAAAAAAABKb2C0JpSIxrQjD2kEQASoNCgsKBGxvc3MV"
        "AACAP64lN0AaAAAAAAAAABKb2C0JZyMxrQjD2kEQAioNCgsKBGxvc3MVq6oqP3hBM3saAAAAAAAAABKb2C0J+SMxrQjD2kEQAyoNCgsKBGxv"
        "c3MVAAAAP89Vy6IaAAAAAAAAABKb2C0JXiQxrQjD2kEQBCoNCgsKBGxvc3MVzczMPsnE4DQaAAAAAAAAABKb2C0JryQxrQjD2kEQBSoNCgsK"
        "BGxvc3MVq6qqPoaij8E="
    ),
    "loss_val/events.out.tfevents.1.host.0": (
        "SAAAAAAAAAD+kkidCQf2MK0Iw9pBGg1icmFpbi5FdmVudDoyUi4KLHRlbnNvcmJvYXJkLnN1bW1hcnkud3JpdGVyLmV2ZW50X2ZpbGVfd3Jp"
        "dGVyHiBsgBgAAAAAAAAAo39LIgmj6jCtCMPaQSoNCgsKBGxvc3MVAAAgQKbtcigaAAAAAAAAABKb2C0JpSIxrQjD2kEQASoNCgsKBGxvc3MV"
        "AACgP5mwM/4aAAAAAAAAABKb2C0JZyMxrQjD2kEQAioNCgsKBGxvc3MVVVVVPz8ZY1kaAAAAAAAAABKb2C0J+SMxrQjD2kEQAyoNCgsKBGxv"
        "c3MVAAAgP7iAz2gaAAAAAAAAABKb2C0JXiQxrQjD2kEQBCoNCgsKBGxvc3MVAAAAPzv/i1EaAAAAAAAAABKb2C0JryQxrQjD2kEQBSoNCgsK"
        "BGxvc3MVVVXVPkG63xM="
    ),
}


def test_tensorboard_s_own_files_are_read_and_one_run_in_several_folders_is_one(tmp_path: Path):
    for name, data in RECORDED.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(base64.b64decode(data))

    log = read(tmp_path)

    assert values(log, "rate") == (list(range(6)), pytest.approx([1e-3 * (1 - s / 6) for s in range(6)], rel=1e-6))
    assert values(log, "loss")[1] == pytest.approx([2 / (s + 1) for s in range(6)], rel=1e-6)
    assert values(log, "validation_loss")[1] == pytest.approx([2.5 / (s + 1) for s in range(6)], rel=1e-6)
    assert log.taken["validation_loss"] == "loss_val"
    assert not log.notes[1:]


def test_a_folder_of_wandb_that_holds_no_plain_log_says_so(tmp_path: Path):
    run = tmp_path / "offline-run-20250101_101010-abc"
    (run / "files").mkdir(parents=True)
    (run / "logs").mkdir()
    (run / "run-abc.wandb").write_bytes(b":W&B\0\0")
    (run / "files" / "requirements.txt").write_text("torch==2.0\n")
    (run / "files" / "config.yaml").write_text("lr:\n  value: 0.1\n")
    (run / "logs" / "debug.log").write_text(
        "2025-01-01 10:10:10,123 INFO    MainThread:12 [wandb_setup.py:_flush():67] pid: 12\n"
    )

    with pytest.raises(GlidepathError, match=r"and run-abc\.wandb, which only W&B reads"):
        read(tmp_path)
    (run / "files" / "output.log").write_text("".join(f"step {s} loss {2 / (s + 1):.4f} lr 0.1\n" for s in range(9)))
    assert len(read(tmp_path).series["loss"]) == 9


@pytest.mark.parametrize("damage", [b"\x00" * 40, b"\xff" * 40, b"GIF89a" + b"x" * 50])
def test_damaged_events_are_refused(damage: bytes, tmp_path: Path):
    (tmp_path / "events.out.tfevents.1").write_bytes(record("loss", 0, 1.0) + damage)

    with pytest.raises(GlidepathError, match="log: event file must be whole"):
        read(tmp_path)


def test_a_length_beyond_the_file_reads_no_further(tmp_path: Path):
    head = struct.pack("<Q", 2**60)
    (tmp_path / "events.out.tfevents.1").write_bytes(record("loss", 0, 1.0) + head + struct.pack("<I", _masked(head)))

    with pytest.raises(GlidepathError, match="records of at most"):
        read(tmp_path)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.csv", "", "a table with a heading"),
        ("a.csv", "step,accuracy\n1,2\n", "columns must be named like loss or lr"),
        ("a.jsonl", "not json\n", "line 1 is not JSON"),
        ("a.json", "{", "must be JSON"),
        ("a.json", "3", "no column of numbers"),
        ("a.json", '{"record": {"spec": {}}}', "record must be whole"),
        ("a.json", "[" * 100_000, "must be JSON"),
        ("a.pkl", "x", "no column of numbers"),
        ("a.csv", "step,loss\n-1,1e999\n", None),
    ],
)
def test_what_is_no_log_is_refused(name: str, text: str, message: str | None, tmp_path: Path):
    (tmp_path / name).write_text(text)

    if message is None:
        assert read(tmp_path / name).series["loss"].values.tolist() == [float("inf")]
    else:
        with pytest.raises(GlidepathError, match=message):
            read(tmp_path / name)


def test_a_place_without_a_log_is_refused(tmp_path: Path):
    with pytest.raises(GlidepathError, match="path must be a file or a folder"):
        read(tmp_path / "nowhere")
    with pytest.raises(GlidepathError, match="path must be a folder with one log"):
        read(tmp_path)
    for name in ("a.csv", "b.csv"):
        (tmp_path / name).write_text("loss\n1\n")
    with pytest.raises(GlidepathError, match=r"with 2 such files \(name one, such as .*/a\.csv or .*/b\.csv\)"):
        read(tmp_path)


def test_a_log_without_what_is_needed_says_what_is_there(tmp_path: Path):
    file = tmp_path / "val.csv"
    file.write_text("step,val_loss,note\n0,2.5,a\n10,2.0,b\n")
    assert list(read(file).series) == ["validation_loss"]
    with pytest.raises(GlidepathError, match="columns must be named like lr: it has no rates, got 'val_loss', "):
        read(file, rates=True)
    file.write_text("step,loss\n0,2.5\n")
    with pytest.raises(GlidepathError, match="it has no rates, got 'loss'"):
        read(file, rates=True)
    file.write_text("note\na\n")
    with pytest.raises(GlidepathError, match="named like loss or lr, got 'note'"):
        read(file)


def test_folders_of_train_and_compare(tmp_path: Path):
    (tmp_path / "record.json").write_text(json.dumps({"update": [0, 1], "loss": [2.0, 1.0], "lr": [0.1, 0.2]}))
    (tmp_path / "plan.json").write_text("{}")
    assert values(read(tmp_path), "rate") == ([0, 1], [0.1, 0.2])

    folder = tmp_path / "compare"
    (folder / "records").mkdir(parents=True)
    (folder / "comparison.json").write_text(json.dumps({"seeds": [0, 1]}))
    (folder / "records" / "a1.json").write_text(json.dumps({"loss": [2.0, 1.0]}))
    assert values(read(folder), "loss") == ([0, 1], [2.0, 1.0])
    for name in ("b2", "c3"):
        (folder / "records" / f"{name}.json").write_text("{}")
    message = (
        r"path must be a single run, got a folder of 3 runs \(name one, such as .*/records/a1\.json or .*/b2\.json\)"
    )
    with pytest.raises(GlidepathError, match=message):
        read(folder)


def test_nothing_is_unpickled(tmp_path: Path):
    canary = tmp_path / "canary"
    payload = f"cposix\nsystem\n(S'touch {canary}'\ntR.".encode()
    for name in ("a.csv", "a.json", "a.jsonl", "events.out.tfevents.9"):
        (tmp_path / name).write_bytes(payload)
        with pytest.raises(GlidepathError):
            read(tmp_path / name)

    assert not canary.exists()


def test_a_series_written_again_keeps_what_was_written_last():
    again = Series.of([0, 1, 2, 1, 2, 3], [1.0, 0.9, 0.8, 0.7, 0.6, 0.5]).last_pass()

    assert (again.steps.tolist(), again.values.tolist()) == ([0, 1, 2, 3], [1.0, 0.7, 0.6, 0.5])


def test_what_stands_before_the_first_step_or_beyond_exact_steps_is_left_out(tmp_path: Path):
    lines = [{"loss": 9.0}, *({"step": step, "loss": 2.0 - step / 10} for step in (0, 1, 2))]
    (tmp_path / "a.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert values(read(tmp_path / "a.jsonl"), "loss") == ([0, 1, 2], [2.0, 1.9, 1.8])

    kept = b"".join(record("loss", step, 1.0) for step in (0, 1, 2))
    (tmp_path / "events.out.tfevents.1.host").write_bytes(kept + record("loss", 2**53, 7.0))
    assert values(read(tmp_path / "events.out.tfevents.1.host"), "loss") == ([0, 1, 2], [1.0, 1.0, 1.0])


TEXTS = {
    "a named bar with its numbers": "\r".join(f"Steps:  {k}%|▏ | {k}/40 [00:0{k}<01:39,  loss=0.{k}, lr={k}e-06]" for k in range(1, 5)),
    "DeepSpeed, whose rate comes before its step": "".join(
        f"[2026-03-05 09:18:13,311] [INFO] [logging.py:96:log_dist] [Rank 0] step={k}, skipped=0, lr=[{k}e-06, {k}e-06], mom=[(0.9, 0.95)]\n"
        f"[INFO] [timer.py:260:stop] epoch=0/micro_step={4 * k}/global_step={k}, CurrSamplesPerSec=21.01\n"
        f"Epoch: 0, Step: {k}, Rank: 0, loss = 0.{k}\n"
        for k in range(1, 5)
    ),
    "nanoGPT, whose evaluations count by another name": "step 1: train loss 0.9, val loss 0.9\n"
    + "".join(f"iter {k}: loss 0.{k}, lr {k}e-06, time 193.12ms\n" for k in range(1, 4))
    + "step 4: train loss 0.4, val loss 0.5\niter 4: loss 0.4, lr 4e-06, time 193.12ms\n",
    "PaddleClas, whose rate names its class": "".join(
        f"ppcls INFO: [Train][Epoch 1/6][Iter: {k}/250]lr(LinearWarmup): {k}e-06, CELoss: 0.{k}, loss: 0.{k}\n"
        for k in range(1, 5)
    ),
    "a bar after the lines": "".join(
        f"{{'loss': 0.{k}, 'learning_rate': {k}e-06, 'epoch': 0.0{k // 2}}}\n  0%|          | {k}/800 [00:01<10:00]\n" for k in range(1, 5)
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", TEXTS)
def test_text_by_its_own_counter(name: str, tmp_path: Path):
    (tmp_path / "a.log").write_text(TEXTS[name])

    log = read(tmp_path / "a.log")

    assert values(log, "rate") == ([1, 2, 3, 4], [1e-6, 2e-6, 3e-6, 4e-6])
    assert values(log, "loss") == ([1, 2, 3, 4], [0.1, 0.2, 0.3, 0.4])


def test_of_two_counters_it_is_said_which_was_taken(tmp_path: Path):
    (tmp_path / "a.csv").write_text("iter,step,loss\n" + "".join(f"{4 * k},{k},{3 - k}\n" for k in range(3)))

    log = read(tmp_path / "a.csv")

    assert (log.taken["step"], log.notes) == ("step", ("iter counts other steps than step: --step iter takes it",))
    assert read(tmp_path / "a.csv", step="iter").series["loss"].steps.tolist() == [0, 4, 8]
