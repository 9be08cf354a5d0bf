"""Everything that b2p refuses or fails at, as one tree of errors.

B2PError              b2p could not do its job              exit status 125
├── UsageError        what was asked for cannot be          exit status 2
├── HostError         this computer lacks something (QEMU, room on the disk, a right)
├── DownloadError     a file could not be fetched
│   └── TamperedError a file is not the one that was signed or promised
├── StateError        what is stored of a machine cannot be used
├── BusyError         somebody else holds the machine's lock
└── GuestError        the machine did not come up, or broke; carries the stage
"""


class B2PError(Exception):
    """A failure that a person can read: what happened, and what to do about it."""

    exit_status = 125

    def __init__(self, message: str, hint: str = "", *, details: str = "") -> None:
        """`details` are lines of evidence (QEMU's stderr, the console's tail), shown beneath."""
        super().__init__(message)
        # For who meets it in a traceback of Python's.
        for note in filter(None, (hint, details)):
            self.add_note(note)
        self.message = message
        self.hint = hint
        self.details = details


class UsageError(B2PError):
    """What was asked for cannot be: a wrong name, size, option or file."""

    exit_status = 2


class HostError(B2PError):
    """This computer lacks something."""


class DownloadError(B2PError):
    """A file could not be fetched."""


class TamperedError(DownloadError):
    """A file is not the one that was signed or promised."""


class StateError(B2PError):
    """What is stored of a machine cannot be used."""


class BusyError(B2PError):
    """Somebody else holds the machine's lock."""


class GuestError(B2PError):
    """The machine did not come up, or broke, in the named stage."""

    def __init__(self, stage: str, message: str, hint: str = "", *, details: str = "") -> None:
        super().__init__(f"{stage}: {message}", hint, details=details)
        self.stage = stage
