"""The client against a running server. Skipped unless ``MANA_TEST_SERVER`` is ``HOST:PORT`` or ``unix:PATH``.

Each test has accounts of its own, drawn at random, so that it can be run against the same server again and again.
"""

from __future__ import annotations

import os
import time
import unittest
import uuid
from datetime import datetime, timedelta, timezone
from typing import Callable, List, Tuple

import locate_package
from mana_ledger import Filter, Mana, ManaClient, Posting, RequestRefused, TransactionRefused
from mana_ledger.__main__ import parse_server

assert locate_package.VECTORS

SERVER = os.environ.get("MANA_TEST_SERVER")


@unittest.skipUnless(SERVER, "MANA_TEST_SERVER is not set")
class RunningServer(unittest.TestCase):
    """What a ledger does."""

    def setUp(self) -> None:
        self.client = ManaClient(*parse_server(SERVER or ""))
        self.addCleanup(self.client.close)
        self.account = uuid.uuid4()

    def refused(self, status: str, posting: Posting) -> TransactionRefused:
        """The refusal of a posting, which must have this status."""
        with self.assertRaises(TransactionRefused) as caught:
            self.client.apply(posting)
        self.assertEqual(caught.exception.status, status)
        return caught.exception

    def test_a_life(self) -> None:
        client, account = self.client, self.account
        note = "50 € · クレジット 🎁 e\u0301"
        bought = client.purchase(account, "1000", reference="pi_3N", note=note)
        self.assertEqual((bought.sequence, bought.balance_after), (1, Mana(1000)))
        spent = client.spend(account, "1.5", "image_generation")
        self.assertEqual((spent.sequence, spent.balance_after), (2, Mana("998.5")))
        part = client.refund(account, spent.id, "0.5", note="operation failed")
        self.assertEqual((part.amount, part.balance_after), (Mana("0.5"), Mana(999)))
        rest = client.refund(account, spent.id)
        self.assertEqual((rest.amount, rest.balance_after), (Mana(1), Mana(1000)))
        given = client.bonus(account, 10)
        self.assertGreater(given.timestamp, rest.timestamp)

        page = client.history(account)
        self.assertEqual([one.id for one in page.transactions], [given.id, rest.id, part.id, spent.id, bought.id])
        self.assertEqual([one.sequence for one in page.transactions], [5, 4, 3, 2, 1])
        self.assertEqual((page.total, page.balance, page.next_cursor), (5, Mana(1010), None))
        oldest = page.transactions[-1]
        self.assertEqual((oldest.note, oldest.reference, oldest.amount), (note, "pi_3N", Mana(1000)))
        self.assertEqual(page.transactions[1].related, spent.id)
        self.assertEqual(client.transaction(account, spent.id), page.transactions[3])

        overview = client.account(account)
        self.assertEqual((overview.balance, overview.transactions), (Mana(1010), 5))
        self.assertEqual((overview.lifetime_spent, overview.lifetime_refunded), (Mana("1.5"), Mana("1.5")))
        self.assertEqual((overview.lifetime_purchased, overview.lifetime_bonus), (Mana(1000), Mana(10)))
        self.assertEqual((overview.first_timestamp, overview.last_timestamp), (bought.timestamp, given.timestamp))

    def test_replay_and_conflict(self) -> None:
        posting = Posting.purchase(self.account, 5, note="a")
        first, second = self.client.apply(posting), self.client.apply(posting)
        self.assertEqual((first.replayed, second.replayed), (False, True))
        self.assertEqual((second.sequence, second.timestamp), (first.sequence, first.timestamp))
        other = Posting.purchase(self.account, 6, id=posting.id, note="b")
        self.assertEqual(self.refused("idConflict", other).result.conflict_field, "amount")
        other = Posting.purchase(self.account, 5, id=posting.id, note="b")
        self.assertEqual(self.refused("idConflict", other).result.conflict_field, "note")
        self.assertEqual(self.client.account(self.account).balance, Mana(5))

    def test_refusals(self) -> None:
        unknown = uuid.uuid4()
        self.refused("accountUnknown", Posting.spend(unknown, 1, "export"))
        self.client.purchase(self.account, 3)
        poor = self.refused("insufficientBalance", Posting.spend(self.account, "3.000001", "export"))
        self.assertEqual(poor.result.balance, Mana(3))
        spent = self.client.spend(self.account, 2, "detection", quantity=7)
        self.refused("originalUnknown", Posting.refund(self.account, uuid.uuid4(), 1))
        self.refused("refundExceedsOriginal", Posting.refund(self.account, spent.id, "2.000001"))
        refunded = self.client.refund(self.account, spent.id, 2)
        self.refused("nothingToRefund", Posting.refund(self.account, spent.id))
        self.refused("originalNotSpend", Posting.refund(self.account, refunded.id, 1))
        self.refused("amountZero", Posting.bonus(self.account, 0))
        for call in (lambda: self.client.account(unknown), lambda: self.client.transaction(self.account, unknown)):
            with self.assertRaises(RequestRefused):
                call()

    def test_a_refund_that_comes_first(self) -> None:
        self.client.purchase(self.account, 3)
        late = Posting.spend(self.account, 1, "variation")
        self.assertEqual(self.client.refund(self.account, late.id, void_if_unknown=True).sequence, 0)
        self.refused("voided", late)
        self.assertEqual(self.client.account(self.account).balance, Mana(3))

    def test_settlement(self) -> None:
        self.client.purchase(self.account, 10)
        minute = timedelta(minutes=1)
        failed = self.client.spend(self.account, 4, "image_generation", settle_within=minute)
        partly = self.client.spend(self.account, 4, "image_generation", settle_within=minute)
        self.assertEqual([one.id for one in self.client.unsettled(self.account).transactions], [partly.id, failed.id])
        self.assertEqual(self.client.settle(self.account, failed.id, 0, note="failed").amount, Mana(4))
        self.assertEqual(self.client.settle(self.account, partly.id, 3).amount, Mana(1))
        whole = self.client.spend(self.account, 1, "export", settle_within=minute)
        self.assertEqual(self.client.settle(self.account, whole.id).sequence, 0)
        self.refused("alreadySettled", Posting.settlement(self.account, whole.id, 0))
        plain = self.client.spend(self.account, 1, "export")
        self.refused("settlementNotExpected", Posting.settlement(self.account, plain.id))
        overview = self.client.account(self.account)
        self.assertEqual((overview.balance, overview.unsettled), (Mana(5), Mana(0)))

    def test_settlement_of_a_block(self) -> None:
        client, account = self.client, self.account
        client.purchase(account, 100)
        with client.settlement(account, 10, "image_generation") as charge:
            self.assertEqual(client.account(account).unsettled, Mana(10))
            charge.used = 4
        with self.assertRaises(KeyError), client.settlement(account, 10, "image_generation"):
            raise KeyError
        with client.settlement(account, 10, "image_generation"):
            pass
        overview = client.account(account)
        self.assertEqual((overview.balance, overview.unsettled), (Mana(86), Mana(0)))
        second = timedelta(seconds=1)
        with self.assertRaises(TransactionRefused) as caught:
            with client.settlement(account, 10, "image_generation", settle_within=second):
                while client.account(account).unsettled:
                    time.sleep(0.02)
        self.assertEqual(caught.exception.status, "settlementTimedOut")
        self.assertEqual(client.account(account).balance, Mana(86))

    def test_reads_of_nobody(self) -> None:
        client, unknown = self.client, uuid.uuid4()
        reads: Tuple[Callable[[], object], ...] = (
            lambda: client.account(unknown),
            lambda: client.history(unknown),
            lambda: client.unsettled(unknown),
            lambda: client.transaction(unknown, uuid.uuid4()),
            lambda: client.balance_at(unknown, datetime.now(timezone.utc)),
        )
        for index, read in enumerate(reads):
            with self.subTest(index), self.assertRaises(RequestRefused) as caught:
                read()
            self.assertEqual(caught.exception.status, "accountUnknown")

    def test_atomic_replays(self) -> None:
        postings = [Posting.purchase(self.account, 2), Posting.spend(self.account, 1, "export")]
        for replayed in (False, True):
            results = self.client.post(postings, atomic=True)
            self.assertEqual([(one.status, one.replayed) for one in results], [("ok", replayed)] * 2)
        new = Posting.bonus(self.account, 1)
        for mixed, refused in ((postings + [new], 2), ([new] + postings, 1)):
            with self.subTest(refused):
                results = self.client.post(mixed, atomic=True)
                expected = ["notApplied"] * 3
                expected[refused] = "idConflict"
                self.assertEqual([one.status for one in results], expected)
                self.assertIsNone(results[refused].conflict_field)
        self.assertEqual(self.client.account(self.account).balance, Mana(1))

    def test_batches(self) -> None:
        poor = Posting.spend(self.account, 100, "combination", quantity=1000)
        good = Posting.spend(self.account, 1, "combination", quantity=10)
        results = self.client.post([Posting.purchase(self.account, 2), poor, good], full_results=True)
        self.assertEqual([one.status for one in results], ["ok", "insufficientBalance", "ok"])
        self.assertEqual([one.balance for one in results], [Mana(2), Mana(2), Mana(1)])
        atomic = self.client.post([Posting.bonus(self.account, 1), poor, Posting.bonus(self.account, 1)], atomic=True)
        self.assertEqual([one.status for one in atomic], ["notApplied", "insufficientBalance", "notApplied"])
        with self.assertRaises(RequestRefused) as caught:
            self.client.post([Posting.bonus(1, 1), Posting.bonus(2, 1)], atomic=True)
        self.assertEqual((caught.exception.status, caught.exception.execution), ("atomicAccountsDiffer", "notExecuted"))
        self.assertEqual(self.client.account(self.account).balance, Mana(1))

    def test_histories(self) -> None:
        postings = [Posting.bonus(self.account, n, reference=f"r{n % 2}") for n in range(1, 26)]
        self.assertTrue(all(one.ok for one in self.client.post(postings)))
        found = list(self.client.transactions(self.account, page_size=4))
        self.assertEqual([one.sequence for one in found], list(range(25, 0, -1)))
        upwards = self.client.transactions(self.account, page_size=7, oldest_first=True)
        self.assertEqual(list(upwards), found[::-1])
        middle = self.client.history(self.account, start=10, limit=3)
        self.assertEqual([one.sequence for one in middle.transactions], [10, 9, 8])
        cases: Tuple[Tuple[Filter, List[int]], ...] = (
            (Filter(amount_min=5, amount_max=7), [7, 6, 5]),
            (Filter(reference="r0", amount_max=6), [6, 4, 2]),
            (Filter(types=("spend",)), []),
            (Filter(operations=("bonus",), amount_min=25), [25]),
            (Filter(since=found[1].timestamp), [25, 24]),
            (Filter(until=found[-2].timestamp), [1]),
        )
        for matching, expected in cases:
            with self.subTest(matching):
                matches = self.client.transactions(self.account, matching, page_size=2)
                self.assertEqual([one.sequence for one in matches], expected)
        moment = found[0].timestamp
        for impossible in (Filter(amount_min=2, amount_max=1), Filter(since=moment, until=moment)):
            with self.subTest(impossible), self.assertRaises(RequestRefused) as caught:
                self.client.history(self.account, impossible)
            self.assertEqual(caught.exception.status, "invalidFilter")

    def test_starts_beyond_the_newest(self) -> None:
        self.client.post([Posting.bonus(self.account, n) for n in (1, 2, 3)])
        for start in (3, 4, 2**32, 2**64 - 1):
            with self.subTest(start):
                newest = self.client.history(self.account, start=start)
                self.assertEqual([one.sequence for one in newest.transactions], [3, 2, 1])
                upwards = self.client.history(self.account, start=start, oldest_first=True)
                self.assertEqual([one.sequence for one in upwards.transactions], [3] if start == 3 else [])
                self.assertEqual((upwards.total, upwards.next_cursor), (3, None))

    def test_balance_at(self) -> None:
        first, second = self.client.bonus(self.account, 1), self.client.bonus(self.account, 2)
        cases = (
            (first.timestamp - 1, Mana(0), 0),
            (first.timestamp, Mana(1), 1),
            (second.timestamp - 1, Mana(1), 1),
            (second.timestamp, Mana(3), 2),
            (datetime.now(timezone.utc) + timedelta(days=1), Mana(3), 2),
        )
        for at, balance, sequence in cases:
            with self.subTest(at):
                found = self.client.balance_at(self.account, at)
                self.assertEqual((found.balance, found.sequence), (balance, sequence))

    def test_many_batches_on_their_way(self) -> None:
        self.client.purchase(self.account, 100)
        batches = [[Posting.spend(self.account, "0.1", "export") for _ in range(50)] for _ in range(20)]
        pending = [self.client.start_post(batch) for batch in batches]
        sequences = [result.sequence for one in reversed(pending) for result in one.results()]
        self.assertEqual(sorted(sequences), list(range(2, 1_002)))
        self.assertEqual(self.client.account(self.account).balance, Mana(0))

    def test_ping_and_status(self) -> None:
        self.assertGreater(self.client.ping(), 0)
        self.assertGreaterEqual(self.client.server_status().connections, 1)

    def test_shards_add_up_to_the_server(self) -> None:
        self.client.purchase(self.account, 100)
        status = self.client.shard_status()
        server = self.client.server_status()
        self.assertEqual(len(status.shards), server.shard_count)
        self.assertGreater(status.uptime_nanoseconds, 0)
        self.assertEqual(sum(shard.accounts for shard in status.shards), server.accounts)
        self.assertGreater(sum(shard.journal_position for shard in status.shards), 0)


if __name__ == "__main__":
    unittest.main()
