"""A charge that is kept only when its block succeeds: what is sent, and what is known afterwards."""

from __future__ import annotations

import unittest
from datetime import timedelta
from typing import List, Optional

from fake_server import FakeServer, Peer, Script
from mana_ledger import Charge, ConnectionLost, Mana, ManaClient, ManaError, TransactionRefused
from mana_ledger.protocol import Batch, Frame, Item, Opcode, Result, Status, TransactionType
from mana_ledger.protocol.posting import FLAG_REMAINING, FLAG_VOID_IF_UNKNOWN

OK = Result(Status.ok, 1, 10_000_000, balance=990_000_000, timestamp=5, refundable=10_000_000)


def refused(status: Status) -> Result:
    """What a refused item is answered with."""
    return Result(status, balance=3, timestamp=0, refundable=0)


class Broken(Exception):
    """What a block raises."""


class Settlements(unittest.TestCase):
    """Against scripted servers."""

    def setUp(self) -> None:
        self.items: List[Item] = []

    def take(self, peer: Peer) -> Frame:
        """The next call, whose transactions are noted."""
        request = peer.frame()
        self.items += Batch.decode(request.body).items
        return request

    def answers(self, *results: Optional[Result]) -> Script:
        """A connection that answers calls in turn; ``None`` takes one and closes."""

        def script(peer: Peer) -> None:
            peer.shake_hands()
            for result in results:
                request = self.take(peer)
                if result is None:
                    return
                peer.results(request, result)

        return script

    def run_block(self, *scripts: Script, used: object = None, error: Optional[BaseException] = None) -> Charge:
        """A charge of ten, whose block sets ``used`` or raises ``error``."""
        with FakeServer(*scripts) as server, ManaClient("127.0.0.1", server.port) as client:
            with client.settlement(42, 10, "image_generation", id=7, settle_within=timedelta(minutes=5)) as charge:
                if used is not None:
                    charge.used = used  # type: ignore[assignment]
                if error is not None:
                    raise error
        return charge

    def kinds(self) -> List[TransactionType]:
        """What was sent."""
        return [TransactionType(item.type) for item in self.items]

    def test_what_was_used_is_charged(self) -> None:
        for used, amount, remaining in ((None, 0, True), (10, 0, True), ("4.5", 4_500_000, False), (0, 0, False)):
            with self.subTest(used=used):
                self.items = []
                charge = self.run_block(self.answers(OK, OK), used=used)
                self.assertEqual((charge.receipt.id, charge.receipt.balance_after), (7, Mana(990)))
                self.assertEqual(self.kinds(), [TransactionType.spend, TransactionType.settlement])
                spend, settlement = self.items
                self.assertEqual((spend.id, spend.amount, spend.related), (7, 10_000_000, 300_000))
                self.assertEqual((settlement.related, settlement.amount), (7, amount))
                self.assertEqual(bool(settlement.flags & FLAG_REMAINING), remaining)

    def test_a_block_that_raises_is_refunded(self) -> None:
        for error in (Broken(), KeyboardInterrupt(), SystemExit(3)):
            with self.subTest(error=error):
                self.items = []
                with self.assertRaises(type(error)):
                    self.run_block(self.answers(OK, OK), error=error)
                self.assertEqual(self.kinds(), [TransactionType.spend, TransactionType.settlement])
                self.assertEqual((self.items[1].amount, self.items[1].flags & FLAG_REMAINING), (0, 0))

    def test_the_blocks_error_matters_more_than_that_of_the_refund(self) -> None:
        with self.assertRaises(Broken):
            self.run_block(self.answers(OK, refused(Status.settlementTimedOut)), error=Broken())

    def test_a_settlement_that_is_refused_is_an_error(self) -> None:
        with self.assertRaises(TransactionRefused) as caught:
            self.run_block(self.answers(OK, refused(Status.settlementTimedOut)))
        self.assertEqual(caught.exception.status, "settlementTimedOut")

    def test_a_settlement_is_sent_again_with_the_same_id(self) -> None:
        self.run_block(self.answers(OK, None), self.answers(None), self.answers(OK), used=3)
        self.assertEqual(len(self.items), 4)
        self.assertEqual(len(set(self.items[1:])), 1)

    def test_a_charge_that_is_refused_runs_no_block(self) -> None:
        with self.assertRaises(TransactionRefused) as caught:
            self.run_block(self.answers(refused(Status.insufficientBalance)), error=AssertionError("the block ran"))
        self.assertEqual(caught.exception.status, "insufficientBalance")
        self.assertEqual(self.kinds(), [TransactionType.spend])

    def test_a_charge_whose_fate_is_unknown_is_made_void(self) -> None:
        nothing = Result(Status.ok, balance=0, timestamp=0, refundable=0)
        scripts = (self.answers(None), self.answers(None), self.answers(nothing))
        with self.assertRaises(ConnectionLost) as caught:
            self.run_block(*scripts, error=AssertionError("the block ran"))
        self.assertEqual(caught.exception.execution, "notExecuted")
        self.assertIn("made void", str(caught.exception))
        self.assertEqual(self.kinds(), [TransactionType.spend] + 2 * [TransactionType.refund])
        void = self.items[1]
        self.assertEqual((void.related, void.flags & FLAG_VOID_IF_UNKNOWN), (7, FLAG_VOID_IF_UNKNOWN))
        self.assertEqual(self.items[1], self.items[2])

    def test_a_charge_that_cannot_be_made_void_stays_unknown(self) -> None:
        with FakeServer(self.answers(None)) as server:
            client = ManaClient("127.0.0.1", server.port, timeout=0.2)
            with self.assertRaises(ManaError) as caught:
                with client.settlement(42, 10, "image_generation"):
                    self.fail("the block ran")
        self.assertEqual(caught.exception.execution, "unknown")
        self.assertNotIn("made void", str(caught.exception))


if __name__ == "__main__":
    unittest.main()
