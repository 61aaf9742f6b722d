"""The meaning of a frame as JSON: the ``frame`` of a vector. ``Protocol/vectors/README.md`` describes the shape."""

from __future__ import annotations

from dataclasses import fields
from enum import IntEnum
from typing import Any, Callable, Dict, List, Tuple, Type

from mana_ledger import protocol
from mana_ledger.protocol import (
    AccountOverview,
    BalanceAt,
    BalanceReply,
    Batch,
    BatchReply,
    ConflictField,
    ErrorBody,
    Extension,
    ExtensionKind,
    GetAccount,
    GetShardStatus,
    Hello,
    Item,
    ListTransactions,
    ListUnsettled,
    LookupTransaction,
    Opcode,
    Operation,
    Page,
    Record,
    Result,
    ServerStatus,
    ShardStatus,
    ShardStatusReply,
    Status,
    TransactionType,
    Welcome,
    name_of,
    text_of,
)

Json = Dict[str, Any]


def bits(value: int, names: Tuple[Tuple[int, str], ...]) -> List[str]:
    """The names of the bits that are set, lowest first; a bit without a name is ``bitN``."""
    known = dict(names)
    return [known.get(1 << n, f"bit{n}") for n in range(32) if value >> n & 1]


ITEM_FLAGS = ((0x10, "remaining"), (0x20, "voidIfUnknown"), (0x40, "unsettled"))


def text(key: str, data: bytes) -> Json:
    """A text under ``key``, or its bytes under ``keyHex`` when they are not UTF-8."""
    try:
        return {key: data.decode("utf-8")}
    except UnicodeDecodeError:
        return {f"{key}Hex": data.hex()}


def selected(value: int, kind: Type[IntEnum]) -> List[Any]:
    """The codes that a filter selects."""
    return [name_of(kind, n) for n in range(32) if value >> n & 1]


def item(value: Item) -> Json:
    """An item of a request, and the first 64 bytes of a transaction in a reply."""
    return {
        "id": str(value.id),
        "account": str(value.account),
        "related": str(value.related),
        "amount": str(value.amount),
        "quantity": value.quantity,
        "type": name_of(TransactionType, value.type),
        "flags": bits(value.flags, ITEM_FLAGS),
        "operation": name_of(Operation, value.operation),
        **text("reference", value.reference),
        **text("note", value.note),
    }


def batch(value: Batch) -> Json:
    """The body of a posting call."""
    names = [name for name, on in (("atomic", value.atomic), ("fullResults", value.full_results)) if on]
    return {
        "itemStride": 64,
        "flags": names,
        "itemCount": len(value.items),
        "textBytes": sum(len(one.reference) + len(one.note) for one in value.items),
        "items": [item(one) for one in value.items],
    }


def result(value: Result) -> Json:
    """A result; the last three fields are there with ``fullResults``."""
    described: Json = {
        "status": name_of(Status, value.status),
        "flags": ["replayed"] if value.replayed else [],
        "field": name_of(ConflictField, value.field),
        "sequence": value.sequence,
        "amount": str(value.amount),
    }
    if value.balance is not None:
        described["balance"] = str(value.balance)
        described["timestamp"] = str(value.timestamp)
        described["refundable"] = str(value.refundable)
    return described


def batch_reply(value: BatchReply) -> Json:
    """The reply to a posting call."""
    return {
        "resultStride": 16 if value.results[0].balance is None else 40,
        "itemCount": len(value.results),
        "postedCount": value.posted_count,
        "replayedCount": value.replayed_count,
        "results": [result(one) for one in value.results],
    }


def record(value: Record) -> Json:
    """A transaction in a reply."""
    return {
        **item(value.item),
        "balanceAfter": str(value.balance_after),
        "timestamp": str(value.timestamp),
        "refunded": str(value.refunded),
        "settlement": value.settlement,
        "sequence": value.sequence,
    }


def page(value: Page) -> Json:
    """The reply to ``listTransactions`` and ``listUnsettled``."""
    return {
        "count": len(value.records),
        "flags": ["more"] if value.more else [],
        "total": str(value.total),
        "next": str(value.next),
        "balance": str(value.balance),
        "textBytes": sum(len(one.item.reference) + len(one.item.note) for one in value.records),
        "stride": 96,
        "examined": str(value.examined),
        "transactions": [record(one) for one in value.records],
    }


def extensions(values: Tuple[Extension, ...]) -> Json:
    """The extensions of the handshake: as bytes, since an unknown kind may hold anything, and the texts understood."""
    kinds = {one.kind & 0x7FFF for one in values}
    return {
        "extensions": [{"kind": one.kind, "valueHex": one.value.hex()} for one in values],
        "texts": {kind.name: text_of(values, kind) for kind in ExtensionKind if kind in kinds},
    }


def hello(value: Hello) -> Json:
    """The body of ``hello``."""
    return {
        "versionMin": value.version_min,
        "versionMax": value.version_max,
        "features": str(value.features),
        "ledger": str(value.ledger),
        "instance": str(value.instance),
        "frameBytesMax": value.frame_bytes_max,
        **extensions(value.extensions),
    }


def welcome(value: Welcome) -> Json:
    """The body of ``welcome``."""
    return {
        "version": value.version,
        "shardCount": value.shard_count,
        "features": str(value.features),
        "ledger": str(value.ledger),
        "instance": str(value.instance),
        "frameBytesMax": value.frame_bytes_max,
        "itemsMax": value.items_max,
        "requestsInFlightMax": value.requests_in_flight_max,
        "bytesInFlightMax": value.bytes_in_flight_max,
        "shardHashSeed": str(value.shard_hash_seed),
        "time": str(value.time),
        "pageMax": value.page_max,
        **extensions(value.extensions),
    }


def list_transactions(value: ListTransactions) -> Json:
    """The body of ``listTransactions``."""
    return {
        "account": str(value.account),
        "start": str(value.start),
        "limit": value.limit,
        "flags": ["oldestFirst"] if value.oldest_first else [],
        "types": selected(value.types, TransactionType),
        "operations": selected(value.operations, Operation),
        "timeFrom": str(value.time_from),
        "timeTo": str(value.time_to),
        "amountMin": str(value.amount_min),
        "amountMax": str(value.amount_max),
        "related": str(value.related),
        **text("reference", value.reference),
    }


def account(value: AccountOverview) -> Json:
    """The reply to ``getAccount``."""
    return {
        "account": str(value.account),
        "balance": str(value.balance),
        "lifetimeSpent": str(value.lifetime_spent),
        "lifetimePurchased": str(value.lifetime_purchased),
        "lifetimeRefunded": str(value.lifetime_refunded),
        "lifetimeBonus": str(value.lifetime_bonus),
        "unsettled": str(value.unsettled),
        "transactions": str(value.transactions),
        "firstTimestamp": str(value.first_timestamp),
        "lastTimestamp": str(value.last_timestamp),
        "unsettledCount": str(value.unsettled_count),
        "operationCount": len(value.operations),
        "operations": [
            {"operation": Operation(code).name, "amount": str(amount), "count": str(count)}
            for code, (amount, count) in enumerate(value.operations, 1)
        ],
    }


def server_status(value: ServerStatus) -> Json:
    """The reply to ``serverStatus``."""
    return {
        "uptimeNanoseconds": str(value.uptime_nanoseconds),
        "accounts": str(value.accounts),
        "transactions": str(value.transactions),
        "postedSinceStart": str(value.posted_since_start),
        "blocksSinceStart": str(value.blocks_since_start),
        "flushNanosecondsLast": str(value.flush_nanoseconds_last),
        "residentBytes": str(value.resident_bytes),
        "connections": value.connections,
        "shardCount": value.shard_count,
    }


def shard_status(value: ShardStatusReply) -> Json:
    """The reply to ``shardStatus``."""
    return {
        "uptimeNanoseconds": str(value.uptime_nanoseconds),
        "rowCount": len(value.shards),
        "shards": [_shard(row) for row in value.shards],
    }


def _shard(row: ShardStatus) -> Json:
    described: Json = {}
    for field in fields(row):
        head, *words = field.name.split("_")
        number = getattr(row, field.name)
        described[head + "".join(word.capitalize() for word in words)] = (
            [str(count) for count in number] if isinstance(number, tuple) else str(number)
        )
    return described


_BODIES: Dict[type, Callable[[Any], Json]] = {
    Hello: hello,
    Welcome: welcome,
    Batch: batch,
    BatchReply: batch_reply,
    ListTransactions: list_transactions,
    ListUnsettled: lambda value: {"account": str(value.account), "start": str(value.start), "limit": value.limit},
    Page: page,
    GetAccount: lambda value: {"account": str(value.account)},
    AccountOverview: account,
    LookupTransaction: lambda value: {"account": str(value.account), "id": str(value.id)},
    Record: lambda value: {
        "textBytes": len(value.item.reference) + len(value.item.note),
        "transaction": record(value),
    },
    BalanceAt: lambda value: {"account": str(value.account), "time": str(value.time)},
    BalanceReply: lambda value: {
        "balance": str(value.balance),
        "sequence": str(value.sequence),
        "timestamp": str(value.timestamp),
    },
    ServerStatus: server_status,
    GetShardStatus: lambda value: {"firstShard": value.first},
    ShardStatusReply: shard_status,
    ErrorBody: lambda value: {
        "textBytes": len(value.text.encode("utf-8")),
        "detail": value.detail,
        "text": value.text,
    },
    bytes: lambda value: {"payloadHex": value.hex()},
    type(None): lambda value: {},
}


def frame(data: bytes, direction: str) -> Json:
    """The meaning of a whole frame that the library accepts."""
    length = protocol.check_header(data)
    parsed = protocol.parse_frame(data)
    if parsed.opcode == Opcode.hello:
        protocol.check_hello_header(parsed)
        body: Any = Hello.decode(parsed.body)
    elif direction == "client":
        body = protocol.decode_request(parsed)
    else:
        body = protocol.decode_reply(parsed)
    connection_frame = parsed.opcode in (Opcode.welcome, Opcode.goAway)
    is_reply = direction == "server" and not connection_frame
    opcode = parsed.opcode & ~protocol.REPLY_BIT if is_reply else parsed.opcode
    meaning = {
        "length": length,
        "version": parsed.version,
        "headerWords": parsed.header_words,
        "opcode": name_of(Opcode, opcode),
        "reply": is_reply,
        "flags": bits(parsed.flags, ((1, "notExecuted"), (2, "retryable"))),
        "correlation": str(parsed.correlation),
        "status": name_of(Status, parsed.status),
        "microseconds": parsed.microseconds,
        "body": _BODIES[type(body)](body),
    }
    trace = parsed.trace_context
    if trace:
        meaning["traceContext"] = {"traceFlags": trace.flags, "span": str(trace.span), "trace": str(trace.trace)}
    return meaning
