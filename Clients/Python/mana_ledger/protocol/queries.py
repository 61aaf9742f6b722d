"""The other reads and calls: ``getAccount``, ``lookupTransaction``, ``balanceAt``, ``ping``, ``serverStatus``, errors.

``getAccount``: u128 account. Reply, 232 bytes: 0 u128 account · 16 i64 balance · 24 u64 lifetimeSpent ·
32 u64 lifetimePurchased · 40 u64 lifetimeRefunded · 48 u64 lifetimeBonus · 56 u64 unsettled · 64 u64 transactions ·
72 u64 firstTimestamp · 80 u64 lastTimestamp · 88 u64 unsettledCount · 96 u32 operationCount 8 · 100 u32 reserved ·
104 operations 1 to 8: u64 sum of amounts, u64 count.

``lookupTransaction``: u128 account, u128 id. Reply: u32 textBytes · u32 reserved · transaction · text · padding.

``balanceAt``: u128 account, u64 time. Reply: i64 balance · u64 sequence · u64 timestamp.

``ping``: up to 64 bytes, returned unchanged. ``serverStatus``: empty; reply, 64 bytes: see :class:`ServerStatus`.

``shardStatus``: u32 firstShard, u32 reserved. Reply: u32 stride, u32 rowCount, u64 uptimeNanoseconds, then rows: see
:class:`ShardStatus`. ``drain``: empty, and so is the reply.

Body of a ``goAway`` and of a request error: u32 textBytes · u32 detail · text · padding to 8.
"""

from __future__ import annotations

import struct
from dataclasses import astuple, dataclass, fields
from typing import Tuple

from .codes import PING_BYTES_MAX
from .frame import check_padding, from_u128, malformed_body, pad, reserved_bits, u128
from .reading import TRANSACTION_BYTES, Record, decode_record

_ACCOUNT = struct.Struct("<16sqQQQQQQQQQII16Q")
_TEXT_HEAD = struct.Struct("<II")
_BALANCE = struct.Struct("<qQQ")
_STATUS = struct.Struct("<QQQQQQQII")
OPERATION_COUNT = 8


def _check_length(body: bytes, length: int) -> None:
    if len(body) != length:
        raise malformed_body(f"{len(body)} bytes instead of {length}", min(len(body), length))


@dataclass(frozen=True)
class GetAccount:
    """A request for the overview of an account."""

    account: int

    def encode(self) -> bytes:
        """The body, 16 bytes."""
        return u128(self.account)

    @classmethod
    def decode(cls, body: bytes) -> GetAccount:
        """Raises :class:`ProtocolError`."""
        _check_length(body, 16)
        return cls(from_u128(body, 0))


@dataclass(frozen=True)
class AccountOverview:
    """The totals of an account. ``balance = purchased + bonus + refunded - spent``, all in micromana.

    ``operations`` holds (sum of amounts, count) of operations 1 to 8.
    """

    account: int
    balance: int
    lifetime_spent: int
    lifetime_purchased: int
    lifetime_refunded: int
    lifetime_bonus: int
    unsettled: int
    transactions: int
    first_timestamp: int
    last_timestamp: int
    unsettled_count: int
    operations: Tuple[Tuple[int, int], ...]

    def encode(self) -> bytes:
        """The body, 232 bytes."""
        totals = [value for pair in self.operations for value in pair]
        scalars = astuple(self)[1:11]
        return _ACCOUNT.pack(u128(self.account), *scalars, OPERATION_COUNT, 0, *totals)

    @classmethod
    def decode(cls, body: bytes) -> AccountOverview:
        """Raises :class:`ProtocolError`."""
        _check_length(body, _ACCOUNT.size)
        fields = _ACCOUNT.unpack(body)
        count, reserved, totals = fields[11], fields[12], fields[13:]
        if count != OPERATION_COUNT:
            raise malformed_body(f"{count} operations", 96)
        if reserved:
            raise reserved_bits("a reserved byte is set", 100)
        return cls(
            account=from_u128(body, 0),
            balance=fields[1],
            lifetime_spent=fields[2],
            lifetime_purchased=fields[3],
            lifetime_refunded=fields[4],
            lifetime_bonus=fields[5],
            unsettled=fields[6],
            transactions=fields[7],
            first_timestamp=fields[8],
            last_timestamp=fields[9],
            unsettled_count=fields[10],
            operations=tuple(zip(totals[::2], totals[1::2])),
        )


@dataclass(frozen=True)
class LookupTransaction:
    """A request for one transaction by its id."""

    account: int
    id: int

    def encode(self) -> bytes:
        """The body, 32 bytes."""
        return u128(self.account) + u128(self.id)

    @classmethod
    def decode(cls, body: bytes) -> LookupTransaction:
        """Raises :class:`ProtocolError`."""
        _check_length(body, 32)
        return cls(from_u128(body, 0), from_u128(body, 16))


def encode_lookup_reply(record: Record) -> bytes:
    """The body of the reply to ``lookupTransaction``."""
    text = record.item.reference + record.item.note
    return pad(_TEXT_HEAD.pack(len(text), 0) + record.encode() + text)


def decode_lookup_reply(body: bytes) -> Record:
    """Raises :class:`ProtocolError`."""
    start = _TEXT_HEAD.size + TRANSACTION_BYTES
    if len(body) < start:
        raise malformed_body("the reply is cut off", len(body))
    text_bytes, reserved = _TEXT_HEAD.unpack_from(body)
    if reserved:
        raise reserved_bits("a reserved byte is set", 4)
    check_padding(body, start + text_bytes)
    record, used = decode_record(body, _TEXT_HEAD.size, body[start : start + text_bytes], 0)
    if used != text_bytes:
        raise malformed_body(f"{text_bytes} bytes of text where the transaction has {used}")
    return record


@dataclass(frozen=True)
class BalanceAt:
    """A request for the balance of an account at a time, in nanoseconds since 1970."""

    account: int
    time: int

    def encode(self) -> bytes:
        """The body, 24 bytes."""
        return u128(self.account) + self.time.to_bytes(8, "little")

    @classmethod
    def decode(cls, body: bytes) -> BalanceAt:
        """Raises :class:`ProtocolError`."""
        _check_length(body, 24)
        return cls(from_u128(body, 0), int.from_bytes(body[16:], "little"))


@dataclass(frozen=True)
class BalanceReply:
    """The balance after the last transaction that is not after the time asked for; all zero when there is none."""

    balance: int
    sequence: int
    timestamp: int

    def encode(self) -> bytes:
        """The body, 24 bytes."""
        return _BALANCE.pack(*astuple(self))

    @classmethod
    def decode(cls, body: bytes) -> BalanceReply:
        """Raises :class:`ProtocolError`."""
        _check_length(body, _BALANCE.size)
        return cls(*_BALANCE.unpack(body))


def decode_ping(body: bytes) -> bytes:
    """The bytes to return. Raises :class:`ProtocolError` when there are more than 64."""
    if len(body) > PING_BYTES_MAX:
        raise malformed_body(f"a ping of {len(body)} bytes", PING_BYTES_MAX)
    return body


def decode_empty(body: bytes) -> None:
    """The body of ``serverStatus``, of ``drain`` and of its reply. Raises :class:`ProtocolError` when there is one."""
    _check_length(body, 0)


@dataclass(frozen=True)
class ServerStatus:
    """The reply to ``serverStatus``, in the order of the wire."""

    uptime_nanoseconds: int
    accounts: int
    transactions: int
    posted_since_start: int
    blocks_since_start: int
    flush_nanoseconds_last: int
    resident_bytes: int
    connections: int
    shard_count: int

    def encode(self) -> bytes:
        """The body, 64 bytes."""
        return _STATUS.pack(*astuple(self))

    @classmethod
    def decode(cls, body: bytes) -> ServerStatus:
        """Raises :class:`ProtocolError`."""
        _check_length(body, _STATUS.size)
        return cls(*_STATUS.unpack(body))


HISTOGRAM_BUCKETS = 36


@dataclass(frozen=True)
class ShardStatus:
    """What one shard says about itself, in the order of the wire. Bucket *n* of a histogram counts the times up to
    2\ :sup:`n` nanoseconds that bucket *n* - 1 does not; the last takes all that are longer."""

    accounts: int
    transactions: int
    posted: int
    replayed: int
    items_refused: int
    posting_requests: int
    reading_requests: int
    requests_refused: int
    bytes_received: int
    bytes_sent: int
    connections: int
    connections_holding: int
    parts_waiting: int
    parts_held: int
    resident_bytes: int
    journal_block: int
    journal_position: int
    blocks_written: int
    bytes_written: int
    recovery_nanoseconds: int
    request_nanoseconds: int
    flush_nanoseconds: int
    request_histogram: Tuple[int, ...] = (0,) * HISTOGRAM_BUCKETS
    flush_histogram: Tuple[int, ...] = (0,) * HISTOGRAM_BUCKETS
    checkpoint_block: int = 0


_SHARD_NUMBERS = len(fields(ShardStatus)) - 3
_SHARD = struct.Struct(f"<{_SHARD_NUMBERS + 2 * HISTOGRAM_BUCKETS + 1}Q")
_SHARD_HEAD = struct.Struct("<IIQ")


@dataclass(frozen=True)
class GetShardStatus:
    """A request for what the shards from ``first`` on say, as many as a frame holds."""

    first: int = 0

    def encode(self) -> bytes:
        """The body, 8 bytes."""
        return self.first.to_bytes(8, "little")

    @classmethod
    def decode(cls, body: bytes) -> GetShardStatus:
        """Raises :class:`ProtocolError`."""
        _check_length(body, 8)
        if any(body[4:]):
            raise reserved_bits("reserved bytes of shardStatus are set", 4)
        return cls(int.from_bytes(body[:4], "little"))


@dataclass(frozen=True)
class ShardStatusReply:
    """The reply to ``shardStatus``."""

    uptime_nanoseconds: int
    shards: Tuple[ShardStatus, ...]

    def encode(self, stride: int = _SHARD.size) -> bytes:
        """The body; with a larger ``stride`` as a later version may send it."""
        rows = []
        for shard in self.shards:
            *numbers, requests, flushes, block = (getattr(shard, field.name) for field in fields(shard))
            rows.append(_SHARD.pack(*numbers, *requests, *flushes, block).ljust(stride, b"\x01"))
        return _SHARD_HEAD.pack(stride, len(rows), self.uptime_nanoseconds) + b"".join(rows)

    @classmethod
    def decode(cls, body: bytes) -> ShardStatusReply:
        """Raises :class:`ProtocolError`. Rows may be longer than this version's."""
        if len(body) < _SHARD_HEAD.size:
            raise malformed_body("the shard status is cut off", len(body))
        stride, count, uptime = _SHARD_HEAD.unpack_from(body)
        if stride < _SHARD.size or stride % 8:
            raise malformed_body(f"rows of {stride} bytes", 0)
        _check_length(body, _SHARD_HEAD.size + stride * count)
        return cls(uptime, tuple(_shard_status(body, _SHARD_HEAD.size + stride * index) for index in range(count)))


def _shard_status(body: bytes, offset: int) -> ShardStatus:
    words = _SHARD.unpack_from(body, offset)
    end = _SHARD_NUMBERS + HISTOGRAM_BUCKETS
    return ShardStatus(*words[:_SHARD_NUMBERS], words[_SHARD_NUMBERS:end], words[end:-1], words[-1])


@dataclass(frozen=True)
class ErrorBody:
    """The body of a ``goAway`` and of a reply that is a request error. The text is for people."""

    text: str
    detail: int = 0

    def encode(self) -> bytes:
        """The body, padding included."""
        data = self.text.encode("utf-8")
        return pad(_TEXT_HEAD.pack(len(data), self.detail) + data)

    @classmethod
    def decode(cls, body: bytes) -> ErrorBody:
        """Raises :class:`ProtocolError`; a byte that is not UTF-8 becomes U+FFFD, so that the text can be shown."""
        if len(body) < _TEXT_HEAD.size:
            raise malformed_body("the error is cut off", len(body))
        text_bytes, detail = _TEXT_HEAD.unpack_from(body)
        check_padding(body, _TEXT_HEAD.size + text_bytes)
        return cls(body[_TEXT_HEAD.size : _TEXT_HEAD.size + text_bytes].decode("utf-8", "replace"), detail)
