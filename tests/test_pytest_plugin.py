"""The fixtures for pytest, in a repository of somebody else's; its engines only pretend."""

from __future__ import annotations

from pathlib import Path

import pytest

TREE = Path(__file__).parent.parent

pytest_plugins = ["pytester"]

CONFTEST = """
import contextlib, os, pathlib, types
import b2p, pytest

SAID = pathlib.Path(__file__).with_name("said")

class Engine:
    def __init__(self, name, settings):
        self.name, self.settings = name, settings
    def env(self, base=None):
        return {**{k: v for k, v in (base or {}).items() if k != "DOCKER_CONTEXT"},
                "DOCKER_HOST": f"unix:///{self.name}", "TESTCONTAINERS_HOST_OVERRIDE": "127.0.0.1"}

@contextlib.contextmanager
def had(name, **settings):
    with SAID.open("a") as said:
        print("asked for", name, file=said)
    error = os.environ.get("FAILS")
    if error:
        stage = ["boot"] if error == "GuestError" else []
        raise getattr(b2p, error)(*stage, "no QEMU", "get one")
    yield Engine(name, settings)
    with SAID.open("a") as said:
        print("end of", name, file=said)

b2p.machine = had
b2p.scratch = lambda **settings: had("scratch", **settings)
"""


@pytest.fixture
def repository(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """An empty one, whose pytest has the plugin."""
    monkeypatch.setenv("PYTHONPATH", str(TREE))
    monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)
    monkeypatch.setenv("DOCKER_CONTEXT", "desktop")
    monkeypatch.syspath_prepend(pytester.path)
    pytester.makeconftest(CONFTEST)
    return pytester


def run(repository: pytest.Pytester, code: str, *options: str) -> pytest.RunResult:
    """How its tests end."""
    repository.makepyfile(code)
    plugin = ("-p", "b2p.pytest_plugin", "-p", "no:cacheprovider")
    return repository.runpytest_subprocess(*plugin, "-ra", *options)


def said(repository: pytest.Pytester) -> list[str]:
    """What the engines were asked, in order."""
    path = repository.path / "said"
    return path.read_text().splitlines() if path.exists() else []


def test_the_environment_leads_there_while_the_test_runs(repository: pytest.Pytester) -> None:
    ended = run(
        repository,
        """
        import os
        def test_before(): assert "DOCKER_HOST" not in os.environ
        def test_one(podman_scratch):
            assert os.environ["DOCKER_HOST"] == "unix:///scratch"
            assert "DOCKER_CONTEXT" not in os.environ
        def test_after():
            assert "DOCKER_HOST" not in os.environ
            assert os.environ["DOCKER_CONTEXT"] == "desktop"
        """,
    )
    ended.assert_outcomes(passed=3)
    assert said(repository) == ["asked for scratch", "end of scratch"]


def test_one_machine_for_all_and_an_engine_for_each(repository: pytest.Pytester) -> None:
    repository.makeini("[pytest]\nb2p_machine = mine\n")
    ended = run(
        repository,
        """
        import os, pytest
        @pytest.fixture(scope="session")
        def podman_settings(): return {"memory": "4GiB"}
        def test_one(podman_machine):
            assert podman_machine.settings == {"memory": "4GiB"}
            assert os.environ["DOCKER_HOST"] == "unix:///mine"
        def test_two(podman_machine, podman_scratch):
            assert podman_scratch.settings == {"memory": "4GiB"}
            assert os.environ["DOCKER_HOST"] == "unix:///scratch"
        def test_three(): assert os.environ["DOCKER_HOST"] == "unix:///mine"
        """,
    )
    ended.assert_outcomes(passed=3)
    assert said(repository) == [
        *("asked for mine", "asked for scratch", "end of scratch", "end of mine"),
    ]


TWO = """
def test_one(podman_scratch): pass
def test_two(podman_scratch): pass
def test_three(podman_machine): pass
def test_four(): pass
"""


@pytest.mark.parametrize("error", ["HostError", "DownloadError"])
def test_what_the_computer_lacks_is_one_reason_to_skip(
    repository: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, error: str
) -> None:
    monkeypatch.setenv("FAILS", error)
    ended = run(repository, TWO)
    ended.assert_outcomes(skipped=3, passed=1)
    reasons = {line.partition(": ")[2] for line in ended.outlines if line.startswith("SKIPPED")}
    assert reasons == {"b2p cannot have a machine here: no QEMU; get one"}
    assert said(repository) == ["asked for scratch"]


def test_where_it_is_required_a_lack_is_a_failure(
    repository: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAILS", "HostError")
    repository.makeini("[pytest]\nb2p_required = true\n")
    run(repository, TWO).assert_outcomes(errors=3, passed=1)


@pytest.mark.parametrize("error", ["GuestError", "TamperedError", "UsageError"])
def test_what_went_wrong_is_a_failure(
    repository: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, error: str
) -> None:
    monkeypatch.setenv("FAILS", error)
    run(repository, TWO).assert_outcomes(errors=3, passed=1)


def test_testcontainers_hears_of_it_though_it_was_imported_before(
    repository: pytest.Pytester,
) -> None:
    for name in ("testcontainers", "testcontainers/core"):
        (repository.path / name).mkdir()
        (repository.path / name / "__init__.py").touch()
    (repository.path / "testcontainers/core/config.py").write_text(
        "import enum, types\n"
        "class ConnectionMode(enum.Enum):\n    docker_host = 'docker_host'\n"
        "found = types.SimpleNamespace(ryuk_disabled=False, tc_host_override=None)\n"
        "testcontainers_config = found\n"
    )
    ended = run(
        repository,
        """
        from testcontainers.core.config import testcontainers_config as found
        def test_one(podman_scratch):
            assert found.ryuk_disabled and found.tc_host_override == "127.0.0.1"
            assert found.connection_mode_override.value == "docker_host"
        def test_two(): assert not found.ryuk_disabled and found.tc_host_override is None
        """,
    )
    ended.assert_outcomes(passed=2)


def test_it_loads_nothing_of_b2p_until_a_fixture_is_used(repository: pytest.Pytester) -> None:
    repository.path.joinpath("conftest.py").unlink()
    ended = run(
        repository,
        """
        import sys
        def test_one():
            found = {name for name in sys.modules if name.startswith("b2p")}
            assert found == {"b2p", "b2p.pytest_plugin"}
        """,
    )
    ended.assert_outcomes(passed=1)
