"""The engine of a Ray cluster, without a cluster: what is refused, and what a node does with its chunk."""

import socket
import sys
import threading
from dataclasses import replace
from types import SimpleNamespace

import pytest

from glidepath import GlidepathError
from glidepath.lab import Ray, run
from glidepath.lab.engines.engine import Capacity, Finished
from glidepath.lab.engines.ray import _options, _RayDispatch
from glidepath.lab.engines.ray_worker import _provide, carry_out_chunk
from glidepath.lab.records.jobs import job_to_dict
from glidepath.lab.tasks.declared import CharTransformer


def test_a_chunk_tells_how_it_goes_and_one_outcome_for_every_job(tiny, spec):
    wrong = replace(spec, task=replace(tiny, model=CharTransformer()))
    long = replace(spec, budget=4000)
    messages = list(carry_out_chunk([job_to_dict(job) for job in (wrong, spec, long)], {}))
    outcomes = [(position, message) for position, message in messages if "advanced" not in message]

    assert [(position, next(iter(message))) for position, message in outcomes] == [
        (0, "failed"),
        (1, "finished"),
        (2, "finished"),
    ]
    assert "a char_transformer cannot read examples" in outcomes[0][1]["failed"]
    assert outcomes[1][1]["finished"]["test"] == run(spec).to_dict()["test"]
    assert [position for position, _ in messages] == sorted(position for position, _ in messages)
    assert all(message["advanced"] < 4000 for _, message in messages if "advanced" in message)


def test_a_module_that_a_node_lacks_is_put_where_it_is_found(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr(sys, "path", list(sys.path))
    source = b"answer = 42\n"
    _provide({"glidepath_sent_module": source, "json": b"raise RuntimeError\n"})
    _provide({"glidepath_sent_module": source})

    import glidepath_sent_module

    assert glidepath_sent_module.answer == 42
    assert [path.read_bytes() for path in tmp_path.glob("*/*.py")] == [source]
    del sys.modules["glidepath_sent_module"]


def test_an_address_that_does_not_answer_is_an_error_within_the_time_given(spec):
    pytest.importorskip("ray", reason="needs ray")
    with socket.socket() as deaf, socket.socket() as closed, socket.socket() as other:
        for one in (deaf, closed, other):
            one.bind(("127.0.0.1", 0))
        deaf.listen()
        other.listen()

        def greet():
            with other.accept()[0] as line:
                line.sendall(b"220 mail.example\r\n")
                line.recv(64)

        threading.Thread(target=greet, daemon=True).start()
        for one, reason in (
            (deaf, r"no answer in 0\.5 s"),
            (closed, "Connection refused"),
            (other, "something else answers there"),
        ):
            address = f"127.0.0.1:{one.getsockname()[1]}"
            with pytest.raises(
                GlidepathError, match=f"ray: address must be that of a running Ray cluster, got {address}: {reason}"
            ):
                Ray(address, seconds=0.5).execute([spec], lambda event: None)


def test_ray_missing_is_an_error_with_the_remedy(spec, monkeypatch):
    from importlib.util import find_spec

    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == "ray" else find_spec(name))
    with pytest.raises(GlidepathError, match=r"ray: package must be installed, got no ray \(pip install '\.\[ray\]'\)"):
        Ray().execute([spec], lambda event: None)


@pytest.mark.parametrize("address", ["", "here", "1.2.3.4:", ":6379", "ray://1.2.3.4:10001", "1.2.3.4:99999", 6379])
def test_an_address_is_a_host_and_a_port(address):
    with pytest.raises(GlidepathError, match=r"ray: address must be host:port, such as 10\.0\.0\.1:6379, or auto, got"):
        Ray(address)


def test_the_address_is_the_one_that_rays_variable_names(monkeypatch):
    monkeypatch.setenv("RAY_ADDRESS", "10.1.2.3:6379")
    assert Ray().cluster == "10.1.2.3:6379"
    assert Ray("auto").cluster == "auto"
    monkeypatch.setenv("RAY_ADDRESS", "local")
    assert Ray().cluster is None
    monkeypatch.delenv("RAY_ADDRESS")
    assert Ray().cluster is None


def test_a_variable_that_names_no_cluster_is_an_error(monkeypatch, spec):
    pytest.importorskip("ray", reason="needs ray")
    monkeypatch.setenv("RAY_ADDRESS", "http://dashboard:8265")
    with pytest.raises(GlidepathError, match=r"ray: address must be host:port, such as .* got 'http://dashboard:8265'"):
        Ray().refuse([spec])


def test_what_a_training_takes_goes_to_ray_by_its_names():
    options = _options(Ray(resources={"GPU": 0.5, "memory": 1e9, "fast_disk": 1}, runtime_env={"env_vars": {"A": "1"}}))

    assert {name: options[name] for name in ("num_cpus", "num_gpus", "memory", "resources", "runtime_env")} == {
        "num_cpus": 1.0,
        "num_gpus": 0.5,
        "memory": 10**9,
        "resources": {"fast_disk": 1},
        "runtime_env": {"env_vars": {"A": "1"}},
    }
    with pytest.raises(
        GlidepathError, match=r"ray: resources\['GPU'\] must be a finite number from 0 to 1e\+100, got -1"
    ):
        Ray(resources={"GPU": -1})


class _StandIn:
    """Ray's side of the conversation: tasks that end when they are asked, all nodes at once."""

    exceptions = SimpleNamespace(RayError=RuntimeError, RayTaskError=RuntimeError, RuntimeEnvSetupError=RuntimeError)

    def __init__(self, resources, message=None):
        self.resources, self.message = resources, message
        self.sent, self.most, self.waits = [], 0, []

    def cluster_resources(self):
        return self.resources

    def remote(self, **options):
        return lambda work: None

    def wait(self, streams, num_returns, timeout):
        self.most = max(self.most, len(streams))
        self.waits.append(num_returns)
        return streams[:num_returns], []

    def get(self, what):
        return self.message(*what) if what else what


def test_what_waits_in_rays_row_is_one_and_a_half_times_the_slots_and_all_that_is_ready_is_taken_at_once(
    spec, made_up, monkeypatch
):
    """So an autoscaler sees demand; and a loop of few turns serves many slots."""
    record = made_up(spec, 41.25)
    ray = _StandIn({"CPU": 40.0}, lambda job, position: (position, {"finished": record.to_dict() | job, "files": {}}))

    def start(jobs, modules, every, device):
        ray.sent.append((len(jobs), every))
        return iter([({"spec": job["job"]}, position) for position, job in enumerate(jobs)])

    ray.remote = lambda **options: lambda work: SimpleNamespace(remote=start)
    specs = [replace(spec, seed=seed) for seed in range(400)]
    events = []
    _RayDispatch(ray, Ray(), specs, events.append).work()

    assert events[0] == Capacity(40)
    assert {event.record.spec.seed for event in events[1:] if isinstance(event, Finished)} == set(range(400))
    assert ray.most == 60
    assert {every for _, every in ray.sent} == {0.4}
    assert len(ray.waits) <= 2 * (len(specs) // 60 + 12)


def test_trainings_side_by_side_are_never_more_than_was_asked_or_the_nodes_have_room_for():
    ray = _StandIn({"CPU": 40.0, "GPU": 2.0})
    sweep = _RayDispatch(ray, Ray(count=3), [], lambda event: None)
    sweep._look()
    assert sweep.slots == 3
    sweep = _RayDispatch(ray, Ray(resources={"GPU": 0.5}), [], lambda event: None)
    sweep._look()
    assert sweep.slots == 4


def test_arguments_are_checked():
    with pytest.raises(GlidepathError) as error:
        Ray(count=0, tries=0, seconds=0)

    assert str(error.value).splitlines() == [
        "ray: count must be an integer from 1 to 9007199254740992, got 0",
        "ray: tries must be an integer from 1 to 9007199254740992, got 0",
        "ray: seconds must be a finite number above 0 and at most 1e+100, got 0",
    ]
