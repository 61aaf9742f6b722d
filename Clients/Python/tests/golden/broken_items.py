"""``broken-items.json``: items that are refused whatever the ledger holds, in the precedence of section 9."""

from __future__ import annotations

from typing import Optional, Sequence

from mana_ledger.protocol import Item, Opcode, Operation, TransactionType

from .vector import (
    SPEND_ID,
    Json,
    Vectors,
    bonus,
    purchase,
    refund,
    refused_items,
    settlement,
    spend,
)

ABOUT = "well-formed batches with items that are refused whatever the ledger holds"

REMAINING = 0x10
VOID_IF_UNKNOWN = 0x20
UNSETTLED = 0x40
RESERVED = 0x80


def _one(name: str, opcode: Opcode, item: Item, status: str, about: str) -> Json:
    return refused_items(name, opcode, [item], [status], about)


def vectors() -> Vectors:
    """The cases."""
    kinds = _types() + _operations() + _flags()
    return kinds + _ids() + _related() + _amounts() + _texts() + _precedence() + _batches()


def _types() -> Vectors:
    spend_call, mismatch = Opcode.spend, "typeMismatch"
    cases = [
        _one(f"type-{code}", Opcode.post, spend(type=code), "unknownType", "A reserved type.") for code in (0, 6, 15)
    ]
    return cases + [
        _one("type-0-in-spend", spend_call, spend(type=0), "unknownType", "The call does not fill it in."),
        _one("purchase-in-spend", spend_call, purchase(), mismatch, "A purchase among spends."),
        _one("refund-in-spend", spend_call, refund(), mismatch, "A refund among spends."),
        _one("spend-in-refund", Opcode.refund, spend(), mismatch, "A spend among refunds."),
        _one("bonus-in-purchase", Opcode.purchase, bonus(), mismatch, "A bonus among purchases."),
        _one("purchase-in-bonus", Opcode.bonus, purchase(), mismatch, "A purchase among bonuses."),
        _one("refund-in-settle", Opcode.settle, refund(), mismatch, "A refund among settlements."),
        _one("settlement-in-spend", spend_call, settlement(), mismatch, "A settlement among spends."),
    ]


def _operations() -> Vectors:
    unknown, mismatch = "unknownOperation", "operationMismatch"
    cases = [
        _one(f"operation-{code}", Opcode.spend, spend(operation=code), unknown, "A reserved operation.")
        for code in (9, 127, 255)
    ]
    pairs = (
        ("spend-purchase", Opcode.spend, spend(operation=Operation.purchase)),
        ("spend-refund", Opcode.spend, spend(operation=Operation.refund)),
        ("spend-bonus", Opcode.spend, spend(operation=Operation.bonus)),
        ("purchase-export", Opcode.purchase, purchase(operation=Operation.export)),
        ("purchase-bonus", Opcode.purchase, purchase(operation=Operation.bonus)),
        ("refund-purchase", Opcode.refund, refund(operation=Operation.purchase)),
        ("bonus-image-generation", Opcode.bonus, bonus(operation=Operation.image_generation)),
        ("settlement-detection", Opcode.settle, settlement(operation=Operation.detection)),
    )
    cases += [
        _one(f"operation-{name}", opcode, item, mismatch, "It belongs to another type.") for name, opcode, item in pairs
    ]
    cases.append(_one("operation-9-settlement", Opcode.settle, settlement(operation=9), unknown, "Reserved."))
    return cases + _operation_0()


def _operation_0() -> Vectors:
    """Operation 0 belongs to settlements; on anything else it is not known."""
    cases = (
        ("spend", Opcode.spend, spend(operation=0)),
        ("purchase", Opcode.purchase, purchase(operation=0)),
        ("refund", Opcode.refund, refund(operation=0)),
        ("bonus", Opcode.bonus, bonus(operation=0)),
        ("spend-in-post", Opcode.post, spend(operation=0)),
    )
    return [
        _one(f"operation-0-{name}", opcode, item, "unknownOperation", "Operation 0 belongs to settlements.")
        for name, opcode, item in cases
    ]


def _flags() -> Vectors:
    cases = (
        ("spend-reserved", Opcode.spend, spend(flags=RESERVED)),
        ("spend-remaining", Opcode.spend, spend(flags=REMAINING)),
        ("spend-void-if-unknown", Opcode.spend, spend(flags=VOID_IF_UNKNOWN)),
        ("refund-reserved", Opcode.refund, refund(flags=RESERVED)),
        ("refund-unsettled", Opcode.refund, refund(flags=UNSETTLED)),
        ("purchase-remaining", Opcode.purchase, purchase(flags=REMAINING)),
        ("purchase-void-if-unknown", Opcode.purchase, purchase(flags=VOID_IF_UNKNOWN)),
        ("purchase-unsettled", Opcode.purchase, purchase(flags=UNSETTLED)),
        ("bonus-remaining", Opcode.bonus, bonus(flags=REMAINING)),
        ("bonus-reserved", Opcode.bonus, bonus(flags=RESERVED)),
        ("settlement-void-if-unknown", Opcode.settle, settlement(flags=VOID_IF_UNKNOWN)),
        ("settlement-unsettled", Opcode.settle, settlement(flags=UNSETTLED)),
        ("settlement-reserved", Opcode.settle, settlement(flags=RESERVED | REMAINING)),
    )
    return [
        _one(f"flag-{name}", opcode, item, "reservedFlag", "The type does not have this flag.")
        for name, opcode, item in cases
    ]


def _ids() -> Vectors:
    return [
        _one("id-0", Opcode.spend, spend(id=0), "idMissing", "A write without an id cannot be sent again."),
        _one("id-0-settlement", Opcode.settle, settlement(id=0), "idMissing", "A settlement has an id as well."),
        _one("account-0", Opcode.purchase, purchase(account=0), "accountMissing", "No account."),
        _one("account-0-refund", Opcode.refund, refund(account=0), "accountMissing", "No account."),
    ]


def _related() -> Vectors:
    missing, unwanted, timeout = "relatedMissing", "relatedNotAllowed", "settlementTimeoutOutOfRange"
    void = refund(related=0, flags=VOID_IF_UNKNOWN)
    cases = [
        _one("refund-of-nothing", Opcode.refund, refund(related=0), missing, "A refund names its spend."),
        _one("refund-void-of-nothing", Opcode.refund, void, missing, "Nothing to remember."),
        _one("settlement-of-nothing", Opcode.settle, settlement(related=0), missing, "A settlement names its spend."),
        _one("spend-related", Opcode.spend, spend(related=1_000), unwanted, "No timeout without the flag unsettled."),
        _one("purchase-related", Opcode.purchase, purchase(related=SPEND_ID), unwanted, "It stands alone."),
        _one("bonus-related", Opcode.bonus, bonus(related=SPEND_ID), unwanted, "It stands alone."),
        _one("bonus-related-high", Opcode.bonus, bonus(related=1 << 64), unwanted, "The high half counts."),
    ]
    timeouts = (
        (0, "Missing."),
        (999, "A millisecond less than the least."),
        (2_592_000_001, "A millisecond more than the most."),
        (1 << 64 | 1_000, "The high half counts."),
    )
    return cases + [
        _one(f"timeout-{value}", Opcode.spend, spend(flags=UNSETTLED, related=value), timeout, about)
        for value, about in timeouts
    ]


def _amounts() -> Vectors:
    zero, unwanted, large = "amountZero", "amountNotAllowed", "amountTooLarge"
    settle_all = settlement(flags=REMAINING, amount=1)
    return [
        _one("spend-0", Opcode.spend, spend(amount=0), zero, "A spend of nothing."),
        _one("purchase-0", Opcode.purchase, purchase(amount=0), zero, "A purchase of nothing."),
        _one("bonus-0", Opcode.bonus, bonus(amount=0), zero, "A bonus of nothing."),
        _one("refund-0", Opcode.refund, refund(amount=0), zero, "Nothing is not the rest: that is a flag."),
        _one("refund-0-void", Opcode.refund, refund(amount=0, flags=VOID_IF_UNKNOWN), zero, "Without remaining."),
        _one("refund-remaining-1", Opcode.refund, refund(amount=1, flags=REMAINING), unwanted, "The rest, or one?"),
        _one("settlement-remaining-1", Opcode.settle, settle_all, unwanted, "All, or one?"),
        _one("spend-2-63", Opcode.spend, spend(amount=2**63), large, "It does not fit a balance."),
        _one("purchase-2-64", Opcode.purchase, purchase(amount=2**64 - 1), large, "Minus one, when taken for signed."),
        _one("settlement-2-63", Opcode.settle, settlement(amount=2**63), large, "More used than can be charged."),
    ]


def _texts() -> Vectors:
    texts = (
        ("lone-continuation", b"\x80"),
        ("cut-off", b"caf\xc3"),
        ("overlong-slash", b"\xc0\xaf"),
        ("overlong-zero", b"\xe0\x80\x80"),
        ("surrogate", b"\xed\xa0\x80"),
        ("above-10ffff", b"\xf4\x90\x80\x80"),
        ("byte-ff", b"ok\xff"),
        ("latin-1", "Größe".encode("latin-1")),
    )
    cases = [
        _one(f"note-{name}", Opcode.spend, spend(note=data), "textInvalid", "The note is not UTF-8.")
        for name, data in texts
    ]
    split = spend(reference=b"\xc3", note=b"\xa9")
    return cases + [
        _one("reference-byte-fe", Opcode.purchase, purchase(reference=b"\xfe"), "textInvalid", "Nor the reference."),
        _one("texts-split-character", Opcode.spend, split, "textInvalid", "Each text is UTF-8 by itself."),
    ]


def _precedence() -> Vectors:
    """Each neighbour in the table beside the one after it, where an item can have both."""
    bad_note = b"\xff"
    post, call = Opcode.post, Opcode.spend
    cases = (
        ("type-operation", post, spend(type=0, operation=99), "unknownType"),
        ("type-mismatch-operation", call, purchase(operation=99), "typeMismatch"),
        ("type-mismatch-operation-0", call, purchase(operation=0), "typeMismatch"),
        ("operation-0-flag", call, spend(operation=0, flags=RESERVED), "unknownOperation"),
        ("operation-flag", call, spend(operation=99, flags=RESERVED), "unknownOperation"),
        ("operation-mismatch-flag", call, spend(operation=Operation.refund, flags=RESERVED), "operationMismatch"),
        ("flag-id", call, spend(flags=RESERVED, id=0), "reservedFlag"),
        ("id-account", call, spend(id=0, account=0), "idMissing"),
        ("account-related", Opcode.refund, refund(account=0, related=0), "accountMissing"),
        ("account-related-unwanted", call, spend(account=0, related=1), "accountMissing"),
        ("related-missing-amount", Opcode.refund, refund(related=0, amount=0), "relatedMissing"),
        ("related-unwanted-amount", call, spend(related=1, amount=0), "relatedNotAllowed"),
        ("timeout-amount", call, spend(flags=UNSETTLED, related=1, amount=0), "settlementTimeoutOutOfRange"),
        ("amount-zero-text", call, spend(amount=0, note=bad_note), "amountZero"),
        ("amount-unwanted-large", Opcode.refund, refund(flags=REMAINING, amount=2**63), "amountNotAllowed"),
        ("amount-large-text", call, spend(amount=2**63, note=bad_note), "amountTooLarge"),
        ("everything", post, Item(0, 0, 15, 255, 2**64 - 1, 0, 1, 0xF0, bad_note, bad_note), "unknownType"),
        (
            "everything-but-type",
            call,
            Item(0, 0, TransactionType.spend, 255, 2**64 - 1, 0, 1, 0xB0, bad_note, bad_note),
            "unknownOperation",
        ),
    )
    return [
        _one(f"precedence-{name}", opcode, item, status, "Of what applies, the first in the table.")
        for name, opcode, item, status in cases
    ]


def _batches() -> Vectors:
    items = [purchase(id=1), spend(id=2, amount=0), spend(id=3), spend(id=4, operation=99), bonus(id=0)]
    statuses: Sequence[Optional[str]] = (None, "amountZero", None, "unknownOperation", "idMissing")
    alone = 0x6D616E61  # an account of no other vector, so that none has put anything into it
    atomic = [
        purchase(id=1, account=alone),
        spend(id=2, account=alone),
        spend(id=3, account=alone, amount=0),
        spend(id=0, account=alone),
    ]
    undone = ("notApplied", "notApplied", "amountZero", "notApplied")
    return [
        refused_items("batch-some", Opcode.post, items, statuses, "The others are applied or refused by themselves."),
        refused_items(
            "batch-atomic-three",
            Opcode.post,
            [purchase(id=1), spend(id=0), spend(id=2, amount=0)],
            ("notApplied", "idMissing", "notApplied"),
            "The first refused item says why, the others that they were not applied.",
            atomic=True,
        ),
        _conditional(
            refused_items("batch-atomic", Opcode.post, atomic, undone, "Nothing is changed.", atomic=True),
            "the account is new, as no other vector is about it; otherwise an earlier item may be refused",
        ),
    ]


def _conditional(vector: Json, condition: str) -> Json:
    vector["error"]["condition"] = condition
    return vector
