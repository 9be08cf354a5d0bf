"""JSON lines from a peer that need not mean well."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from b2p.control.lines import Lines, message


@given(st.lists(st.binary(max_size=12)), st.integers(1, 9))
def test_where_bytes_are_cut_makes_no_difference(parts: list[bytes], size: int) -> None:
    whole = b"\n".join(parts)
    lines = Lines(longest=8)
    got = [one for at in range(0, len(whole), size) for one in lines.feed(whole[at : at + size])]
    assert got == [one for one in whole.split(b"\n")[:-1] if len(one) <= 8]


def test_a_line_that_is_too_long_is_left_out_and_the_next_one_heard() -> None:
    lines = Lines(longest=4)
    assert lines.feed(b"abc") == []
    assert lines.feed(b"defgh") == []
    assert lines.feed(b"ij\nok\n") == [b"ok"]


def test_only_an_object_is_a_message() -> None:
    assert message(b'{"event": "ready"}') == {"event": "ready"}
    for line in (b"", b"[1]", b"7", b'{"event": ', b"\xff\xfe", b"[" * 100_000, b"9" * 5000):
        assert message(line) is None
