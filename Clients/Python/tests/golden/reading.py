"""``reading.json`` and ``reading-replies.json``: lists, accounts, look-ups, balances, ping, status."""

from __future__ import annotations

from typing import Any

from mana_ledger.protocol import (
    AccountOverview,
    BalanceAt,
    BalanceReply,
    ErrorBody,
    GetAccount,
    GetShardStatus,
    ListTransactions,
    ListUnsettled,
    LookupTransaction,
    Opcode,
    Operation,
    Page,
    Record,
    ServerStatus,
    ShardStatus,
    ShardStatusReply,
    Status,
    TraceContext,
    TransactionType,
    encode_lookup_reply,
)

from .vector import (
    ACCOUNT,
    MANA,
    SPEND_ID,
    TIME,
    UUID_ACCOUNT,
    Json,
    Vectors,
    bonus,
    purchase,
    refund,
    reply,
    request,
    spend,
    valid,
)

ABOUT = "requests that read, ping, serverStatus, shardStatus and drain"
ABOUT_REPLIES = "replies to requests that read, to ping, serverStatus, shardStatus and drain"


def _request(name: str, about: str, opcode: Opcode, body: bytes, **header: Any) -> Json:
    return valid(name, "client", "established", request(opcode, body, **header), about)


def _list(name: str, about: str, **filters: object) -> Json:
    body = ListTransactions(ACCOUNT, **filters).encode()  # type: ignore[arg-type]
    return _request(f"list-{name}", about, Opcode.listTransactions, body)


def vectors() -> Vectors:
    """The requests."""
    types = 1 << TransactionType.spend | 1 << TransactionType.refund
    every_operation = sum(1 << operation for operation in Operation)
    return [
        _list("newest", "The newest hundred."),
        _list("one", "The smallest page.", limit=1),
        _list("page-max", "The largest page.", limit=1_000),
        _list("start", "On from a cursor.", start=57),
        _list("oldest-first", "From the beginning.", oldest_first=True),
        _list("oldest-first-start", "From a sequence number on, upwards.", oldest_first=True, start=2**32 - 1),
        _list("start-2-32", "Beyond the last that there can be: at the newest.", start=2**32),
        _list("start-max", "Not minus one.", start=2**64 - 1),
        _list("start-max-oldest-first", "An empty page.", oldest_first=True, start=2**64 - 1),
        _list("types", "Spends and refunds.", types=types),
        _list("types-all", "Each type of a history, which is the same as none.", types=0b11110),
        _list("operations", "Combinations only.", operations=1 << Operation.combination),
        _list("operations-all", "Each operation, which is the same as none.", operations=every_operation),
        _list("time-from", "Since a time.", time_from=TIME),
        _list("time-to", "Before a time.", time_to=TIME + 1),
        _list("time-range", "A day.", time_from=TIME, time_to=TIME + 86_400 * 10**9),
        _list("amount-min", "At least 1.5 Mana.", amount_min=1_500_000),
        _list("amount-max", "At most ten Mana.", amount_max=10 * MANA),
        _list("amount-exact", "Exactly ten Mana: both ends are included.", amount_min=10 * MANA, amount_max=10 * MANA),
        _list("related", "The refunds of one spend.", related=SPEND_ID),
        _list("reference", "One payment.", reference=b"pi_3N"),
        _list("reference-longest", "255 bytes.", reference=b"x" * 255),
        _list("reference-not-utf8", "It is compared as bytes, and equals none.", reference=b"caf\xe9"),
        _list("reference-cut-off", "A prefix of a character's bytes is not refused.", reference=b"\xf0\x9f\x8e"),
        _list("reference-zero", "U+0000 is a byte like any other.", reference=b"\x00"),
        _list("time-least", "The shortest range.", time_to=1),
        _list("time-one-nanosecond", "The shortest range after 1970.", time_from=TIME, time_to=TIME + 1),
        _list(
            "everything",
            "Each filter at once.",
            start=900,
            limit=25,
            oldest_first=True,
            types=types,
            operations=every_operation,
            time_from=TIME,
            time_to=TIME + 10**9,
            amount_min=1,
            amount_max=2**63 - 1,
            related=SPEND_ID,
            reference="Größe".encode(),
        ),
    ] + _other_requests()


def _other_requests() -> Vectors:
    beyond = ListUnsettled(ACCOUNT, 2**64 - 1)
    return [
        _request("get-account", "The overview.", Opcode.getAccount, GetAccount(ACCOUNT).encode()),
        _request("get-account-uuid", "By UUID.", Opcode.getAccount, GetAccount(UUID_ACCOUNT).encode()),
        _request("lookup", "By id.", Opcode.lookupTransaction, LookupTransaction(ACCOUNT, SPEND_ID).encode()),
        _request("balance-at", "At a time.", Opcode.balanceAt, BalanceAt(ACCOUNT, TIME).encode()),
        _request("balance-at-0", "Before everything.", Opcode.balanceAt, BalanceAt(ACCOUNT, 0).encode()),
        _request("balance-at-max", "After everything.", Opcode.balanceAt, BalanceAt(ACCOUNT, 2**64 - 1).encode()),
        _request("list-unsettled", "The newest hundred.", Opcode.listUnsettled, ListUnsettled(ACCOUNT).encode()),
        _request("list-unsettled-start-max", "At the newest.", Opcode.listUnsettled, beyond.encode()),
        _request("list-unsettled-start", "On.", Opcode.listUnsettled, ListUnsettled(ACCOUNT, 31, 1_000).encode()),
        _request("ping-empty", "No payload.", Opcode.ping, b""),
        _request("ping-8", "Eight bytes.", Opcode.ping, b"mana\x00\xff\x80\n"),
        _request("ping-64", "As many as may be.", Opcode.ping, bytes(range(64))),
        _request("ping-deadline", "Within the largest deadline.", Opcode.ping, b"", microseconds=2**32 - 1),
        _request("ping-header-words-5", "A word to skip, and no body.", Opcode.ping, b"", extra_header=b"\x01" * 8),
        _request("ping-trace", "Any call may carry one.", Opcode.ping, b"", extra_header=TraceContext(2, 3).encode()),
        _request("server-status", "How the server is.", Opcode.serverStatus, b""),
        _request("shard-status", "How its shards are.", Opcode.shardStatus, GetShardStatus().encode()),
        _request("shard-status-87", "Those from the 88th on.", Opcode.shardStatus, GetShardStatus(87).encode()),
        _request("drain", "Finish what is in flight, and end.", Opcode.drain, b""),
    ]


def _reply(name: str, about: str, opcode: Opcode, body: bytes, **header: Any) -> Json:
    return valid(name, "server", "established", reply(opcode, body, **header), about)


_RECORDS = (
    Record(bonus(id=5, note="Willkommen 🎁".encode()), 1_009_000_000, TIME + 40, 4),
    Record(refund(note=b"operation failed"), 999_000_000, TIME + 30, 3),
    Record(spend(quantity=3), 998_500_000, TIME + 20, 2, refunded=500_000),
    Record(purchase(id=1, reference=b"pi_3N", note=b"$40 Creator Pack"), 1_000_000_000, TIME, 1),
)


def _unsettled(sequence: int, settlement: int) -> Record:
    return Record(spend(id=sequence, flags=0x40, related=60_000), 10 * MANA, TIME + sequence, sequence, 0, settlement)


def reply_vectors() -> Vectors:
    """The replies."""
    listing, unsettled = Opcode.listTransactions, Opcode.listUnsettled
    whole = Page(_RECORDS, 4, 1_009_000_000, examined=4)
    part = Page(_RECORDS[:2], 4, 1_009_000_000, next=2, more=True, examined=2)
    nothing_yet = Page((), 100_000, 5, next=90_001, more=True, examined=10_000)
    settlements = Page(tuple(_unsettled(n + 1, n) for n in range(1, 5)), 5, 10 * MANA, examined=5)
    return [
        _reply("page", "A whole history, newest first.", listing, whole.encode()),
        _reply("page-more", "Ask again with start 2.", listing, part.encode()),
        _reply("page-empty", "Nothing matches.", listing, Page((), 4, 1_009_000_000, examined=4).encode()),
        _reply("page-empty-more", "Nothing yet: the server's bound was met.", listing, nothing_yet.encode()),
        _reply("page-negative-balance", "Balances are signed.", listing, Page((), 1, -1, examined=1).encode()),
        _reply("page-settlements", "Each state of a settlement.", listing, settlements.encode()),
        _reply("unsettled-page", "One spend.", unsettled, Page((_unsettled(9, 1),), 12, 10 * MANA).encode()),
        _reply("unsettled-page-empty", "None.", unsettled, Page((), 12, 10 * MANA).encode()),
    ] + _other_replies()


def _other_replies() -> Vectors:
    operations = ((1_500_000, 1), (0, 0), (0, 0), (0, 0), (0, 0), (1000 * MANA, 1), (500_000, 1), (10 * MANA, 1))
    overview = AccountOverview(
        ACCOUNT, 1_009_000_000, 1_500_000, 1000 * MANA, 500_000, 10 * MANA, 0, 4, TIME, TIME + 40, 0, operations
    )
    status = ServerStatus(3_600 * 10**9, 2, 5, 4, 3, 94_000, 268_435_456, 1, 2)
    shards = Opcode.shardStatus
    two = ShardStatusReply(
        3_600 * 10**9,
        tuple(
            ShardStatus(*range(n, n + 22), tuple(range(n + 100, n + 136)), tuple(range(n + 200, n + 236)), n + 300)
            for n in (1_000, 2_000)
        ),
    )
    unknown = ErrorBody("no account 42").encode()
    missing = ErrorBody("no such transaction").encode()
    limit = ErrorBody("limit", 24).encode()
    lookup, balance = Opcode.lookupTransaction, Opcode.balanceAt
    return [
        _reply("account", "It adds up.", Opcode.getAccount, overview.encode()),
        _reply("transaction", "A purchase with texts.", lookup, encode_lookup_reply(_RECORDS[3])),
        _reply("transaction-no-text", "A spend without.", lookup, encode_lookup_reply(_RECORDS[2])),
        _reply("balance", "After the third.", balance, BalanceReply(999_000_000, 3, TIME + 30).encode()),
        _reply("balance-none", "No transaction yet.", balance, BalanceReply(0, 0, 0).encode()),
        _reply("ping-reply-empty", "No payload.", Opcode.ping, b""),
        _reply("ping-reply-64", "What was sent.", Opcode.ping, bytes(range(64))),
        _reply("ping-reply-header-words-5", "A word to skip.", Opcode.ping, b"12345678", extra_header=b"\x01" * 8),
        _reply("server-status-reply", "After an hour.", Opcode.serverStatus, status.encode()),
        _reply("shard-status-reply", "Two shards, each number another.", shards, two.encode()),
        _reply("shard-status-reply-stride-760", "A later version's word to skip.", shards, two.encode(stride=760)),
        _reply("drain-reply", "It has begun.", Opcode.drain, b""),
        _reply("error-account", "Unknown.", Opcode.getAccount, unknown, status=Status.accountUnknown, flags=1),
        _reply("error-transaction", "Unknown.", lookup, missing, status=Status.transactionUnknown, flags=1),
        _reply(
            "error-filter", "It names the field.", Opcode.listTransactions, limit, status=Status.invalidFilter, flags=1
        ),
    ]

