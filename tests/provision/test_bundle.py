"""What a machine is equipped with, read back as its tar reads it."""

from __future__ import annotations

import io
import tarfile

import pytest

from b2p.provision import bundle


def test_the_archive_holds_root_s_files_below_the_root() -> None:
    data = bundle.archive(
        [bundle.Entry("/etc/x ü", b"one", 0o644), bundle.Entry("/run/s", b"", 0o755)]
    )
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        found = [(one.name, one.mode, one.uid, tar.extractfile(one).read()) for one in tar]  # type: ignore[union-attr]
    assert found == [("etc/x ü", 0o644, 0, b"one"), ("run/s", 0o755, 0, b"")]


@pytest.mark.parametrize(
    ("quadlet", "service"),
    [
        ("web.container", "web.service"),
        ("a.b.pod", "a.b-pod.service"),
        ("d.volume", "d-volume.service"),
    ],
)
def test_a_quadlet_s_service_is_named_as_podman_names_it(quadlet: str, service: str) -> None:
    assert bundle.service_of(quadlet) == service


def test_only_what_asks_for_it_is_started() -> None:
    assert bundle.is_wanted(b"[Unit]\n[Install]\r\nWantedBy=x\n")
    assert not bundle.is_wanted(b"[Unit]\nDescription=[Install]\n")


def test_scripts_of_one_name_do_not_meet() -> None:
    assert bundle.script_path(1, "/a/s.sh") != bundle.script_path(2, "/b/s.sh")
