"""``broken-handshake.json``: first frames that end the connection."""

from __future__ import annotations

import struct
from typing import Optional

from mana_ledger.protocol import Batch, Extension, Hello, Opcode, Welcome, encode_frame

from .broken_header import PING
from .handshake import WELCOME, hello
from .vector import LEDGER, Json, Vectors, body_patched, broken, header_patched, patched, request, sealed, spend

ABOUT = "first frames that a server answers with goAway, and one that a client refuses"

MALFORMED = "malformedHello"


def _case(
    name: str,
    data: bytes,
    about: str,
    status: str = MALFORMED,
    *,
    condition: Optional[str] = None,
) -> Json:
    return broken(name, data, "connection", status, about, stage="handshake", condition=condition)


def vectors() -> Vectors:
    """The cases."""
    return _fields() + _extensions() + _frames() + _precedence() + _welcomes()


def _fields() -> Vectors:
    plain = hello()
    unsupported = "unsupportedVersion"
    elsewhere = f"the receiver's ledger is not {LEDGER ^ 1}; only a server can tell"
    return [
        _case("versions-reversed", hello(version_min=2, version_max=1), "From 2 to 1."),
        _case("versions-2-to-3", hello(version_min=2, version_max=3), "Later versions only.", unsupported),
        _case("versions-255", hello(version_min=255, version_max=255), "The last version only.", unsupported),
        _case("versions-0", hello(version_min=0, version_max=0), "There is no version 0.", unsupported),
        _case("reserved-2", body_patched(plain, 2, b"\x01"), "A reserved byte."),
        _case("reserved-7", body_patched(plain, 7, b"\x80"), "A reserved byte."),
        _case("frame-0", hello(frame_bytes_max=0), "A client that accepts no frame."),
        _case("frame-65535", hello(frame_bytes_max=65_535), "One byte less than a client must accept."),
        _case("wrong-ledger", hello(ledger=LEDGER ^ 1), "Another ledger.", "wrongLedger", condition=elsewhere),
    ]


def _raw(extensions: bytes, extension_bytes: Optional[int] = None) -> bytes:
    """A hello with any bytes for extensions."""
    count = len(extensions) if extension_bytes is None else extension_bytes
    return encode_frame(Opcode.hello, Hello().encode()[:52] + struct.pack("<I", count) + extensions)


def _extensions() -> Vectors:
    name = bytes.fromhex("0100040074657374")  # kind 1, 4 bytes, "test"
    overrun = bytes.fromhex("0100050074657374")
    critical = (Extension(0x8042, b"obey"),)
    after_known = (Extension(1, b"client"), Extension(0xFFFF, b""))
    padding = bytes.fromhex("0100030074657301")
    truncated = name + bytes.fromhex("ff7f0100") + bytes(4) + bytes.fromhex("ff7f0500") + bytes(4)
    return [
        _case("extensions-missing", _raw(b"", 8), "Eight bytes announced, none sent."),
        _case("extensions-not-announced", _raw(name, 0), "Eight bytes sent, none announced."),
        _case("extensions-odd", _raw(name, 7), "Not a multiple of 8."),
        _case("extensions-4-gib", _raw(name, 2**32 - 8), "More than a hello may have."),
        _case("extension-overrun", _raw(overrun), "A value of five bytes where four are left."),
        _case("extension-overrun-max", _raw(bytes.fromhex("0100ffff74657374")), "A value of 65,535 bytes."),
        _case("extension-overrun-second", _raw(truncated), "The last of three runs over the end."),
        _case("extension-padding", _raw(padding), "Padding is not zero."),
        _case("extension-critical", hello(extensions=critical), "Unknown and critical.", "criticalExtensionUnknown"),
        _case(
            "extension-critical-second",
            hello(extensions=after_known),
            "Unknown and critical, after a known one.",
            "criticalExtensionUnknown",
        ),
    ]


def _frames() -> Vectors:
    plain = hello()
    first = "helloExpected"
    checksum = "bodyChecksumMismatch"
    return [
        _case("hello-no-body", encode_frame(Opcode.hello, b""), "No hello."),
        _case("hello-cut", encode_frame(Opcode.hello, Hello().encode()[:48]), "A word is missing."),
        _case("hello-bytes-left", encode_frame(Opcode.hello, Hello().encode() + bytes(8)), "A word is not announced."),
        _case("hello-body-flipped", patched(plain, 40, b"\x01"), "A bit of the instance.", checksum),
        _case("hello-flags", header_patched(plain, 7, b"\x01"), "A request has no flags."),
        _case("hello-status", header_patched(plain, 16, b"\x01"), "A request has no status."),
        _case("hello-reserved", header_patched(plain, 18, b"\x01"), "A reserved byte."),
        _case("hello-correlation", header_patched(plain, 8, b"\x01"), "A connection frame has correlation 0."),
        _case(
            "hello-4104-bytes",
            hello(extensions=(Extension(0x1234, bytes(4096 - 32 - 56 - 4 + 8)),)),
            "A word more than is accepted before anyone is known.",
            "frameTooLarge",
        ),
        _case("hello-version-2", header_patched(plain, 4, b"\x02"), "A frame of version 2.", "unsupportedVersion"),
        _case("hello-header-flipped", patched(plain, 9, b"\x01"), "A bit of the header.", "headerChecksumMismatch"),
        _case("hello-length-36", header_patched(plain, 0, b"\x24"), "Not a multiple of 8.", "malformedHeader"),
        _case("ping-first", PING, "Not even a ping comes before hello.", first),
        _case("spend-first", request(Opcode.spend, Batch((spend(),)).encode()), "A charge of nobody.", first),
        _case("welcome-first", encode_frame(Opcode.welcome, WELCOME.encode()), "The server's part.", first),
        _case("unknown-first", sealed(header_patched(PING, 6, b"\x7f")), "Not an opcode, and not hello.", first),
    ]


def _precedence() -> Vectors:
    """Each refusal in the order of section 4 beside the one after it."""
    too_long = (Extension(0x1234, bytes(4096 - 32 - 56 - 4 + 8)),)
    overrun = bytes.fromhex("0100050074657374")
    critical = bytes.fromhex("4280000000000000")
    known = Hello(version_min=2, version_max=2, frame_bytes_max=1)
    not_hello = request(Opcode.ping, bytes(4_096))
    long_flipped = patched(hello(extensions=too_long), 40, b"\x01")
    flipped_flags = patched(header_patched(hello(), 7, b"\x01"), 40, b"\x01")
    flags_version = header_patched(hello(version_min=2, version_max=2), 7, b"\x01")
    announced = body_patched(hello(version_min=2, version_max=2), 52, b"\x08")
    reserved_version = body_patched(hello(version_min=2, version_max=2), 2, b"\x01")
    small_frame = encode_frame(Opcode.hello, known.encode())
    small_critical = hello(frame_bytes_max=1, extensions=(Extension(0x8042, b""),))
    other_ledger = hello(ledger=LEDGER ^ 1, extensions=(Extension(0x8042, b""),))
    cases = (
        ("opcode-length", not_hello, "helloExpected"),
        ("length-checksum", long_flipped, "frameTooLarge"),
        ("checksum-flags", flipped_flags, "bodyChecksumMismatch"),
        ("flags-version", flags_version, MALFORMED),
        ("lengths-version", announced, MALFORMED),
        ("reserved-version", reserved_version, MALFORMED),
        ("version-frame", small_frame, "unsupportedVersion"),
        ("frame-critical", small_critical, MALFORMED),
        ("overrun-critical", _raw(critical + overrun), MALFORMED),
        ("critical-ledger", other_ledger, "criticalExtensionUnknown"),
    )
    about = "A hello is refused in the order of section 4."
    return [_case(f"precedence-{name}", data, about, status) for name, data, status in cases]


def _welcomes() -> Vectors:
    """What a client refuses. It has nobody to tell: it closes and reports the status to its caller."""

    def case(name: str, data: bytes, status: str, about: str) -> Json:
        return broken(name, data, "connection", status, about, direction="server", stage="handshake")

    def welcome(**fields: object) -> bytes:
        return encode_frame(Opcode.welcome, Welcome(**{**WELCOME.__dict__, **fields}).encode())

    plain = welcome()
    cut = encode_frame(Opcode.welcome, WELCOME.encode()[:80])
    critical = (Extension(0x8003, b"known"), Extension(0x9999, b"x"))
    return [
        case("welcome-version-2", welcome(version=2), "unsupportedVersion", "A version that was not offered."),
        case("welcome-cut", cut, "malformedBody", "A word is missing."),
        case("welcome-reserved", body_patched(plain, 1, b"\x01"), "reservedBits", "A reserved byte."),
        case("welcome-body-flipped", patched(plain, 36, b"\x01"), "bodyChecksumMismatch", "A bit of the shard count."),
        case("welcome-extensions", body_patched(plain, 84, b"\x08"), "malformedBody", "Announced and not sent."),
        case("welcome-critical", welcome(extensions=critical), "criticalExtensionUnknown", "The second is unknown."),
    ]
