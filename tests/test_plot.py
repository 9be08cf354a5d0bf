"""The bench's plot: bars to one scale, and nothing in a label that SVG would take for its own."""

from __future__ import annotations

import xml.etree.ElementTree as ET

from scripts.lib.plot import Bar, svg

SVG = "{http://www.w3.org/2000/svg}"


def test_bars_are_drawn_to_one_scale() -> None:
    drawn = svg("starts", "s", [Bar("by hand", 8.0, is_ours=False), Bar("b2p", 2.0)])
    bars = ET.fromstring(drawn).findall(f"{SVG}rect")[1:]
    first, second = (float(bar.attrib["width"]) for bar in bars)
    assert first == 4 * second
    assert bars[0].attrib["fill"] != bars[1].attrib["fill"]


def test_what_is_said_is_shown_and_told() -> None:
    root = ET.fromstring(svg("a < b", "s", [Bar("x & y", 0.0)], note="by us"))
    said = [one.text for one in root.findall(f"{SVG}text")]
    assert said == ["a < b", "x & y", "0.00 s", "by us"]
    assert root.findtext(f"{SVG}title") == "a < b: x & y 0.00 s"


def test_all_bars_lie_within_the_picture() -> None:
    root = ET.fromstring(svg("t", "s", [Bar("x", value) for value in (0.01, 3, 1e4)]))
    _, _, width, height = map(float, root.attrib["viewBox"].split())
    for bar in root.findall(f"{SVG}rect"):
        assert float(bar.get("x", 0)) + float(bar.attrib["width"]) <= width
        assert float(bar.get("y", 0)) + float(bar.attrib["height"]) <= height
