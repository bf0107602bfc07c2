"""The engine of a Ray cluster, without a cluster: what is refused, and what a node does with its chunk."""

import socket
import sys
import threading
from dataclasses import replace

import pytest

from glidepath import GlidepathError
from glidepath.lab import Ray, run
from glidepath.lab.jobs import job_to_dict
from glidepath.lab.ray_worker import _provide, carry_out_chunk
from glidepath.lab.tasks import CharTransformer


def test_a_chunk_tells_how_it_goes_and_one_outcome_for_every_job(tiny, spec):
    wrong = replace(spec, task=replace(tiny, model=CharTransformer()))
    long = replace(spec, budget=4000)
    messages = list(carry_out_chunk([job_to_dict(job) for job in (wrong, spec, long)], {}))
    outcomes = [message for message in messages if message[0] != "advanced"]

    assert [message[:2] for message in outcomes] == [("failed", 0), ("finished", 1), ("finished", 2)]
    assert "a char_transformer cannot read examples" in outcomes[0][2]
    assert outcomes[1][2]["test"] == run(spec).to_dict()["test"]
    assert [message[1] for message in messages] == sorted(message[1] for message in messages)
    assert all(message[2] < 4000 for message in messages if message[0] == "advanced")


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
    with pytest.raises(
        GlidepathError, match=r"ray: package must be installed, got no ray \(pip install 'glidepath\[ray\]'\)"
    ):
        Ray().execute([spec], lambda event: None)


@pytest.mark.parametrize("address", ["", "here", "1.2.3.4:", ":6379", "ray://1.2.3.4:10001", "1.2.3.4:99999", 6379])
def test_an_address_is_a_host_and_a_port(address):
    with pytest.raises(GlidepathError, match=r"ray: address must be host:port, such as 10\.0\.0\.1:6379, or auto, got"):
        Ray(address)


def test_arguments_are_checked():
    with pytest.raises(GlidepathError) as error:
        Ray(count=0, tries=0, seconds=0)

    assert str(error.value).splitlines() == [
        "ray: count must be an int of at least 1, got 0",
        "ray: tries must be an int of at least 1, got 0",
        "ray: seconds must be a number above 0, got 0",
    ]
