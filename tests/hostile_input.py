"""What a hostile peer may send: samples with some bytes changed, JSON of any shape, wild names."""

from __future__ import annotations

import contextlib
import json
import resource
import tracemalloc
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

from b2p.errors import B2PError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MOST_BYTES = 64 << 20
"""What reading one small hostile input may take of the memory."""
MOST_SECONDS = 20.0
"""Of processor time for the same: thousands of times what is needed, so no busy computer fails."""

_SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(1 << 70), 1 << 70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20)
)
json_values = st.recursive(
    _SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=8,
)


class _Deep(bytes):
    def __repr__(self) -> str:
        return "DEEP"


DEEP = _Deep(b"[" * 100_000)
"""JSON that has a careless reader recurse until it dies."""

EVIL_NAMES = (
    "../escape",
    "a/../../escape",
    "/escape",
    "//escape",
    "./../escape",
    "..",
    ".",
    "",
    "a\0b",
    "usr/../../escape",
    "a\nb",
    "\x1b[2J",
    "a" * 300,
    "\udcff",
    "~root",
    "-rf",
)
names = st.sampled_from(EVIL_NAMES) | st.text(max_size=30)

ESCAPES = (
    "\x1b[2J",
    "\x1b]0;title\x07",
    "\x9b31m",
    "\x1bc",
    "\x07",
    "\b",
    "\u202e",
    "\x1b]52;c;eA==\x1b\\",
)
escapes = st.lists(st.sampled_from(ESCAPES) | st.text(max_size=5), min_size=1).map("".join)


def spoiled(sample: bytes, *, at_most: int = 6) -> st.SearchStrategy[bytes]:
    """The sample with some stretches overwritten, and perhaps cut off or lengthened."""
    change = st.tuples(st.integers(0, max(len(sample) - 1, 0)), st.binary(min_size=1, max_size=12))
    return st.builds(
        _changed,
        st.just(sample),
        st.lists(change, min_size=1, max_size=at_most),
        st.none() | st.integers(0, len(sample)),
        st.binary(max_size=8),
    )


def _changed(
    sample: bytes, changes: list[tuple[int, bytes]], end: int | None, more: bytes
) -> bytes:
    out = bytearray(sample)
    for at, noise in changes:
        out[at : at + len(noise)] = noise
    return bytes(out[:end] if end is not None else out + more)


def objects(**fields: object) -> st.SearchStrategy[dict[str, Any]]:
    """A sound object of which some fields are gone or of any other kind."""

    def field(value: object) -> st.SearchStrategy[Any]:
        return st.just(value) | st.just(value) | json_values

    return st.tuples(
        st.fixed_dictionaries({name: field(value) for name, value in fields.items()}),
        st.sets(st.sampled_from(sorted(fields)), max_size=2),
    ).map(lambda pair: {name: one for name, one in pair[0].items() if name not in pair[1]})


def documents(**fields: object) -> st.SearchStrategy[bytes]:
    """The file of such an object, or no such thing at all."""
    whole = (objects(**fields) | json_values).map(lambda value: json.dumps(value).encode())
    sample = json.dumps(fields).encode()
    return whole | spoiled(sample) | st.binary(max_size=100) | st.just(DEEP)


@contextlib.contextmanager
def harmless() -> Iterator[None]:
    """Nothing but an error of ours comes out, within bounded time and memory."""
    began = resource.getrusage(resource.RUSAGE_SELF).ru_utime
    tracemalloc.start()
    try:
        with contextlib.suppress(B2PError):
            try:
                yield
            except RecursionError:
                # With its stack Hypothesis would recurse as well.
                raise AssertionError("it recursed without end") from None
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < MOST_BYTES, f"{peak >> 20} MiB of memory"
    spent = resource.getrusage(resource.RUSAGE_SELF).ru_utime - began
    assert spent < MOST_SECONDS, f"{spent:.0f} s of processor time"


def reader(disk: bytes) -> Callable[[int, int], bytes]:
    """A disk in memory, zeros beyond its end, for whoever asks for a sane amount at a time."""

    def read(offset: int, length: int) -> bytes:
        assert length <= MOST_BYTES, f"{length >> 20} MiB are asked for at once"
        return disk[offset : offset + length].ljust(length, b"\0")

    return read
