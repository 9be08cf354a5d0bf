"""docker's clients come in, are told the version that they insist on, and are passed on to podman.

From the first question on a connection that is not for the version all passes as it is, in both
directions, without being looked at.
"""

import os
import socket
import threading

from serving import Server

from docker_filter import answers

LISTENER = 3
"""The first socket that systemd hands over (sd_listen_fds)."""
PODMAN = "/run/podman/podman.sock"
IDLE_SECONDS = 300.0
PATIENCE = 120.0
"""Seconds that a client's question may take to arrive, or podman's start and answer."""
HEAD_LIMIT = 64 << 10
ANSWER_LIMIT = 1 << 20
PIECE = 64 << 10
CLIENT_LIMIT = 256
"""A client costs two threads and four descriptors."""


def door(listener: socket.socket, podman: str = PODMAN, idle: float = IDLE_SECONDS) -> Server:
    """What lets clients in until there was none for so long."""
    return Server(
        [listener],
        lambda client: converse(client, podman),
        idle=idle,
        limit=CLIENT_LIMIT,
        ends=(ValueError,),
    )


def converse(client: socket.socket, podman: str) -> None:
    """One client's connection, to its end; OSError, ValueError."""
    client.settimeout(PATIENCE)
    begun = b""
    while True:
        begun = _until_head(client, begun)
        if not begun:
            return
        end = begun.index(b"\r\n\r\n") + 4
        if not answers.asks_version(begun[:end]):
            break
        client.sendall(answers.mended(_answer(podman, answers.forwarded(begun[:end]))))
        begun = begun[end:]
    with _connected(podman) as engine:
        engine.sendall(begun)
        client.settimeout(None)
        engine.settimeout(None)
        back = threading.Thread(target=_pass_on, args=(engine, client), daemon=True)
        back.start()
        _pass_on(client, engine)
        back.join()


def _until_head(client: socket.socket, begun: bytes) -> bytes:
    """What came up to a whole head, and maybe more; nothing at the client's end."""
    while b"\r\n\r\n" not in begun:
        if len(begun) > HEAD_LIMIT:
            raise ValueError("a question's head is too long")
        piece = client.recv(PIECE)
        if not piece:
            return b""
        begun += piece
    return begun


def _answer(podman: str, question: bytes) -> bytes:
    with _connected(podman) as engine:
        engine.sendall(question)
        answer = b""
        while piece := engine.recv(PIECE):
            answer += piece
            if len(answer) > ANSWER_LIMIT:
                raise ValueError("podman's answer is too long")
    return answer


def _connected(podman: str) -> socket.socket:
    engine = socket.socket(socket.AF_UNIX)
    try:
        # Not with a timeout: one that does not wait is refused where many come at once.
        engine.connect(podman)
    except OSError:
        engine.close()
        raise
    engine.settimeout(PATIENCE)
    return engine


def _pass_on(source: socket.socket, target: socket.socket) -> None:
    """All that comes, by the kernel alone; then the end of it."""
    read, write = os.pipe()
    try:
        while count := os.splice(source.fileno(), write, PIECE):
            while count > 0:
                count -= os.splice(read, target.fileno(), count)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        # One of them is gone: the other has nobody to speak with.
        for end in (source, target):
            _end(end)
    finally:
        os.close(read)
        os.close(write)


def _end(one: socket.socket) -> None:
    try:
        one.shutdown(socket.SHUT_RDWR)
    except OSError:
        return


def main() -> None:
    """Serve the socket that systemd hands over."""
    door(socket.socket(fileno=LISTENER)).run()
