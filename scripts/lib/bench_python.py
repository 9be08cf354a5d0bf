"""What the Python API and the fixtures for pytest cost: `import b2p`, a test, twenty tests."""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from tests.pythons import python_for_plugin

if TYPE_CHECKING:
    from scripts.lib.bench import Bench

TEST = """
import docker, pytest

@pytest.mark.parametrize("number", range({}))
def test_engine(podman_scratch, number):
    client = docker.DockerClient(base_url=podman_scratch.docker_url)
    assert client.containers.list() == []
    client.close()
"""
MANY = 20
IMPORTS = 10


def measure(bench: Bench) -> None:
    """All three, by a Python that has pytest, xdist and docker's SDK."""
    from scripts.lib.bench import median_of

    by = [sys.executable, "-I", "-c"]
    alone = median_of(lambda: subprocess.run([*by, "pass"], check=True), IMPORTS)
    both = median_of(lambda: subprocess.run([*by, "import b2p"], check=True), IMPORTS)
    bench.note("import b2p", max(0.0, both - alone), "s", 0.06, f"Python alone {alone:.3f} s")
    python = python_for_plugin()
    with tempfile.TemporaryDirectory(prefix="b2p-bench-pytest-", dir="/tmp") as folder:
        # Whatever has to be made is made, and kept for the others.
        _run(bench, python, Path(folder), 1)
        nothing = _run(bench, python, Path(folder), 0)
        one = statistics.median(_run(bench, python, Path(folder), 1) for _ in range(bench.runs))
        bench.note(
            "pytest, one test on podman_scratch", one, "s", 2.5, f"none of it {nothing:.2f} s"
        )
        many = _run(bench, python, Path(folder), MANY, "-n", "2")
        bench.note(f"pytest -n 2, {MANY} such tests", many, "s", 25, f"{many / one:.1f} x one")


def _run(bench: Bench, python: Path, folder: Path, tests: int, *options: str) -> float:
    """Seconds of a whole pytest with so many tests; with none it only starts."""
    from scripts.lib.bench import environment, seconds_of

    code = TEST.format(tests) if tests else "def test_nothing(): pass\n"
    (folder / "test_it.py").write_text(code)
    command = [str(python), "-m", "pytest", "-q", "-p", "b2p.pytest_plugin", *options]
    variables = {**environment(bench.home), "PYTHONPATH": str(bench.tree)}
    return seconds_of(
        lambda: subprocess.run(
            command, cwd=folder, env=variables, check=True, stdout=subprocess.DEVNULL
        )
    )
