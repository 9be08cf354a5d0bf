"""The YAML that podman writes for Kubernetes: block style, plain and quoted words, block texts."""

from __future__ import annotations

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
KEY = re.compile(r"""("(?:[^"\\]|\\.)*"|'(?:[^']|'')*'|[^\s#"'|>-].*?|-\S.*?)\s*:(?:\s+(.*))?$""")
NUMBER = re.compile(r"-?\d+(\.\d+)?$")
ESCAPE = re.compile(r"\\(x[0-9A-Fa-f]{2}|u[0-9A-Fa-f]{4}|U[0-9A-Fa-f]{8}|.)")
ESCAPES = dict(zip("0abtnvfreN_LP", "\0\a\b\t\n\v\f\r\x1b\x85\xa0\u2028\u2029", strict=True))

# A line: how far it is indented, and its text.
Line = tuple[int, str]


def documents(text: str) -> list[dict[str, Any]]:
    """The mappings of a YAML stream; ValueError for what podman does not write."""
    parts = re.split(r"^---.*$", text, flags=re.MULTILINE)
    found = [_document(part) for part in parts]
    return [document for document in found if isinstance(document, dict)]


def _document(text: str) -> Any:
    reader = _Reader([(len(line) - len(line.lstrip()), line) for line in text.split("\n")])
    return reader.value(0)


class _Reader:
    """Goes through the lines once."""

    def __init__(self, lines: list[Line]) -> None:
        self._lines = lines
        self._at = 0

    def more(self) -> bool:
        """Skips empty lines and comments; False at the end."""
        while self._at < len(self._lines):
            line = self._lines[self._at][1].strip()
            if line and not line.startswith("#"):
                return True
            self._at += 1
        return False

    def value(self, least: int) -> Any:
        """The block that starts at the next line, if it is indented by so much."""
        if not self.more() or self._lines[self._at][0] < least:
            return None
        indent, line = self._lines[self._at]
        if self._dash():
            return self._sequence(indent)
        if KEY.match(line.strip()):
            return self._mapping(indent)
        self._at += 1
        return self._word(indent - 1, line.strip())

    def _word(self, indent: int, rest: str) -> Any:
        """What stands behind a key or a dash, and goes on in lines that are indented further."""
        if rest[:1] in ("|", ">"):
            return self._text(indent, rest)
        return scalar(self._continued(indent, rest))

    def _sequence(self, indent: int) -> list[Any]:
        items = []
        while self.more() and self._lines[self._at][0] == indent:
            line = self._lines[self._at][1]
            if not self._dash():
                break
            rest = line.lstrip()[1:]
            if KEY.match(rest.strip()) or not rest.strip() or rest.strip().startswith("- "):
                inner = indent + 1 + len(rest) - len(rest.lstrip())
                self._lines[self._at] = (inner, " " * inner + rest.strip())
                items.append(self.value(indent + 1))
            else:
                self._at += 1
                items.append(self._word(indent, rest.strip()))
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
        if rest.strip():
            return self._word(indent, rest.strip())
        if self.more() and self._lines[self._at][0] == indent and self._dash():
            return self._sequence(indent)
        return self.value(indent + 1)

    def _dash(self) -> bool:
        line = self._lines[self._at][1].strip()
        return line == "-" or line.startswith("- ")

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
        told = [character for character in mark if character.isdigit()]
        margin = indent + int(told[0]) if told else _margin(taken)
        joint = "\n" if mark[0] == "|" else " "
        text = joint.join(line[margin:] for line in taken)
        if "+" in mark:
            return text
        return text.rstrip("\n") + ("" if "-" in mark else "\n")


def _margin(lines: list[str]) -> int:
    return min((len(line) - len(line.lstrip()) for line in lines if line.strip()), default=0)


def _unescaped(match: re.Match[str]) -> str:
    code = match[1]
    return chr(int(code[1:], 16)) if len(code) > 1 else ESCAPES.get(code, code)


def scalar(text: str, *, key: bool = False) -> Any:
    """A word: quoted, a number, a truth, or just itself."""
    if text[:1] == '"':
        return ESCAPE.sub(_unescaped, text.strip()[1:-1])
    if text[:1] == "'":
        return text[1:-1].replace("''", "'")
    if key:
        return text
    if text in WORDS:
        return WORDS[text]
    if NUMBER.match(text):
        return float(text) if "." in text else int(text)
    return text
