"""Batches, their replies, and the refusals of items that need no ledger."""

from __future__ import annotations

from typing import Any, Set, Tuple

from .primitives import (
    CONFLICT_FIELDS,
    OPERATIONS,
    STATUSES,
    TYPES,
    Json,
    bit_names,
    expect,
    fits,
    padding,
    put_text,
    i64,
    u,
    unreserved,
)


def item(data: bytes, at: int, text: bytes, text_at: int) -> Tuple[Json, int]:
    """The 64 bytes at ``at``; the second result is where the next text begins."""
    middle = text_at + data[at + 62]
    end = middle + data[at + 63]
    fits(end <= len(text))
    kind, operation = data[at + 60] % 16, data[at + 61]
    fields: Json = {
        "id": str(u(data, at, 16)),
        "account": str(u(data, at + 16, 16)),
        "related": str(u(data, at + 32, 16)),
        "amount": str(u(data, at + 48, 8)),
        "quantity": u(data, at + 56, 4),
        "type": TYPES.get(kind, kind),
        "flags": bit_names(data[at + 60] & 0xF0, {4: "remaining", 5: "voidIfUnknown", 6: "unsettled"}),
        "operation": OPERATIONS.get(operation, operation),
    }
    put_text(fields, "reference", text[text_at:middle])
    put_text(fields, "note", text[middle:end])
    return fields, end


def batch(body: bytes) -> Json:
    """A posting call."""
    fits(len(body) >= 32)
    stride, flags, count, text_bytes = u(body, 0, 2), u(body, 2, 2), u(body, 4, 4), u(body, 8, 4)
    fits(stride == 64)
    unreserved(flags < 4 and not any(body[12:32]))
    expect(count > 0, "request", "emptyBatch")
    expect(count <= 8_190, "request", "batchTooLarge")
    start = 32 + 64 * count
    padding(body, start + text_bytes)
    items, used = [], 0
    for index in range(count):
        one, used = item(body, 32 + 64 * index, body[start : start + text_bytes], used)
        items.append(one)
    fits(used == text_bytes)
    if flags & 1:
        expect(len({one["account"] for one in items}) == 1, "request", "atomicAccountsDiffer")
    return {
        "itemStride": stride,
        "flags": bit_names(flags, {0: "atomic", 1: "fullResults"}),
        "itemCount": count,
        "textBytes": text_bytes,
        "items": items,
    }


def batch_reply(body: bytes) -> Json:
    """The reply to a posting call."""
    fits(len(body) >= 16)
    stride, count = u(body, 0, 2), u(body, 4, 4)
    unreserved(u(body, 2, 2) == 0)
    fits(stride in (16, 40) and len(body) == 16 + stride * count)
    results = []
    for at in range(16, len(body), stride):
        unreserved(body[at + 2] < 2)
        status, field = u(body, at, 2), body[at + 3]
        one: Json = {
            "status": STATUSES.get(status, status),
            "flags": bit_names(body[at + 2], {0: "replayed"}),
            "field": CONFLICT_FIELDS.get(field, field),
            "sequence": u(body, at + 4, 4),
            "amount": str(u(body, at + 8, 8)),
        }
        if stride == 40:
            one["balance"] = str(i64(body, at + 16))
            one["timestamp"] = str(u(body, at + 24, 8))
            one["refundable"] = str(u(body, at + 32, 8))
        results.append(one)
    return {
        "resultStride": stride,
        "itemCount": count,
        "postedCount": u(body, 8, 4),
        "replayedCount": u(body, 12, 4),
        "results": results,
    }


def item_refusal(call: str, one: Json) -> str:
    """The first row of the table of section 9 that applies to a described item and needs no ledger; or ``ok``."""
    kind, operation, flags, amount = one["type"], one["operation"], set(one["flags"]), int(one["amount"])
    related = int(one["related"])
    spends: Set[Any] = {"image_generation", "detection", "variation", "combination", "export"}
    allowed_operations = {"spend": spends, "settlement": {0}}.get(kind, {kind})
    allowed_flags = {"spend": {"unsettled"}, "refund": {"remaining", "voidIfUnknown"}, "settlement": {"remaining"}}
    call_type = {"settle": "settlement"}.get(call, call)
    of_spend = kind in ("refund", "settlement")
    unsettled = kind == "spend" and "unsettled" in flags
    remaining = "remaining" in flags
    ladder = (
        (isinstance(kind, int), "unknownType"),
        (call != "post" and kind != call_type, "typeMismatch"),
        (isinstance(operation, int) and (operation != 0 or kind != "settlement"), "unknownOperation"),
        (operation not in allowed_operations, "operationMismatch"),
        (not flags <= allowed_flags.get(kind, set()), "reservedFlag"),
        (one["id"] == "0", "idMissing"),
        (one["account"] == "0", "accountMissing"),
        (of_spend and related == 0, "relatedMissing"),
        (not of_spend and not unsettled and related != 0, "relatedNotAllowed"),
        (unsettled and not 1_000 <= related <= 2_592_000_000, "settlementTimeoutOutOfRange"),
        (amount == 0 and not remaining and kind != "settlement", "amountZero"),
        (amount != 0 and remaining, "amountNotAllowed"),
        (amount >= 2**63, "amountTooLarge"),
        ("referenceHex" in one or "noteHex" in one, "textInvalid"),
    )
    return next((status for applies, status in ladder if applies), "ok")
