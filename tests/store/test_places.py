"""Where files lie, and that nobody else gets at them."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from b2p.errors import HostError, UsageError
from b2p.store import places
from b2p.store.layout import SOCKET_PATH_LIMIT, Layout
from tests.fakes import short_directory

HOME = Path("/home/u")


def root(home: Path, *, on_network: bool = False, temporary: Path = Path("/tmp")) -> Path:
    return places.sockets_root(home, 1000, on_network=lambda _: on_network, temporary=temporary)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_sockets_lie_in_the_home() -> None:
    assert root(HOME) == Path("/home/u/.b2p")


def test_sockets_of_a_home_on_the_network_lie_in_tmp() -> None:
    assert root(HOME, on_network=True) == Path("/tmp/b2p-1000")


@pytest.mark.parametrize("letter", ["x", "ü"])
def test_a_long_home_is_measured_in_bytes(letter: str) -> None:
    home = Path("/home") / (letter * 90)
    assert root(home) == Path("/tmp/b2p-1000")
    shorter = Path("/home") / (letter * (60 // len(letter.encode())))
    files = Layout(data=HOME, cache=HOME, config=HOME, sockets=root(shorter)).machine("m" * 40)
    assert root(shorter) == shorter / ".b2p"
    assert max(len(os.fsencode(path)) for path in files.sockets) <= SOCKET_PATH_LIMIT


def test_the_longest_home_that_fits_is_used_and_one_byte_more_is_not() -> None:
    homes = [Path("/" + "x" * size) for size in range(40, 100)]
    fits = [home for home in homes if root(home).parent == home]
    longest = fits[-1]
    files = Layout(data=HOME, cache=HOME, config=HOME, sockets=root(longest)).machine("a")
    assert max(len(os.fsencode(path)) for path in files.sockets) == SOCKET_PATH_LIMIT


def test_where_nothing_is_short_enough_it_is_said() -> None:
    with pytest.raises(HostError, match="too long a path for sockets"):
        root(HOME, on_network=True, temporary=Path("/" + "t" * 99))


def found(environ: dict[str, str], *paths: str) -> Layout:
    data, cache, config = map(Path, paths or ("/d", "/c", "/f"))
    return places.layout(environ, directories=lambda: (data, cache, config))


def test_the_cache_can_be_put_elsewhere() -> None:
    assert found({"HOME": "/h", "B2P_CACHE_DIR": "/big"}).cache == Path("/big")
    assert found({"HOME": "/h", "B2P_CACHE_DIR": ""}).cache == Path("/c")


def test_a_relative_cache_is_refused() -> None:
    with pytest.raises(UsageError, match="B2P_CACHE_DIR"):
        found({"HOME": "/h", "B2P_CACHE_DIR": "big"})


@pytest.mark.parametrize("home", ["", "relative"])
def test_a_home_that_is_none_is_told(home: str) -> None:
    with pytest.raises(HostError, match="no home directory"):
        found({"HOME": home})


def test_without_HOME_the_user_database_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: N802
    monkeypatch.delenv("HOME", raising=False)
    assert places.layout({}).sockets.is_absolute()
    monkeypatch.setattr(os.path, "expanduser", lambda path: path)
    with pytest.raises(HostError, match="HOME is 'not set'"):
        found({})


def test_a_relative_XDG_directory_is_told_by_its_variable() -> None:  # noqa: N802
    with pytest.raises(HostError) as caught:
        found({"HOME": "/h"}, "/d", "cache", "/f")
    assert "XDG_CACHE_HOME" in caught.value.hint


def test_directories_are_platformdirs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from platformdirs import user_data_path

    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert places.layout({"HOME": "/h"}).data == user_data_path("b2p", appauthor=False)


@pytest.mark.parametrize("umask", [0o000, 0o077, 0o022])
def test_what_is_made_is_private_whatever_the_umask(tmp_path: Path, umask: int) -> None:
    base = tmp_path / "home with space, comma"
    layout = Layout(
        data=base / "share/b2p", cache=base / "c/b2p", config=base / "f", sockets=base / ".b2p"
    )
    before = os.umask(umask)
    try:
        places.prepare(layout)
        places.prepare(layout)
        machine = layout.machine("a")
        places.private_directory(machine.home)
    finally:
        os.umask(before)
    made = (layout.data, layout.machines, layout.cache, layout.sockets, machine.home)
    assert {mode(path) for path in (*made, base, base / "share")} == {0o700}
    assert not layout.config.exists()


def test_a_directory_that_others_could_read_is_closed(tmp_path: Path) -> None:
    path = tmp_path / "open"
    path.mkdir(mode=0o755)
    places.private_directory(path)
    assert mode(path) == 0o700


def test_another_users_directory_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "b2p-1000"
    path.mkdir()
    with pytest.raises(HostError, match=rf"belongs to another user \(uid {os.getuid()}\)"):
        places.private_directory(path, uid=os.getuid() + 1)


def test_a_link_in_a_directory_of_everybodys_is_refused(tmp_path: Path) -> None:
    shared = tmp_path / "tmp"
    shared.mkdir()
    shared.chmod(0o1777)
    (tmp_path / "target").mkdir()
    (shared / "b2p-0").symlink_to(tmp_path / "target")
    with pytest.raises(HostError, match="not a directory"):
        places.private_directory(shared / "b2p-0")


def test_a_link_in_ones_own_home_is_ones_own_wish(tmp_path: Path) -> None:
    (tmp_path / "target").mkdir()
    (tmp_path / ".b2p").symlink_to(tmp_path / "target")
    places.private_directory(tmp_path / ".b2p")
    assert mode(tmp_path / "target") == 0o700


def test_a_file_in_the_way_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(HostError, match="not a directory"):
        places.private_directory(tmp_path / "file")
    with pytest.raises(HostError, match="cannot make the directory"):
        places.private_directory(tmp_path / "file" / "below")


def test_a_machine_whose_sockets_would_not_fit_is_not_made(tmp_path: Path) -> None:
    layout = Layout(data=tmp_path, cache=tmp_path, config=tmp_path, sockets=tmp_path / ("s" * 80))
    with pytest.raises(HostError, match="at most 100"):
        places.prepare_machine(layout.machine("a"))
    assert list(tmp_path.iterdir()) == []


def test_a_machine_gets_its_two_directories() -> None:
    with short_directory() as short:
        layout = Layout(data=short, cache=short, config=short, sockets=short / "s")
        files = layout.machine("a")
        places.prepare_machine(files)
        assert {mode(files.home), mode(files.run)} == {0o700}
        assert files.run.parent == short / "s"
        assert layout.machine("b").run != files.run
