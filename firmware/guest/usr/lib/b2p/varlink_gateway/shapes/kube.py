"""The YAML that podman writes for Kubernetes: block style, plain and quoted words, block texts."""

from __future__ import annotations

import json
import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

WORDS: dict[str, Any] = {
    "null": None,
    "~": None,
    "": None,
    "true": True,
    "false": False,
    "{}": {},
    "[]": [],
}
KEY = re.compile(r'("(?:[^"\\]|\\.)*"|\'(?:[^\']|\'\')*\'|[^\s#:][^:]*?)\s*:(?:\s+(.*))?$')
NUMBER = re.compile(r"-?\d+(\.\d+)?$")

# A line: how far it is indented, and its text.
Line = tuple[int, str]


def documents(text: str) -> list[dict[str, Any]]:
    """The mappings of a YAML stream; ValueError for what podman does not write."""
    parts = re.split(r"^---.*$", text, flags=re.MULTILINE)
    found = [_document(part) for part in parts]
    return [document for document in found if document]


def _document(text: str) -> dict[str, Any]:
    lines = [(len(line) - len(line.lstrip()), line.strip("\n")) for line in text.split("\n")]
    reader = _Reader([line for line in lines if not line[1].lstrip().startswith("#")])
    value = reader.value(0) if reader.more() else {}
    if not isinstance(value, dict):
        raise ValueError("a Kubernetes document is no mapping")
    return value


class _Reader:
    """Goes through the lines once."""

    def __init__(self, lines: list[Line]) -> None:
        self._lines = lines
        self._at = 0

    def more(self) -> bool:
        """Skips empty lines; False at the end."""
        while self._at < len(self._lines) and not self._lines[self._at][1].strip():
            self._at += 1
        return self._at < len(self._lines)

    def value(self, least: int) -> Any:
        """The block that starts at the next line, if it is indented by so much."""
        if not self.more() or self._lines[self._at][0] < least:
            return None
        indent, line = self._lines[self._at]
        if line.lstrip().startswith("- ") or line.strip() == "-":
            return self._sequence(indent)
        if KEY.match(line.strip()):
            return self._mapping(indent)
        self._at += 1
        return scalar(line.strip())

    def _sequence(self, indent: int) -> list[Any]:
        items = []
        while self.more() and self._lines[self._at][0] == indent:
            line = self._lines[self._at][1]
            if not line.lstrip().startswith("-"):
                break
            rest = line.lstrip()[1:]
            inner = indent + 1 + len(rest) - len(rest.lstrip())
            self._lines[self._at] = (inner, " " * inner + rest.strip())
            items.append(self.value(indent + 1))
        return items

    def _mapping(self, indent: int) -> dict[str, Any]:
        fields = {}
        while self.more() and self._lines[self._at][0] == indent:
            match = KEY.match(self._lines[self._at][1].strip())
            if not match:
                raise ValueError(f"line {self._lines[self._at][1]!r} has no key")
            self._at += 1
            fields[str(scalar(match[1], key=True))] = self._field(indent, match[2] or "")
        return fields

    def _field(self, indent: int, rest: str) -> Any:
        if rest[:1] in ("|", ">"):
            return self._text(indent, rest)
        if rest.strip():
            return scalar(self._continued(indent, rest.strip()))
        if (
            self.more()
            and self._lines[self._at][0] == indent
            and self._lines[self._at][1].strip()[:1] == "-"
        ):
            return self._sequence(indent)
        return self.value(indent + 1)

    def _continued(self, indent: int, text: str) -> str:
        """A long word goes on in lines that are indented further."""
        while self.more() and self._lines[self._at][0] > indent:
            text += " " + self._lines[self._at][1].strip()
            self._at += 1
        return text

    def _text(self, indent: int, mark: str) -> str:
        taken = []
        while self._at < len(self._lines):
            depth, line = self._lines[self._at]
            if line.strip() and depth <= indent:
                break
            taken.append(line)
            self._at += 1
        margin = min((len(line) - len(line.lstrip()) for line in taken if line.strip()), default=0)
        joint = "\n" if mark[0] == "|" else " "
        text = joint.join(line[margin:] for line in taken).rstrip("\n ")
        return text if "-" in mark else text + "\n"


def scalar(text: str, *, key: bool = False) -> Any:
    """A word: quoted, a number, a truth, or just itself."""
    if text[:1] == '"':
        return json.loads(text)
    if text[:1] == "'":
        return text[1:-1].replace("''", "'")
    if key:
        return text
    if text in WORDS:
        return WORDS[text]
    if NUMBER.match(text):
        return float(text) if "." in text else int(text)
    return text
