"""``broken-replies.json``: what a client does not believe a server."""

from __future__ import annotations

import struct

from mana_ledger.protocol import (
    AccountOverview,
    BalanceReply,
    BatchReply,
    ErrorBody,
    Opcode,
    Page,
    Record,
    Result,
    ServerStatus,
    ShardStatus,
    ShardStatusReply,
    Status,
    encode_lookup_reply,
)

from .vector import TIME, Json, Vectors, body_patched, broken, header_patched, patched, purchase, reply

ABOUT = "replies that a client refuses: what became of the request is unknown to it"

MALFORMED = "malformedBody"
RESERVED = "reservedBits"

POSTED = reply(Opcode.spend, BatchReply.of([Result(Status.ok, 1, 5), Result(Status.voided)]).encode())
FULL = reply(Opcode.post, BatchReply.of([Result(Status.ok, 1, 5, balance=1, timestamp=2, refundable=3)]).encode())
RECORD = Record(purchase(reference=b"abc", note=b"de"), 1_000_000_000, TIME, 1)
PAGE = reply(Opcode.listTransactions, Page((RECORD,), 1, 1_000_000_000, examined=1).encode())
LOOKUP = reply(Opcode.lookupTransaction, encode_lookup_reply(RECORD))
ERROR = reply(Opcode.ping, ErrorBody("busy", 0).encode(), status=Status.overloaded, flags=3)


def _case(name: str, data: bytes, status: str, about: str, level: str = "request") -> Json:
    return broken(name, data, level, status, about, direction="server")


def vectors() -> Vectors:
    """The cases."""
    return _headers() + _results() + _pages() + _others()


def _headers() -> Vectors:
    connection = "connection"
    return [
        _case("header-flipped", patched(POSTED, 8, b"\x08"), "headerChecksumMismatch", "Whose reply?", connection),
        _case("version-2", header_patched(POSTED, 4, b"\x02"), "unsupportedVersion", "Not agreed on.", connection),
        _case("header-words-3", header_patched(POSTED, 5, b"\x03"), "malformedHeader", "Too short.", connection),
        _case(
            "length-4-gib",
            header_patched(POSTED, 0, struct.pack("<I", 2**32 - 8)),
            "frameTooLarge",
            "More than the client said it accepts.",
            connection,
        ),
        _case("body-flipped", patched(POSTED, 50, b"\x01"), "bodyChecksumMismatch", "A refusal turned into success?"),
        _case("flag-bit-2", header_patched(POSTED, 7, b"\x04"), RESERVED, "A reserved flag."),
        _case("reserved-18", header_patched(POSTED, 18, b"\x01"), RESERVED, "A reserved byte."),
        _case("opcode-request", header_patched(POSTED, 6, b"\x10"), "unknownOpcode", "A request from a server."),
        _case("opcode-ff", header_patched(POSTED, 6, b"\xff"), "unknownOpcode", "A reply to nothing."),
    ]


def _results() -> Vectors:
    return [
        _case("results-no-body", reply(Opcode.spend, b""), MALFORMED, "Not even the counts."),
        _case("results-cut", reply(Opcode.spend, POSTED[32:-8]), MALFORMED, "Half a result."),
        _case("results-left", reply(Opcode.spend, POSTED[32:] + bytes(8)), MALFORMED, "A word too many."),
        _case("results-count", body_patched(POSTED, 4, b"\x03"), MALFORMED, "Three announced, two sent."),
        _case("results-count-max", body_patched(POSTED, 4, b"\xff" * 4), MALFORMED, "Overflows 32 bits."),
        _case("results-stride-0", body_patched(POSTED, 0, b"\x00"), MALFORMED, "Results of no bytes."),
        _case("results-stride-32", body_patched(POSTED, 0, b"\x20"), MALFORMED, "One result of 32 bytes?"),
        _case("results-stride-40", body_patched(POSTED, 0, b"\x28"), MALFORMED, "Compact, and called full."),
        _case("results-stride-16", body_patched(FULL, 0, b"\x10"), MALFORMED, "Full, and called compact."),
        _case("results-reserved", body_patched(POSTED, 2, b"\x01"), RESERVED, "A reserved byte."),
        _case("results-flag", body_patched(POSTED, 16 + 2, b"\x02"), RESERVED, "A reserved flag of a result."),
    ]


def _pages() -> Vectors:
    padding = body_patched(PAGE, 48 + 96 + 5, b"\x01")
    return [
        _case("page-cut", reply(Opcode.listTransactions, PAGE[32:72]), MALFORMED, "A head of 40 bytes."),
        _case("page-count", body_patched(PAGE, 0, b"\x02"), MALFORMED, "Two announced, one sent."),
        _case("page-count-max", body_patched(PAGE, 0, b"\xff" * 4), MALFORMED, "Overflows 32 bits."),
        _case("page-flag", body_patched(PAGE, 4, b"\x02"), RESERVED, "A reserved flag."),
        _case("page-stride", body_patched(PAGE, 36, b"\x40"), MALFORMED, "A stride of 64."),
        _case("page-reserved", body_patched(PAGE, 38, b"\x01"), RESERVED, "A reserved byte."),
        _case("page-text-bytes", body_patched(PAGE, 32, b"\x06"), MALFORMED, "Six, where the texts have five."),
        _case("page-note-bytes", body_patched(PAGE, 48 + 63, b"\x09"), MALFORMED, "A note beyond the text area."),
        _case("page-transaction-reserved", body_patched(PAGE, 48 + 89, b"\x01"), RESERVED, "Byte 89 of it."),
        _case("page-padding", padding, RESERVED, "Padding is not zero."),
    ]


def _shard_statuses() -> Vectors:
    whole = reply(Opcode.shardStatus, ShardStatusReply(1, (ShardStatus(*range(22)),)).encode())
    return [
        _case("shard-status-empty", reply(Opcode.shardStatus, b""), MALFORMED, "No prelude."),
        _case("shard-status-cut", reply(Opcode.shardStatus, whole[32:-8]), MALFORMED, "A word of the row is missing."),
        _case("shard-status-stride-752", body_patched(whole, 0, b"\xf0"), MALFORMED, "A row has 760 bytes at least."),
        _case("shard-status-stride-764", body_patched(whole, 0, b"\xfc"), MALFORMED, "Rows are whole words."),
        _case("shard-status-rows-2", body_patched(whole, 4, b"\x02"), MALFORMED, "Two rows, one sent."),
        _case("shard-status-rows-max", body_patched(whole, 4, b"\xff" * 4), MALFORMED, "Rows of 3 TiB."),
    ]


def _others() -> Vectors:
    overview = AccountOverview(1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, ((0, 0),) * 8).encode()
    account = reply(Opcode.getAccount, overview)
    status = ServerStatus(*range(9)).encode()
    balance = BalanceReply(1, 2, 3).encode()
    return [
        _case("account-cut", reply(Opcode.getAccount, overview[:-8]), MALFORMED, "A word is missing."),
        _case("account-operations-9", body_patched(account, 96, b"\x09"), MALFORMED, "Nine operations, eight sent."),
        _case("account-reserved", body_patched(account, 100, b"\x01"), RESERVED, "A reserved byte."),
        _case("transaction-cut", reply(Opcode.lookupTransaction, LOOKUP[32:96]), MALFORMED, "Not all of it."),
        _case("transaction-reserved", body_patched(LOOKUP, 4, b"\x01"), RESERVED, "A reserved byte."),
        _case("transaction-text-bytes", body_patched(LOOKUP, 0, b"\x06"), MALFORMED, "Six, where the texts have five."),
        _case("balance-cut", reply(Opcode.balanceAt, balance[:16]), MALFORMED, "No timestamp."),
        _case("status-cut", reply(Opcode.serverStatus, status[:56]), MALFORMED, "A word is missing."),
        *_shard_statuses(),
        _case("drain-reply-body", reply(Opcode.drain, bytes(8)), MALFORMED, "It has no body."),
        _case("ping-72", reply(Opcode.ping, bytes(72)), MALFORMED, "More than can have been sent."),
        _case("error-no-body", reply(Opcode.ping, b"", status=Status.overloaded), MALFORMED, "No text and no detail."),
        _case("error-text-max", body_patched(ERROR, 0, b"\xff" * 4), MALFORMED, "A text of 4 GiB."),
        _case("error-text-cut", body_patched(ERROR, 0, b"\x0c"), MALFORMED, "Twelve bytes announced, eight sent."),
    ]
