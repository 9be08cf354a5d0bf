"""docker's API as its newest clients want it: podman, which calls itself 1.41, is heard as 1.44.

podman answers /v1.44 and later when it is asked so; only what it says of itself keeps clients that
insist on 1.44 away (docker's command line since 29). Pure: HTTP's bytes in, bytes out.
"""

VERSION = (1, 44)


def asks_version(head: bytes) -> bool:
    """Whether a question is one that podman answers with its version: /_ping or /version."""
    words = head.split(b"\r\n", 1)[0].split(b" ")
    if len(words) != 3 or words[0] not in (b"GET", b"HEAD"):
        return False
    steps = words[1].split(b"?", 1)[0].strip(b"/").split(b"/")
    if len(steps) == 2 and steps[0][:1] == b"v" and steps[0][1:].replace(b".", b"").isdigit():
        steps = steps[1:]
    return steps in ([b"_ping"], [b"version"])


def forwarded(head: bytes) -> bytes:
    """The same question in HTTP/1.0: its answer comes in one piece and ends the connection."""
    first, _, rest = head.partition(b"\r\n")
    lines = [line for line in rest.split(b"\r\n") if line[:11].lower() != b"connection:"]
    return b"\r\n".join([first.rpartition(b" ")[0] + b" HTTP/1.0", *lines])


def mended(answer: bytes) -> bytes:
    """podman's whole answer as the client is to have it, in HTTP/1.1; ValueError for none."""
    head, gap, body = answer.partition(b"\r\n\r\n")
    protocol, _, status = head.split(b"\r\n", 1)[0].partition(b" ")
    if not gap or protocol[:5] != b"HTTP/":
        raise ValueError("podman's answer is not HTTP")
    if body[:1] == b"{":
        body = _mended_body(body)
    lines = [b"HTTP/1.1 " + status]
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        key = name.lower()
        if key == b"api-version":
            told = raised(value.strip().decode("latin-1"))
            lines.append(name + b": " + told.encode("latin-1"))
        elif key not in (b"content-length", b"connection"):
            lines.append(line)
    lines += [b"Content-Length: %d" % len(body), b"", b""]
    return b"\r\n".join(lines) + body


def raised(version: str) -> str:
    """The version that clients are told: podman's, or VERSION where that is higher."""
    try:
        theirs = tuple(int(part) for part in version.split("."))
    except ValueError:
        return version
    return version if theirs >= VERSION else ".".join(map(str, VERSION))


def _mended_body(body: bytes) -> bytes:
    import json

    found = json.loads(body)
    if isinstance(found.get("ApiVersion"), str):
        found["ApiVersion"] = raised(found["ApiVersion"])
    for component in found.get("Components") or []:
        details = component.get("Details") or {}
        if isinstance(details.get("APIVersion"), str):
            details["APIVersion"] = raised(details["APIVersion"])
    return json.dumps(found, separators=(",", ":")).encode() + b"\n"
