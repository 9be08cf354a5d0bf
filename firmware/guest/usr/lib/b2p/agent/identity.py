"""Who this machine is: name, clock, ssh keys, as the host gives them."""

import os
import time

import kinds
import peers
import power
import resumed

RUN = "/run/b2p"
MACHINE_ID = "/etc/machine-id"
JOURNALS = "/run/log/journal"
EMPTY_LIST = 4
"""Bytes of a JSON list with nothing in it, at most."""

ZONES = "/usr/share/zoneinfo"
LOCAL_TIME = "/etc/localtime"
GENERATORS = "/run/systemd/system-generators"
GENERATOR = "podman-system-generator"


def apply(request: dict, *, gateway: bool = True) -> None:
    """Take what the request holds; what it leaves out stays as it is.

    `gateway` says whether the network's is b2p's, and so the host.
    """
    if "time" in request:
        _set_clock(float(request["time"]))
    if request.get("entropy"):
        resumed.reseed(bytes.fromhex(request["entropy"]))
    if request.get("machine_id"):
        _set_machine_id(request["machine_id"])
    if request.get("name"):
        _set_name(request["name"])
        peers.write_hosts(request["name"], request.get("network"), gateway=gateway)
    os.makedirs(RUN, mode=0o755, exist_ok=True)
    for name, text in request.get("host_keys", {}).items():
        _write(os.path.basename(name), text, 0o600)
    if request.get("authorized_keys"):
        _write("authorized_keys", "\n".join(request["authorized_keys"]) + "\n", 0o644)
    if request.get("timezone"):
        _set_timezone(request["timezone"])
    if request.get("token"):
        _write("token", request["token"], 0o600)


def wake_containers() -> None:
    """Once the gate is open: quadlets become units, and what should restart does."""
    if kinds.HERE.quadlets:
        _wake_quadlets(kinds.HERE.quadlets)
    for stored, unit in kinds.HERE.restarts:
        if _holds_some(stored):
            power.start_unit(unit)


def _wake_quadlets(folder: str) -> None:
    # Masked at boot, since the data disk was not there yet: for whoever reloads systemd later, too.
    os.makedirs(GENERATORS, exist_ok=True)
    if not os.path.lexists(f"{GENERATORS}/{GENERATOR}"):
        os.symlink("/usr/libexec/podman/quadlet", f"{GENERATORS}/{GENERATOR}")
    if _has_files(folder):
        power.run("/usr/bin/systemctl", "daemon-reload")
        power.run(
            "/usr/bin/systemctl", "start", "--no-block", "default.target", "multi-user.target"
        )


def _holds_some(path: str) -> bool:
    return os.path.exists(path) and os.path.getsize(path) > EMPTY_LIST


def _has_files(directory: str) -> bool:
    return any(files for _, _, files in os.walk(directory))


def _set_clock(seconds: float) -> None:
    if abs(time.time() - seconds) > 0.3:
        time.clock_settime(time.CLOCK_REALTIME, seconds)


def _set_machine_id(new: str) -> None:
    """Be that machine, also for whoever reads the journal, which lies below the machine's id."""
    with open(MACHINE_ID) as file:
        old = file.read().strip()
    if old == new:
        return
    # The image's own root is laid under this one: in one step, or a crash leaves half an id.
    with open(f"{MACHINE_ID}.new", "w") as file:
        file.write(new + "\n")
    os.replace(f"{MACHINE_ID}.new", MACHINE_ID)
    if os.path.isdir(f"{JOURNALS}/{old}") and not os.path.lexists(f"{JOURNALS}/{new}"):
        os.rename(f"{JOURNALS}/{old}", f"{JOURNALS}/{new}")
        # journald goes on writing where it began.
        os.symlink(new, f"{JOURNALS}/{old}")


def _set_timezone(name: str) -> None:
    """The host's, for who looks at a clock or a log in here; containers keep their own."""
    zone = os.path.normpath(f"{ZONES}/{name}")
    if not zone.startswith(f"{ZONES}/") or not os.path.isfile(zone):
        return
    aside = f"{LOCAL_TIME}.new"
    if os.path.lexists(aside):
        os.unlink(aside)
    os.symlink(zone, aside)
    os.replace(aside, LOCAL_TIME)


def _set_name(name: str) -> None:
    with open("/proc/sys/kernel/hostname", "w") as kernel:
        kernel.write(name)
    with open("/etc/hostname", "w") as file:
        file.write(name + "\n")


def _write(name: str, text: str, mode: int) -> None:
    path = f"{RUN}/{name}"
    aside = f"{path}.new"
    file = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    os.fchmod(file, mode)
    os.write(file, text.encode())
    os.close(file)
    os.replace(aside, path)
