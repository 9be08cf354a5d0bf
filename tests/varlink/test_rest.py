from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.varlink.fake_podman import log

if TYPE_CHECKING:
    from tests.varlink.fake_podman import FakePodman


@pytest.fixture
def rest(gateway: Any, podman: FakePodman) -> Any:
    return gateway("rest").Rest(str(podman.path))


@pytest.fixture
def failed(gateway: Any) -> Any:
    return gateway("errors").RestError


def test_parts_of_a_path_are_quoted(rest: Any, podman: FakePodman, gateway: Any) -> None:
    target_of = gateway("rest").target_of
    assert target_of(("images", "a/b:c@d"), {}) == "/images/a%2Fb:c@d"
    assert target_of(("images", ".."), {}) == "/images/%2E%2E"
    assert target_of(("images", "é?#&"), {}) == "/images/%C3%A9%3F%23%26"


def test_a_query(gateway: Any) -> None:
    query = {"a": None, "b": True, "c": False, "d": {"e": [1]}, "f": ["g", "h"], "i": 0}
    target = gateway("rest").target_of(("x",), query)
    assert target == "/x?b=true&c=false&d=%7B%22e%22%3A+%5B1%5D%7D&f=g&f=h&i=0"


def test_no_name_is_not_the_list(gateway: Any, failed: Any) -> None:
    with pytest.raises(failed, match="no name was given") as caught:
        gateway("rest").target_of(("images", "", "json"), {})
    assert caught.value.status == 404


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b'{"message": "m", "cause": "c", "response": 500}', "m"),
        (b'{"cause": "c"}', "c"),
        (b"plain words\n", "plain words"),
        (b"", "podman answers 500"),
        (b"[]", "[]"),
        (b"\xff", "\ufffd"),
    ],
)
def test_a_refusal(rest: Any, podman: FakePodman, failed: Any, body: bytes, message: str) -> None:
    podman.on("GET", "/x", body, status=500)
    with pytest.raises(failed) as caught:
        rest.get("x")
    assert (caught.value.status, caught.value.message) == (500, message)


@pytest.mark.parametrize("major", ["5", "4"])
def test_the_version_of_the_api(rest: Any, gateway: Any, major: str, monkeypatch: Any) -> None:
    header = gateway("rest").Response.header
    told = {"Libpod-API-Version": f"{major}.9.1"}
    monkeypatch.setattr(
        gateway("rest").Response, "header", lambda self, name: told.get(name) or header(self, name)
    )
    assert rest.prefix() == f"/v{major}.0.0/libpod"


@pytest.mark.parametrize("body", [b"", b"  ", b"null"])
def test_nothing_is_none(rest: Any, podman: FakePodman, body: bytes) -> None:
    podman.on("GET", "/x", body)
    assert rest.get("x") is None


def test_what_is_no_json(rest: Any, podman: FakePodman, failed: Any) -> None:
    podman.on("GET", "/x", b"<html>")
    with pytest.raises(failed, match="no JSON"):
        rest.get("x")


@pytest.mark.parametrize("pieces", [[b'{"a":1}\n{"a":2}\n'], [b'{"a"', b':1}\n\n{"a":2', b"}"]])
def test_objects_however_they_are_cut(rest: Any, podman: FakePodman, pieces: list[bytes]) -> None:
    podman.on("GET", "/x", pieces)
    with rest.open("GET", "x") as response:
        assert list(response.objects()) == [{"a": 1}, {"a": 2}]


@pytest.mark.parametrize("size", [1, 7, 8, 9, 100])
def test_frames_however_they_are_cut(rest: Any, podman: FakePodman, size: int) -> None:
    told = log(1, "one") + log(2, "") + log(1, "x" * 50)
    podman.on("GET", "/x", [told[at : at + size] for at in range(0, len(told), size)])
    with rest.open("GET", "x") as response:
        assert list(response.frames()) == [
            ("stdout", b"one"),
            ("stderr", b""),
            ("stdout", b"x" * 50),
        ]


@pytest.mark.parametrize("pieces", [[b"whole piece"], []])
def test_an_end_that_comes_too_early(
    rest: Any, podman: FakePodman, failed: Any, pieces: list[bytes]
) -> None:
    def dies(handler: Any) -> None:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        for piece in pieces:
            handler.wfile.write(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")

    podman.answers["GET", "/x"] = dies
    with rest.open("GET", "x") as response, pytest.raises(failed, match="too early"):
        list(response.pieces())


def test_an_answer_shorter_than_it_said(rest: Any, podman: FakePodman, failed: Any) -> None:
    def dies(handler: Any) -> None:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf")

    podman.answers["GET", "/x"] = dies
    with rest.open("GET", "x") as response, pytest.raises(failed, match="too early"):
        list(response.pieces())


@pytest.mark.parametrize(
    "told", [b"", b"junk\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"]
)
def test_what_is_no_answer(rest: Any, podman: FakePodman, failed: Any, told: bytes) -> None:
    podman.answers["GET", "/x"] = lambda handler: handler.wfile.write(told)
    with pytest.raises(failed, match="podman does not answer") as caught:
        rest.get("x")
    assert caught.value.status == 0


def test_podman_is_down(gateway: Any, failed: Any) -> None:
    with pytest.raises(failed, match=r"podman does not answer: .*No such file"):
        gateway("rest").Rest("/nowhere/podman.sock").ping()
