"""How long the stages of a story took."""

from __future__ import annotations

from b2p.timing import BEFORE, Timed
from tests.fakes_story import Heard


def test_each_stage_lasts_until_the_next_begins() -> None:
    now = [0.0]
    heard = Heard()
    timed = Timed(heard, lambda: now[0])
    now[0] = 1.0
    with timed.task("starting") as task:
        now[0] = 3.0
        task.say("booting")
        now[0] = 7.0
        task.say("booting")
        task.expect(2)
        task.advance(1)
    timed.note("done")
    timed.warn("but", "do")
    now[0] = 8.0
    assert timed.stages() == {BEFORE: 1.0, "starting": 2.0, "booting": 4.0, "the rest": 1.0}
    assert heard.said == ["starting", "booting", "booting"]
    assert (heard.notes, heard.warnings) == (["done"], ["but; do"])


def test_a_stage_that_comes_again_is_added_up() -> None:
    now = [0.0]
    timed = Timed(Heard(), lambda: now[0])
    for at, stage in enumerate(("a", "b", "a", "c")):
        now[0] = float(at)
        timed.mark(stage)
    now[0] = 4.0
    assert timed.stages() == {BEFORE: 0.0, "a": 2.0, "b": 1.0, "c": 1.0}
