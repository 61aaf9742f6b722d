"""Ids, times, and the JSON of the command line."""

from __future__ import annotations

import json
import unittest
import uuid
from datetime import datetime, timedelta, timezone
from typing import Dict, Tuple

import locate_package
from mana_ledger import Mana, Operation, Posting, Result, TransactionRefused, shapes
from mana_ledger.identifiers import id_number, id_text, nanoseconds, parse_id, parse_time, time_text
from mana_ledger.models import Account, Page, Receipt, Transaction
from mana_ledger.protocol import AccountOverview, Batch, Item, Record
from mana_ledger.protocol import Page as WirePage

assert locate_package.VECTORS

SECOND = 1_000_000_000
MORNING = 1_768_471_200 * SECOND
SPEND_UUID = "1d9c0b7a-52e4-4c83-8f16-a0b1c2d3e4f5"
SPEND_ID = uuid.UUID(SPEND_UUID).int

TIMES = (
    (0, "1970-01-01T00:00:00Z"),
    (MORNING, "2026-01-15T10:00:00Z"),
    (MORNING + 500_000_000, "2026-01-15T10:00:00.5Z"),
    (MORNING + 1, "2026-01-15T10:00:00.000000001Z"),
    (MORNING + 123_456_789, "2026-01-15T10:00:00.123456789Z"),
    (MORNING + 120_000_000, "2026-01-15T10:00:00.12Z"),
    (2**64 - 1, "2554-07-21T23:34:33.709551615Z"),
)

IDS = (
    (1, "1"),
    (42, "42"),
    (2**64 - 1, "18446744073709551615"),
    (2**64, "00000000-0000-0001-0000-000000000000"),
    (SPEND_ID, SPEND_UUID),
    (2**128 - 1, "ffffffff-ffff-ffff-ffff-ffffffffffff"),
)


class Identifiers(unittest.TestCase):
    """Ids and times in both directions."""

    def test_ids(self) -> None:
        for number, text in IDS:
            with self.subTest(text):
                self.assertEqual(id_text(number), text)
                self.assertEqual(parse_id(text), number)
        self.assertEqual(parse_id("00000000-0000-0000-0000-00000000002a"), 42)
        self.assertEqual(id_number(uuid.UUID(SPEND_UUID)), SPEND_ID)

    def test_ids_that_are_none(self) -> None:
        for text in ("", "0", "-1", "1.0", "x", str(2**128), "00000000-0000-0000-0000-000000000000", "\u0661"):
            with self.subTest(text):
                self.assertRaises(ValueError, parse_id, text)
        for wrong in ("42", 1.0, True, None):
            with self.subTest(repr(wrong)):
                self.assertRaises(TypeError, id_number, wrong)

    def test_times(self) -> None:
        for time, text in TIMES:
            with self.subTest(text):
                self.assertEqual(time_text(time), text)
                self.assertEqual(parse_time(text), time)
        self.assertEqual(parse_time("2026-01-15T11:30:00.25+01:30"), MORNING + 250_000_000)
        self.assertEqual(nanoseconds(datetime(2026, 1, 15, 10, tzinfo=timezone.utc)), MORNING)
        self.assertEqual(nanoseconds(datetime(2026, 1, 15, 12, tzinfo=timezone(timedelta(hours=2)))), MORNING)

    def test_times_that_are_none(self) -> None:
        for text in ("", "now", "2026-01-15T10:00:00", "2026-01-15T10:00:00.Z", "2026-01-15T10:00:00.1234567890Z"):
            with self.subTest(text):
                self.assertRaises(ValueError, parse_time, text)


def record(**changes: object) -> Record:
    """The spend of the examples."""
    fields = {"id": SPEND_ID, "account": 42, "type": 1, "operation": 1, "amount": 1_500_000}
    return Record(Item(**{**fields, **changes}), 998_500_000, MORNING, 1)  # type: ignore[arg-type]


SPEND_SHAPE = {
    "id": SPEND_UUID,
    "account": "42",
    "type": "spend",
    "operation": "image_generation",
    "amount": "-1.5",
    "balanceAfter": "998.5",
    "timestamp": "2026-01-15T10:00:00Z",
    "sequence": 1,
}


class Shapes(unittest.TestCase):
    """The JSON of the command line."""

    def test_transaction(self) -> None:
        cases: Tuple[Tuple[Record, Dict[str, object]], ...] = (
            (record(), {}),
            (record(quantity=3), {"quantity": 3}),
            (record(reference=b"r", note="é".encode()), {"reference": "r", "note": "é"}),
            (record(type=2, operation=6), {"type": "purchase", "operation": "purchase", "amount": "1.5"}),
            (record(type=4, operation=8), {"type": "bonus", "operation": "bonus", "amount": "1.5"}),
            (
                record(type=3, operation=7, related=9),
                {"type": "refund", "operation": "refund", "amount": "1.5", "relatedTransaction": "9"},
            ),
            # The related field of an unsettled spend holds a time, not a transaction.
            (record(flags=0x40, related=60_000), {}),
        )
        for wire, changes in cases:
            with self.subTest(changes):
                self.assertEqual(shapes.transaction(Transaction.of(wire)), {**SPEND_SHAPE, **changes})

    def test_receipt(self) -> None:
        balance = Mana("998.5")
        posting = Posting.spend(42, "1.5", "image_generation", id=SPEND_ID)
        result = Result(SPEND_ID, "ok", False, 1, Mana("1.5"), None, balance, MORNING, Mana("1.5"))
        self.assertEqual(shapes.receipt(Receipt(posting, result)), SPEND_SHAPE)
        replayed = Result(SPEND_ID, "ok", True, 1, Mana("1.5"), None, balance, MORNING, Mana("1.5"))
        self.assertEqual(shapes.receipt(Receipt(posting, replayed)), {**SPEND_SHAPE, "replayed": True})

    def test_receipt_of_a_refund_that_voided(self) -> None:
        posting = Posting.refund(42, 9, id=10, void_if_unknown=True)
        shape = shapes.receipt(Receipt(posting, Result(10, "ok", balance=Mana("5"), timestamp=0)))
        self.assertNotIn("sequence", shape)
        self.assertNotIn("timestamp", shape)
        self.assertEqual((shape["amount"], shape["relatedTransaction"]), ("0.0", "9"))

    def test_history(self) -> None:
        more = Page.of(WirePage((record(),), 7, 998_500_000, next=6, more=True))
        self.assertEqual(shapes.history(more), {"transactions": [SPEND_SHAPE], "total": 7, "nextCursor": 6})
        end = Page.of(WirePage((), 0, 0))
        self.assertEqual(shapes.history(end), {"transactions": [], "total": 0})

    def test_account(self) -> None:
        operations = ((0, 0),) * 8
        wire = AccountOverview(42, -500_000, 2_000_000, 1_000_000, 250_000, 250_000, 0, 4, 1, 2, 0, operations)
        expected = {
            "account": "42",
            "balance": "-0.5",
            "lifetimeSpent": "2.0",
            "lifetimePurchased": "1.0",
            "lifetimeRefunded": "0.25",
            "lifetimeBonus": "0.25",
            "transactions": 4,
        }
        self.assertEqual(shapes.account(Account.of(wire)), expected)

    def test_refusal(self) -> None:
        self.assertTrue(TransactionRefused(1, Result(1, "diskFull")).retryable)
        poor = TransactionRefused(1, Result(1, "insufficientBalance"))
        self.assertFalse(poor.retryable)
        self.assertEqual(shapes.refusal(poor), {"status": "insufficientBalance", "message": ""})
        conflict = TransactionRefused(1, Result(1, "idConflict", conflict_field="amount"))
        self.assertEqual(shapes.refusal(conflict), {"status": "idConflict", "message": "the amount differs"})


class Postings(unittest.TestCase):
    """What is sent, and what is refused before."""

    def test_each_kind_is_the_item_of_a_golden_frame(self) -> None:
        spend_id, other = SPEND_ID, uuid.UUID("2e8d1c6b-43f5-4d92-9a07-b1c2d3e4f5a6")
        second, month = timedelta(seconds=1), timedelta(days=30)
        cases = (
            ("spend", Posting.spend(42, "1.5", "image_generation", id=spend_id)),
            ("spend-export", Posting.spend(42, "1.5", Operation.export, id=spend_id)),
            ("spend-least", Posting.spend(1, "0.000001", "image_generation", id=1)),
            ("spend-unsettled-least", Posting.spend(42, "1.5", 1, id=spend_id, settle_within=second)),
            ("spend-unsettled-most", Posting.spend(42, "1.5", 1, id=spend_id, settle_within=month)),
            ("purchase", Posting.purchase(42, 1000, id=other, reference="pi_3N", note="$40 Creator Pack")),
            ("bonus", Posting.bonus(42, 10, id=other, note="Willkommen 🎁")),
            ("refund-partial", Posting.refund(42, spend_id, "0.5", id=other, note="operation failed")),
            ("refund-remaining", Posting.refund(42, spend_id, id=other)),
            ("refund-void-if-unknown", Posting.refund(42, spend_id, "0.5", id=other, void_if_unknown=True)),
            ("refund-remaining-void-if-unknown", Posting.refund(42, spend_id, id=other, void_if_unknown=True)),
            ("settle-failed", Posting.settlement(42, spend_id, 0, id=other, note="generation failed")),
            ("settle-succeeded", Posting.settlement(42, spend_id, id=other)),
            ("settle-used-part", Posting.settlement(42, spend_id, 1, id=other)),
        )
        path = locate_package.VECTORS / "posting.json"
        vectors = {one["name"]: one for one in json.loads(path.read_text(encoding="utf-8"))["vectors"]}
        for name, posting in cases:
            with self.subTest(name):
                frame = bytes.fromhex(vectors[name]["hex"])
                self.assertEqual(Batch((posting.item,)).encode().hex(), frame[32:].hex())

    def test_refused(self) -> None:
        cases = (
            ("an amount with a sign", lambda: Posting.spend(1, "-1", "export")),
            ("an amount above 2^63 - 1", lambda: Posting.purchase(1, "9223372036854.775808")),
            ("account 0", lambda: Posting.bonus(0, "1")),
            ("id 0", lambda: Posting.bonus(1, "1", id=0)),
            ("an operation that is none", lambda: Posting.spend(1, "1", "sleeping")),
            ("a note of 256 bytes", lambda: Posting.bonus(1, "1", note="é" * 128)),
            ("a lone surrogate", lambda: Posting.bonus(1, "1", note="\ud800")),
        )
        for name, make in cases:
            with self.subTest(name):
                self.assertRaises(ValueError, make)

    def test_ids_are_drawn_once(self) -> None:
        first, second = Posting.bonus(1, "1"), Posting.bonus(1, "1")
        self.assertNotEqual(first.id, second.id)
        self.assertEqual(uuid.UUID(int=first.id).version, 4)


if __name__ == "__main__":
    unittest.main()
