"""Proxies and certificates in the guest: written where programs look, and taken away again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from b2p.machine import ports

if TYPE_CHECKING:
    from pathlib import Path

PROXIES = {"HTTP_PROXY": "http://10.0.2.2:3128", "NO_PROXY": "localhost,it's"}


@pytest.fixture
def root(agent: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory in place of the guest's."""
    found = tmp_path / "root"
    found.mkdir()
    (found / "BUNDLE").write_text("base\n")
    for name in ("ENGINE", "SSH", "SHELL", "BUNDLE", "KEPT", "REGISTRIES"):
        monkeypatch.setattr(agent.surroundings, name, str(found / name))
    return found


def test_proxies_are_written_and_taken_away(agent: Any, root: Path) -> None:
    import tomllib

    apply = agent.surroundings.apply
    assert apply({"proxies": PROXIES}) is True
    told = ["HTTP_PROXY=http://10.0.2.2:3128", "NO_PROXY=localhost,it's"]
    conf = tomllib.loads((root / "ENGINE").read_text())
    assert conf == {"engine": {"env": told}, "containers": {"env": told}}
    assert (root / "SSH").read_text() == (
        'SetEnv "HTTP_PROXY=http://10.0.2.2:3128" "NO_PROXY=localhost,it\'s"\n'
    )
    assert apply({"proxies": PROXIES}) is False
    assert apply({"proxies": {}}) is True
    assert [path.name for path in root.iterdir()] == ["BUNDLE"]
    assert apply({"proxies": {}}) is False


def test_certificates_are_added_to_the_images_own(agent: Any, root: Path) -> None:
    apply = agent.surroundings.apply
    assert apply({"certificates": ""}) is False
    assert apply({"certificates": "mine\n"}) is True
    assert (root / "BUNDLE").read_text() == "base\nmine\n"
    assert apply({"certificates": "mine\n"}) is False
    assert apply({"certificates": "other\n"}) is True
    assert (root / "BUNDLE").read_text() == "base\nother\n"
    assert apply({"certificates": ""}) is True
    assert (root / "BUNDLE").read_text() == "base\n"


def test_both_ends_call_the_host_alike(agent: Any) -> None:
    assert " ".join(ports.HOST_NAMES) == agent.addresses.HOST_NAMES


@pytest.mark.parametrize(
    "told", [{"registries": "[[registry]]\n"}, {"proxies": PROXIES}, {"certificates": "mine\n"}]
)
def test_a_new_machine_takes_what_it_is_told_of(
    agent: Any, root: Path, told: dict[str, Any]
) -> None:
    """A new one is told only of what there is: each may come alone."""
    assert agent.main.takes_surroundings({"name": "web", **told}) is True
    assert len(list(root.iterdir())) > 1


def test_what_holds_nothing_of_the_network_changes_nothing(agent: Any, root: Path) -> None:
    assert agent.main.takes_surroundings({"name": "web"}) is False
    assert [path.name for path in root.iterdir()] == ["BUNDLE"]
