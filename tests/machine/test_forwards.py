"""Ports as people write them."""

from __future__ import annotations

import pytest

from b2p.errors import UsageError
from b2p.machine.forwards import Rule, own, parsed, stored


@pytest.mark.parametrize(
    ("text", "rules"),
    [
        ("8080:80", [Rule("tcp", "127.0.0.1", 8080, 80)]),
        ("8080:80/tcp", [Rule("tcp", "127.0.0.1", 8080, 80)]),
        ("53:5353/udp", [Rule("udp", "127.0.0.1", 53, 5353)]),
        ("127.0.0.1:1:65535", [Rule("tcp", "127.0.0.1", 1, 65535)]),
        ("0.0.0.0:8080:80", [Rule("tcp", "0.0.0.0", 8080, 80)]),
        ("10-12:20-22", [Rule("tcp", "127.0.0.1", 10 + n, 20 + n) for n in range(3)]),
    ],
)
def test_what_is_meant(text: str, rules: list[Rule]) -> None:
    assert list(parsed(text)) == rules
    assert stored(tuple(map(str, rules))) == tuple(rules)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("8080", "HOST:GUEST"),
        ("", "HOST:GUEST"),
        ("a:80", "HOST:GUEST"),
        ("8080:80/sctp", "HOST:GUEST"),
        ("8080:80 ", "HOST:GUEST"),
        ("\uff18\uff10:80", "HOST:GUEST"),
        ("[::1]:8080:80", "HOST:GUEST"),
        ("0:80", "write another"),
        ("80:65536", "write another"),
        ("192.168.1.4:8080:80", "write one of them"),
        ("8080-8081:80", "of one length"),
        ("8081-8080:80-81", "the other way"),
        ("1-600:1-600", "shorter"),
    ],
)
def test_what_cannot_be_is_refused(text: str, reason: str) -> None:
    with pytest.raises(UsageError) as caught:
        parsed(text)
    assert reason in caught.value.hint
    assert repr(text) in caught.value.message


def test_qemu_always_hears_an_address() -> None:
    (rule,) = parsed("53:5353/udp")
    assert (rule.whole, rule.end) == ("udp:127.0.0.1:53-:5353", "udp:127.0.0.1:53")


def test_ports_of_b2ps_own_are_known() -> None:
    assert own(Rule("tcp", "127.0.0.1", 2222, 22)) == "ssh"
    assert own(Rule("tcp", "127.0.0.1", 9999, 2375)) == "b2p"
    assert own(Rule("udp", "127.0.0.1", 2222, 22)) == ""
    assert own(Rule("tcp", "127.0.0.1", 22, 80)) == ""
