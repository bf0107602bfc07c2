"""Ray: two nodes of one processor each, on this machine. What dies costs the runs in its hands and nothing else."""

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from glidepath import GlidepathError
from glidepath.lab import InProcess, Ray, Session, Store, compare, plan_runs
from glidepath.lab.engines.engine import Advanced, Capacity, Failed, Finished, Retried
from glidepath.lab.search.snapshots import snapshots

ROOM = 300 * 2**20
BRISK = {
    "RAY_worker_niceness": "0",  # by default its workers wait until nobody else wants the processor
    "RAY_health_check_period_ms": "300",  # a dead node refuses; one that is only busy has ten seconds to answer
    "RAY_NUM_REDIS_GET_RETRIES": "2",  # a second each, before it believes that its token is refused
}
pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::ResourceWarning"),  # Ray leaves its pipes to the collector
    pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="looks for processes in /proc"),
]


@pytest.fixture(scope="module")
def cluster():
    """Two nodes of one processor, connected; the second may be killed."""
    pytest.importorskip("ray", reason="needs ray")
    shared = Path("/dev/shm")
    if shared.is_dir() and shutil.disk_usage(shared).free < ROOM:
        pytest.skip(f"needs {ROOM} free bytes in /dev/shm")
    import ray
    from ray.cluster_utils import Cluster

    node = {"num_cpus": 1, "object_store_memory": 80 * 2**20, "node_ip_address": "127.0.0.1"}
    with pytest.MonkeyPatch.context() as patch:
        for name, value in BRISK.items():
            patch.setenv(name, value)
        made = Cluster(initialize_head=True, head_node_args={**node, "include_dashboard": False})
        made.add_node(**node)
        made.wait_for_nodes()
        made.another = lambda: made.add_node(**node)
        ray.init(made.address, log_to_driver=False, logging_level="ERROR")  # workers are kept from test to test
        try:
            yield made
        finally:
            ray.shutdown()
            made.shutdown()


def _grid(tiny, seeds, budget=40):
    rows = plan_runs([tiny], ["constant", "cosine"], seeds, budget=budget)["tiny"]
    return [spec for pair in zip(*rows.values(), strict=True) for spec in pair]


def _measured(record):
    machine = {name: value for name, value in record.machine.items() if name != "threads"}
    return replace(record, wall_seconds=0.0, cpu_seconds=0.0, machine=machine)


def _lose_power(node):
    """Everything on a node dies at once; a raylet that dies alone leaves its workers a second to end what they do."""
    raylet = node.all_processes["raylet"][0].process.pid
    for child in Path(f"/proc/{raylet}/task/{raylet}/children").read_text().split():
        with contextlib.suppress(ProcessLookupError):
            os.kill(int(child), signal.SIGKILL)
    os.kill(raylet, signal.SIGKILL)


def _all(engine, specs):
    events = []
    engine.execute(specs, events.append)
    return events


def test_the_same_24_runs_give_equal_records_here_and_on_the_cluster(cluster, tiny):
    """That worker processes give the same is shown where one of them is killed, in test_workers."""
    specs = _grid(tiny, 12)
    found = {}
    for engine in (InProcess(), Ray()):
        records = [event.record for event in _all(engine, specs) if isinstance(event, Finished)]
        found[type(engine)] = {record.spec.hash: _measured(record) for record in records}
        assert len(records) == 24

    assert found[InProcess] == found[Ray]


def test_files_of_records_come_back_byte_for_byte(cluster, tiny, tmp_path):
    made = {
        name: snapshots(tiny, cycles=2, budget=20, seeds=1, out=tmp_path / name, engine=engine)
        for name, engine in (("here", InProcess()), ("ray", Ray()))
    }
    here, ray = (sorted((tmp_path / name / "snapshots").iterdir()) for name in ("here", "ray"))

    assert [(path.name, path.read_bytes()) for path in ray] == [(path.name, path.read_bytes()) for path in here]
    assert len(here) == 2
    assert made["ray"].results == made["here"].results


def test_a_node_killed_in_the_middle_costs_the_runs_in_its_hands_alone(cluster, tiny, tmp_path):
    specs, events, killed, in_hand = _grid(tiny, 3, budget=8000), [], [], {}
    victim = next(node for node in cluster.list_all_nodes() if node is not cluster.head_node)

    class Listening(Ray):
        def execute(self, specs, emit):
            def hear(event):
                events.append(event)
                emit(event)
                done = {one.record.spec.hash for one in events if isinstance(one, Finished)}
                if isinstance(event, Advanced):
                    in_hand[event.spec.hash] = event.updates
                now = [updates for run, updates in in_hand.items() if run not in done]
                # One processor a node: two runs in hand, neither near its end, are one on each.
                if not killed and len(done) >= 2 and len(now) == 2 and max(now) < 6800:
                    killed.append(victim)
                    _lose_power(victim)
                    cluster.remove_node(victim, allow_graceful=False)

            super().execute(specs, hear)

    store = Store(tmp_path / "records")
    try:
        records = Session(store, Listening()).records(specs)
    finally:
        cluster.another()
    finished = Counter(event.record.spec.hash for event in events if isinstance(event, Finished))
    retried = [event for event in events if isinstance(event, Retried)]

    assert killed
    assert set(finished.values()) == {1}
    assert set(finished) == set(records) == {spec.hash for spec in specs}
    assert sorted(path.stem for path in store.folder.iterdir()) == sorted(finished)
    assert len(retried) == 1
    assert retried[0].reason.startswith("its worker or node died (")
    assert not [event for event in events if isinstance(event, Failed)]
    assert next(event.jobs for event in events if isinstance(event, Capacity)) == 2


def test_a_killed_drivers_successor_makes_only_what_is_missing(cluster, tiny, tmp_path):
    out = tmp_path / "out"
    code = (
        "import json, sys\nfrom glidepath.lab import Ray, Task, compare\n"
        "compare([Task.from_dict(json.loads(sys.argv[1]))], ['constant', 'cosine'], 4, budget=1200,"
        " out=sys.argv[2], engine=Ray(sys.argv[3]))\n"
    )
    arguments = [sys.executable, "-c", code, json.dumps(tiny.to_dict()), str(out), cluster.address]
    with subprocess.Popen(arguments, stderr=subprocess.DEVNULL) as driver:
        while len(list((out / "records").glob("*.json"))) < 3:
            assert driver.poll() is None
            time.sleep(0.01)
        os.kill(driver.pid, signal.SIGKILL)
    before = {path.name: path.read_bytes() for path in (out / "records").glob("*.json")}
    asked = []

    class Asked(Ray):
        def execute(self, specs, emit):
            asked.extend(specs)
            super().execute(specs, emit)

    compare([tiny], ["constant", "cosine"], 4, budget=1200, out=out, engine=Asked())
    after = {path.name: path.read_bytes() for path in (out / "records").iterdir()}

    assert 3 <= len(before) < 8
    assert len(asked) == 8 - len(before)
    assert len(after) == 8
    assert before.items() <= after.items()


def test_stopped_by_its_listener_it_ends_its_tasks_and_leaves_the_cluster(cluster, tiny):
    import ray

    class Stop(KeyboardInterrupt):
        pass

    def hear(event):
        if isinstance(event, Advanced):
            raise Stop

    with pytest.raises(Stop):
        Ray().execute(_grid(tiny, 1, budget=10**7), hear)

    assert ray.is_initialized()
    with pytest.raises(GlidepathError, match=r"ray: address must be None, auto or 127\.0\.0\.1:\d+, to which"):
        Ray("127.0.0.1:9").execute(_grid(tiny, 1), hear)
    while ray.available_resources().get("CPU") != 2:
        time.sleep(0.05)


def test_what_a_job_raises_is_told_and_the_users_own_tasks_are_found(cluster, tiny, tmp_path, monkeypatch):
    (tmp_path / "garden.py").write_text(
        "import numpy as np\nimport torch\n"
        "class plot:\n    budget = 5\n"
        "    def data():\n        part = (np.eye(4, dtype=np.float32), np.arange(4) % 2)\n"
        "        return part, part, part\n"
        "    def model():\n        return torch.nn.Linear(4, 2)\n"
        "class desert(plot):\n    def model():\n        raise RuntimeError('no rain today')\n"
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    grid = plan_runs(["garden:plot", "garden:desert"], ["constant"], 1)
    events = _all(Ray(), [row["constant"][0] for row in grid.values()])
    del sys.modules["garden"]

    finished = [event.record for event in events if isinstance(event, Finished)]
    failed = [event for event in events if isinstance(event, Failed)]
    assert [record.updates for record in finished] == [5]
    assert [(event.spec.task.name, "no rain today" in event.reason) for event in failed] == [("garden:desert", True)]


def test_the_command_starts_a_cluster_of_its_own_and_ends_it(tmp_path):
    """In a home of its own, where it leaves no token behind."""
    before = set(Path("/tmp").glob("glidepath-ray-*"))
    said = _compare({**_clean(), "HOME": str(tmp_path), "TMPDIR": "/tmp"}, tmp_path / "out", "--workers", "1")

    assert said == (tmp_path / "out/table.txt").read_text() + "\n"
    assert set(Path("/tmp").glob("glidepath-ray-*")) <= before
    assert not (tmp_path / ".ray/auth_token").exists()


def _clean():
    """This environment, with nothing of Ray's but what makes it brisk."""
    return {name: value for name, value in os.environ.items() if not name.startswith("RAY_")} | BRISK


@contextlib.contextmanager
def _by_hand(home, *, nodes):
    """A cluster started by Ray's own command line, as the documentation has it: the environment, and its address."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    env = {**_clean(), "HOME": str(home), "PATH": path, "RAY_USAGE_STATS_ENABLED": "0"}
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    address, head = "", ["--head", "--port", str(port), "--include-dashboard", "false", "--temp-dir", str(home)]
    with contextlib.ExitStack() as ending:
        for number in range(nodes):
            words = [*(["--address", address] if number else head), "--num-cpus", "1", "--block"]
            command = ["ray", "start", *words, "--object-store-memory", str(80 * 2**20)]
            pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
            node = subprocess.Popen(command, env=env, start_new_session=True, **pipes)
            ending.callback(_end, node)
            said = ""
            while "Ray runtime started" not in said or (not number and "ray start --address=" not in said):
                line = node.stdout.readline()
                assert line, said
                said += line
            address = address or said.rpartition("ray start --address='")[2].partition("'")[0]
        yield env, address


def _end(node):
    """Ends all that a node has started, at once: asked to end, it would take half a minute."""
    all_of_it = [node.pid]
    for pid in all_of_it:
        with contextlib.suppress(OSError):
            all_of_it += map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())
    for pid in all_of_it:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    node.wait()
    node.stdout.close()


@pytest.fixture
def home():
    """A folder of a short name: Ray keeps sockets deep in it, whose paths have at most 107 characters."""
    with tempfile.TemporaryDirectory(prefix="gp", dir="/tmp", ignore_cleanup_errors=True) as folder:
        yield Path(folder)


def _ray(*words):
    return [sys.executable, "-m", "glidepath", "compare", *words, "-s", "1", "-n", "20", "--engine", "ray"]


def _compare(env, out, *more):
    command = _ray("constant", "linear", "-t", "digits", "--out", str(out), *more)
    done = subprocess.run(command, env=env, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert len(list((out / "records").iterdir())) == 2
    return done.stdout


def test_the_documented_commands_work_in_their_order_in_a_home_of_their_own(home):
    """Ray's command line, a second node, the address."""
    with _by_hand(home, nodes=2) as (env, address):
        _compare(env, home / "address", "--address", address)


def test_a_cluster_that_asks_for_a_token_is_joined_with_the_one_that_is_there(home):
    """As Ray does it for `auto`, by the variable; where the token is another one, the error says so and where it is to come from."""
    (home / ".ray").mkdir()
    (home / ".ray/auth_token").write_text("a" * 64)
    code = (
        "from glidepath.lab.engines.ray import Ray, _connected\n"
        "with _connected(Ray()) as ray:\n    print(ray.cluster_resources()['CPU'])\n"
    )
    with _by_hand(home, nodes=1) as (env, address):
        joining = env | {"RAY_ADDRESS": address}
        joined = subprocess.run([sys.executable, "-c", code], env=joining, check=False, capture_output=True, text=True)
        (home / ".ray/auth_token").write_text("b" * 64)
        command = _ray("constant", "--address", address, "--out", str(home / "refused"))
        done = subprocess.run(command, env=env, check=False, capture_output=True, text=True)

    assert joined.stdout == "1.0\n", joined.stderr
    assert done.returncode == 2
    assert "ray: address must be that of a running Ray cluster whose token this machine has" in done.stderr
    assert "copy ~/.ray/auth_token from its first machine" in done.stderr
