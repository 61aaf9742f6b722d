"""Reads, ping, status and errors."""

from __future__ import annotations

from typing import Tuple

from .posting import item
from .primitives import OPERATIONS, TYPES, Json, Refused, bit_names, fits, i64, padding, put_text, u, unreserved


def record(body: bytes, at: int, text: bytes, text_at: int) -> Tuple[Json, int]:
    """The 96 bytes of a transaction."""
    fields, end = item(body, at, text, text_at)
    unreserved(not any(body[at + 89 : at + 92]))
    rest = {
        "balanceAfter": str(i64(body, at + 64)),
        "timestamp": str(u(body, at + 72, 8)),
        "refunded": str(u(body, at + 80, 8)),
        "settlement": body[at + 88],
        "sequence": u(body, at + 92, 4),
    }
    return {**fields, **rest}, end


def page(body: bytes) -> Json:
    """A page of a history."""
    fits(len(body) >= 48)
    count, flags, text_bytes = u(body, 0, 4), u(body, 4, 4), u(body, 32, 4)
    unreserved(flags < 2 and u(body, 38, 2) == 0)
    fits(u(body, 36, 2) == 96)
    start = 48 + 96 * count
    padding(body, start + text_bytes)
    records, used = [], 0
    for index in range(count):
        one, used = record(body, 48 + 96 * index, body[start : start + text_bytes], used)
        records.append(one)
    fits(used == text_bytes)
    return {
        "count": count,
        "flags": bit_names(flags, {0: "more"}),
        "total": str(u(body, 8, 8)),
        "next": str(u(body, 16, 8)),
        "balance": str(i64(body, 24)),
        "textBytes": text_bytes,
        "stride": 96,
        "examined": str(u(body, 40, 8)),
        "transactions": records,
    }


def list_transactions(body: bytes) -> Json:
    """A request for a page."""
    fits(len(body) >= 96)
    flags, reference_bytes = u(body, 28, 4), u(body, 88, 4)
    meant(reference_bytes <= 255, "referenceBytes")
    padding(body, 96 + reference_bytes)
    unreserved(flags < 2 and u(body, 92, 4) == 0)
    types, operations = u(body, 32, 4), u(body, 36, 4)
    time_from, time_to = u(body, 40, 8), u(body, 48, 8)
    amount_min, amount_max = u(body, 56, 8), u(body, 64, 8)
    meant(u(body, 0, 16) > 0, "account")
    meant(1 <= u(body, 24, 4) <= 1_000, "limit")
    # A settlement never appears in a history, so that its bit is no more than a reserved one.
    meant(not types & ~0b11110, "types")
    meant(not operations & ~0b111111110, "operations")
    meant(time_to == 0 or time_from < time_to, "timeFrom")
    meant(amount_max == 0 or amount_min <= amount_max, "amountMin")
    fields: Json = {
        "account": str(u(body, 0, 16)),
        "start": str(u(body, 16, 8)),
        "limit": u(body, 24, 4),
        "flags": bit_names(flags, {0: "oldestFirst"}),
        "types": bit_names(types, TYPES),
        "operations": bit_names(operations, OPERATIONS),
        "timeFrom": str(time_from),
        "timeTo": str(time_to),
        "amountMin": str(amount_min),
        "amountMax": str(amount_max),
        "related": str(u(body, 72, 16)),
    }
    put_text(fields, "reference", body[96 : 96 + reference_bytes])
    return fields


def meant(condition: bool, field: str) -> None:
    """A filter must be possible."""
    if not condition:
        raise Refused("request", "invalidFilter", field)


def list_unsettled(body: bytes) -> Json:
    """A request for unsettled spends."""
    fits(len(body) == 32)
    unreserved(u(body, 28, 4) == 0)
    meant(1 <= u(body, 24, 4) <= 1_000, "limit")
    return {"account": str(u(body, 0, 16)), "start": str(u(body, 16, 8)), "limit": u(body, 24, 4)}


def account_request(body: bytes) -> Json:
    """A request for an overview."""
    fits(len(body) == 16)
    return {"account": str(u(body, 0, 16))}


def account(body: bytes) -> Json:
    """An overview."""
    fits(len(body) == 232 and u(body, 96, 4) == 8)
    unreserved(u(body, 100, 4) == 0)
    names = "lifetimeSpent lifetimePurchased lifetimeRefunded lifetimeBonus unsettled transactions firstTimestamp"
    numbers = (names + " lastTimestamp unsettledCount").split()
    return {
        "account": str(u(body, 0, 16)),
        "balance": str(i64(body, 16)),
        **{name: str(u(body, 24 + 8 * index, 8)) for index, name in enumerate(numbers)},
        "operationCount": 8,
        "operations": [
            {
                "operation": OPERATIONS[code],
                "amount": str(u(body, 88 + 16 * code, 8)),
                "count": str(u(body, 96 + 16 * code, 8)),
            }
            for code in range(1, 9)
        ],
    }


def lookup(body: bytes) -> Json:
    """A request for one transaction."""
    fits(len(body) == 32)
    return {"account": str(u(body, 0, 16)), "id": str(u(body, 16, 16))}


def transaction(body: bytes) -> Json:
    """One transaction."""
    fits(len(body) >= 104)
    text_bytes = u(body, 0, 4)
    unreserved(u(body, 4, 4) == 0)
    padding(body, 104 + text_bytes)
    one, used = record(body, 8, body[104 : 104 + text_bytes], 0)
    fits(used == text_bytes)
    return {"textBytes": text_bytes, "transaction": one}


def balance_at(body: bytes) -> Json:
    """A request for a balance."""
    fits(len(body) == 24)
    return {"account": str(u(body, 0, 16)), "time": str(u(body, 16, 8))}


def balance(body: bytes) -> Json:
    """A balance."""
    fits(len(body) == 24)
    return {"balance": str(i64(body, 0)), "sequence": str(u(body, 8, 8)), "timestamp": str(u(body, 16, 8))}


def ping(body: bytes) -> Json:
    """What comes back as it went."""
    fits(len(body) <= 64)
    return {"payloadHex": body.hex()}


def nothing(body: bytes) -> Json:
    """No body."""
    fits(len(body) == 0)
    return {}


def server_status(body: bytes) -> Json:
    """How the server is."""
    fits(len(body) == 64)
    names = "uptimeNanoseconds accounts transactions postedSinceStart blocksSinceStart flushNanosecondsLast"
    numbers = (names + " residentBytes").split()
    return {
        **{name: str(u(body, 8 * index, 8)) for index, name in enumerate(numbers)},
        "connections": u(body, 56, 4),
        "shardCount": u(body, 60, 4),
    }


def shard_request(body: bytes) -> Json:
    """From which shard on."""
    fits(len(body) == 8)
    unreserved(u(body, 4, 4) == 0)
    return {"firstShard": u(body, 0, 4)}


SHARD_NUMBERS = """
accounts transactions posted replayed itemsRefused postingRequests readingRequests requestsRefused bytesReceived
bytesSent connections connectionsHolding partsWaiting partsHeld residentBytes journalBlock journalPosition blocksWritten
bytesWritten recoveryNanoseconds requestNanoseconds flushNanoseconds
""".split()


def shard_status(body: bytes) -> Json:
    """How shards are, a row each."""
    fits(len(body) >= 16)
    stride, rows = u(body, 0, 4), u(body, 4, 4)
    fits(stride >= 760 and stride % 8 == 0 and len(body) == 16 + stride * rows)
    shards = []
    for start in range(16, len(body), stride):
        numbers = [str(u(body, start + 8 * index, 8)) for index in range(95)]
        described: Json = dict(zip(SHARD_NUMBERS, numbers))
        described.update(requestHistogram=numbers[22:58], flushHistogram=numbers[58:94], checkpointBlock=numbers[94])
        shards.append(described)
    return {"uptimeNanoseconds": str(u(body, 8, 8)), "rowCount": rows, "shards": shards}


def error_body(body: bytes) -> Json:
    """Why not."""
    fits(len(body) >= 8)
    text_bytes = u(body, 0, 4)
    padding(body, 8 + text_bytes)
    return {"textBytes": text_bytes, "detail": u(body, 4, 4), "text": str(body[8 : 8 + text_bytes], "utf-8")}
