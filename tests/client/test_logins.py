"""Registry logins of this computer, as files and helpers keep them."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from b2p.client import logins
from b2p.errors import HostError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

KEPT = {
    "kept.example": {"Username": "me", "Secret": "s"},
    "token.example": {"Username": "<token>", "Secret": "t"},
}


class Helpers:
    """A computer's credential helpers, which know KEPT; `broken` ones fail."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, ...]] = []

    def __call__(
        self,
        command: Sequence[str],
        /,
        *,
        timeout: float,
        input: bytes | None = None,  # noqa: A002
    ) -> Any:
        assert timeout < 60
        self.calls.append(tuple(command))
        name, verb = command
        if name == "docker-credential-broken":
            raise HostError("'docker-credential-broken' failed with status 1")
        if name == "docker-credential-odd":
            return SimpleNamespace(stdout=b"[nonsense")
        if verb == "list":
            return SimpleNamespace(stdout=json.dumps(dict.fromkeys(KEPT, "me")).encode())
        assert input is not None
        return SimpleNamespace(stdout=json.dumps(KEPT.get(input.decode(), {})).encode())


@pytest.fixture
def helpers() -> Helpers:
    return Helpers()


@pytest.fixture
def warnings() -> list[str]:
    return []


def collected(
    home: Path, helpers: Helpers, warnings: list[str], **environment: str
) -> dict[str, Any]:
    """What is handed on, of a person whose home that is."""
    text = logins.collected(
        {"HOME": str(home), **environment},
        "10.0.2.2",
        helpers,
        lambda message, _hint: warnings.append(message),
    )
    found: dict[str, Any] = json.loads(text)["auths"] if text else {}
    return found


def put(path: Path, document: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document))


def test_podmans_file_comes_before_dockers(
    tmp_path: Path, helpers: Helpers, warnings: list[str]
) -> None:
    put(tmp_path / ".docker/config.json", {"auths": {"a": {"auth": "old"}, "b": {"auth": "x"}}})
    put(tmp_path / ".config/containers/auth.json", {"auths": {"a": {"auth": "new"}, "c": {}}})
    found = collected(tmp_path, helpers, warnings)
    assert found == {"a": {"auth": "new"}, "b": {"auth": "x"}}
    assert not warnings
    assert not helpers.calls


def test_a_file_that_is_named_is_the_only_one(
    tmp_path: Path, helpers: Helpers, warnings: list[str]
) -> None:
    put(tmp_path / ".docker/config.json", {"auths": {"a": {"auth": "x"}}})
    put(tmp_path / "own.json", {"auths": {"b": {"auth": "y"}}})
    own = str(tmp_path / "own.json")
    assert collected(tmp_path, helpers, warnings, REGISTRY_AUTH_FILE=own) == {"b": {"auth": "y"}}
    put(tmp_path / "run/containers/auth.json", {"auths": {"c": {"auth": "z"}}})
    runtime = str(tmp_path / "run")
    assert "c" in collected(tmp_path, helpers, warnings, XDG_RUNTIME_DIR=runtime)


def test_helpers_are_asked_for_what_they_keep(
    tmp_path: Path, helpers: Helpers, warnings: list[str]
) -> None:
    helper = {"credHelpers": {"kept.example": "one", "nothing.example": "one"}}
    put(tmp_path / ".docker/config.json", {"credsStore": "all", **helper})
    assert collected(tmp_path, helpers, warnings) == {
        "kept.example": {"auth": "bWU6cw=="},
        "token.example": {"identitytoken": "t"},
    }
    assert ("docker-credential-one", "get") in helpers.calls
    assert ("docker-credential-all", "list") in helpers.calls
    assert not warnings


@pytest.mark.parametrize(
    "document",
    [{"credsStore": "broken"}, {"credsStore": "odd"}, {"auths": []}, {"credHelpers": 1}, []],
)
def test_what_is_broken_is_a_warning_and_the_rest_is_handed_on(
    tmp_path: Path, helpers: Helpers, warnings: list[str], document: object
) -> None:
    put(tmp_path / ".config/containers/auth.json", document)
    put(tmp_path / ".docker/config.json", {"auths": {"a": {"auth": "x"}}})
    assert collected(tmp_path, helpers, warnings) == {"a": {"auth": "x"}}
    assert len(warnings) == 1
    assert "auth.json' are left out: " in warnings[0]


def test_this_computers_own_registry_is_known_by_its_name_in_the_machine(
    tmp_path: Path, helpers: Helpers, warnings: list[str]
) -> None:
    put(tmp_path / ".docker/config.json", {"auths": {"localhost:5000": {"auth": "x"}}})
    found = collected(tmp_path, helpers, warnings)
    assert found == {name: {"auth": "x"} for name in ("localhost:5000", "10.0.2.2:5000")}


def test_without_logins_and_with_too_many_none_are_handed_on(
    tmp_path: Path, helpers: Helpers, warnings: list[str]
) -> None:
    assert collected(tmp_path, helpers, warnings) == {}
    many = {f"{number}.example": {"auth": "x" * 1000} for number in range(100)}
    put(tmp_path / ".docker/config.json", {"auths": many})
    assert collected(tmp_path, helpers, warnings) == {}
    assert "too many" in warnings[0]


@pytest.mark.parametrize(
    ("words", "asks"),
    [
        (("pull", "x"), True),
        (("--log-level", "debug", "run", "x"), True),
        (("ps", "-a"), False),
        (("exec", "c", "ls"), False),
        (("help",), False),
    ],
)
def test_helpers_are_woken_for_words_that_ask_a_registry(
    words: tuple[str, ...], asks: bool
) -> None:
    assert logins.asks_registry(words) is asks
