"""``posting.json`` and ``posting-replies.json``: each posting call and what a server answers."""

from __future__ import annotations

from typing import Sequence

from mana_ledger.protocol import (
    Batch,
    BatchReply,
    ErrorBody,
    Item,
    Opcode,
    Operation,
    Result,
    Status,
    TraceContext,
)

from .vector import (
    MANA,
    TIME,
    UUID_ACCOUNT,
    Json,
    Vectors,
    bonus,
    purchase,
    refund,
    reply,
    request,
    settlement,
    spend,
    valid,
)

ABOUT = "requests that post transactions"
ABOUT_REPLIES = "replies to requests that post transactions"

UNSETTLED = 0x40
VOID_IF_UNKNOWN = 0x20
REMAINING = 0x10


def _case(name: str, about: str, opcode: Opcode, items: Sequence[Item], **options: object) -> Json:
    header = {key: options.pop(key) for key in ("correlation", "microseconds", "extra_header") if key in options}
    body = Batch(tuple(items), **options).encode()  # type: ignore[arg-type]
    return valid(name, "client", "established", request(opcode, body, **header), about)


def vectors() -> Vectors:
    """The requests."""
    return _single() + _flags() + _batches()


def _single() -> Vectors:
    combination = spend(operation=Operation.combination, amount=997 * MANA, quantity=1000, account=UUID_ACCOUNT)
    pack = purchase(reference=b"pi_3N", note=b"$40 Creator Pack")
    largest = purchase(id=2**128 - 1, account=2**128 - 1, amount=2**63 - 1, quantity=2**32 - 1)
    return [
        _case("spend", "One image for account 42.", Opcode.spend, [spend()]),
        _case("spend-uuid-account", "A thousand combinations.", Opcode.spend, [combination]),
        _case("spend-least", "One micromana; the smallest ids.", Opcode.spend, [spend(id=1, account=1, amount=1)]),
        _case("spend-deadline", "Five seconds from its arrival.", Opcode.spend, [spend()], microseconds=5_000_000),
        _case("spend-correlation-max", "Any number.", Opcode.spend, [spend()], correlation=2**64 - 1),
        _case("spend-header-words-5", "A word to skip.", Opcode.spend, [spend()], extra_header=bytes(range(8))),
        _case("spend-header-words-6", "Two words.", Opcode.spend, [spend(note=b"n")], extra_header=b"\xff" * 16),
        *_traced(),
        _case("purchase", "With both texts.", Opcode.purchase, [pack]),
        _case("purchase-largest", "Each number at its largest.", Opcode.purchase, [largest]),
        _case("refund-partial", "A third of the spend.", Opcode.refund, [refund(note=b"operation failed")]),
        _case("bonus", "Ten Mana.", Opcode.bonus, [bonus(note="Willkommen 🎁".encode())]),
    ] + [
        _case(f"spend-{operation.name}", "An operation that spends.", Opcode.spend, [spend(operation=operation)])
        for operation in (Operation.detection, Operation.variation, Operation.combination, Operation.export)
    ]


def _traced() -> Vectors:
    """The example of W3C Trace Context, and extensions that are skipped."""
    trace = TraceContext(0x0AF7651916CD43DD8448EB211C80319C, 0xB7AD6B7169203331).encode()
    other = TraceContext(1, 1, 0).encode()
    unknown = b"\x09\x00\x03\x00abc\x00"
    cases = [
        ("trace", "A span of a trace that is sampled.", trace),
        ("trace-least", "The smallest identifiers, not sampled.", other),
        ("trace-largest", "The largest.", TraceContext(2**128 - 1, 2**64 - 1, 255).encode()),
        ("trace-second", "Behind a kind that nobody knows.", unknown + trace),
        ("trace-twice", "The first one counts.", trace + other),
        ("trace-zero", "No trace has the number zero: skipped.", TraceContext(0, 1).encode()),
        ("trace-span-zero", "Nor has a span: skipped.", TraceContext(1, 0).encode()),
        ("trace-short", "Of another length: skipped.", b"\x01\x00\x14\x00" + trace[4:24]),
        ("trace-cut", "Its length runs over into the body: skipped.", trace[:24]),
        ("trace-behind-cut", "Nothing is found behind a length that runs over.", b"\x09\x00\xff\xffabcd" + trace),
        ("trace-reserved", "Its reserved bytes are skipped.", trace[:5] + b"\xff\xff\xff" + trace[8:]),
    ]
    return [
        _case(f"spend-{name}", about, Opcode.spend, [spend()], extra_header=extensions)
        for name, about, extensions in cases
    ]


def _flags() -> Vectors:
    failed = settlement(note=b"generation failed")
    succeeded = settlement(flags=REMAINING)
    remaining_void = refund(amount=0, flags=REMAINING | VOID_IF_UNKNOWN)
    return [
        _case("refund-remaining", "All the rest.", Opcode.refund, [refund(amount=0, flags=REMAINING)]),
        _case("refund-void-if-unknown", "Or remember the id.", Opcode.refund, [refund(flags=VOID_IF_UNKNOWN)]),
        _case("refund-remaining-void-if-unknown", "Both flags.", Opcode.refund, [remaining_void]),
        _case("spend-unsettled-least", "One second.", Opcode.spend, [spend(flags=UNSETTLED, related=1_000)]),
        _case("spend-unsettled-most", "Thirty days.", Opcode.spend, [spend(flags=UNSETTLED, related=2_592_000_000)]),
        _case("settle-failed", "Nothing was used: refund everything.", Opcode.settle, [failed]),
        _case("settle-succeeded", "Everything was used.", Opcode.settle, [succeeded]),
        _case("settle-used-part", "One Mana was used.", Opcode.settle, [settlement(amount=MANA)]),
    ]


def _batches() -> Vectors:
    mixed = [
        purchase(id=1, reference="Überweisung №1".encode(), note="クレジット".encode()),
        spend(id=2, note=b"text"),
        spend(id=3, operation=Operation.export, amount=5 * MANA, quantity=500),
        refund(id=4, related=2, amount=0, flags=REMAINING),
        bonus(id=5, reference=b"r"),
    ]
    longest = spend(reference=b"r" * 255, note=("é" * 127 + "!").encode())
    settled = [spend(id=6, flags=UNSETTLED, related=60_000), settlement(id=7, related=6, flags=REMAINING)]
    several = [spend(id=n, account=n, amount=n * MANA) for n in range(1, 4)]
    two_purchases = [purchase(id=n, note=f"pack {n}".encode()) for n in (1, 2)]
    return [
        _case("spend-full-results", "Ask for balance and time.", Opcode.spend, [spend()], full_results=True),
        _case("spend-batch", "Three accounts.", Opcode.spend, several),
        _case("purchase-batch", "Two purchases with notes.", Opcode.purchase, two_purchases),
        _case("post-mixed", "Each type, texts of several bytes a character.", Opcode.post, mixed),
        _case("post-settlement", "A spend and its settlement in one batch.", Opcode.post, settled),
        _case("post-atomic", "All or none.", Opcode.post, mixed, atomic=True),
        _case("post-atomic-full-results", "Both flags.", Opcode.post, mixed, atomic=True, full_results=True),
        _case("spend-texts-longest", "255 bytes each, not a multiple of 8.", Opcode.spend, [longest]),
        _case("spend-text-8-bytes", "No padding is needed.", Opcode.spend, [spend(reference=b"1234", note=b"5678")]),
        _case("spend-text-with-zero", "U+0000 is UTF-8 as well.", Opcode.spend, [spend(note=b"a\x00b")]),
        _case(
            "spend-texts-not-normalized",
            "A decomposed character and a byte order mark stay as they are.",
            Opcode.spend,
            [spend(reference="\ufeffe\u0301".encode(), note="\U0010ffff".encode())],
        ),
        _case("spend-same-id-twice", "The second is a replay.", Opcode.spend, [spend(), spend()]),
    ]


def _reply(name: str, about: str, opcode: Opcode, results: Sequence[Result], **header: int) -> Json:
    body = BatchReply.of(results).encode()
    return valid(name, "server", "established", reply(opcode, body, **header), about)


def _error(name: str, about: str, opcode: Opcode, status: Status, text: str, **header: int) -> Json:
    detail = header.pop("detail", 0)
    data = reply(opcode, ErrorBody(text, detail).encode(), status=status, **header)
    return valid(name, "server", "established", data, about)


def reply_vectors() -> Vectors:
    """The replies."""
    ok = Status.ok
    full = Result(ok, 2, 1_500_000, balance=998_500_000, timestamp=TIME, refundable=1_500_000)
    replayed = Result(ok, 2, 1_500_000, replayed=True)
    conflict = Result(Status.idConflict, field=3)
    poor = Result(Status.insufficientBalance)
    full_poor = Result(Status.insufficientBalance, balance=250_000, timestamp=0, refundable=0)
    negative = Result(ok, 2**32 - 1, 2**63 - 1, balance=-(2**63), timestamp=2**64 - 1, refundable=0)
    atomic = [Result(Status.notApplied), poor, Result(Status.notApplied)]
    part_full = [Result(ok, 7, 1_500_000), Result(Status.diskFull), Result(ok, 3, 10 * MANA), Result(Status.diskFull)]
    part_down = [Result(Status.shuttingDown, balance=0, timestamp=0, refundable=0), full]
    mixed_replay = [Result(Status.notApplied), Result(Status.idConflict)]
    return [
        _reply("spend-reply", "Applied as the second transaction.", Opcode.spend, [Result(ok, 2, 1_500_000)]),
        _reply("spend-reply-replayed", "It had been applied before.", Opcode.spend, [replayed]),
        _reply("spend-reply-refused", "The request went well, its item did not.", Opcode.spend, [poor]),
        _reply("spend-reply-conflict", "The amount differs.", Opcode.spend, [conflict]),
        _reply("spend-reply-full", "With balance, time and what can be refunded.", Opcode.spend, [full]),
        _reply("spend-reply-full-refused", "The account's present balance.", Opcode.spend, [full_poor]),
        _reply("spend-reply-extremes", "The signed balance at its least.", Opcode.spend, [negative]),
        _reply("refund-reply", "The amount that remained.", Opcode.refund, [Result(ok, 3, 1_000_000)]),
        _reply("refund-reply-voided", "The spend was unknown and is void now.", Opcode.refund, [Result(ok)]),
        _reply("purchase-reply", "The first transaction of an account.", Opcode.purchase, [Result(ok, 1, 1000 * MANA)]),
        _reply("bonus-reply", "A bonus.", Opcode.bonus, [Result(ok, 4, 10 * MANA)]),
        _reply("settle-reply-nothing-refunded", "Sequence number 0.", Opcode.settle, [Result(ok)]),
        _reply("settle-reply-refunded", "The refund that it posted.", Opcode.settle, [Result(ok, 5, 500_000)]),
        _reply(
            "post-reply-mixed",
            "Applied, replayed, refused.",
            Opcode.post,
            [Result(ok, 1, 1000 * MANA), replayed, poor, conflict, Result(Status.unknownType)],
        ),
        _reply("post-reply-full", "Two full results.", Opcode.post, [full, full_poor]),
        _reply("post-reply-part-disk-full", "One part of a split batch was not executed.", Opcode.post, part_full),
        _reply("post-reply-part-shutting-down", "Nor was this, of another shard.", Opcode.post, part_down),
        _reply("post-reply-atomic-mixed", "New among replays: refused, and no field.", Opcode.post, mixed_replay),
        _reply("post-reply-atomic-refused", "The second item's refusal undid the batch.", Opcode.post, atomic),
    ] + _errors()


def _errors() -> Vectors:
    retry = {"flags": 3, "microseconds": 20_000}
    return [
        _error("error-overloaded", "Retry in 20 ms.", Opcode.spend, Status.overloaded, "too many requests", **retry),
        _error("error-disk-full", "Reads go on.", Opcode.purchase, Status.diskFull, "no room for a segment", **retry),
        _error("error-shutting-down", "Elsewhere.", Opcode.bonus, Status.shuttingDown, "shutting down", flags=3),
        _error("error-deadline", "Not executed.", Opcode.spend, Status.deadlineExceeded, "5 ms late", flags=1),
        _error("error-body-checksum", "Not executed.", Opcode.post, Status.bodyChecksumMismatch, "", flags=1),
        _error("error-malformed", "At offset 8.", Opcode.refund, Status.malformedBody, "textBytes", flags=1, detail=8),
        _error("error-role", "Item 3.", Opcode.post, Status.roleMissing, "post a bonus: credit", flags=1, detail=3),
        _error("error-amount-limit", "Item 1.", Opcode.post, Status.amountAboveLimit, "500.0", flags=1, detail=1),
        _error("error-credit-limit", "Tomorrow.", Opcode.bonus, Status.creditAboveLimit, "12.5 left", flags=1),
        _error("error-account", "Of item 2.", Opcode.spend, Status.accountNotAllowed, "another", flags=1, detail=2),
        _error("error-rate", "In 20 ms.", Opcode.spend, Status.rateExceeded, "1000 a second", **retry),
        _error("error-empty-batch", "No item.", Opcode.settle, Status.emptyBatch, "no items", flags=1, detail=4),
    ]

