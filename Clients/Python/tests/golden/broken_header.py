"""``broken-header.json``: what is wrong before a body is looked at. ``broken-preface.json``: other protocols."""

from __future__ import annotations

import struct

from mana_ledger.protocol import PREFACE, Batch, Opcode, crc32c

from .vector import Json, Vectors, broken, header_patched, patched, request, sealed, spend

ABOUT = "frames whose header is refused, by the connection or by the request"
ABOUT_PREFACE = "first bytes of a connection that are not the preface"

SPEND = request(Opcode.spend, Batch((spend(note=b"why"),)).encode())
PING = request(Opcode.ping, bytes(16))


def _connection(name: str, data: bytes, status: str, about: str) -> Json:
    return broken(name, data, "connection", status, about)


def _request(name: str, data: bytes, status: str, about: str) -> Json:
    return broken(name, data, "request", status, about)


def vectors() -> Vectors:
    """The cases."""
    return _checksums() + _shape() + _lengths() + _zeros() + _opcodes() + _precedence()


def _checksums() -> Vectors:
    """Each byte of the header flipped without its checksum knowing."""
    mismatch = "headerChecksumMismatch"
    fields = (
        (0, "length"),
        (3, "length-high"),
        (4, "version"),
        (5, "header-words"),
        (6, "opcode"),
        (7, "flags"),
        (8, "correlation"),
        (15, "correlation-high"),
        (16, "status"),
        (18, "reserved"),
        (20, "microseconds"),
        (24, "body-checksum"),
        (28, "header-checksum"),
        (31, "header-checksum-high"),
    )
    cases = [
        _connection(
            f"flip-{label}",
            patched(SPEND, offset, bytes([SPEND[offset] ^ 0x01])),
            mismatch,
            f"One bit of byte {offset} is flipped.",
        )
        for offset, label in fields
    ]
    zero = patched(SPEND, 28, bytes(4))
    uncomplemented = patched(SPEND, 28, struct.pack("<I", crc32c(SPEND[:28]) ^ 0xFFFFFFFF))
    whole = patched(SPEND, 28, struct.pack("<I", crc32c(SPEND[:28] + bytes(4))))
    return cases + [
        _connection("header-checksum-zero", zero, mismatch, "A sender that computes none."),
        _connection("header-checksum-big-endian", patched(SPEND, 28, SPEND[31:27:-1]), mismatch, "Bytes reversed."),
        _connection("header-checksum-no-complement", uncomplemented, mismatch, "Without the final complement."),
        _connection("header-checksum-32-bytes", whole, mismatch, "Over 32 bytes instead of 28."),
        _connection("header-zeros", bytes(32), mismatch, "32 zero bytes."),
    ]


def _shape() -> Vectors:
    def case(name: str, offset: int, value: int, status: str, about: str) -> Json:
        return _connection(name, header_patched(PING, offset, bytes([value])), status, about)

    return [
        case("version-0", 4, 0, "unsupportedVersion", "There is no version 0."),
        case("version-2", 4, 2, "unsupportedVersion", "A later version."),
        case("version-255", 4, 255, "unsupportedVersion", "A later version."),
        case("header-words-0", 5, 0, "malformedHeader", "No header."),
        case("header-words-3", 5, 3, "malformedHeader", "A header without its checksum."),
        case("header-words-7", 5, 7, "malformedHeader", "A header of 56 bytes in a frame of 48."),
        case("header-words-255", 5, 255, "malformedHeader", "A header longer than the frame."),
    ]


def _lengths() -> Vectors:
    def case(name: str, length: int, status: str, about: str) -> Json:
        return _connection(name, header_patched(PING, 0, struct.pack("<I", length)), status, about)

    malformed, large = "malformedHeader", "frameTooLarge"
    return [
        case("length-0", 0, malformed, "A frame of no bytes."),
        case("length-8", 8, malformed, "Shorter than its header."),
        case("length-24", 24, malformed, "Shorter than its header by one word."),
        case("length-31", 31, malformed, "Shorter than its header by one byte."),
        case("length-33", 33, malformed, "Not a multiple of 8."),
        case("length-44", 44, malformed, "A multiple of 4 only."),
        case("length-max-plus-8", 1_048_584, large, "One word more than a frame may have."),
        case("length-2-gib", 2**31, large, "Negative, to a receiver that takes it for signed."),
        case("length-4-gib", 2**32 - 8, large, "The receiver refuses it from these bytes alone and reserves nothing."),
        case("length-4-gib-odd", 2**32 - 1, malformed, "Not a multiple of 8 either, which is checked first."),
    ]


def _zeros() -> Vectors:
    """Fields that are zero in a request, with right checksums."""

    def case(name: str, offset: int, value: int, about: str) -> Json:
        return _request(name, header_patched(SPEND, offset, bytes([value])), "reservedBits", about)

    return [
        case("flags-not-executed", 7, 1, "A flag of replies."),
        case("flags-retryable", 7, 2, "A flag of replies."),
        case("flags-bit-7", 7, 0x80, "A flag of nobody."),
        case("status-not-zero", 16, 1, "A request has no status."),
        case("status-high-byte", 17, 1, "A request has no status."),
        case("reserved-18", 18, 1, "A reserved byte."),
        case("reserved-19", 19, 0x80, "A reserved byte."),
        _request(
            "body-checksum-wrong",
            header_patched(SPEND, 24, struct.pack("<I", crc32c(SPEND[32:]) ^ 1)),
            "bodyChecksumMismatch",
            "The header vouches for a wrong checksum.",
        ),
        _request("body-flip-first", patched(SPEND, 32, b"\x41"), "bodyChecksumMismatch", "A bit of the first byte."),
        _request("body-flip-padding", patched(SPEND, len(SPEND) - 1, b"\x01"), "bodyChecksumMismatch", "Of the last."),
        _request(
            "body-checksum-zero",
            header_patched(SPEND, 24, bytes(4)),
            "bodyChecksumMismatch",
            "Zero is the checksum of no bytes, not of any bytes.",
        ),
        _extra_words_not_covered(),
    ]


def _extra_words_not_covered() -> Json:
    data = request(Opcode.ping, bytes(8), extra_header=b"\x01" * 8)
    wrong = header_patched(data, 24, struct.pack("<I", crc32c(data[40:])))
    about = "The body's checksum begins after 32 bytes, not after the header's extra word."
    return _request("body-checksum-skips-extra-words", wrong, "bodyChecksumMismatch", about)


def _opcodes() -> Vectors:
    def case(opcode: int, about: str) -> Json:
        return _request(f"opcode-{opcode:02x}", header_patched(PING, 6, bytes([opcode])), "unknownOpcode", about)

    return [
        case(0x00, "No opcode."),
        case(0x02, "Reserved: its reply would have the opcode of goAway."),
        case(0x16, "After the last posting call."),
        case(0x25, "After the last read."),
        case(0x7F, "The last that a request could have."),
        case(0x81, "A server's welcome."),
        case(0x82, "A server's goAway."),
        case(0xB0, "A reply to a ping."),
        case(0xFF, "All ones."),
    ]


def _precedence() -> Vectors:
    version_2 = header_patched(PING, 4, b"\x02")
    no_opcode = header_patched(PING, 6, b"\x00")
    empty_batch = sealed(header_patched(PING, 6, b"\x10"))
    return [
        _connection(
            "precedence-checksum-version",
            patched(PING, 4, b"\x02"),
            "headerChecksumMismatch",
            "No field is believed before the header's checksum.",
        ),
        _connection(
            "precedence-version-words",
            header_patched(version_2, 5, b"\x03"),
            "unsupportedVersion",
            "The version comes before headerWords.",
        ),
        _connection(
            "precedence-version-length",
            header_patched(version_2, 0, struct.pack("<I", 2**32 - 8)),
            "unsupportedVersion",
            "The version comes before the length.",
        ),
        _connection(
            "precedence-length-body",
            patched(header_patched(PING, 0, struct.pack("<I", 44)), 32, b"\x01"),
            "malformedHeader",
            "The length comes before the body's checksum.",
        ),
        _request(
            "precedence-body-opcode",
            patched(no_opcode, 32, b"\x01"),
            "bodyChecksumMismatch",
            "The body's checksum comes before the opcode.",
        ),
        _request(
            "precedence-body-flags",
            patched(header_patched(PING, 7, b"\x01"), 32, b"\x01"),
            "bodyChecksumMismatch",
            "The body's checksum comes before the flags.",
        ),
        _request(
            "precedence-flags-opcode",
            header_patched(no_opcode, 7, b"\x80"),
            "reservedBits",
            "The flags come before the opcode.",
        ),
        _request(
            "precedence-status-body",
            header_patched(empty_batch, 16, b"\x01"),
            "reservedBits",
            "The status comes before what is wrong with the body.",
        ),
    ]


def preface_vectors() -> Vectors:
    """What a server may be sent by those who speak something else."""

    def case(name: str, data: bytes, about: str, answer: str) -> Json:
        return broken(name, data, "connection", "prefaceMismatch", about, stage="preface", answer=answer)

    client_hello = bytes.fromhex("16030100050100000100")
    http_2 = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
    return [
        case("http-get", b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", "A browser.", "http400"),
        case("http-post", b"POST /spend HTTP/1.1\r\nContent-Length: 0\r\n\r\n", "A web client.", "http400"),
        case("http-head", b"HEAD / HTTP/1.0\r\n\r\n", "A health check.", "http400"),
        case("http-2", http_2, "The preface of HTTP/2.", "http400"),
    ] + [
        case(f"http-{method.lower()}", f"{method} {target} HTTP/1.1\r\n\r\n".encode(), "A method of HTTP.", "http400")
        for method, target in (
            ("PUT", "/"),
            ("DELETE", "/1"),
            ("OPTIONS", "*"),
            ("PATCH", "/1"),
            ("CONNECT", "localhost:443"),
        )
    ] + [
        case("http-trace", b"TRACE / HTTP/1.1\r\n\r\n", "Not among the methods that are taken for HTTP.", "goAway"),
        case("http-lower-case", b"get / HTTP/1.1\r\n\r\n", "Methods have capital letters.", "goAway"),
        case("http-no-space", b"GETAWAY / HTTP/1.1\r\n\r\n", "The space belongs to it.", "goAway"),
        case("http-tab", b"POST\t/ HTTP/1.1\r\n\r\n", "The space belongs to it.", "goAway"),
        case("tls-client-hello", client_hello, "A TLS record of type handshake.", "tlsAlert"),
        case("garbage", bytes.fromhex("deadbeefcafebabe"), "Nobody's protocol.", "goAway"),
        case("zeros", bytes(8), "Nothing at all.", "goAway"),
        case("redis-ping", b"*1\r\n$4\r\nPING\r\n", "A Redis client.", "goAway"),
        case("major-version-2", PREFACE[:7] + b"\x02", "A preface of another major version.", "goAway"),
        case("newlines-changed", b"MANA\n\x1a\x01\x00", "A transport that turns CR LF into LF.", "goAway"),
        case("lower-case", PREFACE.lower(), "Letters matter.", "goAway"),
        case("no-preface", PING, "A frame without a preface.", "goAway"),
    ]
