"""The command line as a person uses it, with its exit codes and its two streams; where it matters, in a process of its own."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.main import get_command
from typer.testing import CliRunner

import glidepath as gp
from glidepath.cli import app, main

TEXT = "warmup(500) >> cosine(9500, floor=0.1)"


PLAIN = {"NO_COLOR": "1", "TERM": "dumb", "PYTHONIOENCODING": "utf-8", "COLUMNS": "100"}


def process(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Runs the command line in a process of its own, with plain output."""
    env, python = os.environ | PLAIN | environment, [sys.executable, "-m", "glidepath", *words]
    return subprocess.run(python, capture_output=True, text=True, env=env, encoding="utf-8", check=False)


def glidepath(*words: str) -> subprocess.CompletedProcess[str]:
    """Runs the command line in this process, which has everything imported already, and keeps its two streams apart."""
    out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8", write_through=True) for _ in range(2))
    code: object = 0
    with pytest.MonkeyPatch.context() as patched:
        for name, value in PLAIN.items():
            patched.setenv(name, value)
        for name, value in {"argv": ["glidepath", *words], "stdout": out, "stderr": err}.items():
            patched.setattr(sys, name, value)
        try:
            main()
        except SystemExit as left:
            code = left.code or 0
    told, said = (one.buffer.getvalue().decode() for one in (out, err))  # type: ignore[attr-defined]
    return subprocess.CompletedProcess(list(words), int(str(code)), told, said)


def test_without_words_it_helps_and_with_version_it_tells_it():
    bare = process()
    assert "compare" in bare.stdout + bare.stderr
    assert process("--version").stdout == f"glidepath {gp.__version__}\n"
    assert glidepath("-h").returncode == 0


def test_values_have_every_digit_and_nothing_else_on_stdout():
    done = glidepath("value", TEXT, "0", "499", "10:12", "1e4", "2.5")
    schedule = gp.parse(TEXT)

    steps = [0, 499, 10, 11, 10000, 2.5]
    assert done.stdout == "".join(f"{step}\t{schedule(step)!r}\n" for step in steps)
    assert done.stderr == ""
    assert done.returncode == 0


def test_values_as_json_read_back_bit_for_bit():
    data = json.loads(glidepath("value", TEXT, "0:1000:7", "--json", "--base", "3e-4").stdout)
    schedule = gp.Schedule.from_dict(data["schedule"])

    assert data["steps"] == list(range(0, 1000, 7))
    assert data["values"] == [schedule(step) for step in data["steps"]]
    assert schedule == 3e-4 * gp.parse(TEXT)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ["value", "cosin(5)", "0"],
            "error: text, column 1: must be a known word, got 'cosin(5)' (did you mean 'cosine'?)",
        ),
        (["value", "cosine(5)", "x"], "error: value: STEP must be a step such as 500, or a range such as 0:1000:50"),
        (["value", "cosine(5)", "nan"], "error: value: STEP must be a step"),
        (["value", "cosine(5)", "0:9:0"], "error: value: STEP must be a step"),
        (["value", "cosine(5)", "0:999999999"], "error: value: STEP must be a step"),
        (
            ["show", "nowhere.json"],
            "error: SCHEDULE: file must be a file that can be read, got 'nowhere.json' (No such file",
        ),
        (["value", "plan.yaml", "3"], "got 'plan.yaml' (a plan holds several: glidepath show plan.yaml draws it"),
        (["value", "cosine(5)", "--bse", "3"], "got '--bse' (glidepath value -h lists the options)"),
        (["list", "cosin"], "error: list: WORD must be a known word, got 'cosin' (did you mean 'cosine'?)"),
        (
            ["export", "cosine(5)", "--to", "jsn"],
            (
                "error: export: --to must be one of text, json, python, latex, pytorch, oneflow, keras, optax, transformers, "
                "timm, composer, mmengine, deepspeed, megatron, got 'jsn'"
            ),
        ),
        (["show", "cosine(5)", "-o", "x.bmp"], "error: show: -o must be a file name that ends in .png, .svg or .gif"),
        (["convert", "ReduceLROnPlateau(optimizer)"], "use glidepath.feedback.PyTorchPlateau, or glidepath replay"),
    ],
)
def test_what_is_asked_wrongly_exits_with_2_and_says_why_on_stderr(words: list[str], message: str, tmp_path: Path):
    done = glidepath(*words)

    assert message in done.stderr.replace("\n", " ")
    assert done.stdout == ""
    assert done.returncode == 2


def test_a_file_that_is_no_yaml_is_told_as_that_file(tmp_path: Path):
    (tmp_path / "detectron2.yaml").write_text("SOLVER:\n  BASE_LR: 0.02\n STEPS: [1, 2\n")

    done = glidepath("convert", str(tmp_path / "detectron2.yaml"))

    assert "error: detectron2.yaml: must be YAML, got 'line 3, column 2'" in done.stderr.replace("\n", " ")
    assert done.returncode == 2


def test_a_negative_step_is_a_step():
    assert glidepath("value", "linear(10)", "-5", "-1:2", "--base", "2").stdout == "-5\t2.0\n-1\t2.0\n0\t2.0\n1\t1.8\n"


@pytest.mark.parametrize(
    ("words", "base"),
    [
        (["convert", "torch.optim.lr_scheduler.StepLR(30)", "-t", "optax"], "0.1"),
        (["convert", "torch.optim.lr_scheduler.StepLR(30)"], "0.1"),
        (["convert", "torch.optim.lr_scheduler.StepLR(30)", "-t", "optax", "--base", "0.2"], None),
        (["convert", "CyclicLR(optimizer, 0.001, 0.1, cycle_momentum=False)", "-t", "optax"], None),
        (["convert", "cosine(100)", "-t", "keras"], "1"),
        (["export", TEXT, "-t", "keras"], "1"),
        (["export", TEXT, "-t", "keras", "--base", "0.2"], None),
        (["export", TEXT, "-t", "pytorch"], None),
    ],
)
def test_a_base_that_was_not_given_is_told(words: list[str], base: str | None):
    done = glidepath(*words)
    told = f"note: for a base learning rate of {base}, as none was given: --base changes it\n"

    whose = "".join(line + "\n" for line in done.stderr.splitlines() if "is read as" in line)
    assert done.stderr.removeprefix(whose) == ("" if base is None else told)
    assert "note" not in done.stdout
    assert done.returncode == 0


def test_what_a_scheduler_moves_beside_the_rate_is_told():
    done = glidepath("convert", "CyclicLR(optimizer, 0.001, 0.1)", "-t", "optax")

    assert done.returncode == 0
    assert "note: it moves the momentum (betas[0] of Adam) too, by rate(" in done.stderr


@pytest.mark.parametrize(
    ("schedule", "step", "shown"),
    [("StepLR(step_size=3)", "3", "0.01"), ("0.1 * linear(10)", "7", "0.03"), ("cosine(7)", "1", "0.9504844339512096")],
)
def test_values_are_written_as_a_person_would(schedule: str, step: str, shown: str):
    assert glidepath("value", schedule, step).stdout == f"{step}\t{shown}\n"


def test_a_plan_says_which_of_its_rules_are_not_drawn(tmp_path: Path):
    (tmp_path / "plan.yaml").write_text(
        "rules: [{schedule: cosine(100)}, {schedule: linear(100), parameter: weight_decay}]\nhorizon: {length: 100 updates}\n"
    )
    done = glidepath("show", str(tmp_path / "plan.yaml"))

    assert "plan.yaml also drives weight_decay of *: only the learning rate is drawn" in done.stderr
    assert "note" not in done.stdout


def test_no_help_text_is_read_as_a_picture():
    runner, commands = CliRunner(), get_command(app).commands  # type: ignore[attr-defined]
    for name in commands:
        shown = runner.invoke(app, [name, "--help"])
        assert shown.exit_code == 0
        assert [c for c in shown.output if "\u2600" <= c <= "\u27bf" or c >= "\U0001f000"] == [], name


def test_an_unknown_command_is_answered_with_the_nearest():
    done = glidepath("shwo")

    assert "Did you mean 'show'" in done.stderr
    assert done.returncode == 2


def test_a_drawing_fits_its_width_and_plain_terminals_get_plain_characters():
    done = glidepath("show", TEXT, "one_cycle(10000)", "--width", "60")
    assert max(map(len, done.stdout.splitlines())) <= 60
    assert "\x1b" not in done.stdout
    assert any("⠀" < c <= "⣿" for c in done.stdout)

    plain = glidepath("show", TEXT, "--ascii")
    assert plain.stdout.isascii()
    assert "*" in plain.stdout
    assert "10,000" in plain.stdout


def test_pictures_are_written_whole_beside_nothing_else(tmp_path: Path):
    for name, head in (("a.png", b"\x89PNG"), ("a.svg", b"<?xml")):
        target = tmp_path / name
        done = glidepath("show", TEXT, "wsd(10000)", "--log", "-o", str(target))

        assert done.returncode == 0, done.stderr
        assert done.stdout == ""
        assert target.read_bytes().startswith(head)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.png", "a.svg"]


def test_list_names_every_word_and_tells_one_in_full():
    every = gp.vocabulary()
    own = {
        word for word, make in every.items() if make.__module__ == "glidepath.core.custom"
    }  # registered by other tests
    words = set(every) - own
    listed = {row["word"] for row in json.loads(glidepath("list", "--json").stdout)} - own
    assert listed == words
    shown = glidepath("list").stdout.split()
    assert words <= set(shown)

    told = glidepath("list", "cosine").stdout
    assert told.startswith("cosine(steps, floor=0.0, peak=1.0)")
    assert "Loshchilov" in told


def test_what_is_exported_is_the_same_schedule(tmp_path: Path):
    schedule = gp.parse("sgdr(100, warmup=10, growth=2)")
    (tmp_path / "plan.json").write_text(glidepath("export", "sgdr(100, warmup=10, growth=2)").stdout)
    assert glidepath("export", str(tmp_path / "plan.json"), "--to", "text").stdout == f"{schedule}\n"

    source = glidepath("export", str(schedule), "-t", "python").stdout
    names: dict[str, object] = {}
    exec(source, names)
    assert [names["schedule"](step) for step in range(500)] == [schedule(step) for step in range(500)]

    assert r"\sin" in glidepath("export", str(schedule), "-t", "latex").stdout


def test_a_closed_pipe_is_no_traceback():
    command = f"{sys.executable} -m glidepath value 'cosine(5)' 0:200000 | head -n 1"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)

    assert done.stdout == "0\t1.0\n"
    assert "Traceback" not in done.stderr


@pytest.mark.timeout(300)
def test_compare_trains_writes_its_folder_and_goes_on(tmp_path: Path):
    runs = ["-t", "digits", "-s", "2", "-n", "40", "-e", "here"]
    words = ["compare", "constant", "cosine", *runs, "-o", str(tmp_path / "out")]
    first = glidepath(*words)

    assert first.returncode == 0, first.stderr
    assert "cosine" in first.stdout
    records = {path: path.stat().st_mtime_ns for path in (tmp_path / "out" / "records").glob("*.json")}
    assert len(records) == 4
    assert (tmp_path / "out" / "report.html").stat().st_size > 10_000

    again = glidepath(*words)
    assert again.returncode == 0, again.stderr
    assert again.stdout == first.stdout
    assert {path: path.stat().st_mtime_ns for path in records} == records

    wrong = glidepath("compare", "constnt", "-t", "mnst", "-o", str(tmp_path / "other"))
    assert wrong.returncode == 2
    assert "mnst" in wrong.stderr
    assert not (tmp_path / "other").exists()


@pytest.mark.parametrize(
    ("package", "extra", "words"),
    [
        ("mnist1d", "lab", ["compare", "constant", "cosine"]),
        ("torch", "lab", ["find", "mnist1d"]),
        ("pydantic", "lab", ["branches"]),
        ("matplotlib", "view", ["show", "cosine(5)", "-o", "a.png"]),
        ("uvicorn", "play", ["open", "--no-browser"]),
    ],
)
def test_a_library_that_is_not_installed_is_an_error_with_its_remedy(
    package: str, extra: str, words: list[str], tmp_path: Path
):
    program = "import sys; sys.modules[sys.argv.pop(1)] = None; from glidepath.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", program, package, *words], capture_output=True, text=True, check=False, cwd=tmp_path
    )

    assert f"pip install '.[{extra}]'" in done.stderr
    assert "Traceback" not in done.stderr
    assert done.returncode == 2
    assert not list(tmp_path.iterdir())


def test_a_python_file_gives_one_of_its_calls_by_number(tmp_path: Path):
    script = tmp_path / "train.py"
    script.write_text(
        "import torch\n"
        "from torch.optim import lr_scheduler\n"
        "optimizer = torch.optim.SGD(model.parameters(), lr=0.2)\n"
        "main = lr_scheduler.StepLR(optimizer, step_size=args.epochs // 3)\n"
        "other = lr_scheduler.OneCycleLR(optimizer, max_lr=[0.1, 1.0], total_steps=10)\n"
    )
    asked = glidepath("value", str(script), "0")
    assert asked.returncode == 2
    assert "1: line 4: lr_scheduler.StepLR(optimizer, step_size=args.epochs // 3); 2: line 5" in asked.stderr.replace(
        "\n", " "
    )
    one = glidepath("value", str(script), "0", "30", "--call", "1", "--let", "args.epochs=90")
    assert one.stdout == "0\t0.2\n30\t0.02\n"
    groups = glidepath("value", str(script), "0", "--call", "2")
    assert groups.stdout == "0\t0.004\t0.04\n"
    assert "the columns are the groups 0, 1" in groups.stderr
    told = glidepath("list", "CosineLRScheduler")
    assert told.stdout.startswith("timm 1.0.31: timm.scheduler\n  CosineLRScheduler(t_initial, lr_min=0.0")


def test_every_option_and_argument_has_its_sentence():
    commands = get_command(app).commands
    silent = [(name, one.name) for name, command in commands.items() for one in command.params if not one.help]
    assert len(commands) > 20
    assert silent == []
