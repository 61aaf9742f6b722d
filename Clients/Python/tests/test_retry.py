"""Calls that are sent again."""

from __future__ import annotations

import time
import unittest
from typing import List

from fake_server import FakeServer, Peer
from mana_ledger import ConnectionLost, Mana, ManaClient, Posting, RequestRefused, Retry, TransactionRefused
from mana_ledger.protocol import Batch, Frame, Item, Result, Status
from mana_ledger.protocol.codes import REPLY_NOT_EXECUTED, REPLY_RETRYABLE

OK = Result(Status.ok, 1, 1_500_000, balance=998_500_000, timestamp=5, refundable=1_500_000)


def quick(attempts: int = 4, budget: float = 10.0) -> Retry:
    """Pauses that no test waits for."""
    return Retry(attempts=attempts, pause_first=0.001, pause_max=0.001, budget=budget)


class Retries(unittest.TestCase):
    """What is sent again, and what is not."""

    def setUp(self) -> None:
        self.items: List[Item] = []

    def take(self, peer: Peer) -> Frame:
        """The next call, whose transactions are noted."""
        request = peer.frame()
        self.items += Batch.decode(request.body).items
        return request

    def lose(self, peer: Peer) -> None:
        """Takes a call and closes the connection."""
        peer.shake_hands()
        self.take(peer)

    def answer(self, peer: Peer) -> None:
        """Takes a call and answers it."""
        peer.shake_hands()
        peer.results(self.take(peer), OK)

    def test_a_lost_call_is_sent_again_with_the_same_id(self) -> None:
        with FakeServer(self.lose, self.lose, self.answer) as server:
            with ManaClient("127.0.0.1", server.port, retry=quick()) as client:
                receipt = client.spend(42, "1.5", "export")
        self.assertEqual(receipt.balance_after, Mana("998.5"))
        self.assertEqual(len(self.items), 3)
        self.assertEqual(len(set(self.items)), 1, "the id and all else are the same")

    def test_a_batch_is_sent_again_as_it_was(self) -> None:
        with FakeServer(self.lose, self.answer) as server:
            with ManaClient("127.0.0.1", server.port, retry=quick()) as client:
                results = client.post([Posting.spend(42, "1.5", "export")])
        self.assertTrue(results[0].ok)
        self.assertEqual((len(self.items), len(set(self.items))), (2, 1))

    def test_without_retry_a_call_is_sent_once(self) -> None:
        with FakeServer(self.lose) as server, ManaClient("127.0.0.1", server.port) as client:
            with self.assertRaises(ConnectionLost):
                client.spend(42, "1.5", "export")
        self.assertEqual(len(self.items), 1)

    def test_the_attempts_end(self) -> None:
        with FakeServer(self.lose, self.lose) as server:
            with ManaClient("127.0.0.1", server.port, retry=quick(attempts=2)) as client:
                with self.assertRaises(ConnectionLost) as raised:
                    client.spend(42, "1.5", "export")
        self.assertEqual(raised.exception.execution, "unknown")
        self.assertEqual(raised.exception.transaction_ids, (self.items[0].id,))
        self.assertEqual(len(self.items), 2)

    def test_the_budget_ends(self) -> None:
        with FakeServer(self.lose, self.lose) as server:
            with ManaClient("127.0.0.1", server.port, retry=quick(attempts=9, budget=1.0)) as client:
                with self.assertRaises(ConnectionLost):
                    client.spend(42, "1.5", "export")
        self.assertEqual(len(self.items), 2, "one repetition is all that the budget has")

    def test_a_refusal_is_final(self) -> None:
        def script(peer: Peer) -> None:
            peer.shake_hands()
            peer.results(self.take(peer), Result(Status.insufficientBalance, 0, 0, balance=1, timestamp=0, refundable=0))

        with FakeServer(script) as server, ManaClient("127.0.0.1", server.port, retry=quick()) as client:
            with self.assertRaises(TransactionRefused):
                client.spend(42, "1.5", "export")
        self.assertEqual(len(self.items), 1)

    def test_what_may_have_been_applied_stays_unknown(self) -> None:
        def refuse(peer: Peer) -> None:
            peer.shake_hands()
            peer.refuse(self.take(peer), Status.malformedBody, "no", flags=REPLY_NOT_EXECUTED)

        with FakeServer(self.lose, refuse) as server:
            with ManaClient("127.0.0.1", server.port, retry=quick()) as client:
                with self.assertRaises(RequestRefused) as raised:
                    client.spend(42, "1.5", "export")
        self.assertEqual(raised.exception.execution, "unknown")

    def test_the_pause_is_at_least_what_the_server_asks_for(self) -> None:
        def refuse(peer: Peer) -> None:
            peer.shake_hands()
            flags = REPLY_NOT_EXECUTED | REPLY_RETRYABLE
            peer.refuse(self.take(peer), Status.shuttingDown, "soon", flags=flags, microseconds=50_000)
            peer.results(self.take(peer), OK)

        with FakeServer(refuse) as server, ManaClient("127.0.0.1", server.port, retry=quick()) as client:
            begin = time.monotonic()
            client.spend(42, "1.5", "export")
            self.assertGreaterEqual(time.monotonic() - begin, 0.05)

    def test_a_pause_beyond_the_timeout_is_not_begun(self) -> None:
        def refuse(peer: Peer) -> None:
            peer.shake_hands()
            flags = REPLY_NOT_EXECUTED | REPLY_RETRYABLE
            peer.refuse(self.take(peer), Status.shuttingDown, "later", flags=flags, microseconds=3_600_000_000)

        with FakeServer(refuse) as server, ManaClient("127.0.0.1", server.port, retry=quick()) as client:
            with self.assertRaises(RequestRefused) as raised:
                client.spend(42, "1.5", "export")
        self.assertEqual(raised.exception.execution, "notExecuted")

    def test_what_cannot_be_meant_is_refused(self) -> None:
        for wrong in ({"attempts": 0}, {"pause_first": 0.0}, {"pause_max": 0.01}, {"budget": -1.0}):
            with self.subTest(wrong), self.assertRaises(ValueError):
                Retry(**wrong)


if __name__ == "__main__":
    unittest.main()
