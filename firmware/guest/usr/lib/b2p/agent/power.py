"""Starting other programs of the guest, and ending the guest."""

import os
import time


def run(*command):
    """Run a program to its end; raises OSError with its status where it failed."""
    child = os.posix_spawn(command[0], command, os.environ)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if status != 0:
        raise OSError(f"{command[0]} ended with status {status}")


def start_unit(unit):
    """Have systemd start a unit; not waited for."""
    run("/usr/bin/systemctl", "start", "--no-block", unit)


def off():
    """Stop the services in order, then the machine; returns at once."""
    run("/usr/bin/systemctl", "poweroff", "--no-block")


def pause(seconds):
    """Sleep."""
    time.sleep(seconds)
