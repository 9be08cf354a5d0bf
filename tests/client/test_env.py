"""Lines for a shell, tried in the shells that are installed."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import PurePosixPath

import pytest

from b2p.client.env import (
    NAMES,
    Shell,
    exports,
    shell_of,
    throwaway,
    to_use,
    unsets,
    variables,
)
from b2p.machine.engines import DOCKER

PLAIN = PurePosixPath("/home/u/.b2p/0a1b2c3d/podman.sock")
ODD = PurePosixPath('/home/it\'s  a "home" of $5 \\ `x`!, ü/podman.sock')


def test_podman_gets_its_one_variable() -> None:
    assert variables(PLAIN, docker=False) == {"CONTAINER_HOST": f"unix://{PLAIN}"}


def test_docker_gets_its_host_and_a_version_it_accepts() -> None:
    assert variables(PLAIN, docker=True) == {
        "CONTAINER_HOST": f"unix://{PLAIN}",
        "DOCKER_HOST": f"unix://{PLAIN}",
        "DOCKER_API_VERSION": "1.44",
        "DOCKER_BUILDKIT": "0",
    }


@pytest.mark.parametrize("docker", [True, False])
def test_where_docker_is_the_engine_nothing_is_said_of_podman(*, docker: bool) -> None:
    assert variables(PLAIN, DOCKER, docker=docker) == {"DOCKER_HOST": f"unix://{PLAIN}"}
    before = {"CONTAINER_HOST": "unix:///x", "DOCKER_BUILDKIT": "0", "HOME": "/h"}
    found = throwaway(before, PLAIN, DOCKER)
    assert found["HOME"] == "/h"
    assert not {"CONTAINER_HOST", "DOCKER_BUILDKIT"} & found.keys()
    assert found["TESTCONTAINERS_HOST_OVERRIDE"] == "127.0.0.1"


def test_testcontainers_gets_what_docker_gets_and_where_ports_answer() -> None:
    found = variables(PLAIN, docker=False, testcontainers=True)
    assert found.items() > variables(PLAIN, docker=True).items()
    assert found["TESTCONTAINERS_HOST_OVERRIDE"] == "127.0.0.1"
    lines = unsets("sh", testcontainers=True).splitlines()
    assert lines == [f"unset {name};" for name in found]


def test_what_would_end_a_url_is_encoded_for_podman_alone() -> None:
    found = variables(PurePosixPath("/a b#1?%/p"), docker=True)
    assert found["CONTAINER_HOST"] == "unix:///a b%231%3F%25/p"
    assert found["DOCKER_HOST"] == "unix:///a b#1?%/p"


def test_lines_of_sh() -> None:
    assert exports({"A": "b c", "D": "e"}, "sh") == "export A='b c';\nexport D=e;\n"
    assert unsets("sh", docker=False) == "unset CONTAINER_HOST;\n"


def test_lines_of_fish() -> None:
    assert exports({"A": "it's \\"}, "fish") == "set -gx A 'it\\'s \\\\';\n"
    assert unsets("fish", docker=True).splitlines() == [f"set -e {name};" for name in NAMES]


def test_lines_of_powershell_which_runs_nowhere_here() -> None:
    lines = exports({"A": "it's $5 `x`"}, "powershell")
    assert lines == "$Env:A = 'it''s $5 `x`';\n"
    gone = unsets("powershell", docker=False)
    assert gone == "Remove-Item Env:CONTAINER_HOST -ErrorAction Ignore;\n"


@pytest.mark.parametrize(
    ("kind", "line"),
    [
        ("sh", '# eval "$(b2p env)"'),
        ("fish", "# b2p env | source"),
        ("tcsh", '# eval "`b2p env`"'),
        ("powershell", "# b2p env | Out-String | Invoke-Expression"),
    ],
)
def test_each_shell_is_told_how_to_take_them(kind: Shell, line: str) -> None:
    assert to_use("b2p env", kind) == line


def ran(program: str, script: str) -> str:
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not installed")
    words = [program, "-f"] if program == "tcsh" else [program]
    return subprocess.run([*words, "-c", script], capture_output=True, check=True, text=True).stdout


SHELLS: list[tuple[str, Shell]] = [
    ("sh", "sh"),
    ("bash", "sh"),
    ("dash", "sh"),
    ("zsh", "sh"),
    ("fish", "fish"),
    ("tcsh", "tcsh"),
]


@pytest.mark.parametrize(("program", "kind"), SHELLS)
def test_every_shell_gets_an_odd_path_back_whole(program: str, kind: Shell) -> None:
    lines = exports({"X": str(ODD)}, kind)
    assert ran(program, f"{lines}printenv X") == f"{ODD}\n"


@pytest.mark.parametrize(("program", "kind"), SHELLS)
def test_every_shell_forgets_what_is_unset(program: str, kind: Shell) -> None:
    lines = exports(variables(PLAIN, docker=True), kind) + unsets(kind, docker=True)
    left = "printenv CONTAINER_HOST; printenv DOCKER_HOST; true"
    assert ran(program, f"{lines}{left}") == ""


def test_an_eval_without_quotes_sets_all_of_them() -> None:
    lines = exports(variables(PLAIN, docker=True), "sh")
    script = f"out=$(cat <<'END'\n{lines}END\n)\neval $out\nprintenv DOCKER_API_VERSION"
    assert ran("sh", script) == "1.44\n"


@pytest.mark.parametrize(
    ("program", "kind"),
    [
        ("/usr/bin/fish", "fish"),
        ("-fish", "fish"),
        ("/bin/zsh", "sh"),
        ("", "sh"),
        ("nu", "sh"),
        ("/bin/csh", "tcsh"),
        ("-tcsh", "tcsh"),
        (r"C:\Program Files\PowerShell\pwsh.exe", "powershell"),
    ],
)
def test_the_shell_is_guessed_from_its_path(program: str, kind: Shell) -> None:
    assert shell_of(program) == kind
