"""What the commands that train show besides their result: the bar, the last words, texts for a narrow encoding."""

import io
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner

from glidepath.cli import app
from glidepath.cli.common import say
from glidepath.lab import TASKS, Bar, InProcess, Status
from glidepath.lab.engines.engine import Finished
from glidepath.lab.tasks.schedules import DEFAULT_SCHEDULES, default_schedule

PRACTICE = Path(__file__).resolve().parents[3] / "docs" / "practice.md"
COMPARE = ["compare", "constant", "linear", "-t", "digits", "-s", "1", "-n", "3", "-e", "here", "-o"]


def _status(done, left):
    return Status(done, 60, 10 * done, 600, 1.0, left)


def test_without_a_terminal_plain_lines_say_now_and_then_how_far_it_is(monkeypatch):
    now, shown = 0.0, io.StringIO()
    monkeypatch.setattr("glidepath.lab.engines.progress.time.monotonic", lambda: now)
    with Bar(Console(file=shown)) as bar:
        for second in range(401):
            now = float(second)
            bar.status(_status(second * 60 // 400, None if second < 25 else 400.0 - second))
    lines = shown.getvalue().splitlines()

    assert lines[:3] == ["3/60 runs", "6/60 runs, 6:00 left", "9/60 runs, 5:40 left"]
    assert len(lines) == 10 + 6  # every 20 s up to 200 s, then every tenth of the time so far


def test_the_bar_begins_with_the_first_status():
    for statuses in (0, 1):
        shown = io.StringIO()
        with Bar(Console(file=shown, force_terminal=True, width=80)) as bar:
            for _ in range(statuses):
                bar.status(_status(3, 60.0))
        assert ("3/60 runs" in shown.getvalue()) == bool(statuses)
        assert bool(shown.getvalue()) == bool(statuses)


@pytest.mark.parametrize(
    "words", [["compare", "-s", "1", "-t", "mnst"], ["tune", "-t", "mnst"], ["snapshots", "-t", "mnst"]]
)
def test_no_bar_is_started_for_wrong_arguments(words, tmp_path, monkeypatch):
    monkeypatch.setattr("rich.progress.Progress.start", lambda self: pytest.fail("a bar"))
    done = CliRunner().invoke(app, [*words, "-o", str(tmp_path)])

    assert "must be one of mnist1d" in str(done.exception)


@pytest.mark.parametrize(
    ("kept", "told"), [(0, "stopped before a run was over"), (1, "nothing is lost: 1 run is kept")]
)
def test_ctrl_c_tells_what_is_kept(kept, told, tmp_path, monkeypatch, made_up):
    def stopped(self, specs, emit):
        for spec in specs[:kept]:
            emit(Finished(made_up(spec, 30.0)))
        raise KeyboardInterrupt

    monkeypatch.setattr(InProcess, "execute", stopped)
    done = CliRunner().invoke(app, [*COMPARE, str(tmp_path)])

    assert done.exit_code == 130
    assert told in done.stderr
    assert ("nothing is lost" in done.stderr) == bool(kept)


def test_a_text_is_shown_in_any_encoding(monkeypatch):
    for encoding, shown in (("ascii", "-0.1 to 2 x ?"), ("latin-1", "-0.1 to 2 x ?"), ("utf-8", "−0.1 to 2 × ω")):
        raw = io.BytesIO()
        monkeypatch.setattr("sys.stdout", io.TextIOWrapper(raw, encoding=encoding, write_through=True))
        say("−0.1 to 2 × ω")
        assert raw.getvalue().decode(encoding) == shown + "\n"


def test_results_are_shown_where_standard_output_is_ascii(tmp_path):
    for words in ([*COMPARE, str(tmp_path)], ["list", "cosine"]):
        done = CliRunner(charset="ascii").invoke(app, words)
        assert done.exit_code == 0, done.exception
        assert done.stdout_bytes.isascii()
    assert done.stderr == ""


def test_a_note_is_shown_letter_by_letter():
    shown = io.StringIO()
    with Bar(Console(file=shown, width=20)) as bar:
        bar.note("task mine:two: data() [bold] must be something longer than the line")
    assert shown.getvalue() == "task mine:two: data() [bold] must be something longer than the line\n"


def test_the_documentation_names_the_default_schedules_of_every_task():
    table = PRACTICE.read_text(encoding="utf-8").partition("### Default schedules")[2].partition("## Comparing")[0]
    for task in TASKS.values():
        assert f"`{task.name}`" in table
        for name in DEFAULT_SCHEDULES:
            (row,) = [line for line in table.splitlines() if line.startswith(f"| `{name}` |")]
            assert f"`{default_schedule(name, task.budget, round(task.warmup * task.budget))}`" in row
