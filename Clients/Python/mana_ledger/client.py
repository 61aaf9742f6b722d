"""The client: the calls of the ledger as methods.

::

    with ManaClient("localhost", port) as client:
        client.purchase(42, "1000", reference="pi_3N", note="$40 Creator Pack")
        receipt = client.spend(42, "1.5", "image_generation")
        print(receipt.balance_after)

A client connects when it is first used, and again after a connection has ended. It sends a call twice only when it is
given a :class:`Retry`: errors say in ``execution`` what became of the call, and a call that is sent again with the same
ids is applied once. A client belongs to one thread at a time.
"""

from __future__ import annotations

import secrets
import time
from dataclasses import replace
from datetime import timedelta
from types import TracebackType
from typing import ContextManager, Iterator, Optional, Sequence, Tuple, Type, TypeVar, Union

from .amount import AmountLike
from .connection import Address, Connection, Deadline, hello_of
from .encryption import TLS, Encryption
from .errors import EXECUTED, NOT_EXECUTED, UNKNOWN, ManaError, ProtocolViolation, RequestRefused, TransactionRefused
from .filters import Filter
from .identifiers import IdLike, TimeLike, id_number, nanoseconds
from .models import Account, Balance, Page, Receipt, Result, Transaction
from .postings import Posting
from .protocol import (
    AccountOverview,
    BalanceAt,
    BalanceReply,
    Batch,
    BatchReply,
    ErrorBody,
    Frame,
    GetAccount,
    GetShardStatus,
    ListUnsettled,
    LookupTransaction,
    Opcode,
    Operation,
    ProtocolError,
    Record,
    ServerStatus,
    ShardStatusReply,
    Status,
    TransactionType,
    Welcome,
    decode_reply,
    name_of,
)
from .protocol import Page as WirePage
from .protocol.codes import PING_BYTES_MAX
from .retry import Retry
from .settlement import Charge, settlement

_Body = TypeVar(
    "_Body", BatchReply, WirePage, AccountOverview, Record, BalanceReply, ServerStatus, ShardStatusReply, bytes, None
)

_CALL_OF_TYPE = {
    TransactionType.spend: Opcode.spend,
    TransactionType.purchase: Opcode.purchase,
    TransactionType.refund: Opcode.refund,
    TransactionType.bonus: Opcode.bonus,
    TransactionType.settlement: Opcode.settle,
}


class ManaClient:
    """A client of one server.

    ``host`` and ``port`` name a TCP server, ``"unix:/path"`` alone a Unix socket. ``timeout`` is the number of seconds
    that a call may take, connecting included, unless the call says otherwise; ``None`` is no limit. ``ledger`` is the
    id of the ledger that is expected: another one is refused before anything is sent. ``token`` is the secret by which
    the server knows the caller; a server takes it from the same machine, and not in the clear over a network. ``tls``
    is a :class:`TLS` with which connections are encrypted. ``retry`` says how calls are repeated until their timeout;
    ``None`` is never.
    """

    def __init__(
        self,
        host: str,
        port: Optional[int] = None,
        *,
        timeout: Optional[float] = 10.0,
        ledger: Optional[IdLike] = None,
        token: Optional[str] = None,
        tls: Optional[TLS] = None,
        name: str = "mana_ledger (Python)",
        retry: Optional[Retry] = None,
    ) -> None:
        self._address = _address(host, port)
        self._timeout = timeout
        self._encryption = None if tls is None else Encryption(tls)
        self._retry = Retry(attempts=1) if retry is None else retry
        self._hello = hello_of(name, token, 0 if ledger is None else id_number(ledger), secrets.randbits(128))
        self._connection: Optional[Connection] = None

    def __enter__(self) -> ManaClient:
        self.connect()
        return self

    def __exit__(
        self,
        kind: Optional[Type[BaseException]],
        error: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        self.close()

    def connect(self, *, timeout: Optional[float] = None) -> Welcome:
        """Connects unless there is a connection. Returns what the server granted."""
        return self._ready(self._deadline(timeout)).welcome

    def close(self) -> None:
        """Ends the connection. The client can be used again."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    # Posting

    def spend(
        self,
        account: IdLike,
        amount: AmountLike,
        operation: Union[Operation, str, int],
        *,
        id: Optional[IdLike] = None,
        quantity: int = 0,
        reference: str = "",
        note: str = "",
        settle_within: Optional[timedelta] = None,
        timeout: Optional[float] = None,
    ) -> Receipt:
        """Charges an account. With ``settle_within`` the charge is given back unless :meth:`settle` comes in time."""
        posting = Posting.spend(
            account,
            amount,
            operation,
            id=id,
            quantity=quantity,
            reference=reference,
            note=note,
            settle_within=settle_within,
        )
        return self.apply(posting, timeout=timeout)

    def purchase(
        self,
        account: IdLike,
        amount: AmountLike,
        *,
        id: Optional[IdLike] = None,
        quantity: int = 0,
        reference: str = "",
        note: str = "",
        timeout: Optional[float] = None,
    ) -> Receipt:
        """Credits an account with what was paid for; the first credit creates it."""
        posting = Posting.purchase(account, amount, id=id, quantity=quantity, reference=reference, note=note)
        return self.apply(posting, timeout=timeout)

    def bonus(
        self,
        account: IdLike,
        amount: AmountLike,
        *,
        id: Optional[IdLike] = None,
        quantity: int = 0,
        reference: str = "",
        note: str = "",
        timeout: Optional[float] = None,
    ) -> Receipt:
        """Credits an account with a gift; the first credit creates it."""
        posting = Posting.bonus(account, amount, id=id, quantity=quantity, reference=reference, note=note)
        return self.apply(posting, timeout=timeout)

    def refund(
        self,
        account: IdLike,
        spend: IdLike,
        amount: Optional[AmountLike] = None,
        *,
        id: Optional[IdLike] = None,
        reference: str = "",
        note: str = "",
        void_if_unknown: bool = False,
        timeout: Optional[float] = None,
    ) -> Receipt:
        """Refunds ``amount`` of a spend, or all the rest. ``void_if_unknown`` also bars a spend that is on its way."""
        posting = Posting.refund(
            account, spend, amount, id=id, reference=reference, note=note, void_if_unknown=void_if_unknown
        )
        return self.apply(posting, timeout=timeout)

    def settle(
        self,
        account: IdLike,
        spend: IdLike,
        used: Optional[AmountLike] = None,
        *,
        id: Optional[IdLike] = None,
        note: str = "",
        timeout: Optional[float] = None,
    ) -> Receipt:
        """Ends an unsettled spend: everything was used, or ``used`` of it (0: it failed) and the rest is refunded."""
        return self.apply(Posting.settlement(account, spend, used, id=id, note=note), timeout=timeout)

    def settlement(
        self,
        account: IdLike,
        amount: AmountLike,
        operation: Union[Operation, str, int],
        *,
        id: Optional[IdLike] = None,
        quantity: int = 0,
        reference: str = "",
        note: str = "",
        settle_within: timedelta = timedelta(hours=1),
        timeout: Optional[float] = None,
    ) -> ContextManager[Charge]:
        """Charges for what the ``with`` block does, and keeps the charge only when it succeeds::

            with client.settlement(42, 10, "image_generation") as charge:
                charge.used = generate()

        At the end of the block the charge is settled with what ``used`` says. When the block raises, everything is
        refunded and its error is raised on. When the server can be told neither, because this process has died or there
        is no connection, it refunds everything once ``settle_within`` has passed. A settlement is sent again until it is
        answered or ``timeout``, which is for it and for the charge each, has passed. A charge that may or may not have
        been applied is made void, and the block does not run.
        """
        return settlement(
            self,
            lambda: self._deadline(timeout),
            account,
            amount,
            lambda: self.spend(
                account,
                amount,
                operation,
                id=id,
                quantity=quantity,
                reference=reference,
                note=note,
                settle_within=settle_within,
                timeout=timeout,
            ),
        )

    def apply(self, posting: Posting, *, timeout: Optional[float] = None) -> Receipt:
        """Posts one transaction. Raises :class:`TransactionRefused`; the same posting may be applied again."""
        opcode = _CALL_OF_TYPE[TransactionType(posting.item.type)]
        deadline = self._deadline(timeout)

        def attempt() -> Receipt:
            result = self._start((posting,), opcode, False, True, deadline).results()[0]
            if not result.ok:
                raise TransactionRefused(posting.id, result)
            return Receipt(posting, result)

        return self._retry.run(deadline, attempt)

    def post(
        self,
        postings: Sequence[Posting],
        *,
        atomic: bool = False,
        full_results: bool = False,
        timeout: Optional[float] = None,
    ) -> Tuple[Result, ...]:
        """Posts several transactions, of any types, and returns one result for each, in order, refused or not."""
        deadline = self._deadline(timeout)
        items = tuple(postings)
        return self._retry.run(
            deadline, lambda: self._start(items, Opcode.post, atomic, full_results, deadline).results()
        )

    def start_post(
        self,
        postings: Sequence[Posting],
        *,
        atomic: bool = False,
        full_results: bool = False,
        timeout: Optional[float] = None,
    ) -> PendingPost:
        """Sends a batch once, without waiting for its results, so that several can be on their way."""
        return self._start(tuple(postings), Opcode.post, atomic, full_results, self._deadline(timeout))

    def _start(
        self, postings: Tuple[Posting, ...], opcode: Opcode, atomic: bool, full: bool, deadline: Deadline
    ) -> PendingPost:
        body = Batch(tuple(posting.item for posting in postings), atomic, full).encode()
        try:
            connection = self._ready(deadline)
            return PendingPost(connection, connection.send(opcode, body, deadline), deadline, postings)
        except ManaError as error:
            error.transaction_ids = tuple(posting.id for posting in postings)
            raise

    # Reading

    def history(
        self,
        account: IdLike,
        matching: Filter = Filter(),
        *,
        start: Optional[int] = None,
        limit: int = 100,
        oldest_first: bool = False,
        timeout: Optional[float] = None,
    ) -> Page:
        """A page of a history, from sequence number ``start`` on. It may be short, even empty, and not the last."""
        request = matching.request(id_number(account), start or 0, limit, oldest_first)
        return Page.of(self._call(Opcode.listTransactions, request.encode(), WirePage, timeout))

    def transactions(
        self,
        account: IdLike,
        matching: Filter = Filter(),
        *,
        start: Optional[int] = None,
        page_size: int = 100,
        oldest_first: bool = False,
        timeout: Optional[float] = None,
    ) -> Iterator[Transaction]:
        """The whole history, page by page as it is iterated; ``timeout`` is for each page."""
        cursor = start
        while True:
            page = self.history(
                account, matching, start=cursor, limit=page_size, oldest_first=oldest_first, timeout=timeout
            )
            yield from page.transactions
            if page.next_cursor is None:
                return
            cursor = page.next_cursor

    def unsettled(
        self, account: IdLike, *, start: Optional[int] = None, limit: int = 100, timeout: Optional[float] = None
    ) -> Page:
        """A page of the unsettled spends, newest first."""
        request = ListUnsettled(id_number(account), start or 0, limit)
        return Page.of(self._call(Opcode.listUnsettled, request.encode(), WirePage, timeout))

    def account(self, account: IdLike, *, timeout: Optional[float] = None) -> Account:
        """The balance and the totals of an account."""
        body = GetAccount(id_number(account)).encode()
        return Account.of(self._call(Opcode.getAccount, body, AccountOverview, timeout))

    def transaction(self, account: IdLike, id: IdLike, *, timeout: Optional[float] = None) -> Transaction:
        """One transaction by its id."""
        body = LookupTransaction(id_number(account), id_number(id)).encode()
        return Transaction.of(self._call(Opcode.lookupTransaction, body, Record, timeout))

    def balance_at(self, account: IdLike, at: TimeLike, *, timeout: Optional[float] = None) -> Balance:
        """The balance after the last transaction that is not after ``at``."""
        body = BalanceAt(id_number(account), nanoseconds(at)).encode()
        return Balance.of(self._call(Opcode.balanceAt, body, BalanceReply, timeout))

    # Other calls

    def ping(self, *, timeout: Optional[float] = None) -> float:
        """How many seconds it takes to the server and back."""
        payload = secrets.token_bytes(PING_BYTES_MAX)
        self._ready(self._deadline(timeout))
        begin = time.monotonic()
        if self._call(Opcode.ping, payload, bytes, timeout) != payload:
            raise ProtocolViolation("a ping came back changed", execution=EXECUTED)
        return time.monotonic() - begin

    def server_status(self, *, timeout: Optional[float] = None) -> ServerStatus:
        """How the server is."""
        return self._call(Opcode.serverStatus, b"", ServerStatus, timeout)

    def shard_status(self, *, timeout: Optional[float] = None) -> ShardStatusReply:
        """How each of the server's shards is: counters, latencies, queues, how far its journal is."""
        status = self._shards_from(0, timeout)
        count = self._ready(self._deadline(timeout)).welcome.shard_count
        while len(status.shards) < count:
            more = self._shards_from(len(status.shards), timeout)
            status = replace(status, shards=status.shards + more.shards)
        return status

    def _shards_from(self, first: int, timeout: Optional[float]) -> ShardStatusReply:
        return self._call(Opcode.shardStatus, GetShardStatus(first).encode(), ShardStatusReply, timeout)

    def drain_server(self, *, timeout: Optional[float] = None) -> None:
        """Asks the server to finish what is in flight and to end. Where it knows its callers, that needs the role
        ``operate``."""
        self._call(Opcode.drain, b"", type(None), timeout)

    def _call(self, opcode: Opcode, body: bytes, kind: Type[_Body], timeout: Optional[float]) -> _Body:
        deadline = self._deadline(timeout)

        def attempt() -> _Body:
            connection = self._ready(deadline)
            return _body_of(connection.receive(connection.send(opcode, body, deadline), deadline), kind)

        return self._retry.run(deadline, attempt)

    def _deadline(self, timeout: Optional[float]) -> Deadline:
        return Deadline(self._timeout if timeout is None else timeout)

    def _ready(self, deadline: Deadline) -> Connection:
        """A connection that takes requests. One that goes away is left to those who wait for its replies."""
        if self._connection is None or not self._connection.usable:
            self._connection = Connection(
                self._address, hello=self._hello, deadline=deadline, encryption=self._encryption
            )
        return self._connection


class PendingPost:
    """A batch that has been sent. Its results may be asked for in any order among several."""

    def __init__(
        self, connection: Connection, correlation: int, deadline: Deadline, postings: Tuple[Posting, ...]
    ) -> None:
        self._connection = connection
        self._correlation = correlation
        self._deadline = deadline
        self._postings = postings
        self._results: Optional[Tuple[Result, ...]] = None

    def results(self) -> Tuple[Result, ...]:
        """One result an item, in order; waits for them the first time."""
        if self._results is None:
            try:
                reply = _body_of(self._connection.receive(self._correlation, self._deadline), BatchReply)
                if len(reply.results) != len(self._postings):
                    message = f"{len(reply.results)} results for {len(self._postings)} items"
                    raise ProtocolViolation(message, execution=EXECUTED)
            except ManaError as error:
                error.transaction_ids = tuple(posting.id for posting in self._postings)
                raise
            self._results = Result.all_of(self._postings, reply)
        return self._results


def _body_of(frame: Frame, kind: Type[_Body]) -> _Body:
    """The body of a reply. Raises what the server refused, or what it should not have said."""
    try:
        body = decode_reply(frame)
    except ProtocolError as error:
        execution = EXECUTED if frame.status == Status.ok else NOT_EXECUTED if frame.not_executed else UNKNOWN
        raise ProtocolViolation(error.message, execution=execution, status=error.status.name) from error
    if isinstance(body, ErrorBody):
        raise RequestRefused(
            body.text,
            execution=NOT_EXECUTED if frame.not_executed else UNKNOWN,
            status=str(name_of(Status, frame.status)),
            retryable=frame.retryable,
            retry_after=frame.microseconds / 1_000_000,
        )
    if not isinstance(body, kind):
        raise ProtocolViolation(f"a reply of {type(body).__name__}", execution=EXECUTED)
    return body


def _address(host: str, port: Optional[int]) -> Address:
    if host.startswith("unix:"):
        if port is not None:
            raise ValueError("a Unix socket has no port")
        return host[len("unix:") :]
    if port is None:
        raise ValueError("a TCP server has a port")
    return host, port
