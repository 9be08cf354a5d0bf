"""Proxies of this computer, as a guest is told of them."""

from __future__ import annotations

import pytest

from b2p import proxies
from b2p.provision import told


@pytest.mark.parametrize(
    ("value", "led"),
    [
        ("http://proxy.example:3128", "http://proxy.example:3128"),
        ("http://localhost:3128", "http://10.0.2.2:3128"),
        ("http://me:secret@127.0.0.1:3128/", "http://me:secret@10.0.2.2:3128/"),
        ("http://[::1]:3128", "http://10.0.2.2:3128"),
        ("localhost:3128", "http://10.0.2.2:3128"),
        ("http://localhost.example:3128", "http://localhost.example:3128"),
        ("http://127.0.0.1", "http://10.0.2.2"),
    ],
)
def test_one_on_this_computer_is_at_the_gateway(value: str, led: str) -> None:
    assert proxies.for_guest({"https_proxy": value}) == {"HTTPS_PROXY": led}


def test_the_lower_case_name_wins_as_it_does_for_curl() -> None:
    environ = {"http_proxy": "http://a.example", "HTTP_PROXY": "http://b.example", "NO_PROXY": " "}
    assert proxies.for_guest(environ) == {"HTTP_PROXY": "http://a.example"}


def test_what_needs_none_is_one_list_without_spaces() -> None:
    (said,) = proxies.for_guest({"no_proxy": "a.example, .b.example c.example"}).values()
    assert said == "a.example,.b.example,c.example,localhost,127.0.0.1,10.0.2.15"


def test_the_names_are_those_that_guests_are_told() -> None:
    assert proxies.NAMES == told.PROXY_NAMES
