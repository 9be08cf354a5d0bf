"""The pages of the reference that are made from the code: all that is there is on them."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

import pytest
import yaml

from b2p import settings
from b2p.calls import request
from b2p.cli.verbs import VERBS
from b2p.store import layout
from scripts.lib import docs_pages
from tests.test_architecture import TREE, sources, tree_of

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def pages() -> dict[str, str]:
    return docs_pages.pages()


def test_every_verb_has_its_heading(pages: dict[str, str]) -> None:
    headings = re.findall(r"^## (.+)$", pages["reference/verbs.md"], re.MULTILINE)
    assert [one for one in headings if " " not in one] == list(VERBS)
    assert "image build" in headings


def test_every_setting_has_its_row_and_says_what_it_is(pages: dict[str, str]) -> None:
    rows = re.findall(r"^\| `(\w+)` \|.*\| (.*) \|$", pages["reference/settings.md"], re.MULTILINE)
    assert [key for key, _ in rows] == list(settings.KEYS)
    assert [key for key, text in rows if not text] == []


def test_every_file_of_a_machine_has_its_row(pages: dict[str, str]) -> None:
    for kind in (layout.MachineFiles, layout.Layout, layout.StateFiles):
        for name, value in vars(kind).items():
            if isinstance(value, property) and value.fget.__annotations__["return"] == "Path":
                assert f"| `{name}` |" in pages["reference/files.md"], name
    assert "`home/data.raw`" in pages["reference/files.md"]
    assert "`home/../.NAME.lock`" in pages["reference/files.md"]


def test_every_request_and_call_has_its_row(pages: dict[str, str]) -> None:
    rows = dict(docs_pages.asked())
    assert {"`identity`", "`freeze`", "`poweroff`", "`status`"} <= set(rows)
    assert all(rows.values())
    for verb in request.VERBS:
        assert f"| `{verb}` |" in pages["reference/control.md"]


def variables() -> Iterator[str]:
    """What the code names that can only be a variable of b2p's own."""
    for path in sources():
        for node in ast.walk(tree_of(path)):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield from re.findall(r"^B2P_[A-Z][A-Z_]*$", node.value)


def test_every_variable_has_its_row(pages: dict[str, str]) -> None:
    page = pages["reference/environment.md"]
    missing = {one for one in variables() if f"`{one}`" not in page}
    assert not missing


def test_a_page_shows_what_is_written_and_no_link(pages: dict[str, str]) -> None:
    for path, text in pages.items():
        if path != "reference/python.md":
            plain = re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
            plain = re.sub(r"`[^`\n]*`|^    .*$", "", plain, flags=re.MULTILINE)
            assert not re.search(r"(?<!\\)\[(?!\w[\w ]*\]\()", plain), path


def test_the_menu_leads_to_pages_that_are_there(pages: dict[str, str]) -> None:
    found: list[str] = []

    def collect(node: object) -> None:
        if isinstance(node, str):
            found.append(node)
        elif isinstance(node, list | dict):
            for one in node.values() if isinstance(node, dict) else node:
                collect(one)

    collect(yaml.safe_load((TREE / "mkdocs.yml").read_text())["nav"])
    missing = [one for one in found if one not in pages and not (TREE / "docs" / one).is_file()]
    assert not missing
    assert set(pages) <= set(found)
