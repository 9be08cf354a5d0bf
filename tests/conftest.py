"""For all tests: hypothesis does not judge by the clock, since computers here are shared."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("b2p", deadline=None)
settings.load_profile("b2p")
