"""Frames: 32 bytes of header, then the body (PROTOCOL.md, section 3).

====== ==== ============== =====================================================
offset type field          meaning
====== ==== ============== =====================================================
0      u32  length         of the whole frame; a multiple of 8
4      u8   version        1
5      u8   headerWords    4 or more; what is beyond are extensions
6      u8   opcode         a reply has bit 7 set
7      u8   flags          replies: bit 0 not executed, bit 1 retryable
8      u64  correlation    repeated in the reply
16     u16  status         replies
18     u16  reserved       zero
20     u32  microseconds   request: deadline; reply: wait before trying again
24     u32  bodyChecksum   CRC32C of everything after byte 32
28     u32  headerChecksum CRC32C of bytes 0 to 27
====== ==== ============== =====================================================
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import List, Optional, Union

from .checksum import crc32c
from .codes import (
    FRAME_BYTES_MAX,
    HELLO_BYTES_MAX,
    REPLY_BIT,
    REPLY_NOT_EXECUTED,
    REPLY_RETRYABLE,
    REQUEST_OPCODES,
    Opcode,
    Status,
    name_of,
)

PREFACE = bytes.fromhex("4D414E410D0A1A01")
HEADER_BYTES = 32
VERSION = 1

_HEADER = struct.Struct("<IBBBBQHHII")
_CHECKSUM = struct.Struct("<I")


class ProtocolError(Exception):
    """Bytes that the protocol does not allow.

    ``level`` is ``"connection"`` when frame boundaries can no longer be trusted and ``"request"`` when only one frame
    is concerned; ``detail`` is the offset in the body that the error is about, or zero.
    """

    def __init__(self, status: Status, level: str, message: str, detail: int = 0) -> None:
        super().__init__(f"{status.name}: {message}")
        self.status = status
        self.level = level
        self.message = message
        self.detail = detail


def malformed_body(message: str, detail: int = 0) -> ProtocolError:
    """The error for lengths that do not fit; ``detail`` is the offset in the body."""
    return ProtocolError(Status.malformedBody, "request", message, detail)


def reserved_bits(message: str, detail: int = 0) -> ProtocolError:
    """The error for a reserved bit or byte that is set; ``detail`` is the offset in the body."""
    return ProtocolError(Status.reservedBits, "request", message, detail)


@dataclass(frozen=True)
class TraceContext:
    """The header extension of kind 1: which trace a request belongs to, with the identifiers of W3C Trace Context.

    ====== ===== ========== =======================================
    offset type  field      meaning
    ====== ===== ========== =======================================
    0      u16   kind       1
    2      u16   valueBytes 28
    4      u8    traceFlags bit 0 sampled
    5            reserved   3 bytes
    8      u64   span       W3C's ``parent-id`` as a number, not zero
    16     u128  trace      W3C's ``trace-id`` as a number, not zero
    ====== ===== ========== =======================================
    """

    trace: int
    span: int
    flags: int = 1

    KIND = 1
    BYTES = 32

    def encode(self) -> bytes:
        """The extension, for ``extra_header`` of :func:`encode_frame`."""
        head = struct.pack("<HHB3xQ", self.KIND, self.BYTES - 4, self.flags, self.span)
        return head + self.trace.to_bytes(16, "little")

    @classmethod
    def find(cls, extensions: bytes) -> Optional[TraceContext]:
        """The trace context among a header's extensions; none where it cannot be used, which is no error."""
        start = 0
        while start + 8 <= len(extensions):
            kind, length = struct.unpack_from("<HH", extensions, start)
            end = start + (4 + length + 7 & ~7)
            if end > len(extensions):
                return None
            if kind == cls.KIND:
                if length != cls.BYTES - 4:
                    return None
                flags, span = struct.unpack_from("<B3xQ", extensions, start + 4)
                trace = int.from_bytes(extensions[start + 16 : start + 32], "little")
                return cls(trace, span, flags) if trace and span else None
            start = end
        return None


@dataclass(frozen=True)
class Frame:
    """A frame whose header has been believed. ``payload`` is all bytes after the first 32."""

    opcode: int
    correlation: int
    flags: int
    status: int
    reserved: int
    microseconds: int
    body_checksum: int
    version: int
    header_words: int
    payload: bytes

    @property
    def body(self) -> bytes:
        """The body: what follows the header and its extensions."""
        return self.payload[self.header_words * 8 - HEADER_BYTES :]

    @property
    def trace_context(self) -> Optional[TraceContext]:
        """The trace that the header's extensions name."""
        return TraceContext.find(self.payload[: self.header_words * 8 - HEADER_BYTES])

    @property
    def not_executed(self) -> bool:
        """A reply's statement that nothing of the request was or will be applied."""
        return bool(self.flags & REPLY_NOT_EXECUTED)

    @property
    def retryable(self) -> bool:
        """A reply's statement that the same request may succeed later."""
        return bool(self.flags & REPLY_RETRYABLE)


def encode_frame(
    opcode: int,
    body: bytes,
    *,
    correlation: int = 0,
    flags: int = 0,
    status: int = 0,
    microseconds: int = 0,
    extra_header: bytes = b"",
) -> bytes:
    """A whole frame. ``extra_header`` holds the header's extensions, a multiple of 8 bytes."""
    payload = extra_header + body
    if len(payload) % 8 or len(extra_header) % 8:
        raise ValueError("a frame's header and body are multiples of 8 bytes")
    fixed = _HEADER.pack(
        HEADER_BYTES + len(payload),
        VERSION,
        (HEADER_BYTES + len(extra_header)) // 8,
        opcode,
        flags,
        correlation,
        status,
        0,
        microseconds,
        crc32c(payload),
    )
    return fixed + _CHECKSUM.pack(crc32c(fixed)) + payload


def check_header(header: Union[bytes, bytearray], frame_bytes_max: int = FRAME_BYTES_MAX) -> int:
    """The length of the frame that begins with these 32 bytes.

    Raises :class:`ProtocolError` of level ``"connection"``; the order of the checks is that of the specification.
    """
    head = bytes(header[:HEADER_BYTES])
    if crc32c(head[:28]) != _CHECKSUM.unpack_from(head, 28)[0]:
        raise ProtocolError(Status.headerChecksumMismatch, "connection", "the header's checksum does not match")
    length, version, header_words = _HEADER.unpack_from(head)[:3]
    if version != VERSION:
        raise ProtocolError(Status.unsupportedVersion, "connection", f"version {version}")
    if header_words < 4:
        raise ProtocolError(Status.malformedHeader, "connection", f"a header of {header_words} words")
    if length < header_words * 8 or length % 8:
        raise ProtocolError(Status.malformedHeader, "connection", f"a frame of {length} bytes")
    if length > frame_bytes_max:
        raise ProtocolError(Status.frameTooLarge, "connection", f"{length} bytes; the limit is {frame_bytes_max}")
    return int(length)


def parse_frame(data: bytes) -> Frame:
    """The frame in ``data``, whose header :func:`check_header` has accepted and whose length is ``len(data)``."""
    fields = _HEADER.unpack_from(data)
    _, version, header_words, opcode, flags, correlation, status, reserved, microseconds, body_checksum = fields
    return Frame(
        opcode=opcode,
        correlation=correlation,
        flags=flags,
        status=status,
        reserved=reserved,
        microseconds=microseconds,
        body_checksum=body_checksum,
        version=version,
        header_words=header_words,
        payload=data[HEADER_BYTES:],
    )


class FrameReader:
    """Cuts a stream of bytes into frames. Bytes of an unfinished frame wait for the rest."""

    def __init__(self, frame_bytes_max: int = FRAME_BYTES_MAX) -> None:
        self.frame_bytes_max = frame_bytes_max
        self._buffer = bytearray()

    def feed(self, data: bytes) -> List[Frame]:
        """The frames that ``data`` completes, in order. Raises :class:`ProtocolError` of level ``"connection"``."""
        self._buffer += data
        frames: List[Frame] = []
        start = 0
        while len(self._buffer) - start >= HEADER_BYTES:
            length = check_header(self._buffer[start : start + HEADER_BYTES], self.frame_bytes_max)
            if len(self._buffer) - start < length:
                break
            frames.append(parse_frame(bytes(self._buffer[start : start + length])))
            start += length
        del self._buffer[:start]
        return frames


def check_body(frame: Frame) -> None:
    """Compares the checksum of everything after the first 32 bytes."""
    if crc32c(frame.payload) != frame.body_checksum:
        raise ProtocolError(Status.bodyChecksumMismatch, "request", "the body's checksum does not match")


def check_request(frame: Frame) -> Opcode:
    """What the frame asks for; checks what a server checks before it looks at the body, in the documented order."""
    check_body(frame)
    if frame.flags or frame.status or frame.reserved:
        raise reserved_bits("flags, status and reserved of a request are zero")
    if frame.opcode == Opcode.hello:
        raise ProtocolError(Status.unexpectedHello, "connection", "a second hello")
    if frame.opcode not in REQUEST_OPCODES:
        raise ProtocolError(Status.unknownOpcode, "request", f"opcode {name_of(Opcode, frame.opcode)}")
    return Opcode(frame.opcode)


def check_reply(frame: Frame) -> None:
    """Checks what a client checks before it looks at the body of a reply, ``welcome`` or ``goAway``."""
    check_body(frame)
    if frame.flags & ~(REPLY_NOT_EXECUTED | REPLY_RETRYABLE) or frame.reserved:
        raise reserved_bits("a reserved flag or byte of the header is set")
    if not frame.opcode & REPLY_BIT:
        raise ProtocolError(Status.unknownOpcode, "request", f"opcode {name_of(Opcode, frame.opcode)} from a server")


def check_hello_header(frame: Frame) -> None:
    """Checks the first frame of a client up to its body; whatever is wrong ends the connection."""
    if frame.opcode != Opcode.hello:
        raise ProtocolError(Status.helloExpected, "connection", f"opcode {name_of(Opcode, frame.opcode)} came first")
    if HEADER_BYTES + len(frame.payload) > HELLO_BYTES_MAX:
        raise ProtocolError(Status.frameTooLarge, "connection", "a hello has at most 4096 bytes")
    if crc32c(frame.payload) != frame.body_checksum:
        raise ProtocolError(Status.bodyChecksumMismatch, "connection", "the body's checksum does not match")
    if frame.flags or frame.status or frame.reserved or frame.correlation:
        raise ProtocolError(Status.malformedHello, "connection", "a field of the header is not zero")


def padded(length: int) -> int:
    """``length`` rounded up to a multiple of 8."""
    return (length + 7) & ~7


def pad(data: bytes) -> bytes:
    """``data`` with zero bytes up to a multiple of 8."""
    return data + bytes(-len(data) % 8)


def check_padding(body: bytes, end: int) -> None:
    """What follows ``end`` is the padding: it reaches to the next multiple of 8 and is zero."""
    if len(body) != padded(end):
        raise malformed_body(f"{len(body)} bytes where {padded(end)} are announced", min(end, len(body)))
    if any(body[end:]):
        raise reserved_bits("padding is not zero", end)


def u128(value: int) -> bytes:
    """16 bytes, low byte first."""
    return value.to_bytes(16, "little")


def from_u128(data: bytes, offset: int) -> int:
    """The number in the 16 bytes at ``offset``."""
    return int.from_bytes(data[offset : offset + 16], "little")
