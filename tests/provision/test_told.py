"""What cannot reach a guest as it is, is refused before."""

from __future__ import annotations

from typing import Any

import pytest

from b2p.errors import UsageError
from b2p.machine.registries import Registries
from b2p.provision.told import Told
from tests.provision.examples import HOST_KEY, KEY


def told(**other: Any) -> Told:
    return Told(**({"name": "work", "instance": "one", "keys": (KEY,)} | other))


@pytest.mark.parametrize(
    ("wrong", "word"),
    [
        ({"name": "Not a host"}, "name"),
        ({"keys": ("",)}, "public key"),
        ({"keys": (f"{KEY}\nssh-rsa AAAA",)}, "public key"),
        ({"keys": (f'command="rm" {KEY}',)}, "public key"),
        ({"keys": (HOST_KEY,)}, "private key"),
        ({"proxy": {"HTTP_PROXY": "http://a'b"}}, "HTTP_PROXY"),
        ({"proxy": {"HTTP_PROXY": "http://$(id)"}}, "HTTP_PROXY"),
        ({"proxy": {"HTTP_PROXY": "a\nb"}}, "HTTP_PROXY"),
        ({"proxy": {"PATH": "/x"}}, "PATH"),
        ({"registries": Registries(search=('x"y',))}, "registry"),
        ({"registries": Registries(mirrors=("x=http://y z",))}, "registry"),
        ({"registries": Registries(insecure=("x y",))}, "registry"),
    ],
)
def test_what_would_end_somebodys_quotes_is_refused(wrong: dict[str, Any], word: str) -> None:
    with pytest.raises(UsageError, match=word) as raised:
        told(**wrong)
    assert raised.value.hint


def test_a_private_key_is_not_repeated_on_the_screen() -> None:
    with pytest.raises(UsageError) as raised:
        told(keys=(HOST_KEY,))
    assert "abcDEF" not in str(raised.value)


@pytest.mark.parametrize("kind", ["ssh-rsa", "sk-ssh-ed25519@openssh.com", "ecdsa-sha2-nistp256"])
def test_all_kinds_of_keys_are_taken(kind: str) -> None:
    key = f"{kind} {'A' * 60}=="
    assert told(keys=(key, KEY)).authorized_keys == f"{key}\n{KEY}\n"
