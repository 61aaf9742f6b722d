"""hello and welcome."""

from __future__ import annotations

from typing import List

from .primitives import Json, Refused, expect, fits, refuse, u, unreserved

KINDS = {1: "clientName", 2: "token", 3: "serverName"}
UNKNOWN = ("connection", "criticalExtensionUnknown")


def extensions(body: bytes, at: int) -> List[Json]:
    """The rest of a handshake body."""
    found = []
    while at < len(body):
        fits(at + 8 <= len(body))
        kind, end = u(body, at, 2), at + 4 + u(body, at + 2, 2)
        following = at + (end - at + 7) // 8 * 8
        fits(following <= len(body))
        unreserved(not any(body[end:following]))
        found.append({"kind": kind, "valueHex": body[at + 4 : end].hex()})
        at = following
    # Only once it is certain that none runs over the end.
    expect(all(one["kind"] < 0x8000 or one["kind"] % 0x8000 in KINDS for one in found), *UNKNOWN)
    return found


def texts(found: List[Json]) -> Json:
    """What the known kinds say: the first of a kind, and nothing where it is not UTF-8."""
    understood: Json = {}
    for one in reversed(found):
        name = KINDS.get(one["kind"] % 0x8000)
        if name:
            try:
                understood[name] = str(bytes.fromhex(one["valueHex"]), "utf-8")
            except UnicodeDecodeError:
                understood[name] = ""
    return understood


def hello(body: bytes) -> Json:
    """What a client says first."""
    malformed = ("connection", "malformedHello")
    expect(len(body) >= 56, *malformed)
    low, high = body[0], body[1]
    expect(u(body, 52, 4) == len(body) - 56 and low <= high and not any(body[2:8]), *malformed)
    expect(low <= 1 <= high, "connection", "unsupportedVersion")
    expect(u(body, 48, 4) >= 65_536, *malformed)
    try:
        found = extensions(body, 56)
    except Refused as error:
        if error.level == "connection":
            raise
        refuse(*malformed)
    return {
        "versionMin": low,
        "versionMax": high,
        "features": str(u(body, 8, 8)),
        "ledger": str(u(body, 16, 16)),
        "instance": str(u(body, 32, 16)),
        "frameBytesMax": u(body, 48, 4),
        "extensions": found,
        "texts": texts(found),
    }


def welcome(body: bytes) -> Json:
    """What a server grants."""
    fits(len(body) >= 88)
    unreserved(not any(body[1:4]))
    expect(body[0] == 1, "connection", "unsupportedVersion")
    fits(u(body, 84, 4) == len(body) - 88)
    found = extensions(body, 88)
    return {
        "version": 1,
        "shardCount": u(body, 4, 4),
        "features": str(u(body, 8, 8)),
        "ledger": str(u(body, 16, 16)),
        "instance": str(u(body, 32, 16)),
        "frameBytesMax": u(body, 48, 4),
        "itemsMax": u(body, 52, 4),
        "requestsInFlightMax": u(body, 56, 4),
        "bytesInFlightMax": u(body, 60, 4),
        "shardHashSeed": str(u(body, 64, 8)),
        "time": str(u(body, 72, 8)),
        "pageMax": u(body, 80, 4),
        "extensions": found,
        "texts": texts(found),
    }
