"""``handshake.json``: ``hello`` and what a server answers."""

from __future__ import annotations

from typing import Any

from mana_ledger.protocol import ErrorBody, Extension, Hello, Opcode, Status, Welcome, encode_frame

from .vector import INSTANCE, LEDGER, TIME, Json, Vectors, valid

ABOUT = "hello, welcome and goAway"

WELCOME = Welcome(
    shard_count=2,
    ledger=LEDGER,
    instance=INSTANCE ^ 0xFF,
    frame_bytes_max=1_048_576,
    items_max=8_190,
    requests_in_flight_max=1_024,
    bytes_in_flight_max=8_388_608,
    shard_hash_seed=0x9E3779B97F4A7C15,
    time=TIME,
    page_max=1_000,
)


def hello(**fields: object) -> bytes:
    """A hello frame."""
    return encode_frame(Opcode.hello, Hello(**fields).encode())  # type: ignore[arg-type]


def go_away(status: Status, text: str, **header: Any) -> bytes:
    """A goAway frame."""
    return encode_frame(Opcode.goAway, ErrorBody(text).encode(), status=status, **header)


def vectors() -> Vectors:
    """The cases."""
    return _hellos() + _extensions() + _welcomes() + _go_aways()


def _hellos() -> Vectors:
    name = Extension(1, b"golden vectors")
    token = Extension(2, "tökén".encode())
    unknown = Extension(0x7FFF, bytes.fromhex("00ff10"))
    longest = Extension(0x1234, bytes(4096 - 32 - 56 - 4))

    def case(label: str, about: str, data: bytes) -> Json:
        return valid(label, "client", "handshake", data, about)

    return [
        case("hello-least", "Any ledger, no extension.", hello()),
        case("hello-instance", "The number of the client process is for the server's log.", hello(instance=INSTANCE)),
        case("hello-ledger", "One ledger; a server of another refuses it.", hello(ledger=LEDGER, instance=INSTANCE)),
        case("hello-versions-1-to-9", "The server speaks version 1 with it.", hello(version_max=9)),
        case("hello-features-unknown", "Unknown feature bits are ignored.", hello(features=2**63 | 5)),
        case("hello-frame-65536", "The smallest frameBytesMax that is allowed.", hello(frame_bytes_max=65_536)),
        case("hello-frame-huge", "The client accepts more than any server sends.", hello(frame_bytes_max=2**32 - 1)),
        case("hello-name-and-token", "Two known extensions.", hello(extensions=(name, token), instance=INSTANCE)),
        case("hello-extension-unknown", "An unknown kind is skipped.", hello(extensions=(unknown, name))),
        case("hello-extension-empty", "A value may be empty.", hello(extensions=(Extension(1, b""),))),
        case("hello-4096-bytes", "The longest hello.", hello(extensions=(longest,))),
        case(
            "hello-header-words-5",
            "The word after the 32 bytes is skipped; the body's checksum covers it.",
            encode_frame(Opcode.hello, Hello().encode(), extra_header=b"skip me!"),
        ),
        case(
            "hello-microseconds",
            "A deadline is not among what must be zero in a hello.",
            encode_frame(Opcode.hello, Hello().encode(), microseconds=5_000_000),
        ),
    ]


def _extensions() -> Vectors:
    """Extensions that a receiver takes, and what it understands of them."""
    cases = (
        ("name-critical", "A known kind may carry the critical bit.", [(0x8001, b"golden")]),
        ("token-critical", "A known kind may carry the critical bit.", [(0x8002, b"secret"), (1, b"golden")]),
        ("name-twice", "The first counts.", [(1, b"first"), (1, b"second")]),
        ("name-twice-critical", "With the critical bit it is the same kind.", [(0x8001, b"first"), (1, b"second")]),
        ("name-twice-empty-first", "An empty one counts as well.", [(1, b""), (1, b"second")]),
        ("name-not-utf8", "As if it were empty.", [(1, b"caf\xe9")]),
        ("name-not-utf8-first", "As if it were empty, and the first counts.", [(1, b"\xff"), (1, b"second")]),
        ("name-surrogate", "A surrogate is not UTF-8.", [(1, b"\xed\xa0\x80")]),
        ("token-not-utf8", "As if it were empty.", [(2, b"\x80"), (1, b"golden")]),
    )
    return [
        valid(
            f"hello-{name}",
            "client",
            "handshake",
            hello(extensions=tuple(Extension(kind, value) for kind, value in pairs)),
            about,
        )
        for name, about, pairs in cases
    ]


def _welcomes() -> Vectors:
    named = Welcome(**{**WELCOME.__dict__, "extensions": (Extension(3, b"mana-server 1.0.0"),)})
    unknown = Welcome(**{**WELCOME.__dict__, "extensions": (Extension(0x0400, b"later"),)})
    critical = Welcome(**{**WELCOME.__dict__, "extensions": (Extension(0x8003, b"mana-server 1.0.0"),)})
    twice = Welcome(**{**WELCOME.__dict__, "extensions": (Extension(3, b"\xff"), Extension(3, b"second"))})

    def case(label: str, about: str, welcome: Welcome) -> Json:
        return valid(label, "server", "handshake", encode_frame(Opcode.welcome, welcome.encode()), about)

    return [
        case("welcome", "The limits of section 10.", WELCOME),
        case("welcome-server-name", "The server says who it is.", named),
        case("welcome-extension-unknown", "A client skips an unknown kind.", unknown),
        case("welcome-server-name-critical", "A known kind may carry the critical bit.", critical),
        case("welcome-server-name-twice", "The first counts, and it is not UTF-8: as if it were empty.", twice),
    ]


def _go_aways() -> Vectors:
    def case(label: str, stage: str, about: str, data: bytes) -> Json:
        return valid(label, "server", stage, data, about)

    return [
        case(
            "go-away-wrong-ledger",
            "handshake",
            "Instead of a welcome.",
            go_away(Status.wrongLedger, "this is another ledger"),
        ),
        case(
            "go-away-too-many-connections",
            "handshake",
            "Retryable, after a second.",
            go_away(Status.tooManyConnections, "no room", flags=2, microseconds=1_000_000),
        ),
        case(
            "go-away-credential-missing",
            "handshake",
            "The server lets in only callers that it knows.",
            go_away(Status.credentialMissing, "connect with a token"),
        ),
        case(
            "go-away-credential-unknown",
            "established",
            "The credential was revoked.",
            go_away(Status.credentialUnknown, "the token was revoked"),
        ),
        case(
            "go-away-credential-exposed",
            "handshake",
            "The token crossed a network in the clear.",
            go_away(Status.credentialExposed, "revoke this token"),
        ),
        case(
            "go-away-too-many-connections-of-caller",
            "handshake",
            "Retryable, after 100 ms.",
            go_away(Status.tooManyConnectionsOfCaller, "8 already", flags=3, microseconds=100_000),
        ),
        case(
            "go-away-idle-timeout",
            "established",
            "Connecting again is welcome at once.",
            go_away(Status.idleTimeout, "no request within 60 s", flags=3),
        ),
        case("go-away-handshake-timeout", "handshake", "No hello came.", go_away(Status.handshakeTimeout, "")),
        case(
            "go-away-shutting-down",
            "established",
            "What has been received is still answered.",
            go_away(Status.shuttingDown, "Auf Wiedersehen, schönen Tag", flags=2, microseconds=250_000),
        ),
        case(
            "go-away-header-checksum",
            "established",
            "The answer to a frame that cannot be believed.",
            go_away(Status.headerChecksumMismatch, "the header's checksum does not match"),
        ),
    ]
