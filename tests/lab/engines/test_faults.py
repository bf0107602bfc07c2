"""Real faults: a driver killed again and again, a full disk, a record damaged. Whole records stay; what is missing is made."""

import json
import random
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from glidepath import GlidepathError
from glidepath.lab import InProcess, Session, Store, compare, plan_runs
from glidepath.lab.engines.engine import Finished
from glidepath.lab.search.snapshots import snapshots

posix = pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="looks for processes in /proc")

SCHEDULES = ["constant", "cosine", "linear"]
_DRIVER = """
import json, sys
from glidepath.lab import Store, Task, Workers, compare

task, out, log = Task.from_dict(json.loads(sys.argv[1])), sys.argv[2], open(sys.argv[3], "a", buffering=1)
write = Store.write

def logged(self, record, files=None):
    write(self, record, files)
    log.write(record.spec.hash + chr(10))

Store.write = logged
compare([task], ["constant", "cosine", "linear"], int(sys.argv[4]), budget=20, out=out, engine=Workers(1))
"""


def _children(pid):
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _wait_until_gone(pids):
    """Wait until no process of these is left that does something."""
    while any(Path(f"/proc/{pid}/cmdline").exists() and Path(f"/proc/{pid}/cmdline").read_bytes() for pid in pids):
        time.sleep(0.02)


@posix
@pytest.mark.slow
@pytest.mark.timeout(900)  # each start of a driver and its worker takes some seconds of imports
@pytest.mark.parametrize(("times", "seeds"), [(2, 4), pytest.param(20, 20, marks=pytest.mark.soak)])
def test_a_driver_killed_again_and_again_in_a_comparison_loses_and_repeats_nothing(tiny_text, tmp_path, times, seeds):
    """SIGKILL at a random moment after at least one new record, so many times; its worker goes, too. Then the rest is made."""
    out, log = tmp_path / "out", tmp_path / "log"
    arguments = [sys.executable, "-c", _DRIVER, json.dumps(tiny_text.to_dict()), str(out), str(log), str(seeds)]
    records, moments = out / "records", random.Random(9)

    def count():
        return len(list(records.glob("*.json")))

    for _ in range(times):
        before = count()
        with subprocess.Popen(arguments, stderr=subprocess.PIPE, text=True) as driver:
            while count() == before:
                assert driver.poll() is None, driver.stderr.read()
                time.sleep(0.002)
            time.sleep(moments.uniform(0.0, 0.05))
            workers = _children(driver.pid)
            driver.send_signal(signal.SIGKILL)
        assert driver.returncode == -signal.SIGKILL
        assert len(workers) == 1
        _wait_until_gone(workers)
        for path in records.glob("*.json"):
            assert json.loads(path.read_text())["run"] == path.stem  # whole, whatever the moment
    kept = {path.name: path.read_bytes() for path in records.glob("*.json")}
    engine = Counting()
    compare([tiny_text], SCHEDULES, seeds, budget=20, out=out, engine=engine)
    rows = plan_runs([tiny_text], SCHEDULES, seeds, budget=20)["tiny-text"].values()
    specs = [spec for row in rows for spec in row]

    assert times <= len(kept) < len(specs) == 3 * seeds
    assert {path.stem for path in records.iterdir()} == {spec.hash for spec in specs}
    assert all(Store(records).read(spec) is not None for spec in specs)
    logged = log.read_text().split()  # in which the last of a killed driver may be missing
    assert len(set(logged)) == len(logged)
    assert {f"{run}.json" for run in logged} <= set(kept)
    assert sorted(kept) == sorted(
        {f"{spec.hash}.json" for spec in specs} - {f"{spec.hash}.json" for spec in engine.made}
    )
    assert len(engine.made) == len(specs) - len(kept)
    assert all((records / name).read_bytes() == data for name, data in kept.items())


class Counting(InProcess):
    """Remembers what it finished."""

    def __init__(self):
        object.__setattr__(self, "made", [])

    def execute(self, specs, emit):
        def hear(event):
            if isinstance(event, Finished):
                self.made.append(event.record.spec)
            emit(event)

        super().execute(specs, hear)


@pytest.fixture(params=["tmpfs", "limit"])
def small_disk(request, tmp_path):
    """A folder with little room, and what makes room: a small file system of its own, or a limit on the size of files."""
    place = tmp_path / "small"
    place.mkdir()
    if request.param == "limit":
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (2500, before[1]))
        try:
            yield place, lambda: resource.setrlimit(resource.RLIMIT_FSIZE, before)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
            signal.signal(signal.SIGXFSZ, ignored)
        return
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=24k", "tmpfs", str(place)], check=False, capture_output=True, text=True
    )
    if mounted.returncode:
        pytest.skip(f"cannot mount a file system here: {mounted.stderr.strip()}")
    try:
        yield place, lambda: subprocess.run(["mount", "-o", "remount,size=4m", str(place)], check=True)
    finally:
        subprocess.run(["umount", str(place)], check=True)


@posix
def test_a_full_disk_is_an_error_that_names_the_place_and_the_same_call_goes_on(tiny, small_disk):
    place, make_room = small_disk
    specs = [spec for row in plan_runs([tiny], SCHEDULES, 4, budget=60)["tiny"].values() for spec in row]
    engine, store = Counting(), Store(place / "records")

    with pytest.raises(
        GlidepathError, match=r"session: out must be a place that can be written, got .*small/records: "
    ):
        Session(store, engine).records(specs)
    there = [spec for spec in specs if store.path(spec).exists()]
    assert all(store.read(spec) is not None for spec in there)
    assert len(there) == len(list(store.folder.iterdir())) == len(engine.made) - 1 < len(specs)

    make_room()
    engine.made.clear()
    records = Session(store, engine).records(specs)
    assert set(engine.made) == set(specs) - set(there)
    assert set(records) == {spec.hash for spec in specs}


@pytest.mark.parametrize("damage", ["record", "file"])
def test_a_damaged_record_and_a_damaged_file_of_one_are_found_and_made_again(tiny, tmp_path, damage):
    notes = []

    class Listener:
        def status(self, status):
            pass

        def note(self, text):
            notes.append(text)

    def made(engine):
        return snapshots(tiny, cycles=2, budget=20, seeds=2, out=tmp_path, engine=engine, progress=Listener())

    first = made(InProcess())
    victim = sorted((tmp_path / ("records" if damage == "record" else "snapshots")).iterdir())[1]
    whole = victim.read_bytes()
    middle = len(whole) // 2
    victim.write_bytes(whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :])
    engine = Counting()
    again = made(engine)

    assert len(engine.made) == len(notes) == 1
    assert notes[0].endswith("it runs again.")
    assert again.results == first.results
    if damage == "file":
        assert f"file must be of the same checksum as its file {victim.name}, got other content there" in notes[0]
        assert victim.read_bytes() == whole
    assert made(Counting()).results == first.results
