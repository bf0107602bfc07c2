"""What the page's server refuses, before it reads it, and how long it works on what it lets in."""

import contextlib
import http.client
import json
import signal
import socket
import subprocess
import sys
import time

import pytest

from glidepath import GlidepathError
from glidepath.playground import guard

SERVE = """
from glidepath.playground import guard, serve
guard.SECONDS = 0.8
serve(open_browser=False, runs=None, announce=lambda address: print(address, flush=True))
"""


@pytest.fixture(scope="module")
def port():
    process = subprocess.Popen([sys.executable, "-c", SERVE], stdout=subprocess.PIPE, text=True)
    yield int(process.stdout.readline().strip().rpartition(":")[2].strip("/"))
    process.send_signal(signal.SIGINT)
    process.communicate()


def raw(port: int, head: str, body: bytes = b"", wait: float = 20) -> bytes:
    """Send bytes as they are; return what comes back until the server closes or answers."""
    with socket.create_connection(("127.0.0.1", port), timeout=wait) as link:
        link.sendall(head.replace("\n", "\r\n").encode() + b"\r\n\r\n" + body)
        answer = link.recv(4000)
        while b"\r\n\r\n" not in answer or (b'{"problems"' in answer) == answer.startswith(b"HTTP/1.1 200"):
            more = link.recv(4000)
            if not more:
                break
            answer += more
        return answer


def ask(port: int, path: str, body: dict) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port)
    with contextlib.closing(connection):
        connection.request("POST", path, json.dumps(body), {"content-type": "application/json"})
        response = connection.getresponse()
        return response.status, response.read()


@pytest.mark.parametrize(
    ("lines", "status", "reason"),
    [
        ("Origin: evil://127.0.0.1:{port}", 403, "origin: must be this page's own"),
        ("Origin: http://evil@127.0.0.1:{port}", 403, "origin"),
        ("Origin: https://127.0.0.1:{port}", 403, "origin"),
        ("Origin: http://127.0.0.1:{port}/", 403, "origin"),
        ("Origin: null", 403, "origin"),
        (
            "Origin: http://evil.example\nOrigin: http://127.0.0.1:{port}",
            400,
            "origin: must be given once, got it twice",
        ),
        ("Host: evil.example", 400, "host: must be given once, got it twice"),
        ("Sec-Fetch-Site: cross-site\nSec-Fetch-Site: same-origin", 400, "sec-fetch-site: must be given once"),
        ("Origin: http://127.0.0.1:{port}", 200, ""),
        ("Origin: http://localhost:{port}", 200, ""),
    ],
)
def test_origin_and_host_are_compared_whole_and_given_once(port: int, lines: str, status: int, reason: str):
    answer = raw(port, f"GET / HTTP/1.1\nHost: 127.0.0.1:{port}\n" + lines.format(port=port))

    assert answer.startswith(f"HTTP/1.1 {status} ".encode())
    assert reason.encode() in answer or b"Invalid HTTP" in answer


def test_a_body_is_refused_before_it_is_read(port: int):
    head = f"POST /api/look HTTP/1.1\nHost: 127.0.0.1:{port}\nContent-Type: application/json\n"

    assert b"content-length: must be given" in raw(port, head + "Transfer-Encoding: chunked", b'5\r\n{"tex')
    assert b"at most 3000000 bytes" in raw(port, head + "Content-Length: 50000000", b"{")
    assert raw(port, head + f"Content-Length: {'9' * 5000}").split(b" ")[1] in (b"400", b"413")


def test_half_a_character_is_answered(port: int):
    for path, body in (
        ("/api/look", {"text": "cosine(\ud83d)"}),
        ("/api/look", {"\udc00": 1}),
        ("/api/measures", {"texts": ["\ud800"], "last": 5}),
        ("/api/code", {"text": "cosine(5)", "target": "\ud800"}),
        ("/api/fit", {"text": "\udfff(5)"}),
    ):
        status, answer = ask(port, path, body)
        assert status in (200, 422), (path, status, answer)
        json.loads(answer)


def test_what_takes_too_long_is_ended_where_it_runs():
    def forever() -> None:
        count = 0
        while True:
            count += 1

    with pytest.raises(GlidepathError, match=r"page: schedule must be answered within 0.2 seconds of processor time"):
        guard.bounded(forever, 0.2)()
    assert guard.bounded(lambda: 7, 0.2)() == 7
    with pytest.raises(ZeroDivisionError, match="division"):
        guard.bounded(lambda: 1 / 0, 0.2)()
    for _ in range(20):  # ended at about its very end: it is either an answer or the refusal, and nothing comes later
        with contextlib.suppress(GlidepathError):
            guard.bounded(lambda: sum(range(1_500_000)), 0.05)()
    time.sleep(0.2)


def test_the_answer_that_takes_too_long_names_its_budget(port: int):
    heavy = " * ".join(["repeat(cosine(3))"] * 1000)
    status, answer = ask(port, "/api/measures", {"texts": [heavy] * 9, "last": 400_000})

    assert status == 422, answer[:300]
    assert b"answered within 0.8 seconds of processor time" in answer
    assert ask(port, "/api/at", {"texts": ["cosine(10)"], "step": 5})[0] == 200
