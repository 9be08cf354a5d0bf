"""Reads interface texts; checks what comes in and completes what goes out by their types.

A type is a name ("string", "Container"), a dict of fields, or a pair of "?", "[]" or "[string]" and
a type.
Members are parsed when they are first used: a start of the gateway pays for none.
"""

from __future__ import annotations

import os
import re

from .errors import invalid_parameter

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Type = str | dict[str, "Type"] | tuple[str, "Type"]
    Struct = dict[str, Type]

WORD = re.compile(r"->|\[string\]|\[\]|[?(),:]|\w+")
MEMBER = re.compile(
    r"^(?:method|type|error) (\w+)(.*?)(?=^#|^method|^type|^error|\Z)", re.MULTILINE | re.DOTALL
)
ZERO: dict[str, Any] = {"string": "", "int": 0, "float": 0.0, "bool": False}
CONTAINERS: dict[str, type] = {"[]": list, "[string]": dict}
INT_LIMIT = 1 << 63


class Interface:
    """One interface: its text, and the types it names."""

    def __init__(self, name: str, text: str) -> None:
        self.name = name
        self.text = text
        self._members = dict(MEMBER.findall(text))
        self._parsed: dict[str, list[Type]] = {}

    def has(self, member: str) -> bool:
        """True when the text declares a method, type or error of that name."""
        return member in self._members

    def inputs(self, method: str) -> Struct:
        """The fields that a method takes."""
        return self._struct(method, 0)

    def outputs(self, method: str) -> Struct:
        """The fields that a method answers."""
        return self._struct(method, 1)

    def _struct(self, member: str, place: int) -> Struct:
        if member not in self._parsed:
            self._parsed[member] = _parse(self._members[member])
        parsed = self._parsed[member][place]
        assert isinstance(parsed, dict)
        return parsed

    def _resolve(self, kind: Type) -> Type:
        return self._struct(kind, 0) if isinstance(kind, str) and kind not in ZERO else kind

    def accept(self, kind: Type, value: Any, name: str) -> Any:
        """The value with all that is missing filled in; InvalidParameter(name) for a wrong type."""
        kind = self._resolve(kind)
        if isinstance(kind, dict):
            given = _checked({} if value is None else value, dict, name)
            return {
                field: self.accept(inner, given.get(field), f"{name}.{field}" if name else field)
                for field, inner in kind.items()
            }
        if isinstance(kind, str):
            return _accept_scalar(kind, value, name)
        mark, inner = kind
        if mark == "?":
            return None if value is None else self.accept(inner, value, name)
        given = _checked(CONTAINERS[mark]() if value is None else value, CONTAINERS[mark], name)
        if mark == "[]":
            return [self.accept(inner, item, name) for item in given]
        return {_text(key, name): self.accept(inner, item, name) for key, item in given.items()}

    def complete(self, kind: Type, value: Any) -> Any:
        """The value with exactly the fields of its type; absent optional ones are left out."""
        kind = self._resolve(kind)
        if isinstance(kind, dict):
            given = value if isinstance(value, dict) else {}
            filled = (
                (field, self.complete(inner, given.get(field))) for field, inner in kind.items()
            )
            return {field: item for field, item in filled if item is not None}
        if isinstance(kind, str):
            return _complete_scalar(kind, value)
        mark, inner = kind
        if mark == "?":
            return None if value is None else self.complete(inner, value)
        if mark == "[]":
            return [self.complete(inner, item) for item in value or ()]
        return {str(key): self.complete(inner, item) for key, item in (value or {}).items()}


def load(name: str) -> Interface:
    """The interface whose text lies beside this module."""
    with open(os.path.join(os.path.dirname(__file__), f"{name}.varlink"), encoding="utf-8") as text:
        return Interface(name, text.read())


def _parse(signature: str) -> list[Type]:
    """The structs of a signature: (...) of a type or error, (...) -> (...) of a method."""
    words = [word for word in WORD.findall(signature) if word != "->"]
    words.reverse()
    structs = []
    while words:
        structs.append(_parse_type(words))
    return structs


def _parse_type(words: list[str]) -> Type:
    word = words.pop()
    if word in ("?", "[]", "[string]"):
        return (word, _parse_type(words))
    if word != "(":
        return word
    fields: dict[str, Type] = {}
    while (word := words.pop()) != ")":
        if word != ",":
            words.pop()  # the colon
            fields[word] = _parse_type(words)
    return fields


def _checked(value: Any, wanted: type, name: str) -> Any:
    if not isinstance(value, wanted):
        raise invalid_parameter(name or "parameters")
    return value


def _text(value: Any, name: str) -> str:
    """A string that can be written as UTF-8; JSON can also name half of a surrogate pair."""
    text: str = _checked(value, str, name)
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            raise invalid_parameter(name) from None
    return text


def _accept_scalar(kind: str, value: Any, name: str) -> Any:
    if value is None:
        return ZERO[kind]
    if kind == "string":
        return _text(value, name)
    if kind == "bool":
        return _checked(value, bool, name)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise invalid_parameter(name)
    if kind == "float":
        return float(value) if abs(value) < 1e300 else _checked(None, float, name)
    if value != value // 1 or not -INT_LIMIT <= value < INT_LIMIT:
        raise invalid_parameter(name)
    return int(value)


def _complete_scalar(kind: str, value: Any) -> Any:
    """podman leaves out what is empty, writes some numbers as floats, and has unsigned ones."""
    if value is None:
        return ZERO[kind]
    if kind == "string":
        return value if isinstance(value, str) else str(value)
    if kind == "bool":
        return bool(value)
    if kind == "float":
        return float(value)
    return max(-INT_LIMIT, min(int(value), INT_LIMIT - 1))
