from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

SAMPLE = """
interface a.b
type Inner (n: int, next: ?[]string)
# What a method takes, and gives.
method Do(
    text: string, many: []Inner, by: [string]Inner, real: float, yes: bool, maybe: ?Inner
) -> (out: Inner)
method Nothing() -> ()
error Bad (reason: string)
"""
EMPTY = {"text": "", "many": [], "by": {}, "real": 0.0, "yes": False, "maybe": None}

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)
fields = st.sampled_from(["text", "many", "by", "real", "yes", "maybe", "n", "next"])
objects = st.dictionaries(fields, values | st.dictionaries(fields, values, max_size=3), max_size=6)


@pytest.fixture(scope="module")
def sample(gateway: Any) -> Any:
    return gateway("interface").Interface("a.b", SAMPLE)


def fits(interface: Any, kind: Any, value: Any) -> bool:
    """True when a value is of its type, judged without the code under test."""
    if kind == "Inner":
        kind = {"n": "int", "next": ("?", ("[]", "string"))}
    if isinstance(kind, dict):
        wanted = {name for name, inner in kind.items() if inner[0] != "?"}
        return wanted <= set(value) <= set(kind) and all(
            fits(interface, kind[name], item) for name, item in value.items()
        )
    if isinstance(kind, tuple):
        mark, inner = kind
        if mark == "?":
            return value is None or fits(interface, inner, value)
        items = value.values() if mark == "[string]" else value
        return isinstance(value, {"[]": list, "[string]": dict}[mark]) and all(
            fits(interface, inner, item) for item in items
        )
    if kind == "int":
        return type(value) is int and -(1 << 63) <= value < 1 << 63
    return type(value) is {"string": str, "float": float, "bool": bool}[kind]


def test_the_members_of_a_text(sample: Any) -> None:
    assert sample.inputs("Do")["many"] == ("[]", "Inner")
    assert sample.inputs("Do")["maybe"] == ("?", "Inner")
    assert sample.outputs("Do") == {"out": "Inner"}
    assert sample.inputs("Nothing") == sample.outputs("Nothing") == {}
    assert sample.has("Bad")
    assert not sample.has("Worse")


def test_what_is_missing_is_filled_in(sample: Any) -> None:
    assert sample.accept(sample.inputs("Do"), {}, "") == EMPTY
    assert sample.accept(sample.inputs("Do"), None, "") == EMPTY
    assert sample.accept(sample.inputs("Do"), dict.fromkeys(EMPTY), "") == EMPTY
    told = sample.accept(sample.inputs("Do"), {"maybe": {}, "unknown": 1}, "")
    assert told == {**EMPTY, "maybe": {"n": 0, "next": None}}


@pytest.mark.parametrize(
    ("given_", "parameter"),
    [
        ([], "parameters"),
        ("x", "parameters"),
        ({"text": 1}, "text"),
        ({"text": "\ud800"}, "text"),
        ({"many": {}}, "many"),
        ({"many": [1]}, "many"),
        ({"many": [{"n": "1"}]}, "many.n"),
        ({"by": []}, "by"),
        ({"by": {"a": {"n": 1.5}}}, "by.n"),
        ({"by": {"\ud800": {}}}, "by"),
        ({"real": "1"}, "real"),
        ({"real": float("inf")}, "real"),
        ({"yes": 1}, "yes"),
        ({"maybe": {"n": True}}, "maybe.n"),
        ({"maybe": {"n": 1 << 63}}, "maybe.n"),
        ({"maybe": {"n": float("inf")}}, "maybe.n"),
        ({"maybe": {"next": ["a", 1]}}, "maybe.next"),
    ],
)
def test_a_wrong_type_is_named(gateway: Any, sample: Any, given_: Any, parameter: str) -> None:
    with pytest.raises(gateway("errors").VarlinkError) as caught:
        sample.accept(sample.inputs("Do"), given_, "")
    assert caught.value.name == "org.varlink.service.InvalidParameter"
    assert caught.value.parameters == {"parameter": parameter}


def test_whole_numbers_may_be_written_as_floats(sample: Any) -> None:
    assert sample.accept("Inner", {"n": 3.0}, "")["n"] == 3


def test_a_reply_is_completed(sample: Any) -> None:
    assert sample.complete("Inner", None) == {"n": 0}
    assert sample.complete("Inner", {"n": 1.0, "next": None, "other": 5}) == {"n": 1}
    assert sample.complete("Inner", {"n": 1 << 64, "next": []}) == {"n": (1 << 63) - 1, "next": []}
    done = sample.complete(sample.inputs("Do"), {"many": [None], "by": {"a": {}}, "text": 5})
    assert done == {
        "text": "5", "many": [{"n": 0}], "by": {"a": {"n": 0}}, "real": 0.0, "yes": False,
    }  # fmt: skip


@given(objects)
@settings(max_examples=30)
def test_what_is_accepted_is_of_its_type(gateway: Any, told: Any) -> None:
    sample = gateway("interface").Interface("a.b", SAMPLE)
    kind = sample.inputs("Do")
    try:
        accepted = sample.accept(kind, told, "")
    except gateway("errors").VarlinkError as error:
        assert error.name == "org.varlink.service.InvalidParameter"  # noqa: PT017
    else:
        assert fits(sample, kind, accepted)
        assert sample.accept(kind, accepted, "") == accepted
        completed = sample.complete(kind, accepted)
        assert fits(sample, kind, completed)
        assert json.loads(json.dumps(completed)) == completed


@pytest.mark.parametrize("name", ["io.podman", "org.varlink.service", "org.varlink.resolver"])
def test_each_type_that_is_named_is_declared(gateway: Any, name: str) -> None:
    interface = gateway("interface").load(name)
    for member in interface._members:
        interface.complete(interface.inputs(member), {})
        interface.accept(interface.inputs(member), {}, "")


def test_two_types_are_those_of_1_6_4(gateway: Any) -> None:
    interface = gateway("interface").load("io.podman")
    assert "history" not in interface.inputs("Image")
    assert interface.inputs("PodmanInfo")["registries"] == ("[]", "string")
