"""Completion as a real shell does it, and the manual page as a real roff reads it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from b2p.cli.main import run
from b2p.cli.verbs import VERBS
from tests import fakes_machine as fakes

if TYPE_CHECKING:
    from b2p.store.layout import Layout

TREE = Path(__file__).parents[2]
Capture = pytest.CaptureFixture[str]


@pytest.fixture
def program(home: Path) -> Path:
    """A `b2p` on the path."""
    path = home / "bin/b2p"
    path.parent.mkdir()
    path.write_text(f'#!/bin/sh\ncd {TREE} && exec {sys.executable} -m b2p "$@"\n')
    path.chmod(0o755)
    return path


def completed(program: Path, *words: str) -> list[str]:
    """What bash offers for the last of these words."""
    if shutil.which("bash") is None:
        pytest.skip("bash is not installed")
    line = " ".join(("b2p", *words))
    script = (
        'eval "$(b2p completion bash)"\n'
        f"COMP_WORDS=({line}); COMP_CWORD={len(words)}\n"
        '_b2p_completion b2p; printf "%s\\n" "${COMPREPLY[@]}"'
    )
    path = f"{program.parent}{os.pathsep}{os.environ['PATH']}"
    ended = subprocess.run(
        ["bash", "-c", script],
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        check=True,
    )
    return ended.stdout.split()


def test_bash_completes_verbs_options_and_machines(program: Path, layout: Layout) -> None:
    fakes.stopped_machine(layout, "web")
    assert completed(program, "st") == ["status"]
    assert completed(program, "up", "--mem") == ["--memory"]
    assert completed(program, "down", "w") == ["web"]
    assert completed(program, "podman", "-m", "w") == ["web"]
    assert completed(program, "image", "pu") == ["pull"]


@pytest.mark.usefixtures("home")
@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_gets_its_own_words(shell: str, capsys: Capture) -> None:
    assert run(["completion", shell]) == 0
    said = capsys.readouterr()
    assert f"_B2P_COMPLETE={shell}_complete" in said.out


@pytest.mark.usefixtures("home")
def test_the_manual_page_tells_every_verb_and_is_sound(capsys: Capture) -> None:
    assert run(["man"]) == 0
    page = capsys.readouterr().out
    headings = [line for line in page.splitlines() if line.startswith(".SS ")]
    for verb in VERBS:
        name = verb.replace("-", "\\-")
        assert any(line.startswith(f".SS {name} ") for line in headings), verb
    assert ".SS image pull [OPTIONS] IMAGE" in headings
    assert ".B \\-\\-memory SIZE" in page
    assert run(["man"]) == 0
    assert capsys.readouterr().out == page
    if shutil.which("groff") is None:
        pytest.skip("groff is not installed")
    words = ["groff", "-man", "-Tutf8", "-ww"]
    told = subprocess.run(words, input=page, capture_output=True, text=True, check=True)
    assert not told.stderr
