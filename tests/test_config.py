"""Each setting with its value and who says so."""

from __future__ import annotations

import tomllib

from b2p import config, settings
from b2p.settings import Layer
from b2p.store.record import Record

RECORD = Record(
    name="x", uuid="0", image="0", cpus=3, memory_mib=1024, disk_bytes=1 << 30, accel="tcg"
)


def told(layers: list[Layer], record: Record | None = None) -> dict[str, tuple[object, str]]:
    rows = config.rows(layers, record, cores=8)
    assert [row.key for row in rows] == list(settings.KEYS)
    return {row.key: (row.value, row.origin) for row in rows}


def test_the_last_who_says_it_is_named() -> None:
    found = told(
        [
            Layer("user", {"cpus": 1, "memory": "1GiB"}),
            Layer("project", {"cpus": 2}),
            Layer(settings.ENVIRONMENT, {"timeout": 9}),
        ]
    )
    assert found["cpus"] == (2, "project")
    assert found["memory"] == ("1GiB", "user")
    assert found["timeout"] == (9, "B2P_TIMEOUT")
    assert found["disk"] == ("100GiB", "default")


def test_a_machine_keeps_what_nobody_says() -> None:
    found = told([Layer("user", {"cpus": 1})], RECORD)
    assert found["cpus"] == (1, "user")
    assert found["memory"] == ("1GiB", "machine 'x', as it was made")
    assert found["accel"][0] == "tcg"
    assert found["qemu"] == ("auto", "default")


def test_values_are_as_a_file_would_hold_them() -> None:
    values = {row.key: row.value for row in config.rows([], None, cores=8)}
    text = "\n".join(f"{key} = {_toml(value)}" for key, value in values.items())
    layer = Layer("file", tomllib.loads(text))
    assert settings.merged([layer], cores=1).memory == settings.merged([], cores=8).memory


def _toml(value: object) -> str:
    return {True: "true", False: "false"}[value] if isinstance(value, bool) else repr(value)
