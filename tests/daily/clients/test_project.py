"""A project's own machine: named by its b2p.toml, equipped by what lies beside it."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.boot.engine import BUSYBOX, Docker
from tests.boot.person import B2P, PATIENCE, Said, await_true

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.boot.person import Person

pytestmark = pytest.mark.daily

NAME = "of-project"
FILES = {
    "b2p.toml": f"""
name = "{NAME}"
memory = "1GiB"
provision = ["first.sh"]
each_start = ["each.sh"]
files = ["conf:/etc/project/conf"]
units = ["tick.service"]
quadlets = ["web.container"]
""",
    "first.sh": """#!/bin/sh
cp /etc/project/conf /root/first
test -e /root/go || { echo there is no go; exit 7; }
""",
    "each.sh": "#!/bin/sh\necho $B2P_MACHINE >> /root/each\n",
    "conf": "from the project\n",
    "tick.service": """
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/touch /run/ticked
[Install]
WantedBy=multi-user.target
""",
    "web.container": f"[Container]\nImage={BUSYBOX}\nExec=sleep 1000\nPull=never\n",
}


@pytest.fixture
def project(person: Person) -> Iterator[Path]:
    """A directory of somebody's project."""
    directory = person.home / "my project"
    directory.mkdir()
    for name, text in FILES.items():
        (directory / name).write_text(text)
    yield directory
    person.b2p("rm", "-f", NAME, status=None)
    shutil.rmtree(directory)


def test_a_project_s_machine_is_made_equipped_and_started_again(
    person: Person, project: Path, docker_cli: Path, busybox_tar: bytes
) -> None:
    def here(*words: str, status: int = 0) -> Said:
        ended = subprocess.run(
            [str(B2P), *words], cwd=project, env=person.environment,
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=PATIENCE,
        )  # fmt: skip
        assert ended.returncode == status, ended
        return Said(ended.returncode, ended.stdout, ended.stderr)

    def inside(line: str) -> str:
        return here("ssh", "--root", "--", line).out

    failed = here("up", status=125).err
    assert "provisioning: 'first.sh' ended with status 7" in failed
    assert "there is no go" in failed
    assert f"b2p ssh {NAME}" in failed
    assert person.state(NAME) == "running"
    assert inside("cat /root/first; cat /etc/hostname") == f"from the project\n{NAME}\n"

    inside("touch /root/go")
    here("up")
    assert inside("cat /root/each; ls /run/ticked") == f"{NAME}\n/run/ticked\n"
    Docker(docker_cli, person, NAME).load_busybox(busybox_tar, BUSYBOX)
    inside("systemctl start web.service")
    assert inside("podman ps --format '{{.Names}}'") == "systemd-web\n"

    (project / "conf").write_text("changed\n")
    here("down")
    here("up")
    assert inside("cat /etc/project/conf /root/first") == "changed\nfrom the project\n"
    assert inside("cat /root/each; ls /run/ticked") == f"{NAME}\n{NAME}\n/run/ticked\n"
    await_true("the quadlet's service is known", lambda: "web" in inside("systemctl cat web"))

    assert "memory" in here("config").out
    here("rm", "-f", NAME)
    assert person.traces(NAME) == []
