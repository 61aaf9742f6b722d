"""Several calls on one connection, histories over several pages, and the command line."""

from __future__ import annotations

import contextlib
import io
import json
import socket
import threading
import time
import unittest
from typing import Tuple

from fake_server import PATIENCE, WELCOME, FakeServer, Peer, Script
from mana_ledger import ConnectionLost, DeadlinePassed, Filter, Mana, ManaClient, Posting
from mana_ledger.__main__ import main
from mana_ledger.protocol import (
    Batch,
    ErrorBody,
    Item,
    ListTransactions,
    Opcode,
    Page,
    Record,
    Result,
    Status,
    Welcome,
    encode_frame,
)

OK = Result(Status.ok, 1, 1_500_000, balance=998_500_000, timestamp=5, refundable=1_500_000)


class Conversations(unittest.TestCase):
    """Several calls on one connection, or on several."""

    def test_replies_out_of_order(self) -> None:
        def script(peer: Peer) -> None:
            peer.shake_hands()
            requests = [peer.frame() for _ in range(3)]
            for request in reversed(requests):
                amount = Batch.decode(request.body).items[0].amount
                peer.results(request, Result(Status.ok, 1, amount))

        with FakeServer(script) as server, ManaClient("127.0.0.1", server.port) as client:
            pending = [client.start_post([Posting.bonus(1, n)]) for n in (1, 2, 3)]
            amounts = [one.results()[0].amount for one in pending]
            self.assertEqual(amounts, [Mana(1), Mana(2), Mana(3)])
            self.assertEqual(pending[1].results()[0].amount, Mana(2), "results can be asked for again")

    def test_a_late_reply_is_dropped_and_the_connection_goes_on(self) -> None:
        passed = threading.Event()

        def script(peer: Peer) -> None:
            peer.shake_hands()
            late = peer.frame()
            self.assertTrue(passed.wait(PATIENCE))
            peer.results(late, OK)
            request = peer.frame()
            peer.results(request, Result(Status.ok, 2, 5, balance=0, timestamp=6, refundable=0))

        with FakeServer(script) as server, ManaClient("127.0.0.1", server.port) as client:
            with self.assertRaises(DeadlinePassed):
                client.spend(42, "1.5", "export", timeout=0.1)
            passed.set()
            self.assertEqual(client.spend(42, "0.000005", "export").sequence, 2)
            assert client._connection is not None
            self.assertEqual(client._connection._requests, {}, "the late reply is not kept")

    def test_deadlines_that_have_passed(self) -> None:
        def script(peer: Peer) -> None:
            peer.shake_hands()
            self.assertEqual(Batch.decode(peer.frame().body).items[0].id, 8)
            peer.until_gone()

        with FakeServer(script) as server, ManaClient("127.0.0.1", server.port) as client:
            with self.assertRaises(DeadlinePassed) as caught:
                client.bonus(42, 1, id=7, timeout=0)
            self.assertEqual(caught.exception.execution, "notExecuted", "it was not sent")
            pending = client.start_post([Posting.bonus(42, 1, id=8)], timeout=0.05)
            time.sleep(0.1)
            with self.assertRaises(DeadlinePassed) as caught:
                pending.results()
            self.assertEqual((caught.exception.execution, caught.exception.transaction_ids), ("unknown", (8,)))

    def test_the_next_call_connects_again(self) -> None:
        def cut(peer: Peer) -> None:
            peer.shake_hands()
            self.assertEqual(Batch.decode(peer.frame().body).items[0].id, 7)

        def answer(peer: Peer) -> None:
            peer.shake_hands()
            request = peer.frame()
            self.assertEqual(Batch.decode(request.body).items[0].id, 7)
            peer.results(request, Result(Status.ok, 1, 1_500_000, True, balance=0, timestamp=5, refundable=0))

        with FakeServer(cut, answer) as server, contextlib.closing(ManaClient("127.0.0.1", server.port)) as client:
            posting = Posting.spend(42, "1.5", "export", id=7)
            with self.assertRaises(ConnectionLost):
                client.apply(posting)
            self.assertTrue(client.apply(posting).replayed)

    def test_shutting_down_answers_what_was_sent(self) -> None:
        def leaving(peer: Peer) -> None:
            peer.shake_hands()
            request = peer.frame()
            peer.send(encode_frame(Opcode.goAway, ErrorBody("bye").encode(), status=Status.shuttingDown, flags=2))
            peer.results(request, OK)
            self.assertEqual(peer.receive(1), b"", "nothing further is asked of a server that leaves")

        def staying(peer: Peer) -> None:
            peer.shake_hands()
            peer.results(peer.frame(), OK)

        with FakeServer(leaving, staying) as server, ManaClient("127.0.0.1", server.port) as client:
            self.assertEqual(client.spend(42, "1.5", "export").sequence, 1)
            self.assertEqual(client.spend(42, "1.5", "export").sequence, 1)

    def test_the_limits_of_the_welcome_are_kept(self) -> None:
        narrow = Welcome(**{**WELCOME.__dict__, "requests_in_flight_max": 2})

        def script(peer: Peer) -> None:
            peer.shake_hands(narrow)
            waiting = [peer.frame(), peer.frame()]
            peer.socket.settimeout(0.1)
            with self.assertRaises(socket.timeout, msg="a third request came before any reply"):
                peer.frame()
            peer.socket.settimeout(PATIENCE)
            for _ in range(3):
                peer.results(waiting.pop(), Result(Status.ok, 1, 1))
                waiting.append(peer.frame())
            for request in waiting:
                peer.results(request, Result(Status.ok, 1, 1))

        with FakeServer(script) as server, ManaClient("127.0.0.1", server.port) as client:
            pending = [client.start_post([Posting.bonus(1, n)]) for n in range(1, 6)]
            self.assertTrue(all(one.results()[0].ok for one in pending))


def record(sequence: int) -> Record:
    """A bonus of 1 Mana."""
    item = Item(id=sequence, account=42, type=4, operation=8, amount=1_000_000)
    return Record(item, sequence * 1_000_000, sequence, sequence)


class Histories(unittest.TestCase):
    """Pages and the iterator over them."""

    def test_the_iterator_follows_cursors_across_empty_pages(self) -> None:
        pages = {
            0: Page((record(5), record(4)), 5, 0, next=3, more=True),
            3: Page((), 5, 0, next=2, more=True),
            2: Page((record(2), record(1)), 5, 0),
        }

        def script(peer: Peer) -> None:
            peer.shake_hands()
            for start, page in pages.items():
                request = peer.frame()
                asked = ListTransactions.decode(request.body)
                self.assertEqual((asked.start, asked.types, asked.limit), (start, 1 << 4, 2))
                peer.reply(request, page.encode())

        with FakeServer(script) as server, ManaClient("127.0.0.1", server.port) as client:
            found = client.transactions(42, Filter(types=("bonus",)), page_size=2)
            self.assertEqual([one.sequence for one in found], [5, 4, 2, 1])

    def test_a_filter_names_everything(self) -> None:
        wanted = Filter(
            types=("spend", "refund"),
            operations=("export",),
            since=10,
            until=20,
            amount_min="0.5",
            amount_max="1",
            related=9,
            reference="é",
        )
        request = wanted.request(42, 3, 50, True)
        self.assertEqual(ListTransactions.decode(request.encode()), request)
        self.assertEqual((request.types, request.operations), (1 << 1 | 1 << 3, 1 << 5))
        self.assertEqual((request.amount_min, request.amount_max, request.related), (500_000, 1_000_000, 9))
        self.assertRaises(ValueError, Filter(types=("loan",)).request, 42, 0, 1, False)


class CommandLine(unittest.TestCase):
    """``python3 -m mana_ledger``."""

    def run_main(self, script: Script, *arguments: str) -> Tuple[int, str, str]:
        """The exit status and what is printed."""
        out, err = io.StringIO(), io.StringIO()
        with FakeServer(script) as server, contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            status = main(["--server", f"127.0.0.1:{server.port}", *arguments])
        return status, out.getvalue(), err.getvalue()

    def test_spend(self) -> None:
        def script(peer: Peer) -> None:
            peer.shake_hands()
            peer.results(peer.frame(), OK)

        status, out, _ = self.run_main(script, "spend", "42", "1.5", "export", "--id", "7", "--note", "ü", "--json")
        shape = json.loads(out)
        self.assertEqual(status, 0)
        self.assertEqual((shape["id"], shape["amount"], shape["balanceAfter"]), ("7", "-1.5", "998.5"))
        self.assertEqual((shape["timestamp"], shape["note"]), ("1970-01-01T00:00:00.000000005Z", "ü"))

    def test_refused(self) -> None:
        def script(peer: Peer) -> None:
            peer.shake_hands()
            peer.results(peer.frame(), Result(Status.insufficientBalance, balance=0, timestamp=0, refundable=0))

        status, out, _ = self.run_main(script, "spend", "42", "1.5", "export", "--json")
        self.assertEqual((status, json.loads(out)), (1, {"status": "insufficientBalance", "message": ""}))

    def test_cut(self) -> None:
        def script(peer: Peer) -> None:
            peer.shake_hands()
            peer.frame()

        status, out, err = self.run_main(script, "bonus", "42", "1.5")
        self.assertEqual((status, out), (3, ""))
        self.assertIn("(unknown)", err)

    def test_history(self) -> None:
        def script(peer: Peer) -> None:
            peer.shake_hands()
            peer.reply(peer.frame(), Page((record(2),), 2, 0, next=1, more=True).encode())

        status, out, _ = self.run_main(script, "history", "42", "--limit", "1", "--type", "bonus", "--json")
        shape = json.loads(out)
        self.assertEqual((status, shape["total"], shape["nextCursor"]), (0, 2, 1))
        self.assertEqual(shape["transactions"][0]["amount"], "1.0")


if __name__ == "__main__":
    unittest.main()
