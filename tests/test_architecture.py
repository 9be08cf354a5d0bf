"""The rules of the house: who may import whom, how long a file and a function may be."""

from __future__ import annotations

import ast
import functools
import os
import subprocess
import sys
from pathlib import Path

import pytest

TREE = Path(__file__).parent.parent
MOST_LINES = 400
MOST_LINES_OF_A_FUNCTION = 50

PURE = {"machine", "formats", "families", "provision"}
IMPURE_MODULES = {"os", "socket", "subprocess", "time", "rich", "platform", "threading", "urllib"}

BASE = {"errors", "report", "names", "sizes", "spans", "threads", "plain"}
"""Modules beside the folders that anybody may use."""
TRANSFER = {"fetch", "errand", "partfile", "http"}
"""Downloads: for the packages, and for whoever needs packages."""
SHELL = {"store", "host", "image", "control", "client"}
"""Folders with effects; they do not know one another, the stories bring them together."""
NOT_FOR_STORIES = {"cli", "terminal", "api"}

MAY_IMPORT: dict[str, set[str]] = {
    **dict.fromkeys(PURE, BASE | {"machine", "formats"}),
    "provision": BASE | {"machine", "formats", "families"},
    "debian": BASE | TRANSFER | PURE,
    **dict.fromkeys(SHELL, BASE | PURE),
    "host": BASE | PURE | TRANSFER | {"debian"},
    "image": BASE | PURE | TRANSFER | {"debian", "firmware"},
    **dict.fromkeys(BASE, BASE),
    **dict.fromkeys(TRANSFER, BASE | TRANSFER),
    "firmware": BASE,
    "project": BASE,
    "__init__": {"api", "errors"},
    # What others meet too: it uses what is public.
    "pytest_plugin": set(),
    "readers": BASE | {"machine"},
    "settings": BASE | {"project", "machine", "readers"},
    "terminal": BASE,
    "tables": BASE | {"terminal"},
}

ONLY_IN = {
    "subprocess": {"b2p/host/process.py", "b2p/host/pipe.py"},
    "rich": {"b2p/terminal.py"},
    "pexpect": {"b2p/control/console.py", "b2p/control/dialogue.py"},
    "click": {"b2p/cli"},
}


@functools.cache
def sources(folder: str = "b2p") -> list[Path]:
    return sorted(path for path in (TREE / folder).rglob("*.py") if "__pycache__" not in path.parts)


@functools.cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def name_of(path: Path) -> str:
    return str(path.relative_to(TREE))


@functools.cache
def imports(path: Path) -> set[str]:
    """Every module that the file imports, wherever in it, with all its dots."""
    found: set[str] = set()
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert not node.level, f"{name_of(path)}: relative import"
            found.add(node.module)
            if node.module == "b2p" or node.module.startswith("b2p."):
                found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def part_of(path: Path) -> str:
    """The folder of b2p that holds the file, or the name of a module beside the folders."""
    first = path.relative_to(TREE / "b2p").parts[0]
    return first.removesuffix(".py")


def parts_imported(path: Path) -> set[str]:
    """Which parts of b2p the file imports; `from b2p import __version__` is none."""
    parts = {name.split(".")[1] for name in imports(path) if name.startswith("b2p.")}
    return {part for part in parts if not part.startswith("__")}


@pytest.mark.parametrize("path", [*sources(), *sources("tests"), *sources("scripts")], ids=name_of)
def test_the_folder_machine_is_never_asked_for_by_name(path: Path) -> None:
    """Of the package `b2p.machine` is a function; `from b2p.machine import` does not ask it."""
    named = {
        alias.name
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Import)
        for alias in node.names
        if alias.name.startswith("b2p.machine")
    }
    assert not named


@pytest.mark.parametrize("path", sources(), ids=name_of)
def test_imports_go_one_way(path: Path) -> None:
    part = part_of(path)
    if part in {"cli", "__main__"}:
        return
    allowed = MAY_IMPORT.get(part)
    if allowed is None:
        assert not parts_imported(path) & NOT_FOR_STORIES
    else:
        assert not parts_imported(path) - allowed - {part}


@pytest.mark.parametrize("path", [path for path in sources() if part_of(path) in PURE], ids=name_of)
def test_pure_folders_import_nothing_that_acts(path: Path) -> None:
    assert not {name.split(".")[0] for name in imports(path)} & IMPURE_MODULES


@pytest.mark.parametrize("module", sorted(ONLY_IN))
def test_each_of_these_has_one_importer(module: str) -> None:
    importers = {
        name_of(path)
        for path in sources()
        if module in {name.split(".")[0] for name in imports(path)}
    }
    assert importers, f"nobody imports {module} any more"
    strangers = [name for name in importers if not name.startswith(tuple(ONLY_IN[module]))]
    assert not strangers


@pytest.mark.parametrize("path", [*sources(), *sources("tests"), *sources("scripts")], ids=name_of)
def test_no_file_is_too_long(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) < MOST_LINES


@pytest.mark.parametrize("path", sources(), ids=name_of)
def test_no_function_is_too_long(path: Path) -> None:
    long = [
        f"{node.name}: {node.end_lineno - node.lineno + 1} lines"
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.end_lineno
        and node.end_lineno - node.lineno >= MOST_LINES_OF_A_FUNCTION
    ]
    assert not long


@pytest.mark.parametrize("path", sources(), ids=name_of)
def test_every_module_says_what_it_owns(path: Path) -> None:
    assert ast.get_docstring(tree_of(path))


@pytest.mark.parametrize(
    "path", [path for path in sources() if part_of(path) not in {"cli", "terminal"}], ids=name_of
)
def test_only_the_command_line_prints_and_ends_the_process(path: Path) -> None:
    calls = {
        ast.unparse(node.func) for node in ast.walk(tree_of(path)) if isinstance(node, ast.Call)
    }
    assert not calls & {"print", "sys.exit", "exit", "quit", "os._exit", "SystemExit"}


@pytest.mark.parametrize("path", [*sources(), *sources("tests")], ids=name_of)
def test_no_module_is_a_drawer_for_everything(path: Path) -> None:
    assert path.stem not in {"utils", "util", "helpers", "common", "misc", "manager"}


HEAVY = (
    "httpx rich pexpect psutil qemu debian pysequoia pycdlib zstandard platformdirs asyncio"
    " concurrent ssl email tomllib"
)
BUDGET = {
    "from b2p.cli.main import run; run(['--help'])": set(),
    "from b2p.cli.main import run; run(['ls'])": {"platformdirs"},
    # Asking a machine's engine is done by HTTP.
    "from b2p.cli.main import run; run(['status'])": {"platformdirs", "ssl", "email"},
    # Before it is known what is lacking: no download, no monitor, no drawing.
    "import b2p.up, b2p.start, b2p.ways.own, b2p.golden.beginning": {"concurrent"},
    "import b2p.throwaway": {"concurrent"},
    "import b2p": set(),
    "import b2p; b2p.machine; b2p.scratch; b2p.B2PError": set(),
}
"""What may be loaded of all that takes its time to load, by what is done."""


@pytest.mark.parametrize("done", BUDGET)
def test_nothing_is_imported_before_it_is_used(done: str, tmp_path: Path) -> None:
    # An empty cache too: what a killed b2p left there would be swept.
    homes = {"HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME"}
    code = (
        f"import sys; {done};"
        f"print('loaded', *set('{HEAVY}'.split()) & set(sys.modules), file=sys.stderr)"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code],
        cwd=TREE,
        env={**os.environ, **dict.fromkeys(homes, str(tmp_path))},
        capture_output=True,
        text=True,
        check=True,
    )
    loaded = ended.stderr.splitlines()[-1].split()
    assert loaded[0] == "loaded"
    assert not set(loaded[1:]) - BUDGET[done]
