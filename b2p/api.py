"""b2p for Python programs: machines and throwaway engines, on the stories that the verbs call."""

from __future__ import annotations

import logging
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Self, TypedDict

from b2p import names, wishes
from b2p.errors import GuestError, UsageError
from b2p.report import SilentTask

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path
    from types import TracebackType
    from typing import Unpack

    from b2p.machine.engines import Engine as Kind
    from b2p.report import Task, Unit
    from b2p.settings import (
        AcceleratorWish,
        ClientsWish,
        PublishWish,
        Settings,
        VarlinkWish,
    )
    from b2p.store.layout import Layout, MachineFiles
    from b2p.store.users import Use

logger = logging.getLogger("b2p")
logger.addHandler(logging.NullHandler())

ORIGIN = "the caller"
STAGE = "ssh"
LAST_LINES = 20
"""How much of what a failed command said its error carries."""

State = Literal["running", "suspended", "stopped", "broken", "absent"]


class Wishes(TypedDict, total=False):
    """The settings of docs/settings.md, with the values that b2p.toml takes."""

    cpus: int
    memory: str
    disk: str
    arch: str
    accel: AcceleratorWish
    qemu: str
    mirror: str
    check_valid_until: bool
    timeout: int
    engine: Literal["podman", "docker"]
    varlink: VarlinkWish
    image: str
    user_data: str
    ignition: str
    mounts: list[str]
    more_mounts: list[str]
    image_mirror: str
    packages: list[str]
    binfmt: bool
    offline: bool
    registries: list[str]
    registry_mirrors: list[str]
    insecure_registries: list[str]
    forward_agent: bool
    clients: ClientsWish
    golden: bool
    golden_limit: str
    provision: list[str]
    each_start: list[str]
    files: list[str]
    units: list[str]
    quadlets: list[str]
    publish: PublishWish
    host_calls: bool
    host_loopback: bool
    idle_suspend: str
    network: str
    ca_bundle: str


@dataclass(frozen=True, slots=True)
class Output:
    """How a command in a machine ended, and what it said."""

    status: int
    stdout: str
    stderr: str


class Engine:
    """A container engine that answers at a unix socket of this computer."""

    def __init__(self, files: MachineFiles) -> None:
        self._files = files

    @property
    def socket(self) -> Path:
        """The socket: podman's API and docker's. Only its user may open it."""
        return self._files.podman

    @property
    def podman_url(self) -> str:
        """What podman's clients take: `podman.PodmanClient(base_url=...)`, CONTAINER_HOST."""
        from b2p.client import env

        return env.url_of(self.socket)

    @property
    def docker_url(self) -> str:
        """What docker's clients take: `docker.DockerClient(base_url=...)`, DOCKER_HOST."""
        return f"unix://{self.socket}"

    def env(self, base: Mapping[str, str] | None = None) -> dict[str, str]:
        """The variables that lead podman, docker, docker compose and testcontainers here.

        With `base` (such as `os.environ`) a whole environment: what is in it, without what would
        lead clients elsewhere, and the variables.
        """
        from b2p.client import env

        if base is not None:
            return env.throwaway(base, self.socket, self._kind)
        return env.variables(self.socket, self._kind, docker=True, testcontainers=True)

    @property
    def _kind(self) -> Kind:
        """podman, as long as there is no machine."""
        from b2p import engine
        from b2p.machine import engines
        from b2p.store import record as records

        record = records.read(self._files.record)
        return engine.of(record) if record else engines.PODMAN

    def __repr__(self) -> str:
        return f"<{type(self).__name__} at {self.docker_url}>"


class Machine(Engine):
    """A machine by its name; nothing is asked or started when it is made.

    As a context manager it is up within the block, and afterwards as it was before: one that ran
    runs on, one that was suspended is suspended, any other is powered off. Where several blocks
    have it up at once, in whatever processes, the last one sees to that.
    """

    def __init__(self, name: str, settings: Mapping[str, object], layout: Layout) -> None:
        """Made by `b2p.machine`."""
        super().__init__(layout.machine(name))
        self._name = name
        self._given = settings
        self._layout = layout
        self._uses: list[Use] = []

    @property
    def name(self) -> str:
        """As in `b2p ls`."""
        return self._name

    @property
    def state(self) -> State:
        """How it is just now; "absent" where there is none of that name."""
        from b2p import status
        from b2p.store import record as records

        record = records.read(self._files.record)
        return status.of_records([record], self._layout)[0].state if record else "absent"

    def up(self) -> Self:
        """Start it, made on first use, and wait until its engine answers; as `b2p up`.

        One that runs already is left as it is. Raises B2PError; what was begun is undone then.
        """
        from b2p.up import up

        _refuse_in_event_loop()
        up(self._name, self._settings(), self._layout, _Logged())
        return self

    def down(self, *, force: bool = False, timeout: float = 30) -> None:
        """Power it off; containers, images and volumes stay. The guest has `timeout` seconds."""
        from b2p.down import down

        _refuse_in_event_loop()
        down(self._name, self._layout, _Logged(), force=force, timeout=timeout)

    def suspend(self) -> None:
        """Keep it as it is in a file, and end its QEMU; `up` goes on where it was."""
        from b2p.suspend import suspend

        _refuse_in_event_loop()
        suspend(self._name, self._layout, _Logged())

    def remove(self, *, force: bool = False) -> None:
        """Remove it and all that is in it; with `force` also while it runs."""
        from b2p.remove import remove

        _refuse_in_event_loop()
        remove(self._name, self._layout, _Logged(), force=force)

    def ssh(
        self,
        *command: str,
        root: bool = False,
        input: str | None = None,  # noqa: A002 - subprocess calls it so
        check: bool = True,
        timeout: float | None = None,
    ) -> Output:
        """Run a command in the machine, as its user or as `root`.

        One word is a line for the guest's shell; several are the words of one command. Raises
        GuestError where it fails, unless `check` is false, and where ssh itself does; HostError
        after `timeout` seconds.
        """
        from b2p import inside

        if not command:
            raise UsageError("ssh was given no command", 'name one: m.ssh("uname", "-r")')
        said = inside.answer(
            self._layout, self._name, command, root=root, input=input, timeout=timeout
        )
        output = Output(said.status, _text(said.stdout), _text(said.stderr))
        if check and output.status:
            last = (output.stderr or output.stdout).splitlines()[-LAST_LINES:]
            raise GuestError(
                STAGE,
                f"{command[0]!r} failed in machine {self._name!r} with status {output.status}",
                "see what it said, or give check=False",
                details="\n".join(last),
            )
        return output

    def _settings(self) -> Settings:
        return wishes.merged(self._name, self._given, self._layout, origin=ORIGIN)

    def __enter__(self) -> Self:
        from b2p.store.users import Use

        use = Use(self._files.users, lambda: self.state)
        try:
            self.up()
        except BaseException:
            use.leave()
            raise
        self._uses.append(use)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with self._uses.pop().left() as before:
            if before == "suspended":
                self.suspend()
            elif before in ("stopped", "absent") and self.state != "absent":
                self.down()

    def __repr__(self) -> str:
        return f"<Machine {self._name!r}>"


def machine(name: str | None = None, **settings: Unpack[Wishes]) -> Machine:
    """The machine of that name, whether it is there yet or not; `up` or `with` starts it.

    Without a name the one that `b2p up` would mean: B2P_MACHINE, that of the project's b2p.toml,
    else "default". The settings win over all that b2p.toml and the environment say, as the options
    of `b2p up` do.
    """
    layout = wishes.layout()
    chosen = names.checked(wishes.machine(layout)[0] if name is None else name)
    found = Machine(chosen, dict(settings), layout)
    # What is wrong with them is told here, where they are written.
    found._settings()  # noqa: SLF001 - its maker
    return found


def machines() -> list[Machine]:
    """The machines that there are, by name."""
    from b2p.store import record as records

    layout = wishes.layout()
    return [Machine(name, {}, layout) for name in records.listing(layout.machines).names]


@contextmanager
def scratch(**settings: Unpack[Wishes]) -> Iterator[Engine]:
    """An engine of its own for the block, in a fraction of a second; nothing of it is left.

    It begins from the golden state of its shape, which the first one makes: docs/golden.md. Where
    this process is killed, its machine ends with it or is swept up by the next b2p.
    """
    from b2p import throwaway

    _refuse_in_event_loop()
    layout = wishes.layout()
    found = wishes.merged(throwaway.NAME, dict(settings), layout, origin=ORIGIN)
    with throwaway.engine(found, layout, _Logged()) as files:
        yield Engine(files)


class _Logged:
    """What the stories say goes to the logger "b2p": remarks as INFO, warnings as WARNING."""

    @contextmanager
    def task(self, title: str, unit: Unit = "items") -> Iterator[Task]:  # noqa: ARG002 - protocol
        logger.info("%s", title)
        yield SilentTask()

    def note(self, text: str) -> None:
        logger.info("%s", text)

    def warn(self, text: str, hint: str = "") -> None:
        logger.warning("%s%s", text, f" ({hint})" if hint else "")


def _refuse_in_event_loop() -> None:
    """The stories wait, with an event loop of their own: none may run in this thread."""
    # Where nobody has imported it, no loop runs.
    asyncio = sys.modules.get("asyncio")
    try:
        if asyncio is None or not asyncio.get_running_loop():
            return
    except RuntimeError:
        return
    raise UsageError(
        "b2p was called in an event loop, which it would block",
        "call it in a thread: await asyncio.to_thread(m.up)",
    )


def _text(said: bytes) -> str:
    return said.decode(errors="replace")
