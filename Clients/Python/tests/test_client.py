"""How the client behaves towards servers that answer late, wrongly, or not at all."""

from __future__ import annotations

import contextlib
import unittest
from typing import Callable, Type

from fake_server import PATIENCE, WELCOME, FakeServer, Peer, Script
from mana_ledger import (
    ConnectError,
    ConnectionLost,
    DeadlinePassed,
    Mana,
    ManaClient,
    ManaError,
    Posting,
    ProtocolViolation,
    RequestRefused,
    TransactionRefused,
)
from mana_ledger.protocol import (
    ErrorBody,
    Hello,
    Opcode,
    Result,
    Status,
    Welcome,
    encode_frame,
)

OK = Result(Status.ok, 1, 1_500_000, balance=998_500_000, timestamp=5, refundable=1_500_000)


def spend(client: ManaClient) -> object:
    """The call that most tests make."""
    return client.spend(42, "1.5", "image_generation", id=7)


class ClientCase(unittest.TestCase):
    """A test with a scripted server."""

    def failure(
        self,
        kind: Type[ManaError],
        script: Script,
        call: Callable[[ManaClient], object] = spend,
        timeout: float = PATIENCE,
    ) -> ManaError:
        """The error that a call ends with."""
        with FakeServer(script) as server:
            with contextlib.closing(ManaClient("127.0.0.1", server.port, timeout=timeout)) as client:
                with self.assertRaises(kind) as caught:
                    call(client)
        return caught.exception


class Handshakes(ClientCase):
    """Getting to know each other."""

    def test_hello_says_who_and_what(self) -> None:
        hellos = []

        def script(peer: Peer) -> None:
            hellos.append(Hello.decode(peer.shake_hands().body))
            peer.until_gone()

        with FakeServer(script) as server:
            client = ManaClient("127.0.0.1", server.port, ledger=77, token="secret", name="test")
            with client:
                self.assertEqual(client.connect().ledger, 77)
        hello = hellos[0]
        self.assertEqual((hello.version_min, hello.version_max, hello.ledger), (1, 1, 77))
        self.assertEqual([(one.kind, one.text) for one in hello.extensions], [(1, "test"), (2, "secret")])
        self.assertNotEqual(hello.instance, 0)

    def test_an_http_server_is_named(self) -> None:
        def script(peer: Peer) -> None:
            peer.receive(8)
            peer.send(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")

        error = self.failure(ConnectError, script)
        self.assertIn("HTTP server", error.message)
        self.assertIn("400 Bad Request", error.message)
        self.assertEqual((error.execution, error.retryable), ("notExecuted", False))

    def test_other_protocols_are_named(self) -> None:
        alert = b"\x15\x03\x03\x00\x02\x02\x46"
        for answer, expected in ((alert, "TLS"), (b"SSH-2.0-x\r\n", "53 53 48 2d"), (b"M!", "4d 21")):
            with self.subTest(answer):

                def script(peer: Peer, answer: bytes = answer) -> None:
                    peer.receive(8)
                    peer.send(answer)
                    peer.until_gone()

                error = self.failure(ConnectError, script)
                self.assertIn(expected, error.message)
                self.assertIn("not a Mana ledger", error.message)

    def test_a_server_that_says_nothing(self) -> None:
        error = self.failure(DeadlinePassed, Peer.until_gone, timeout=0.2)
        self.assertEqual(error.execution, "notExecuted")
        self.assertIn("is it a Mana ledger?", error.message)

    def test_a_server_that_closes(self) -> None:
        error = self.failure(ConnectError, lambda peer: None)
        self.assertEqual(error.execution, "notExecuted")

    def test_nobody_listens(self) -> None:
        with FakeServer() as server:
            port = server.port
        with self.assertRaises(ConnectError) as caught:
            ManaClient("127.0.0.1", port).ping()
        self.assertEqual((caught.exception.execution, caught.exception.retryable), ("notExecuted", True))

    def test_go_away_instead_of_welcome(self) -> None:
        def script(peer: Peer) -> None:
            peer.receive(8)
            peer.frame()
            body = ErrorBody("full").encode()
            frame = encode_frame(Opcode.goAway, body, status=Status.tooManyConnections, flags=2, microseconds=500_000)
            peer.send(bytes.fromhex("4D414E410D0A1A01") + frame)

        error = self.failure(ConnectError, script)
        found = (error.status, error.retryable, error.retry_after, error.execution)
        self.assertEqual(found, ("tooManyConnections", True, 0.5, "notExecuted"))

    def test_a_welcome_of_another_ledger(self) -> None:
        with FakeServer(lambda peer: void(peer.shake_hands())) as server:
            with self.assertRaises(ConnectError) as caught:
                ManaClient("127.0.0.1", server.port, ledger=78).connect()
        self.assertEqual(caught.exception.status, "wrongLedger")

    def test_a_welcome_in_single_bytes(self) -> None:
        def script(peer: Peer) -> None:
            peer.receive(8)
            peer.frame()
            for byte in bytes.fromhex("4D414E410D0A1A01") + encode_frame(Opcode.welcome, WELCOME.encode()):
                peer.send(bytes([byte]))
            peer.results(peer.frame(), OK)

        with FakeServer(script) as server, ManaClient("127.0.0.1", server.port) as client:
            self.assertEqual(client.spend(42, "1.5", "export").sequence, 1)


def void(_: object) -> None:
    """Drops a result, so that a lambda can be a script."""


class Fates(ClientCase):
    """What an error says about the call."""

    def test_the_connection_is_cut(self) -> None:
        def script(peer: Peer) -> None:
            peer.shake_hands()
            peer.frame()

        error = self.failure(ConnectionLost, script)
        self.assertEqual((error.execution, error.retryable, error.transaction_ids), ("unknown", True, (7,)))

    def test_the_connection_is_cut_within_a_reply(self) -> None:
        def script(peer: Peer) -> None:
            peer.shake_hands()
            request = peer.frame()
            peer.send(encode_frame(Opcode.ping | 0x80, bytes(64), correlation=request.correlation)[:50])

        self.assertEqual(self.failure(ConnectionLost, script).execution, "unknown")

    def test_the_deadline_passes(self) -> None:
        def script(peer: Peer) -> None:
            peer.shake_hands()
            self.assertGreater(peer.frame().microseconds, 0)
            peer.until_gone()

        error = self.failure(DeadlinePassed, script, timeout=0.2)
        self.assertEqual((error.execution, error.transaction_ids), ("unknown", (7,)))

    def test_request_errors(self) -> None:
        cases = (
            (Status.overloaded, 3, 20_000, ("overloaded", True, "notExecuted", 0.02)),
            (Status.deadlineExceeded, 1, 0, ("deadlineExceeded", False, "notExecuted", 0.0)),
            (Status.shuttingDown, 2, 0, ("shuttingDown", True, "unknown", 0.0)),
        )
        for status, flags, microseconds, expected in cases:
            with self.subTest(status.name):

                def script(peer: Peer) -> None:
                    peer.shake_hands()
                    peer.refuse(peer.frame(), status, "why", flags=flags, microseconds=microseconds)

                error = self.failure(RequestRefused, script)
                self.assertEqual((error.status, error.retryable, error.execution, error.retry_after), expected)
                self.assertEqual(error.message, "why")

    def test_a_status_of_a_later_version(self) -> None:
        def script(peer: Peer) -> None:
            peer.shake_hands()
            request = peer.frame()
            peer.reply(request, ErrorBody("later").encode(), status=300, flags=1)

        error = self.failure(RequestRefused, script)
        self.assertEqual((error.status, error.execution), ("300", "notExecuted"))

    def test_a_refused_transaction(self) -> None:
        def script(peer: Peer) -> None:
            peer.shake_hands()
            peer.results(peer.frame(), Result(Status.idConflict, field=3, balance=5, timestamp=0, refundable=0))

        error = self.failure(TransactionRefused, script)
        assert isinstance(error, TransactionRefused)
        self.assertEqual((error.status, error.execution), ("idConflict", "notExecuted"))
        self.assertEqual((error.result.conflict_field, error.result.balance), ("amount", Mana("0.000005")))

    def test_replies_that_cannot_be_believed(self) -> None:
        good = encode_frame(Opcode.spend | 0x80, bytes(16), correlation=1)
        cases = (
            ("the header's checksum", good[:9] + b"\x01" + good[10:], "headerChecksumMismatch", "unknown"),
            ("the body's checksum", good[:-1] + b"\x01", "bodyChecksumMismatch", "executed"),
            ("a stride of 0", good, "malformedBody", "executed"),
            ("another correlation", encode_frame(Opcode.spend | 0x80, b"", correlation=9), None, "unknown"),
            ("another opcode", encode_frame(Opcode.ping | 0x80, b"", correlation=1), None, "unknown"),
        )
        for name, data, status, execution in cases:
            with self.subTest(name):

                def script(peer: Peer, data: bytes = data) -> None:
                    peer.shake_hands()
                    peer.frame()
                    peer.send(data)
                    peer.until_gone()

                error = self.failure(ProtocolViolation, script)
                self.assertEqual((error.status, error.execution), (status, execution))

    def test_too_few_results(self) -> None:
        def script(peer: Peer) -> None:
            peer.shake_hands()
            peer.results(peer.frame(), Result(Status.ok, 1, 1))

        two = (Posting.bonus(1, "1"), Posting.bonus(1, "1"))
        self.assertEqual(self.failure(ProtocolViolation, script, lambda client: client.post(two)).execution, "executed")

    def test_go_away_with_a_connection_status(self) -> None:
        def script(peer: Peer) -> None:
            peer.shake_hands()
            peer.frame()
            peer.send(encode_frame(Opcode.goAway, ErrorBody("bits").encode(), status=Status.headerChecksumMismatch))
            peer.until_gone()

        error = self.failure(ConnectionLost, script)
        self.assertEqual((error.status, error.execution), ("headerChecksumMismatch", "unknown"))

    def test_a_frame_that_the_server_would_not_accept_is_not_sent(self) -> None:
        small = Welcome(**{**WELCOME.__dict__, "frame_bytes_max": 65_536})

        def script(peer: Peer) -> None:
            peer.shake_hands(small)
            self.assertEqual(peer.receive(1), b"")

        postings = [Posting.bonus(1, "1")] * 2_000
        error = self.failure(RequestRefused, script, lambda client: client.post(postings))
        self.assertEqual((error.status, error.execution), ("frameTooLarge", "notExecuted"))

if __name__ == "__main__":
    unittest.main()
