"""``broken-body.json``: requests whose body has the wrong shape, and filters that cannot be meant."""

from __future__ import annotations

import struct
from typing import Optional

from mana_ledger.protocol import (
    BalanceAt,
    Batch,
    GetAccount,
    ListTransactions,
    ListUnsettled,
    LookupTransaction,
    Opcode,
)

from .handshake import hello
from .vector import (
    ACCOUNT,
    SPEND_ID,
    TIME,
    Json,
    Vectors,
    body_patched,
    broken,
    header_patched,
    patched,
    purchase,
    request,
    spend,
)

ABOUT = "requests whose body is refused as a whole"

ITEM = spend().encode()


def _case(name: str, data: bytes, status: str, about: str, condition: Optional[str] = None) -> Json:
    return broken(name, data, "request", status, about, condition=condition)


def _batch(
    items: bytes = ITEM,
    *,
    stride: int = 64,
    flags: int = 0,
    count: int = 1,
    text_bytes: int = 0,
    reserved: bytes = bytes(20),
    opcode: Opcode = Opcode.spend,
) -> bytes:
    """A posting call whose prelude may say anything."""
    return request(opcode, struct.pack("<HHII20s", stride, flags, count, text_bytes, reserved) + items)


def vectors() -> Vectors:
    """The cases."""
    batches = _preludes() + _counts() + _texts() + _batch_precedence()
    lists = _filters() + _filter_bits() + _list_shapes() + _list_precedence() + _unsettled()
    return batches + lists + _fixed_bodies() + _second_hellos()


def _preludes() -> Vectors:
    reserved, malformed = "reservedBits", "malformedBody"
    last = bytes(19) + b"\x01"
    cases = [
        _case("batch-no-body", request(Opcode.spend, b""), malformed, "No prelude."),
        _case("batch-prelude-cut", request(Opcode.post, bytes(24)), malformed, "A prelude of 24 bytes."),
        _case("batch-flag-bit-2", _batch(flags=4), reserved, "The first reserved flag."),
        _case("batch-flag-bit-15", _batch(flags=0x8000), reserved, "The last reserved flag."),
        _case("batch-flags-known-and-reserved", _batch(flags=0x0103), reserved, "Known flags excuse nothing."),
        _case("batch-reserved-first", _batch(reserved=b"\x01" + bytes(19)), reserved, "Byte 12."),
        _case("batch-reserved-last", _batch(reserved=last), reserved, "Byte 31."),
    ]
    return cases + [
        _case(f"batch-stride-{stride}", _batch(stride=stride), malformed, "The stride of an item is 64.")
        for stride in (0, 1, 56, 63, 72, 128, 65_535)
    ]


def _counts() -> Vectors:
    malformed, empty, large = "malformedBody", "emptyBatch", "batchTooLarge"
    default = "itemsMax is 8190"
    extra = _batch(ITEM + bytes(8))
    return [
        _case("batch-empty", _batch(b"", count=0), empty, "No items."),
        _case("batch-empty-with-item", _batch(count=0), empty, "An item that is not counted."),
        _case("batch-item-cut", _batch(ITEM[:56]), malformed, "An item of 56 bytes."),
        _case("batch-item-missing", _batch(count=2), malformed, "Two items announced, one sent."),
        _case("batch-item-not-counted", _batch(ITEM * 2), malformed, "One item announced, two sent."),
        _case("batch-bytes-left", extra, malformed, "Eight bytes too many."),
        _case("batch-count-8190", _batch(count=8_190), malformed, "The most items, and one sent."),
        _case("batch-count-8191", _batch(count=8_191), large, "One more than may be.", default),
        _case(
            "batch-count-overflow-32",
            _batch(count=2**26 + 1),
            large,
            "count × stride is 64 modulo 2^32, as many bytes as there are.",
        ),
        _case("batch-count-max", _batch(count=2**32 - 1), large, "The largest count."),
        _case("batch-count-negative", _batch(count=2**31), large, "Negative, when taken for signed."),
        _case(
            "batch-atomic-accounts",
            request(Opcode.post, Batch((purchase(id=1), purchase(id=2, account=43)), atomic=True).encode()),
            "atomicAccountsDiffer",
            "An atomic batch is of one account.",
        ),
        _case(
            "batch-atomic-accounts-last",
            request(
                Opcode.spend,
                Batch((spend(id=1), spend(id=2), spend(id=3, account=ACCOUNT | 1 << 64)), atomic=True).encode(),
            ),
            "atomicAccountsDiffer",
            "The accounts differ in their high half only.",
        ),
        _case(
            "batch-atomic-accounts-before-items",
            request(Opcode.spend, Batch((spend(amount=0), spend(id=2, account=43)), atomic=True).encode()),
            "atomicAccountsDiffer",
            "A request error comes before the refusal of an item.",
        ),
    ]


def _texts() -> Vectors:
    malformed, reserved = "malformedBody", "reservedBits"
    whole = request(Opcode.spend, Batch((spend(reference=b"abc", note=b"de"),)).encode())
    two = request(Opcode.spend, Batch((spend(note=b"abcd"), spend(id=2, note=b"efgh"))).encode())
    ends_in_zero = request(Opcode.spend, Batch((spend(reference=b"abc", note=b"d\x00"),)).encode())
    text_start = 32 + 64
    padding = "Padding is not zero."
    return [
        _case("text-missing", _batch(text_bytes=5), malformed, "Five bytes announced, none sent."),
        _case("text-max", _batch(text_bytes=2**32 - 1), malformed, "Padding it overflows 32 bits."),
        _case("text-wraps", _batch(text_bytes=2**32 - 64), malformed, "Added to the items it is 32 modulo 2^32."),
        _case("text-not-used", _batch(ITEM + b"12345678", text_bytes=8), malformed, "No item has any text."),
        _case("text-reference-longer", body_patched(whole, 32 + 62, b"\x04"), malformed, "Lengths add up to 6, not 5."),
        _case("text-note-shorter", body_patched(whole, 32 + 63, b"\x01"), malformed, "Lengths add up to 4, not 5."),
        _case("text-note-255", body_patched(whole, 32 + 63, b"\xff"), malformed, "A note beyond the text area."),
        _case("text-bytes-shorter", body_patched(ends_in_zero, 8, b"\x04"), malformed, "Lengths add up to 5, not 4."),
        _case("text-bytes-in-padding", body_patched(whole, 8, b"\x08"), malformed, "textBytes counts the padding."),
        _case("text-second-item", body_patched(two, 32 + 64 + 63, b"\x05"), malformed, "The last note is too long."),
        _case("padding-first", body_patched(whole, text_start + 5, b"\x01"), reserved, padding),
        _case("padding-last", body_patched(whole, text_start + 7, b" "), reserved, padding),
    ]


def _batch_precedence() -> Vectors:
    """Each neighbour in the order of section 5 beside the one after it, where their statuses differ."""
    malformed, reserved, empty, large = "malformedBody", "reservedBits", "emptyBatch", "batchTooLarge"
    byte_12 = b"\x01" + bytes(19)
    text = request(Opcode.spend, Batch((spend(reference=b"abc", note=b"de"),)).encode())
    no_padding_no_sum = body_patched(body_patched(text, 32 + 62, b"\x04"), 32 + 64 + 5, b"\x01")
    accounts = request(Opcode.post, Batch((spend(note=b"a"), spend(id=2, account=43)), atomic=True).encode())
    cases = (
        ("stride-flags", _batch(stride=63, flags=4), malformed),
        ("stride-reserved", _batch(stride=63, reserved=byte_12), malformed),
        ("flags-count-0", _batch(b"", flags=4, count=0), reserved),
        ("reserved-count-0", _batch(b"", count=0, reserved=byte_12), reserved),
        ("reserved-count-8191", _batch(count=8_191, reserved=byte_12), reserved),
        ("count-0-length", _batch(ITEM[:8], count=0), empty),
        ("count-8191-length", _batch(ITEM[:8], count=8_191), large),
        ("length-padding", _batch(ITEM + b"\x01" * 8, text_bytes=16), malformed),
        ("padding-texts", no_padding_no_sum, reserved),
        ("texts-atomic", body_patched(accounts, 32 + 63, b"\x02"), malformed),
    )
    return [
        _case(f"precedence-batch-{name}", data, status, "The layout of a batch is checked in the order of section 5.")
        for name, data, status in cases
    ]


LIST = request(Opcode.listTransactions, ListTransactions(ACCOUNT).encode())
LIST_WITH_REFERENCE = request(Opcode.listTransactions, ListTransactions(ACCOUNT, reference=b"abc").encode())


def _filter(name: str, data: bytes, field: str, about: str, condition: Optional[str] = None) -> Json:
    return broken(f"list-{name}", data, "request", "invalidFilter", about, field=field, condition=condition)


def _list(name: str, field: str, about: str, condition: Optional[str] = None, **filters: object) -> Json:
    body = ListTransactions(**{"account": ACCOUNT, **filters}).encode()  # type: ignore[arg-type]
    return _filter(name, request(Opcode.listTransactions, body), field, about, condition)


def _filters() -> Vectors:
    """Filters that cannot be meant."""
    page_max = "pageMax is 1000"
    reversed_range, equal = "The range ends before it begins.", "The end is excluded, so that the range is empty."
    return [
        _list("account-0", "account", "Zero is no account.", account=0),
        _list("limit-0", "limit", "A page has at least one transaction.", limit=0),
        _list("limit-1001", "limit", "One more than a page may have.", page_max, limit=1_001),
        _list("limit-max", "limit", "Far more than a page may have.", limit=2**32 - 1),
        _list("time-reversed", "timeFrom", reversed_range, time_from=TIME, time_to=TIME - 1),
        _list("time-equal", "timeFrom", equal, time_from=TIME, time_to=TIME),
        _list("time-equal-max", "timeFrom", equal, time_from=2**64 - 1, time_to=2**64 - 1),
        _list("amount-reversed", "amountMin", reversed_range, amount_min=2, amount_max=1),
        _list("amount-reversed-high", "amountMin", reversed_range, amount_min=2**63, amount_max=2**63 - 1),
    ]


def _filter_bits() -> Vectors:
    """Selections of what is not there."""
    settlement = "A settlement never appears in a history."
    return [
        _list("type-0", "types", "There is no type 0.", types=1),
        _list("type-5", "types", settlement, types=1 << 5),
        _list("type-5-beside-spend", "types", settlement, types=1 << 5 | 1 << 1),
        _list("type-6", "types", "A reserved type.", types=1 << 6),
        _list("type-31", "types", "A reserved type beside a known one.", types=1 << 31 | 1 << 1),
        _list("operation-0", "operations", "No transaction has operation 0.", operations=1),
        _list("operation-9", "operations", "A reserved operation.", operations=1 << 9),
        _list("operation-31", "operations", "A reserved operation beside a known one.", operations=1 << 31 | 1 << 4),
    ]


def _list_shapes() -> Vectors:
    malformed, reserved = "malformedBody", "reservedBits"
    plain, whole, longer = LIST, LIST_WITH_REFERENCE, "referenceBytes"
    reference_256 = body_patched(request(Opcode.listTransactions, plain[32:] + bytes(256)), 88, b"\x00\x01")
    return [
        _filter("reference-256", reference_256, longer, "256 bytes, all there."),
        _filter("reference-max", body_patched(plain, 88, b"\xff" * 4), longer, "Padding it overflows 32 bits."),
        _case("list-reference-missing", body_patched(plain, 88, b"\x03"), malformed, "Announced and not sent."),
        _case("list-reference-not-announced", body_patched(whole, 88, b"\x00"), malformed, "Sent and not announced."),
        _case("list-flag-bit-1", body_patched(plain, 28, b"\x02"), reserved, "A reserved flag."),
        _case("list-flag-bit-31", body_patched(plain, 31, b"\x80"), reserved, "A reserved flag."),
        _case("list-reserved", body_patched(plain, 92, b"\x01"), reserved, "A reserved byte."),
        _case("list-reserved-last", body_patched(plain, 95, b"\x01"), reserved, "A reserved byte."),
        _case("list-padding", body_patched(whole, 96 + 3, b"x"), reserved, "Padding is not zero."),
        _case("list-cut", request(Opcode.listTransactions, plain[32:-8]), malformed, "A request of 88 bytes."),
        _case("list-no-body", request(Opcode.listTransactions, b""), malformed, "No request."),
        _case("list-bytes-left", request(Opcode.listTransactions, plain[32:] + bytes(8)), malformed, "One too many."),
    ]


def _list_precedence() -> Vectors:
    """Each neighbour in the order of section 6 beside the one after it."""
    plain = LIST
    malformed, reserved = "malformedBody", "reservedBits"
    about = "A list's request is checked in the order of section 6."
    long_flag = body_patched(body_patched(plain, 88, b"\x00\x01"), 28, b"\x02")
    length_flag = body_patched(body_patched(plain, 88, b"\x03"), 28, b"\x02")
    length_padding = body_patched(request(Opcode.listTransactions, LIST_WITH_REFERENCE[32:] + b"x" * 8), 96 + 3, b"x")
    flag_account = body_patched(body_patched(plain, 28, b"\x02"), 0, bytes(16))
    padding_limit = body_patched(body_patched(LIST_WITH_REFERENCE, 96 + 7, b"x"), 24, bytes(4))

    def case(name: str, field: str, **filters: object) -> Json:
        return _list(f"precedence-{name}", field, about, **filters)  # type: ignore[arg-type]

    return [
        _filter("precedence-reference-length-flag", long_flag, "referenceBytes", about),
        _case("list-precedence-length-flag", length_flag, malformed, about),
        _case("list-precedence-length-padding", length_padding, malformed, about),
        _case("list-precedence-flag-account", flag_account, reserved, about),
        _case("list-precedence-padding-limit", padding_limit, reserved, about),
        case("account-limit", "account", account=0, limit=0),
        case("limit-types", "limit", limit=0, types=1),
        case("types-operations", "types", types=1, operations=1),
        case("operations-time", "operations", operations=1, time_from=2, time_to=1),
        case("time-amount", "timeFrom", time_from=2, time_to=1, amount_min=2, amount_max=1),
    ]


def _unsettled() -> Vectors:
    plain = request(Opcode.listUnsettled, ListUnsettled(ACCOUNT).encode())
    body = plain[32:]

    def case(name: str, data: bytes, about: str) -> Json:
        return broken(f"unsettled-{name}", data, "request", "invalidFilter", about, field="limit")

    return [
        case("limit-0", body_patched(plain, 24, b"\x00"), "No page is empty by order."),
        case("limit-max", body_patched(plain, 24, b"\xff" * 4), "Too many."),
        _case("unsettled-reserved", body_patched(plain, 28, b"\x01"), "reservedBits", "A reserved byte."),
        _case("unsettled-cut", request(Opcode.listUnsettled, body[:24]), "malformedBody", "A word is missing."),
        _case("unsettled-bytes-left", request(Opcode.listUnsettled, body + bytes(8)), "malformedBody", "One too many."),
    ]


def _fixed_bodies() -> Vectors:
    """Bodies of one length, a word shorter and a word longer."""
    bodies = (
        ("get-account", Opcode.getAccount, GetAccount(ACCOUNT).encode()),
        ("lookup", Opcode.lookupTransaction, LookupTransaction(ACCOUNT, SPEND_ID).encode()),
        ("balance-at", Opcode.balanceAt, BalanceAt(ACCOUNT, TIME).encode()),
    )
    cases: Vectors = []
    for name, opcode, body in bodies:
        short, long = request(opcode, body[:-8]), request(opcode, body + bytes(8))
        cases.append(_case(f"{name}-cut", short, "malformedBody", "A word is missing."))
        cases.append(_case(f"{name}-bytes-left", long, "malformedBody", "A word too many."))
        cases.append(_case(f"{name}-no-body", request(opcode, b""), "malformedBody", "Nothing is asked for."))
    return cases + [
        _case("ping-72", request(Opcode.ping, bytes(72)), "malformedBody", "At most 64 bytes are returned."),
        _case("server-status-body", request(Opcode.serverStatus, bytes(8)), "malformedBody", "It has no body."),
        _case("shard-status-no-body", request(Opcode.shardStatus, b""), "malformedBody", "It names no shard."),
        _case("shard-status-16", request(Opcode.shardStatus, bytes(16)), "malformedBody", "A word too many."),
        _case("shard-status-reserved", request(Opcode.shardStatus, bytes(7) + b"\x01"), "reservedBits", "Byte 7."),
        _case("drain-body", request(Opcode.drain, bytes(8)), "malformedBody", "It has no body."),
    ]


def _second_hellos() -> Vectors:
    """The handshake is over."""
    again = hello()
    flipped, flags = patched(again, 40, b"\x01"), header_patched(again, 7, b"\x01")
    late = "A frame's checksum comes before what it says."
    return [
        broken("hello-again", again, "connection", "unexpectedHello", "The handshake is over."),
        _case("hello-again-body-flipped", flipped, "bodyChecksumMismatch", late),
        _case("hello-again-flags", flags, "reservedBits", "The flags come before the opcode."),
    ]
