"""The handshake: ``hello``, ``welcome``, and the map from accounts to shards (PROTOCOL.md, section 4).

``hello``: 0 u8 versionMin · 1 u8 versionMax · 2 6 reserved · 8 u64 features · 16 u128 ledger · 32 u128 instance ·
48 u32 frameBytesMax · 52 u32 extensionBytes · 56 extensions.

``welcome``: 0 u8 version · 1 3 reserved · 4 u32 shardCount · 8 u64 features · 16 u128 ledger · 32 u128 instance ·
48 u32 frameBytesMax · 52 u32 itemsMax · 56 u32 requestsInFlightMax · 60 u32 bytesInFlightMax · 64 u64 shardHashSeed ·
72 u64 time · 80 u32 pageMax · 84 u32 extensionBytes · 88 extensions.

An extension: u16 kind · u16 length of the value · value · padding to 8.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import FrozenSet, List, Tuple

from .codes import CRITICAL_EXTENSION_BIT, FRAME_BYTES_MAX_LEAST, ExtensionKind, Status
from .frame import VERSION, ProtocolError, malformed_body, pad, padded, reserved_bits

_HELLO = struct.Struct("<BB6sQ16s16sII")
_WELCOME = struct.Struct("<B3sIQ16s16sIIIIQQII")
_EXTENSION = struct.Struct("<HH")
_U64 = 2**64 - 1


@dataclass(frozen=True)
class Extension:
    """A part of the handshake that a receiver may skip when it does not know the kind, unless it is critical.

    ``kind`` is as it is sent: the critical bit is part of it.
    """

    kind: int
    value: bytes

    @property
    def text(self) -> str:
        """The value of a kind that is text; a text that is not UTF-8 is as if it were empty."""
        try:
            return self.value.decode("utf-8")
        except UnicodeDecodeError:
            return ""


Extensions = Tuple[Extension, ...]
_KNOWN_KINDS: FrozenSet[int] = frozenset(ExtensionKind)


def text_of(extensions: Extensions, kind: ExtensionKind) -> str:
    """The text of ``kind``, empty when there is none. Of several extensions of one kind the first counts."""
    return next((one.text for one in extensions if one.kind & ~CRITICAL_EXTENSION_BIT == kind), "")


def encode_extensions(extensions: Extensions) -> bytes:
    """The extensions one after the other, each padded to 8 bytes."""
    return b"".join(pad(_EXTENSION.pack(one.kind, len(one.value)) + one.value) for one in extensions)


def decode_extensions(data: bytes) -> Extensions:
    """Raises :class:`ProtocolError` with ``malformedBody`` or ``reservedBits`` when the lengths do not add up."""
    found: List[Extension] = []
    offset = 0
    while offset < len(data):
        if len(data) - offset < 8:
            raise malformed_body("an extension is cut off", offset)
        kind, length = _EXTENSION.unpack_from(data, offset)
        end = offset + 4 + length
        next_offset = offset + padded(4 + length)
        if next_offset > len(data):
            raise malformed_body("an extension runs over the end", offset)
        if any(data[end:next_offset]):
            raise reserved_bits("padding of an extension is not zero", end)
        found.append(Extension(kind, data[offset + 4 : end]))
        offset = next_offset
    return tuple(found)


@dataclass(frozen=True)
class Hello:
    """What a client says first."""

    version_min: int = VERSION
    version_max: int = VERSION
    features: int = 0
    ledger: int = 0
    instance: int = 0
    frame_bytes_max: int = 1_048_576
    extensions: Extensions = ()

    def encode(self) -> bytes:
        """The body of the ``hello`` frame."""
        tail = encode_extensions(self.extensions)
        return (
            _HELLO.pack(
                self.version_min,
                self.version_max,
                bytes(6),
                self.features,
                self.ledger.to_bytes(16, "little"),
                self.instance.to_bytes(16, "little"),
                self.frame_bytes_max,
                len(tail),
            )
            + tail
        )

    @classmethod
    def decode(cls, body: bytes) -> Hello:
        """Raises :class:`ProtocolError` of level ``"connection"``; the order of the checks is the specification's."""
        if len(body) < _HELLO.size:
            raise _malformed(f"{len(body)} bytes")
        low, high, reserved, features, ledger, instance, frame_bytes_max, extension_bytes = _HELLO.unpack_from(body)
        if extension_bytes != len(body) - _HELLO.size:
            raise _malformed(f"extensionBytes {extension_bytes}")
        if low > high:
            raise _malformed(f"versions {low} to {high}")
        if any(reserved):
            raise _malformed("a reserved byte is set")
        if not low <= VERSION <= high:
            raise ProtocolError(Status.unsupportedVersion, "connection", f"versions {low} to {high}")
        if frame_bytes_max < FRAME_BYTES_MAX_LEAST:
            raise _malformed(f"frameBytesMax {frame_bytes_max}")
        try:
            extensions = decode_extensions(body[_HELLO.size :])
        except ProtocolError as error:
            raise _malformed(error.message) from error
        _check_critical(extensions)
        return cls(
            low,
            high,
            features,
            int.from_bytes(ledger, "little"),
            int.from_bytes(instance, "little"),
            frame_bytes_max,
            extensions,
        )


def _check_critical(extensions: Extensions) -> None:
    """Refuses what is not known and must not be skipped. A kind that is known may carry the critical bit."""
    for extension in extensions:
        if extension.kind & CRITICAL_EXTENSION_BIT and extension.kind & ~CRITICAL_EXTENSION_BIT not in _KNOWN_KINDS:
            message = f"kind {extension.kind:#06x}"
            raise ProtocolError(Status.criticalExtensionUnknown, "connection", message)


def _malformed(message: str) -> ProtocolError:
    return ProtocolError(Status.malformedHello, "connection", message)


@dataclass(frozen=True)
class Welcome:
    """What a server grants."""

    shard_count: int
    ledger: int
    instance: int
    frame_bytes_max: int
    items_max: int
    requests_in_flight_max: int
    bytes_in_flight_max: int
    shard_hash_seed: int
    time: int
    page_max: int
    version: int = VERSION
    features: int = 0
    extensions: Extensions = ()

    def encode(self) -> bytes:
        """The body of the ``welcome`` frame."""
        tail = encode_extensions(self.extensions)
        return (
            _WELCOME.pack(
                self.version,
                bytes(3),
                self.shard_count,
                self.features,
                self.ledger.to_bytes(16, "little"),
                self.instance.to_bytes(16, "little"),
                self.frame_bytes_max,
                self.items_max,
                self.requests_in_flight_max,
                self.bytes_in_flight_max,
                self.shard_hash_seed,
                self.time,
                self.page_max,
                len(tail),
            )
            + tail
        )

    @classmethod
    def decode(cls, body: bytes) -> Welcome:
        """Raises :class:`ProtocolError`; an unknown extension that is not critical is kept and has no effect."""
        if len(body) < _WELCOME.size:
            raise malformed_body(f"a welcome of {len(body)} bytes", len(body))
        fields = _WELCOME.unpack_from(body)
        version, reserved, shard_count, features, ledger, instance = fields[:6]
        frame_bytes_max, items_max, requests_max, bytes_max, seed, time, page_max, extension_bytes = fields[6:]
        if any(reserved):
            raise reserved_bits("a reserved byte is set", 1)
        if version != VERSION:
            raise ProtocolError(Status.unsupportedVersion, "connection", f"version {version}")
        if extension_bytes != len(body) - _WELCOME.size:
            raise malformed_body(f"extensionBytes {extension_bytes}", 84)
        extensions = decode_extensions(body[_WELCOME.size :])
        _check_critical(extensions)
        return cls(
            shard_count=shard_count,
            ledger=int.from_bytes(ledger, "little"),
            instance=int.from_bytes(instance, "little"),
            frame_bytes_max=frame_bytes_max,
            items_max=items_max,
            requests_in_flight_max=requests_max,
            bytes_in_flight_max=bytes_max,
            shard_hash_seed=seed,
            time=time,
            page_max=page_max,
            version=version,
            features=features,
            extensions=extensions,
        )


def _mix(value: int) -> int:
    value ^= value >> 30
    value = value * 0xBF58476D1CE4E5B9 & _U64
    value ^= value >> 27
    value = value * 0x94D049BB133111EB & _U64
    return value ^ value >> 31


def shard_of(account: int, shard_count: int, shard_hash_seed: int) -> int:
    """The shard that holds ``account``: accounts of one shard in one request spare the server splitting it."""
    low = (account & _U64) ^ shard_hash_seed
    high = (account >> 64) + 0x9E3779B97F4A7C15 & _U64
    return (_mix(low ^ _mix(high)) >> 32) * shard_count >> 32
