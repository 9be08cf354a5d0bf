"""Settings: which layer wins, and what is said about a wrong one."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest

from b2p import project, settings
from b2p.errors import UsageError
from b2p.settings import Layer, Settings

if TYPE_CHECKING:
    from pathlib import Path


def merged(*values: dict[str, object]) -> Settings:
    layers = [Layer(f"layer {number}", layer) for number, layer in enumerate(values)]
    return settings.merged(layers, cores=8)


def test_without_a_wish_all_fields_are_decided() -> None:
    found = merged()
    assert (found.cpus, found.memory, found.disk) == (4, 2 << 30, 100 << 30)
    assert (found.accel, found.qemu, found.varlink, found.check_valid_until) == (
        "auto",
        "auto",
        "unix",
        True,
    )
    assert found.said == frozenset()


@pytest.mark.parametrize(("cores", "cpus"), [(0, 1), (1, 1), (3, 3), (64, 4)])
def test_a_machine_gets_at_most_four_processors_by_default(cores: int, cpus: int) -> None:
    assert settings.merged([], cores=cores).cpus == cpus


def test_the_last_layer_that_says_a_key_wins() -> None:
    found = merged({"cpus": 1, "memory": "1GiB"}, {"cpus": 2})
    assert (found.cpus, found.memory) == (2, 1 << 30)
    assert found.said == {"cpus", "memory"}


@pytest.mark.parametrize(
    ("key", "raw", "expected"),
    [
        ("cpus", 0, "whole number"),
        ("cpus", True, "whole number"),
        ("cpus", "two", "whole number"),
        ("memory", 2048, '"2GiB"'),
        ("memory", "2048", "2048MiB"),
        ("memory", "1KiB", "256MiB or more"),
        ("disk", 100, '"100GiB"'),
        ("arch", "riscv64", "auto, x86_64, amd64, aarch64 or arm64"),
        ("arch", ["arm64"], "auto, x86_64, amd64, aarch64 or arm64"),
        ("accel", "xen", "auto, kvm, hvf or tcg"),
        ("varlink", False, "unix, tcp or off"),
        ("publish", "everywhere", "loopback or all"),
        ("host_calls", "no", "true or false"),
        ("check_valid_until", "no", "true or false"),
        ("timeout", 1.5, "whole number"),
        ("mirror", 1, "string"),
    ],
)
def test_a_wrong_value_is_told_with_who_said_it_and_the_form(
    key: str, raw: object, expected: str
) -> None:
    with pytest.raises(UsageError) as caught:
        merged({key: raw})
    assert "layer 0" in caught.value.message
    assert key in caught.value.message
    assert expected in caught.value.hint


@pytest.mark.parametrize(
    ("word", "arch"),
    [
        ("auto", "auto"),
        ("amd64", "x86_64"),
        ("x86_64", "x86_64"),
        ("arm64", "aarch64"),
        ("aarch64", "aarch64"),
    ],
)
def test_an_architecture_has_the_names_that_people_give_it(word: str, arch: str) -> None:
    assert merged({"arch": word}).arch == arch


def test_an_unknown_key_is_told_its_neighbour() -> None:
    with pytest.raises(UsageError, match="'memry'") as caught:
        merged({"memry": "2GiB"})
    assert caught.value.hint == "did you mean 'memory'?"


def test_a_key_with_no_neighbour_is_told_all_keys() -> None:
    with pytest.raises(UsageError) as caught:
        merged({"zzz": 1})
    assert "check_valid_until" in caught.value.hint


def test_a_machines_table_goes_over_the_top_of_its_file() -> None:
    document = {"cpus": 1, "machine": {"big": {"cpus": 4}, "small": {"memory": "1GiB"}}}
    layers = settings.file_layers(document, "big", "b2p.toml")
    assert settings.merged(layers, cores=8).cpus == 4
    layers = settings.file_layers(document, "small", "b2p.toml")
    assert settings.merged(layers, cores=8).cpus == 1


def test_a_mistake_in_another_machines_table_is_told_too() -> None:
    with pytest.raises(UsageError, match=r"\[machine.other\]"):
        settings.file_layers({"machine": {"other": {"cpu": 4}}}, "big", "b2p.toml")


@pytest.mark.parametrize("machine", [1, {"cpus": 2}])
def test_machine_must_hold_tables(machine: object) -> None:
    with pytest.raises(UsageError, match="table"):
        settings.file_layers({"machine": machine}, "default", "b2p.toml")


def test_the_environment_speaks_in_strings() -> None:
    environment = {
        "B2P_CPUS": "3",
        "B2P_CHECK_VALID_UNTIL": "false",
        "B2P_MEMORY": "1GiB",
        "HOME": "/",
    }
    found = settings.merged([settings.environment_layer(environment)], cores=8)
    assert (found.cpus, found.check_valid_until, found.memory) == (3, False, 1 << 30)
    assert found.said == {"cpus", "check_valid_until", "memory"}


def test_an_empty_variable_is_none() -> None:
    assert not settings.environment_layer({"B2P_QEMU": ""}).values


def test_a_wrong_variable_is_told_as_the_environments() -> None:
    with pytest.raises(UsageError, match="the environment: cpus"):
        settings.merged([settings.environment_layer({"B2P_CPUS": "many"})], cores=8)


@pytest.mark.parametrize(
    ("key", "raw"),
    [
        ("qemu", "./evil"),
        ("check_valid_until", False),
        ("image_mirror", "http://evil"),
        ("publish", "all"),
        ("host_calls", True),
        ("host_loopback", True),
        ("network", "lab"),
        ("ca_bundle", "x.pem"),
        ("mounts", ["/"]),
    ],
)
def test_a_project_cannot_choose_what_is_run_or_trusted(key: str, raw: object) -> None:
    with pytest.raises(UsageError, match="cannot be set by a project"):
        settings.project_layers({"machine": {"default": {key: raw}}}, "default", "p")


def read(tmp_path: Path, directory: Path, **others: Any) -> Settings:
    values: dict[str, Any] = {
        "flags": {},
        "user_file": tmp_path / "config/b2p.toml",
        "home": tmp_path,
        "environment": {},
    }
    layers = settings.layers("default", directory=directory, **{**values, **others})
    return settings.merged(layers, cores=8)


def test_all_layers_in_their_order(tmp_path: Path) -> None:
    place = tmp_path / "work/project/deep"
    place.mkdir(parents=True)
    (tmp_path / "config").mkdir()
    user = 'cpus = 1\nmemory = "1GiB"\ndisk = "10GiB"\nimage = "user"\n'
    (tmp_path / "config/b2p.toml").write_text(user)
    (place.parent / "b2p.toml").write_text('memory = "2GiB"\ndisk = "20GiB"\nimage = "project"\n')
    environment = {"B2P_DISK": "30GiB", "B2P_IMAGE": "environment"}
    found = read(tmp_path, place, environment=environment, flags={"image": "flag"})
    assert (found.cpus, found.memory >> 30, found.disk >> 30, found.image) == (1, 2, 30, "flag")


def test_the_search_for_a_project_ends_at_home(tmp_path: Path) -> None:
    home = tmp_path / "home"
    (home / "work").mkdir(parents=True)
    (tmp_path / "b2p.toml").write_text("cpus = 1")
    assert project.project_file(home / "work", home) is None
    (home / "b2p.toml").write_text("cpus = 1")
    assert project.project_file(home / "work", home) == home / "b2p.toml"


def test_a_project_file_that_another_user_put_there_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "b2p.toml").write_text("cpus = 1")
    assert project.project_file(tmp_path, tmp_path)
    owner = (tmp_path / "b2p.toml").stat().st_uid or 1000
    os.chown(tmp_path / "b2p.toml", owner, -1) if os.geteuid() == 0 else None
    monkeypatch.setattr(os, "geteuid", lambda: owner + 1)
    assert project.project_file(tmp_path, tmp_path) is None


def test_a_project_names_its_machine(tmp_path: Path) -> None:
    user, work = tmp_path / "config/b2p.toml", tmp_path / "work/deep"
    user.parent.mkdir()
    work.mkdir(parents=True)

    def named() -> tuple[str, str]:
        return project.named(project.files(user, work, tmp_path))

    assert named() == ("", "")
    user.write_text('name = "mine"\n')
    assert named() == ("mine", str(user))
    (work.parent / "b2p.toml").write_text('name = "web"\ncpus = 1\n[machine.web]\ncpus = 2\n')
    assert named() == ("web", str(work.parent / "b2p.toml"))
    assert read(tmp_path, work).cpus == 1


@pytest.mark.parametrize("raw", ["1", '"Web"', '""'])
def test_a_name_that_is_none_is_told_with_its_file(tmp_path: Path, raw: str) -> None:
    (tmp_path / "b2p.toml").write_text(f"name = {raw}\n")
    with pytest.raises(UsageError, match=r"b2p\.toml: "):
        project.named([tmp_path / "b2p.toml"])


def test_the_place_of_a_fault_in_toml_is_told(tmp_path: Path) -> None:
    (tmp_path / "b2p.toml").write_text("cpus = 1\nmemory = 2GiB\n")
    with pytest.raises(UsageError, match="line 2, column 11"):
        read(tmp_path, tmp_path)


@pytest.mark.parametrize("content", [b"cpus = ", b"\xff\xfe"])
def test_what_is_no_toml_is_told_with_its_path(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "config").mkdir()
    (tmp_path / "config/b2p.toml").write_bytes(content)
    with pytest.raises(UsageError, match=r"b2p\.toml.* is no TOML"):
        read(tmp_path, tmp_path)


@pytest.mark.parametrize(
    ("key", "text", "value"),
    [
        ("packages", "htop, jq", ("htop", "jq")),
        ("registries", "quay.io,10.0.2.2:5000/team", ("quay.io", "10.0.2.2:5000/team")),
        ("registry_mirrors", "docker.io=a.example:5000", ("docker.io=a.example:5000",)),
    ],
)
def test_lists_are_written_with_commas_in_the_environment(
    key: str, text: str, value: tuple[str, ...]
) -> None:
    layer = settings.environment_layer({f"B2P_{key.upper()}": text})
    assert getattr(settings.merged([layer], cores=1), key) == value


@pytest.mark.parametrize(
    ("key", "raw"),
    [
        ("packages", ["No Such"]),
        ("packages", "htop"),
        ("registries", ["https://quay.io"]),
        ("registries", ["a\nb"]),
        ("registry_mirrors", ["docker.io"]),
        ("registry_mirrors", ["a=b=c"]),
        ("insecure_registries", [1]),
    ],
)
def test_a_list_with_a_wrong_word_is_refused(key: str, raw: object) -> None:
    with pytest.raises(UsageError) as caught:
        merged({key: raw})
    assert key in caught.value.message


def test_a_project_does_not_decide_whom_the_engine_trusts() -> None:
    for key in ("registries", "registry_mirrors", "insecure_registries"):
        with pytest.raises(UsageError, match="cannot be set by a project"):
            settings.project_layers({key: ["x"]}, "default", "b2p.toml")


def test_in_the_environment_mounts_are_words_between_commas_or_none() -> None:
    layer = settings.environment_layer({"B2P_MOUNTS": "~/src:ro, /srv"})
    assert settings.merged([layer], cores=1).mounts == ("~/src:ro", "/srv")
    none = settings.environment_layer({"B2P_MOUNTS": "none"})
    assert settings.merged([none], cores=1).mounts == ()
    assert settings.merged([], cores=1).mounts == (settings.STANDARD_MOUNTS,)


@pytest.mark.parametrize("raw", ["/a", [1], {"a": "b"}])
def test_mounts_are_a_list(raw: object) -> None:
    with pytest.raises(UsageError, match="mounts cannot be"):
        merged({"mounts": raw})
