"""Starting other programs of the guest, and ending the guest."""

import os
import time

import comfort
import kinds


def run(*command: str) -> None:
    """Run a program to its end; raises OSError with its status where it failed."""
    child = os.posix_spawn(command[0], command, os.environ)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if status != 0:
        raise OSError(f"{command[0]} ended with status {status}")


def run_with(text: str, *command: str) -> None:
    """As run, for a program that reads `text` on its standard input."""
    reader, writer = os.pipe()
    try:
        actions = [(os.POSIX_SPAWN_DUP2, reader, 0), (os.POSIX_SPAWN_CLOSE, writer)]
        child = os.posix_spawn(command[0], command, os.environ, file_actions=actions)
    finally:
        os.close(reader)
    with open(writer, "w") as end:
        end.write(text)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if status != 0:
        raise OSError(f"{command[0]} ended with status {status}")


def start_unit(unit: str) -> None:
    """Have systemd start a unit; not waited for."""
    run("/usr/bin/systemctl", "start", "--no-block", unit)


def settle() -> None:
    """What makes an idle machine small and quiet; nobody has to wait for it."""
    # Gives free memory back to the host (free page reporting).
    run("/usr/sbin/modprobe", "-a", "virtio_balloon", "zram")
    comfort.swap()
    with open("/proc/sys/vm/compaction_proactiveness", "w") as knob:
        knob.write("0")


def shrink() -> None:
    """Give up what the kernel remembers of files: the host remembers them too, and has one copy."""
    for knob, value in (("drop_caches", "3"), ("compact_memory", "1")):
        with open(f"/proc/sys/vm/{knob}", "w") as file:
            file.write(value)


def off() -> None:
    """Stop the containers, then the services in order, then the machine; returns at once.

    The engine stops its containers itself, so that it knows how they ended; systemd alone would
    end them behind its back.
    """
    owners = owners_of_containers()
    first = f"{kinds.HERE.stop}; " if 0 in owners else ""
    if owners - {0}:
        first += f"{kinds.HERE.core_stop}; "
    line = f"{first}exec /usr/bin/systemctl poweroff --no-block"
    os.posix_spawn("/bin/sh", ("/bin/sh", "-c", line), os.environ)


def owners_of_containers() -> set[int]:
    """Whose containers run: each is watched by a process of its user."""
    owners = set()
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                with open(f"/proc/{entry}/comm") as name:
                    if name.read() == f"{kinds.HERE.watcher}\n":
                        owners.add(os.stat(f"/proc/{entry}").st_uid)
            except OSError:
                continue
    return owners


def pause(seconds: float) -> None:
    """Sleep."""
    time.sleep(seconds)
