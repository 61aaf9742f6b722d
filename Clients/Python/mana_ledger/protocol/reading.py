"""Lists of transactions: a transaction in a reply, ``listTransactions``, ``listUnsettled`` (PROTOCOL.md, section 6).

A transaction is an item (64 bytes, see ``posting``), then 64 i64 balanceAfter · 72 u64 timestamp · 80 u64 refunded ·
88 u8 settlement · 89 3 reserved · 92 u32 sequence.

``listTransactions``: 0 u128 account · 16 u64 start · 24 u32 limit · 28 u32 flags (bit 0 oldestFirst) · 32 u32 types ·
36 u32 operations · 40 u64 timeFrom · 48 u64 timeTo · 56 u64 amountMin · 64 u64 amountMax · 72 u128 related ·
88 u32 referenceBytes · 92 u32 reserved · 96 reference · padding to 8.

Its reply: 0 u32 count · 4 u32 flags (bit 0 more) · 8 u64 total · 16 u64 next · 24 i64 balance · 32 u32 textBytes ·
36 u16 stride 96 · 38 u16 reserved · 40 u64 examined · 48 transactions · text area · padding to 8.

``listUnsettled``: 0 u128 account · 16 u64 start · 24 u32 limit · 28 u32 reserved; the reply is a page as well.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import List, Tuple

from .codes import PAGE_MAX, TEXT_BYTES_MAX, Operation, Status, TransactionType
from .frame import ProtocolError, check_padding, from_u128, malformed_body, pad, reserved_bits, u128
from .posting import ITEM_BYTES, Item, decode_item

_TRANSACTION_REST = struct.Struct("<qQQB3sI")
_LIST = struct.Struct("<16sQIIIIQQQQ16sII")
_PAGE = struct.Struct("<IIQQqIHHQ")
_UNSETTLED = struct.Struct("<16sQII")

TRANSACTION_BYTES = 96
FLAG_OLDEST_FIRST = 1
FLAG_MORE = 1

_TYPE_BITS = sum(1 << kind for kind in TransactionType if kind != TransactionType.settlement)
_OPERATION_BITS = sum(1 << kind for kind in Operation)


@dataclass(frozen=True)
class Record:
    """A transaction as the ledger keeps it: the item as it was posted, and what became of it."""

    item: Item
    balance_after: int
    timestamp: int
    sequence: int
    refunded: int = 0
    settlement: int = 0

    def encode(self) -> bytes:
        """The 96 bytes of the transaction; its text is not among them."""
        rest = (self.balance_after, self.timestamp, self.refunded, self.settlement, bytes(3), self.sequence)
        return self.item.encode() + _TRANSACTION_REST.pack(*rest)


def decode_record(data: bytes, offset: int, text: bytes, text_offset: int) -> Tuple[Record, int]:
    """The transaction at ``offset`` and where in ``text`` the next one's text begins."""
    item, end = decode_item(data, offset, text, text_offset)
    rest = _TRANSACTION_REST.unpack_from(data, offset + ITEM_BYTES)
    balance_after, timestamp, refunded, settlement, reserved, sequence = rest
    if any(reserved):
        raise reserved_bits("a reserved byte of a transaction is set", offset + 89)
    return Record(item, balance_after, timestamp, sequence, refunded, settlement), end


@dataclass(frozen=True)
class ListTransactions:
    """A request for a page of an account's history. Zero means "any" except where the specification says otherwise.

    ``types`` and ``operations`` are bit sets, times are nanoseconds since 1970, amounts are micromana.
    """

    account: int
    start: int = 0
    limit: int = 100
    oldest_first: bool = False
    types: int = 0
    operations: int = 0
    time_from: int = 0
    time_to: int = 0
    amount_min: int = 0
    amount_max: int = 0
    related: int = 0
    reference: bytes = b""

    def encode(self) -> bytes:
        """The body, padding included."""
        head = _LIST.pack(
            u128(self.account),
            self.start,
            self.limit,
            FLAG_OLDEST_FIRST if self.oldest_first else 0,
            self.types,
            self.operations,
            self.time_from,
            self.time_to,
            self.amount_min,
            self.amount_max,
            u128(self.related),
            len(self.reference),
            0,
        )
        return pad(head + self.reference)

    @classmethod
    def decode(cls, body: bytes, page_max: int = PAGE_MAX) -> ListTransactions:
        """Raises :class:`ProtocolError`; the order of the checks is the specification's.

        A filter that cannot be meant is ``invalidFilter``, and the message names the field.
        """
        if len(body) < _LIST.size:
            raise malformed_body("the request is cut off", len(body))
        account, start, limit, flags, types, operations, *rest = _LIST.unpack_from(body)
        time_from, time_to, amount_min, amount_max, related, reference_bytes, reserved = rest
        if reference_bytes > TEXT_BYTES_MAX:
            raise _invalid_filter("referenceBytes", 88)
        check_padding(body, _LIST.size + reference_bytes)
        if flags & ~FLAG_OLDEST_FIRST:
            raise reserved_bits("a reserved flag is set", 28)
        if reserved:
            raise reserved_bits("a reserved byte is set", 92)
        if not any(account):
            raise _invalid_filter("account", 0)
        _check_limit(limit, page_max)
        if types & ~_TYPE_BITS:
            raise _invalid_filter("types", 32)
        if operations & ~_OPERATION_BITS:
            raise _invalid_filter("operations", 36)
        if time_to and time_from >= time_to:
            raise _invalid_filter("timeFrom", 40)
        if amount_max and amount_min > amount_max:
            raise _invalid_filter("amountMin", 56)
        return cls(
            account=int.from_bytes(account, "little"),
            start=start,
            limit=limit,
            oldest_first=bool(flags),
            types=types,
            operations=operations,
            time_from=time_from,
            time_to=time_to,
            amount_min=amount_min,
            amount_max=amount_max,
            related=int.from_bytes(related, "little"),
            reference=body[_LIST.size : _LIST.size + reference_bytes],
        )


def _invalid_filter(field: str, offset: int) -> ProtocolError:
    return ProtocolError(Status.invalidFilter, "request", field, offset)


def _check_limit(limit: int, page_max: int) -> None:
    if not 1 <= limit <= page_max:
        raise _invalid_filter("limit", 24)


@dataclass(frozen=True)
class ListUnsettled:
    """A request for the unsettled spends of an account, newest first."""

    account: int
    start: int = 0
    limit: int = 100

    def encode(self) -> bytes:
        """The body, 32 bytes."""
        return _UNSETTLED.pack(u128(self.account), self.start, self.limit, 0)

    @classmethod
    def decode(cls, body: bytes, page_max: int = PAGE_MAX) -> ListUnsettled:
        """Raises :class:`ProtocolError`."""
        if len(body) != _UNSETTLED.size:
            raise malformed_body(f"{len(body)} bytes", min(len(body), _UNSETTLED.size))
        _, start, limit, reserved = _UNSETTLED.unpack(body)
        if reserved:
            raise reserved_bits("a reserved byte is set", 28)
        _check_limit(limit, page_max)
        return cls(from_u128(body, 0), start, limit)


@dataclass(frozen=True)
class Page:
    """A page of a history. ``next`` is the sequence number to go on from, zero when there is nothing further."""

    records: Tuple[Record, ...]
    total: int
    balance: int
    next: int = 0
    more: bool = False
    examined: int = 0

    def encode(self) -> bytes:
        """The body, padding included."""
        text = b"".join(record.item.reference + record.item.note for record in self.records)
        flags = FLAG_MORE if self.more else 0
        head = (len(self.records), flags, self.total, self.next, self.balance, len(text), TRANSACTION_BYTES, 0)
        return pad(_PAGE.pack(*head, self.examined) + b"".join(one.encode() for one in self.records) + text)

    @classmethod
    def decode(cls, body: bytes) -> Page:
        """Raises :class:`ProtocolError` when the lengths do not fit or a reserved bit is set."""
        if len(body) < _PAGE.size:
            raise malformed_body("the page is cut off", len(body))
        count, flags, total, following, balance, text_bytes, stride, reserved, examined = _PAGE.unpack_from(body)
        if flags & ~FLAG_MORE or reserved:
            raise reserved_bits("a reserved bit of the page is set", 38 if reserved else 4)
        if stride != TRANSACTION_BYTES:
            raise malformed_body(f"transaction stride {stride}", 36)
        text_start = _PAGE.size + count * TRANSACTION_BYTES
        check_padding(body, text_start + text_bytes)
        text = body[text_start : text_start + text_bytes]
        records: List[Record] = []
        used = 0
        for index in range(count):
            record, used = decode_record(body, _PAGE.size + index * TRANSACTION_BYTES, text, used)
            records.append(record)
        if used != text_bytes:
            raise malformed_body(f"{text_bytes} bytes of text where the transactions have {used}", 32)
        return cls(tuple(records), total, balance, following, bool(flags & FLAG_MORE), examined)
