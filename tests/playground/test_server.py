"""The server: what it lets in, what it answers, how it starts and ends. One real server in a process of its own."""

import base64
import contextlib
import csv
import http.client
import io
import json
import re
import signal
import socket
import subprocess
import sys
import xml.etree.ElementTree as ET

import numpy as np
import pytest
from PIL import Image

from glidepath import GlidepathError, Schedule, parse
from glidepath.playground import serve
from glidepath.playground.exports import TARGETS, code
from glidepath.playground.jobs import Work
from glidepath.playground.runs import Train, training

SERVE = """
import sys
from glidepath.playground import serve
serve(open_browser=False, runs=sys.argv[1], announce=lambda address: print(address, flush=True))
"""


@pytest.fixture(scope="module")
def port(tmp_path_factory):
    """The port of a server that Ctrl-C ends, after all these tests, without a word."""
    command = [sys.executable, "-c", SERVE, str(tmp_path_factory.mktemp("runs"))]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    yield int(process.stdout.readline().strip().rpartition(":")[2].strip("/"))
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate()
    assert process.returncode == 0, errors
    assert "Traceback" not in errors


def ask(port, path, body=None, headers=None, method=None):
    connection = http.client.HTTPConnection("127.0.0.1", port)
    data = None if body is None else body if isinstance(body, bytes) else json.dumps(body)
    sent = {"content-type": "application/json", **(headers or {})}
    connection.request(method or ("GET" if body is None else "POST"), path, data, sent)
    with contextlib.closing(connection):
        response = connection.getresponse()
        return response.status, dict(response.getheaders()), response.read()


def test_it_listens_on_this_machine_alone(port):
    assert ask(port, "/")[0] == 200
    with socket.socket() as elsewhere:
        elsewhere.settimeout(1)
        own = socket.gethostbyname(socket.gethostname())
        if not own.startswith("127."):
            assert elsewhere.connect_ex((own, port)) != 0


def test_a_taken_port_and_an_absurd_one_are_refused():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(GlidepathError, match="port must be free, got"):
            serve(taken.getsockname()[1], open_browser=False)
    with pytest.raises(GlidepathError, match="port must be an integer from 1 to 65535, got 70000"):
        serve(70000, open_browser=False)


def test_every_answer_carries_the_policy_and_none_invites_other_sites(port):
    for path in ("/", "/static/app.js", "/api/catalogue", "/plotly.js", "/nowhere"):
        _, headers, _ = ask(port, path)
        policy = headers["content-security-policy"]
        assert policy.startswith(
            "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:"
        )
        assert "unsafe-eval" not in policy
        assert not [name for name in headers if name.lower().startswith("access-control")]


@pytest.mark.parametrize(
    "path", ["/docs", "/redoc", "/static/../app.py", "/static/%2e%2e/app.py", "/static/..%2fapp.py"]
)
def test_nothing_else_is_served(port, path):
    assert ask(port, path)[0] == 404


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1", "127.0.0.1:1", "localhost.evil.example:{port}", ""])
def test_other_hosts_are_refused(port, host):
    """DNS rebinding: a page elsewhere whose name resolves to this machine cannot read or ask anything."""
    assert ask(port, "/", headers={"host": host.format(port=port)})[0] == 403


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "http://evil.example"},
        {"origin": "null"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
    ],
)
def test_other_sites_are_refused(port, headers):
    assert ask(port, "/api/look", {"text": "cosine(10)"}, headers)[0] == 403


def test_sizes_are_bounded(port):
    assert ask(port, "/api/look", b"x" * 3_000_001)[0] == 413
    for body in (
        {"text": "x" * 30_000},
        {"text": "cosine(10)", "points": 10**9},
        {"text": "cosine(10)", "pins": ["cosine(10)"] * 9},
        {"text": "cosine(10)", "base": float(10**9)},
        {"text": "cosine(10)", "more": 1},
        {"text": "cosine(10)", "budget": {"samples": 0}},
        {"text": "cosine(10)", "budget": {"epochs": -1}},
    ):
        status, _, answer = ask(port, "/api/look", body)
        assert status == 422
        assert all(" must be " in problem["message"] for problem in json.loads(answer)["problems"])


@pytest.mark.parametrize(
    "body", [b"{", b'{"text": NaN}', b"[]", b'"x"', b"\xff\xfe", b'{"text": null, "tree": 3}', b"[" * 100_000]
)
def test_broken_json_is_refused(port, body):
    assert ask(port, "/api/look", body)[0] in (400, 422)


HOSTILE = [
    "repeat(cosine(1), cycles=1000000000)",
    " >> ".join(["hold(1)"] * 1700),
    "(" * 3000 + "1" + ")" * 3000,
    "cosine(" + "9" * 500 + ")",
    "cosine(nan)",
    "cosine(10, floor=1e999)",
    "__import__('os').system('true')",
    "().__class__",
    '"<img src=x onerror=alert(1)>"',
    "cosine(10) >> \u202e",
    "pytorch.os(system=1)",
    "pytorch.StepLR(step_size='__import__')",
    "keras.__class__()",
    "1e308 * cosine(10) * 1e308",
    "",
]


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_texts_are_answered_by_a_curve_or_a_sentence(port, text):
    """K5, I3: no code, no hang, no crash."""
    status, _, answer = ask(port, "/api/look", {"text": text})
    found = json.loads(answer)

    assert status == 200
    assert found["ok"] or (found["problems"] and all(problem["message"] for problem in found["problems"]))


TEXTS = [
    "warmup_cosine(10000, warmup=500)",
    "0.1 * repeat(cosine(250), cycles=9, growth=1.3)",
    "pytorch.CosineAnnealingLR(T_max=100)",
]


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("base", [1.0, 3e-4])
def test_every_number_of_the_page_is_the_schedules_own(port, text, base):
    """K1: curve, cursor, table, CSV and JSON equal base times schedule(step), bit for bit."""
    from glidepath import dialects

    schedule = (
        dialects.load("pytorch", "CosineAnnealingLR", {"T_max": 100}) if text.startswith("pytorch.") else parse(text)
    )
    factor = 1.0 if schedule.absolute else base
    found = json.loads(ask(port, "/api/look", {"text": text, "base": base})[2])
    steps, values = (np.frombuffer(base64.b64decode(found["curve"][key])) for key in ("steps", "values"))
    last = found["last"]

    assert [schedule(step) * factor for step in steps.tolist()] == values.tolist()
    at = json.loads(ask(port, "/api/at", {"texts": [text], "step": 4321, "base": base})[2])
    assert at["values"] == [schedule(4321) * factor]
    rows = json.loads(ask(port, "/api/measures", {"texts": [text], "last": last, "at": [0, 77], "base": base})[2])[
        "rows"
    ]
    assert rows[0]["at"] == [schedule(0) * factor, schedule(77) * factor]
    assert all(value == schedule(step) * factor for step, value in rows[0]["table"])
    request = {"texts": [text], "last": last, "base": base, "axis": "epoch"}
    table = list(csv.DictReader(io.StringIO(ask(port, "/api/export", {**request, "format": "csv"})[2].decode())))
    column = list(table[0])[2]
    assert [float(row[column]) for row in table] == [schedule(int(row["step"])) * factor for row in table]
    assert [float(row["epoch"]) for row in table[:900]] == [int(row["step"]) / 400 for row in table[:900]]
    (curve,) = json.loads(ask(port, "/api/export", {**request, "format": "json"})[2])["curves"]
    assert all(value == schedule(step) * factor for step, value in curve["points"])
    assert Schedule.from_dict(curve["schedule"]) == schedule


def test_pictures_are_files_that_open(port):
    request = {"texts": ["cosine(100)", "linear(100)"], "names": ["<img onerror=1>", "=1+1"], "last": 100, "log": True}
    svg = ask(port, "/api/export", {**request, "format": "svg"})[2]
    assert ET.fromstring(svg).tag.endswith("svg")
    assert b"<img" not in svg
    with Image.open(io.BytesIO(ask(port, "/api/export", {**request, "format": "png"})[2])) as image:
        assert image.format == "PNG"
    with Image.open(io.BytesIO(ask(port, "/api/export", {**request, "format": "gif"})[2])) as image:
        assert image.n_frames > 20
    head = ask(port, "/api/export", {**request, "format": "csv"})[2].decode().partition("\r\n")[0]
    assert head == 'step,"<img onerror=1> [factor]","\'=1+1 [factor]"'


def test_training_needs_the_token_of_the_page(port):
    body = {"text": "cosine(100)", "last": 100}
    for headers in ({}, {"x-glidepath-token": "guess"}):
        assert ask(port, "/api/train", body, headers)[0] == 403
        assert ask(port, "/api/sweep", {}, headers)[0] == 403
    assert ask(port, "/api/jobs/none/cancel", {})[0] == 403
    assert ask(port, "/api/jobs/none/events")[0] == 422


def test_sweeps_are_bounded_and_refused_at_their_fields(port):
    """K4: every field of a sweep has bounds; a file is never too large for the server."""
    headers = {"x-glidepath-token": token(port)}
    for field, value in (
        ("steps", 10**9),
        ("steps", None),
        ("repeats", 1),
        ("repeats", 1000),
        ("low", 0),
        ("low", "nan"),
        ("high", 1e-7),
        ("task", "os:system"),
    ):
        status, _, answer = ask(port, "/api/sweep", {field: value}, headers)
        assert status == 422
        assert json.loads(answer)["problems"][0]["field"] == field
    assert ask(port, "/api/range", {"text": " " * 2_000_001})[0] == 422
    assert ask(port, "/api/range", {"text": " " * 3_000_001})[0] == 413
    assert ask(port, "/api/range", {"known": "nothing"})[0] == 422
    status, _, answer = ask(port, "/api/range", {"known": "clean"})
    assert (status, json.loads(answer)["usable"]) == (200, True)


def token(port):
    return re.search(r'name="glidepath-token" content="([^"]+)"', ask(port, "/")[2].decode()).group(1)


def events(port, job):
    connection = http.client.HTTPConnection("127.0.0.1", port)
    with contextlib.closing(connection):
        connection.request("GET", f"/api/jobs/{job}/events")
        for line in connection.getresponse():
            if line.startswith(b"data: "):
                yield json.loads(line[6:])


def test_training_here_says_its_runs_and_ends_with_honest_sentences(monkeypatch):
    """In this process; that worker processes are started, heard over the wire and ended is the next test's."""
    pytest.importorskip("scipy")
    from glidepath.lab.engines import workers
    from glidepath.lab.engines.engine import InProcess

    monkeypatch.setattr(workers, "Workers", InProcess)
    job = Work("here")
    training(Train(text="cosine(100)", last=100, updates=20, seeds=3, task="text"))(job)
    seen = [event for event in job.events if event["type"] != "progress"]

    assert [event["type"] for event in seen] == ["plan", *["run"] * 6, "end"]
    assert seen[-1]["sentences"]
    assert set(seen[-1]["bands"]) == {"this shape", "the constant rate"}
    json.dumps(job.events, allow_nan=False)


def test_training_can_be_cancelled_and_one_runs_at_a_time(port):
    pytest.importorskip("scipy")
    headers = {"x-glidepath-token": token(port)}
    body = {"text": "cosine(100)", "last": 100, "updates": 4000, "seeds": 10, "task": "text"}
    job = json.loads(ask(port, "/api/train", body, headers)[2])["job"]
    status, _, answer = ask(port, "/api/train", body, headers)
    assert status == 422
    assert b"another that is running" in answer
    assert ask(port, f"/api/jobs/{job}/cancel", {}, headers)[0] == 200
    told = [event["type"] for event in events(port, job)]
    assert (told[-1], set(told[:-1]) <= {"plan", "progress", "run"}) == ("cancelled", True)


def test_a_metric_is_fed_to_the_plateau(port):
    found = json.loads(ask(port, "/api/plateau", {"values": "1, 0.9, 0.9, 0.9, 0.9", "options": {"patience": 1}})[2])

    assert found["cuts"] == [3]
    assert found["multipliers"] == [1.0, 1.0, 1.0, 0.1, 0.1]
    assert "patience 1" in found["decisions"][3]["reason"]
    table = json.loads(
        ask(port, "/api/plateau", {"values": "epoch,loss,note\n1,0.5,a\n2,0.4,b\n", "column": "loss"})[2]
    )
    assert table["values"] == [0.5, 0.4]
    for bad in (
        {"values": "one two"},
        {"values": ""},
        {"values": "1", "options": {"factor": 2}},
        {"values": "a,b\nc,d", "column": "z"},
    ):
        status, _, answer = ask(port, "/api/plateau", bad)
        assert status == 422
        assert b"must be" in answer


@pytest.mark.parametrize("target", sorted(TARGETS))
@pytest.mark.parametrize(
    "text",
    ["warmup(50) >> cosine(450, floor=0.1)", "multistep([30, 60], 0.3)", "expression('0.5 * cos(step / 100) ** 2')"],
)
def test_the_code_runs_and_gives_the_values_of_the_curve(target, text):
    schedule = parse(text)
    written = code(schedule, target, 0.2)
    if target == "oneflow":
        compile(written, "copied", "exec")  # its wheel runs on no machine of ours
        return
    if target in ("pytorch", "keras", "optax"):
        pytest.importorskip({"pytorch": "torch"}.get(target, target))
    names: dict = {"__name__": "copied"}
    exec(compile(written, "copied", "exec"), names)
    steps = range(0, 500, 7)

    found = [float(value) for value in values(names, target, steps)]

    tolerance = {"python": 1e-15, "glidepath": 0.0, "pytorch": 1e-9}.get(target, 3e-6)
    assert found == pytest.approx([schedule(step) * 0.2 for step in steps], rel=tolerance, abs=tolerance * 0.2)


def values(names, target, steps):
    """What the copied code gives at some steps."""
    if target != "pytorch":
        return [names["schedule"](step) for step in steps]
    import torch

    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=names["base_lr"])
    scheduler = names["make_scheduler"](optimizer)
    rates = []
    for _ in range(max(steps) + 1):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return [rates[step] for step in steps]
