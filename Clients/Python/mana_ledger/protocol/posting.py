"""Posting: the batch that ``spend``, ``refund``, ``purchase``, ``bonus``, ``settle`` and ``post`` share (section 5).

Request: 0 u16 itemStride 64 · 2 u16 flags (bit 0 atomic, bit 1 fullResults) · 4 u32 itemCount · 8 u32 textBytes ·
12 20 reserved · 32 items · text area · padding to 8.

Item, 64 bytes: 0 u128 id · 16 u128 account · 32 u128 related · 48 u64 amount · 56 u32 quantity · 60 u8 type and flags
(bits 0-3 type, bit 4 remaining, bit 5 voidIfUnknown, bit 6 unsettled, bit 7 reserved) · 61 u8 operation ·
62 u8 referenceBytes · 63 u8 noteBytes.

Reply: 0 u16 resultStride 16 or 40 · 2 u16 reserved · 4 u32 itemCount · 8 u32 postedCount · 12 u32 replayedCount ·
16 results: 0 u16 status · 2 u8 flags (bit 0 replayed) · 3 u8 field · 4 u32 sequence · 8 u64 amount, and with
fullResults 16 i64 balance · 24 u64 timestamp · 32 u64 refundable.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import List, Optional, Sequence, Tuple

from .codes import ITEMS_MAX, TEXT_BYTES_MAX, Status
from .frame import ProtocolError, check_padding, from_u128, malformed_body, pad, reserved_bits

_PRELUDE = struct.Struct("<HHII20s")
_ITEM_TAIL = struct.Struct("<QIBBBB")
_REPLY = struct.Struct("<HHIII")
_RESULT = struct.Struct("<HBBIQ")
_RESULT_REST = struct.Struct("<qQQ")

ITEM_BYTES = 64
FLAG_ATOMIC = 1
FLAG_FULL_RESULTS = 2
FLAG_REMAINING = 0x10
FLAG_VOID_IF_UNKNOWN = 0x20
FLAG_UNSETTLED = 0x40
COMPACT_STRIDE = 16
FULL_STRIDE = 40


@dataclass(frozen=True)
class Item:
    """A transaction to be posted. Codes are plain numbers, so that bytes of any sender can be represented.

    ``amount`` is in micromana. ``related`` is the spend of a refund or a settlement; of a spend with ``unsettled`` it
    is the settlement timeout in milliseconds. ``flags`` are bits 4 to 7 of byte 60.
    """

    id: int
    account: int
    type: int
    operation: int
    amount: int = 0
    quantity: int = 0
    related: int = 0
    flags: int = 0
    reference: bytes = b""
    note: bytes = b""

    def encode(self) -> bytes:
        """The 64 bytes of the item; its text is not among them."""
        if max(len(self.reference), len(self.note)) > TEXT_BYTES_MAX:
            raise ValueError(f"reference and note have at most {TEXT_BYTES_MAX} bytes each")
        return b"".join(
            (
                self.id.to_bytes(16, "little"),
                self.account.to_bytes(16, "little"),
                self.related.to_bytes(16, "little"),
                _ITEM_TAIL.pack(
                    self.amount,
                    self.quantity,
                    self.type | self.flags,
                    self.operation,
                    len(self.reference),
                    len(self.note),
                ),
            )
        )


def decode_item(data: bytes, offset: int, text: bytes, text_offset: int) -> Tuple[Item, int]:
    """The item at ``offset`` and where in ``text`` the next one's text begins."""
    tail = _ITEM_TAIL.unpack_from(data, offset + 48)
    amount, quantity, type_and_flags, operation, reference_bytes, note_bytes = tail
    note_offset = text_offset + reference_bytes
    end = note_offset + note_bytes
    if end > len(text):
        raise malformed_body("the text area ends within a text", offset + 62)
    item = Item(
        id=from_u128(data, offset),
        account=from_u128(data, offset + 16),
        related=from_u128(data, offset + 32),
        amount=amount,
        quantity=quantity,
        type=type_and_flags & 0x0F,
        flags=type_and_flags & 0xF0,
        operation=operation,
        reference=text[text_offset:note_offset],
        note=text[note_offset:end],
    )
    return item, end


@dataclass(frozen=True)
class Batch:
    """The body of a posting call."""

    items: Tuple[Item, ...]
    atomic: bool = False
    full_results: bool = False

    def encode(self) -> bytes:
        """The body, padding included."""
        flags = (FLAG_ATOMIC if self.atomic else 0) | (FLAG_FULL_RESULTS if self.full_results else 0)
        text = b"".join(item.reference + item.note for item in self.items)
        prelude = _PRELUDE.pack(ITEM_BYTES, flags, len(self.items), len(text), bytes(20))
        return pad(prelude + b"".join(item.encode() for item in self.items) + text)

    @classmethod
    def decode(cls, body: bytes, items_max: int = ITEMS_MAX) -> Batch:
        """Checks the shape, in the specification's order; the items are refused one by one.

        Raises :class:`ProtocolError`.
        """
        if len(body) < _PRELUDE.size:
            raise malformed_body("the batch prelude is cut off", len(body))
        stride, flags, count, text_bytes, reserved = _PRELUDE.unpack_from(body)
        if stride != ITEM_BYTES:
            raise malformed_body(f"item stride {stride}")
        if flags & ~(FLAG_ATOMIC | FLAG_FULL_RESULTS):
            raise reserved_bits("a reserved flag of the batch is set", 2)
        if any(reserved):
            raise reserved_bits("a reserved byte of the batch prelude is set", 12)
        if count == 0:
            raise ProtocolError(Status.emptyBatch, "request", "a batch has at least one item", 4)
        if count > items_max:
            raise ProtocolError(Status.batchTooLarge, "request", f"{count} items; the limit is {items_max}", 4)
        text_start = _PRELUDE.size + count * ITEM_BYTES
        check_padding(body, text_start + text_bytes)
        text = body[text_start : text_start + text_bytes]
        items, used = [], 0
        for index in range(count):
            item, used = decode_item(body, _PRELUDE.size + index * ITEM_BYTES, text, used)
            items.append(item)
        if used != text_bytes:
            raise malformed_body(f"{text_bytes} bytes of text where the items have {used}", 8)
        if flags & FLAG_ATOMIC and len({item.account for item in items}) > 1:
            raise ProtocolError(Status.atomicAccountsDiffer, "request", "an atomic batch is of one account")
        return cls(tuple(items), bool(flags & FLAG_ATOMIC), bool(flags & FLAG_FULL_RESULTS))


@dataclass(frozen=True)
class Result:
    """What became of an item. The last three are ``None`` unless full results were asked for."""

    status: int
    sequence: int = 0
    amount: int = 0
    replayed: bool = False
    field: int = 0
    balance: Optional[int] = None
    timestamp: Optional[int] = None
    refundable: Optional[int] = None

    def encode(self) -> bytes:
        """16 bytes, or 40 when the result is a full one."""
        head = _RESULT.pack(self.status, int(self.replayed), self.field, self.sequence, self.amount)
        if self.balance is None:
            return head
        return head + _RESULT_REST.pack(self.balance, self.timestamp or 0, self.refundable or 0)


@dataclass(frozen=True)
class BatchReply:
    """The body of the reply to a posting call: one result an item, in order."""

    results: Tuple[Result, ...]
    posted_count: int
    replayed_count: int

    @classmethod
    def of(cls, results: Sequence[Result]) -> BatchReply:
        """A reply that counts its results itself."""
        ok = [result for result in results if result.status == Status.ok]
        replayed = sum(result.replayed for result in ok)
        return cls(tuple(results), len(ok) - replayed, replayed)

    def encode(self) -> bytes:
        """The body. A batch has at least one item, so the first result tells the stride."""
        stride = COMPACT_STRIDE if self.results[0].balance is None else FULL_STRIDE
        head = _REPLY.pack(stride, 0, len(self.results), self.posted_count, self.replayed_count)
        return head + b"".join(result.encode() for result in self.results)

    @classmethod
    def decode(cls, body: bytes) -> BatchReply:
        """Raises :class:`ProtocolError` when the lengths do not fit or a reserved bit is set."""
        if len(body) < _REPLY.size:
            raise malformed_body("the reply is cut off", len(body))
        stride, reserved, count, posted, replayed = _REPLY.unpack_from(body)
        if reserved:
            raise reserved_bits("a reserved byte of the reply is set", 2)
        if stride not in (COMPACT_STRIDE, FULL_STRIDE):
            raise malformed_body(f"result stride {stride}")
        if len(body) != _REPLY.size + stride * count:
            raise malformed_body(f"{len(body)} bytes for {count} results", 4)
        results: List[Result] = []
        for offset in range(_REPLY.size, len(body), stride):
            status, flags, field, sequence, amount = _RESULT.unpack_from(body, offset)
            if flags & ~1:
                raise reserved_bits("a reserved flag of a result is set", offset + 2)
            rest = _RESULT_REST.unpack_from(body, offset + _RESULT.size) if stride == FULL_STRIDE else (None,) * 3
            results.append(Result(status, sequence, amount, bool(flags & 1), field, *rest))
        return cls(tuple(results), posted, replayed)
