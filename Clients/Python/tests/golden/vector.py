"""How a vector is made: whole frames from values, and broken ones by patching bytes of a whole frame."""

from __future__ import annotations

import struct
from typing import Any, Dict, List, Optional, Sequence

from mana_ledger.protocol import HEADER_BYTES, Batch, Item, Opcode, Operation, TransactionType, crc32c, encode_frame

from . import describe

Json = Dict[str, Any]

# What the cases share. Account 42 is the specification's own example.
ACCOUNT = 42
UUID_ACCOUNT = 0x6F1B3C5E_8D20_4A7B_9E41_5C0D2F8A1B37
SPEND_ID = 0x1D9C0B7A_52E4_4C83_8F16_A0B1C2D3E4F5
OTHER_ID = 0x2E8D1C6B_43F5_4D92_9A07_B1C2D3E4F5A6
LEDGER = 0xC3A5C85C_97CB_4127_B492_D1E2F3A4B5C6
INSTANCE = 0x0102030405060708090A0B0C0D0E0F10
TIME = 1_768_471_200_000_000_000  # 2026-01-15T10:00:00Z
MANA = 1_000_000


def valid(name: str, direction: str, stage: str, data: bytes, about: str) -> Json:
    """A frame that is accepted, with its meaning."""
    return {
        "name": name,
        "about": about,
        "direction": direction,
        "stage": stage,
        "hex": data.hex(),
        "valid": True,
        "frame": describe.frame(data, direction),
    }


def broken(
    name: str,
    data: bytes,
    level: str,
    status: str,
    about: str,
    *,
    direction: str = "client",
    stage: str = "established",
    field: Optional[str] = None,
    condition: Optional[str] = None,
    answer: Optional[str] = None,
) -> Json:
    """Bytes that are refused, and how."""
    error: Json = {"level": level, "status": status}
    if field:
        error["field"] = field
    if condition:
        error["condition"] = condition
    if answer:
        error["answer"] = answer
    error["connectionSurvives"] = level != "connection"
    return {
        "name": name,
        "about": about,
        "direction": direction,
        "stage": stage,
        "hex": data.hex(),
        "valid": False,
        "error": error,
    }


def refused_items(
    name: str, opcode: Opcode, items: Sequence[Item], statuses: Sequence[Optional[str]], about: str, **flags: bool
) -> Json:
    """A well-formed batch in which items are refused. ``None`` is an item whose fate depends on the ledger."""
    data = encode_frame(opcode, Batch(tuple(items), **flags).encode(), correlation=9)
    first = next(index for index, status in enumerate(statuses) if status not in (None, "notApplied"))
    vector = broken(name, data, "item", str(statuses[first]), about)
    vector["error"]["item"] = first
    vector["error"]["itemStatuses"] = list(statuses)
    vector["frame"] = describe.frame(data, "client")
    return vector


def patched(data: bytes, offset: int, value: bytes) -> bytes:
    """``data`` with ``value`` at ``offset``; checksums are left as they are."""
    return data[:offset] + value + data[offset + len(value) :]


def sealed_header(data: bytes) -> bytes:
    """``data`` with the checksum of its header made right."""
    return patched(data, 28, struct.pack("<I", crc32c(data[:28])))


def header_patched(data: bytes, offset: int, value: bytes) -> bytes:
    """A patch within the header that the header's checksum vouches for."""
    return sealed_header(patched(data, offset, value))


def sealed(data: bytes) -> bytes:
    """``data`` with both checksums made right."""
    return sealed_header(patched(data, 24, struct.pack("<I", crc32c(data[HEADER_BYTES:]))))


def body_patched(data: bytes, offset: int, value: bytes) -> bytes:
    """A patch within the body, ``offset`` counted from its start, that both checksums vouch for."""
    return sealed(patched(data, HEADER_BYTES + offset, value))


def spend(**changes: Any) -> Item:
    """A spend of 1.5 Mana for an image, with what a case changes."""
    fields: Json = {
        "id": SPEND_ID,
        "account": ACCOUNT,
        "type": TransactionType.spend,
        "operation": Operation.image_generation,
        "amount": 1_500_000,
    }
    return Item(**{**fields, **changes})


def refund(**changes: Any) -> Item:
    """A refund of 0.5 Mana of that spend."""
    fields: Json = {
        "id": OTHER_ID,
        "account": ACCOUNT,
        "type": TransactionType.refund,
        "operation": Operation.refund,
        "amount": 500_000,
        "related": SPEND_ID,
    }
    return Item(**{**fields, **changes})


def purchase(**changes: Any) -> Item:
    """A purchase of 1000 Mana."""
    fields: Json = {
        "id": OTHER_ID,
        "account": ACCOUNT,
        "type": TransactionType.purchase,
        "operation": Operation.purchase,
        "amount": 1000 * MANA,
    }
    return Item(**{**fields, **changes})


def bonus(**changes: Any) -> Item:
    """A bonus of 10 Mana."""
    return purchase(**{"type": TransactionType.bonus, "operation": Operation.bonus, "amount": 10 * MANA, **changes})


def settlement(**changes: Any) -> Item:
    """A settlement of that spend: it failed."""
    fields: Json = {
        "id": OTHER_ID,
        "account": ACCOUNT,
        "type": TransactionType.settlement,
        "operation": 0,
        "amount": 0,
        "related": SPEND_ID,
    }
    return Item(**{**fields, **changes})


def request(opcode: int, body: bytes, **header: Any) -> bytes:
    """A request frame with correlation 7 unless the case says otherwise."""
    return encode_frame(opcode, body, **{"correlation": 7, **header})


def reply(opcode: Opcode, body: bytes, **header: Any) -> bytes:
    """The reply to ``opcode``, with correlation 7 unless the case says otherwise."""
    return encode_frame(opcode | 0x80, body, **{"correlation": 7, **header})


Vectors = List[Json]
