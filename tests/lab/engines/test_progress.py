"""How far the parts of a command are together, and how long it will take, told from the first updates."""

import re
from dataclasses import replace

import pytest

from glidepath import recipes
from glidepath.lab import TASKS, RunSpec
from glidepath.lab.engines import progress
from glidepath.lab.engines.engine import Advanced, Capacity
from glidepath.lab.engines.progress import CommandPart, CommandProgress, Meter, Status, estimate
from glidepath.lab.engines.session import Session
from glidepath.lab.records.store import Store
from glidepath.lab.tasks.find import adjusted

SLOW = RunSpec(TASKS["cifar100"], recipes.constant(), 0.1, 0, 10_530)
OTHER = RunSpec(TASKS["cifar100"], recipes.constant(), 0.1, 1, 10_530)


@pytest.fixture
def clock(monkeypatch):
    class Clock:
        now = 100.0

    monkeypatch.setattr(progress.time, "monotonic", lambda: Clock.now)
    return Clock


def test_a_speed_is_measured_between_reports_and_not_from_the_start_of_the_job(clock):
    meter = Meter([SLOW, OTHER], [])
    for now, updates in ((130.0, 1), (130.5, 1), (138.0, 2), (146.0, 3)):
        clock.now = now
        meter.advanced(SLOW, updates)

    assert meter.update_seconds("cifar100") == pytest.approx(8.0)
    assert meter.missing("cifar100") == 2 * 10_530 - 3
    assert meter.status(2).seconds_left == pytest.approx((2 * 10_530 - 3) * 8.0 / 2)


def test_a_job_that_starts_again_is_measured_anew(clock):
    meter = Meter([SLOW], [])
    for now, updates in ((100.0, 50), (200.0, 0), (204.0, 2)):
        clock.now = now
        meter.advanced(SLOW, updates)

    assert meter.update_seconds("cifar100") == pytest.approx(2.0)


class _Engine:
    def __init__(self, clock):
        self.clock = clock

    def execute(self, specs, emit):
        emit(Capacity(2))
        for update in range(1, 4):
            self.clock.now += 8.1
            emit(Advanced(specs[0], update))
            emit(Advanced(specs[1], update))
        raise KeyboardInterrupt


class _Heard:
    def __init__(self):
        self.notes = []

    def status(self, status):
        pass

    def note(self, text):
        self.notes.append(text)


def test_the_estimate_is_told_once_with_the_cheaper_command(tmp_path, clock):
    heard = _Heard()
    session = Session(Store(tmp_path), _Engine(clock), heard, "compare", "glidepath compare -t cifar100 --epochs 30")
    with pytest.raises(KeyboardInterrupt):
        session.records([SLOW, OTHER])

    (told,) = heard.notes
    assert told.startswith("cifar100: about 24 hours (21,057 updates of 8.1 s, 2 at a time).")
    assert told.endswith(": glidepath compare -t images")


@pytest.mark.parametrize(
    ("task", "seconds", "updates", "command", "told"),
    [
        ("images", 0.02, 100, "glidepath compare", r""),
        ("images", 0.02, 18_000, "glidepath compare", r"images: about 0\.05 hours \(3 minutes; .*"),
        (
            "text",
            0.02,
            318_000,
            "glidepath compare -t text -s 20",
            r"(?s).*\nNearly .*: glidepath compare -t text --seeds 3",
        ),
        (
            "text",
            0.02,
            318_000,
            "glidepath compare -t text -s 3",
            r"(?s).*\nCheaper: fewer updates a run, such as a budget of 375.*",
        ),
        ("cifar100", 8.0, 9999, "lab.compare(tasks=['cifar100'])", r"(?s).*: lab\.compare\(tasks=\['images'\]\)"),
        (
            "cifar100",
            8.0,
            9999,
            "glidepath compare 'cosine(9)' -t cifar100",
            r"(?s).* 'cosine\(9\)' -t images --budget 10530",
        ),
        (
            "cifar100",
            8.0,
            9999,
            "glidepath tune wsd -t cifar100 --model resnet50 --epochs 30 --amp --augment -n 7",
            r"(?s).*: glidepath tune wsd -t images --augment",
        ),
        (
            "cifar100",
            8.0,
            9999,
            "glidepath train cifar100 --length '3 epochs' --out a",
            r"(?s).*: glidepath train images --out a",
        ),
        ("text", 1.0, 9999, "glidepath train text", r"(?s).*of 1 s\)\.\nCheaper: fewer updates a run.*"),
        ("text", 1.0, 9999, "glidepath find text --verify", r"(?s).*\nCheaper: without --verify.*"),
    ],
)
def test_the_words_of_an_estimate(task, seconds, updates, command, told):
    assert re.fullmatch(told, estimate(TASKS[task], seconds, updates, 1 if "train" in command else 2, command))


def test_the_small_network_is_proposed_for_a_large_one_on_the_generated_images():
    told = estimate(
        adjusted("images", model="resnet18"), 8.0, 9999, 2, "glidepath branches 100 -t images --model resnet18"
    )

    assert told.endswith(", with the small network of the task: glidepath branches 100 -t images")


def test_updates_that_are_made_in_a_row_foretell_the_whole_once(clock):
    job = replace(SLOW, budget=1000)
    meter, told = Meter([job], command="glidepath train cifar100"), []
    for update in range(300, 305):
        meter.advanced(job, update)
        told.append(meter.foretold(job))
        clock.now += 3.6

    assert [text for text in told if text] == [
        (
            "cifar100: about 0.7 hours (42 minutes; 699 updates of 3.6 s).\n"
            "Nearly the same far sooner, on generated images of the same shape: glidepath train images"
        )
    ]


class Listener:
    def __init__(self):
        self.seen: list[Status] = []

    def status(self, status):
        self.seen.append(status)

    def note(self, text):
        raise AssertionError(text)


def test_several_parts_begin_as_one_and_the_last_may_not_be_needed():
    listener = Listener()
    whole = CommandProgress(listener, [CommandPart(1, 10, 10.0)] * 8)
    whole.begin(3)
    whole.status(Status(3, 3, 30, 30, 1.0, None))
    whole.skip(2)
    whole.begin(2)
    whole.status(Status(1, 2, 10, 20, 1.0, None))

    first, second = listener.seen
    assert (first.runs_done, first.runs_total, first.updates_done, first.updates_total) == (3, 8, 30, 80)
    assert (second.runs_done, second.runs_total) == (4, 6)
    assert (second.updates_done, second.updates_total) == (40, 60)
    assert whole.later == 10
    whole.skip(5)
    assert whole.later == 0
