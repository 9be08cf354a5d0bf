"""The catalogue of failures against the code, the tests and the page that it is about."""

from __future__ import annotations

import ast
import functools
from pathlib import Path

import pytest

from b2p import catalogue, doctor
from tests.test_architecture import sources, tree_of

TREE = Path(__file__).parent.parent
ROWS = [row for _, rows in catalogue.KNOWN for row in rows]


def template(node: ast.expr) -> str:
    """A text as the catalogue writes it: … for all that is filled in."""
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(template(value) for value in node.values)
    if isinstance(node, ast.BinOp):
        return template(node.left) + template(node.right)
    return "…"


@functools.cache
def said() -> dict[str, set[str]]:
    """Each file of b2p's with all texts in it."""
    found = {}
    for path in sources():
        if path.name == "catalogue.py":
            continue
        texts = {
            template(node)
            for node in ast.walk(tree_of(path))
            if isinstance(node, ast.Constant | ast.JoinedStr | ast.BinOp)
        }
        found[str(path)] = texts
    return found


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.title)
def test_b2p_says_it_so_and_gives_that_remedy(row: catalogue.Failure) -> None:
    files = [path for path, texts in said().items() if row.says in texts]
    assert files, f"nothing in b2p says {row.says!r}"
    if row.remedy:
        assert any(row.remedy in texts for texts in said().values()), row.remedy


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.title)
def test_a_test_provokes_it(row: catalogue.Failure) -> None:
    assert is_test(row.test), row.test


def is_test(name: str) -> bool:
    """Whether there is such a test: path::function."""
    path, _, function = name.partition("::")
    if not (TREE / path).is_file():
        return False
    tree = ast.parse((TREE / path).read_text(encoding="utf-8"))
    return any(isinstance(one, ast.FunctionDef) and one.name == function for one in ast.walk(tree))


@pytest.mark.parametrize("row", [row for row in ROWS if row.check], ids=lambda row: row.title)
def test_doctor_looks_for_it(row: catalogue.Failure) -> None:
    assert row.check in {*doctor.CHECKS, "accelerator", "clock"}


def test_no_two_rows_bear_one_title() -> None:
    assert len({row.title for row in ROWS}) == len(ROWS)


def test_the_page_is_up_to_date() -> None:
    page = (TREE / "docs/troubleshooting.md").read_text(encoding="utf-8")
    assert page == catalogue.page(), "run scripts/troubleshooting"
