"""What a guest sends is believed in nothing."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from b2p.calls.request import LONGEST, MalformedError, Request, parsed
from b2p.publish import Wish

TOKEN = "0123"
PORT = {"protocol": "tcp", "port": 80, "loopback": False}
CALL = {"token": TOKEN, "call": "publish", "ports": [PORT]}


def line(**changed: Any) -> bytes:
    return json.dumps({**CALL, **changed}).encode()


def test_a_call_is_understood() -> None:
    other = {"protocol": "udp", "port": 65535, "loopback": True}
    request = parsed(line(ports=[PORT, other], all=True), TOKEN)
    wishes = (Wish("tcp", 80, loopback=False), Wish("udp", 65535, loopback=True))
    assert request == Request("publish", wishes, everything=True)
    assert parsed(line(call="idle", ports=[]), TOKEN) == Request("idle")


@pytest.mark.parametrize(
    "token", ["", "0", "012", "01234", "0123 ", None, 123, ["0123"], True, "\ud800"]
)
def test_only_the_token_opens(token: object) -> None:
    with pytest.raises(MalformedError, match="token"):
        parsed(line(token=token), TOKEN)


def test_a_machine_without_a_token_takes_no_calls() -> None:
    with pytest.raises(MalformedError, match="token"):
        parsed(line(token=""), "")


@pytest.mark.parametrize("call", ["run", "", None, 1, [], {"publish": 1}, "publish\n", "PUBLISH"])
def test_the_vocabulary_is_closed(call: object) -> None:
    with pytest.raises(MalformedError, match="no such call"):
        parsed(line(call=call), TOKEN)


@pytest.mark.parametrize(
    "port",
    [
        {**PORT, "port": 0},
        {**PORT, "port": 65536},
        {**PORT, "port": -1},
        {**PORT, "port": True},
        {**PORT, "port": 80.0},
        {**PORT, "port": "80"},
        {**PORT, "port": 10**400},
        {**PORT, "protocol": "sctp"},
        {**PORT, "protocol": ["tcp"]},
        {**PORT, "protocol": "tcp:0.0.0.0:1-:2 "},
        {**PORT, "loopback": 1},
        {},
        80,
        None,
    ],
)
def test_a_port_is_a_port(port: object) -> None:
    with pytest.raises(MalformedError, match="port"):
        parsed(line(ports=[port]), TOKEN)


@pytest.mark.parametrize("ports", [None, {}, "80", [PORT] * 513])
def test_ports_are_a_list_of_few(ports: object) -> None:
    with pytest.raises(MalformedError, match="list of at most 512"):
        parsed(line(ports=ports), TOKEN)


def test_what_is_long_deep_or_no_object_is_refused() -> None:
    for text in (b" " * LONGEST + line(), b"[" * 60000, b"[]", b"", b"nonsense", b"\xff\xfe", b"1"):
        with pytest.raises(MalformedError):
            parsed(text, TOKEN)


@given(st.binary(max_size=300))
def test_no_bytes_do_more_than_be_refused(text: bytes) -> None:
    with pytest.raises(MalformedError):
        parsed(text, TOKEN)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=9,
)


@given(json_values, json_values, json_values)
def test_no_values_do_more_than_be_refused(call: object, ports: object, everything: object) -> None:
    try:
        request = parsed(line(call=call, ports=ports, all=everything), TOKEN)
    except MalformedError:
        return
    assert request.verb in {"publish", "unpublish", "idle"}
    assert isinstance(request.everything, bool)
