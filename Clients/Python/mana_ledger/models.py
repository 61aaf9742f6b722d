"""The values that a client gets, in the terms of the ledger rather than of the wire."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Optional, Sequence, Tuple

from .amount import Mana
from .postings import Posting
from .protocol import AccountOverview as WireAccount
from .protocol import BatchReply, ConflictField, Operation, Record, Status, TransactionType, name_of
from .protocol import BalanceReply as WireBalance
from .protocol import Page as WirePage
from .protocol import Result as WireResult

_CREDITS = (TransactionType.purchase, TransactionType.refund, TransactionType.bonus)


@dataclass(frozen=True)
class Result:
    """What became of a posting. The last three are ``None`` unless full results were asked for."""

    id: int
    status: str
    replayed: bool = False
    sequence: int = 0
    amount: Mana = field(default_factory=Mana)
    conflict_field: Optional[str] = None
    balance: Optional[Mana] = None
    timestamp: Optional[int] = None
    refundable: Optional[Mana] = None

    @property
    def ok(self) -> bool:
        """Whether the transaction is in the ledger, now or from before."""
        return self.status == Status.ok.name

    @classmethod
    def of(cls, identifier: int, wire: WireResult) -> Result:
        """From the wire."""
        return cls(
            id=identifier,
            status=str(name_of(Status, wire.status)),
            replayed=wire.replayed,
            sequence=wire.sequence,
            amount=Mana.from_micromana(wire.amount),
            conflict_field=str(name_of(ConflictField, wire.field)) if wire.field else None,
            balance=None if wire.balance is None else Mana.from_micromana(wire.balance),
            timestamp=wire.timestamp,
            refundable=None if wire.refundable is None else Mana.from_micromana(wire.refundable),
        )

    @classmethod
    def all_of(cls, postings: Sequence[Posting], reply: BatchReply) -> Tuple[Result, ...]:
        """The results of a batch, in its order."""
        return tuple(cls.of(posting.id, wire) for posting, wire in zip(postings, reply.results))


@dataclass(frozen=True)
class Receipt:
    """A transaction that a call put into the ledger, or found there: then ``replayed`` is true."""

    posting: Posting
    result: Result

    @property
    def id(self) -> int:
        """The transaction's id."""
        return self.posting.id

    @property
    def sequence(self) -> int:
        """Its number within the account; 0 when nothing was posted, as in a settlement that refunds nothing."""
        return self.result.sequence

    @property
    def replayed(self) -> bool:
        """Whether an earlier call had applied it."""
        return self.result.replayed

    @property
    def amount(self) -> Mana:
        """The amount, resolved when all the rest was asked for; without a sign."""
        return self.result.amount

    @property
    def balance_after(self) -> Mana:
        """The balance of the account after the transaction."""
        return self.result.balance if self.result.balance is not None else Mana()

    @property
    def timestamp(self) -> int:
        """Its time, in nanoseconds since 1970."""
        return self.result.timestamp or 0


@dataclass(frozen=True)
class Transaction:
    """A transaction in a history. ``amount`` has the sign that the type gives it."""

    id: int
    account: int
    type: str
    operation: str
    amount: Mana
    balance_after: Mana
    timestamp: int
    sequence: int
    quantity: int
    related: Optional[int]
    reference: str
    note: str
    refunded: Mana
    settlement: int
    settlement_timeout: Optional[timedelta]

    @classmethod
    def of(cls, record: Record) -> Transaction:
        """From the wire."""
        item = record.item
        is_spend = item.type == TransactionType.spend
        return cls(
            id=item.id,
            account=item.account,
            type=str(name_of(TransactionType, item.type)),
            operation=str(name_of(Operation, item.operation)),
            amount=Mana.from_micromana(item.amount if item.type in _CREDITS else -item.amount),
            balance_after=Mana.from_micromana(record.balance_after),
            timestamp=record.timestamp,
            sequence=record.sequence,
            quantity=item.quantity,
            related=None if is_spend or not item.related else item.related,
            reference=item.reference.decode("utf-8", "replace"),
            note=item.note.decode("utf-8", "replace"),
            refunded=Mana.from_micromana(record.refunded),
            settlement=record.settlement,
            settlement_timeout=timedelta(milliseconds=item.related) if is_spend and item.related else None,
        )


@dataclass(frozen=True)
class Page:
    """A part of a history. ``next_cursor`` is the ``start`` of the next part, ``None`` at the end."""

    transactions: Tuple[Transaction, ...]
    total: int
    balance: Mana
    next_cursor: Optional[int]

    @classmethod
    def of(cls, wire: WirePage) -> Page:
        """From the wire."""
        transactions = tuple(Transaction.of(record) for record in wire.records)
        following = wire.next if wire.more and wire.next else None
        return cls(transactions, wire.total, Mana.from_micromana(wire.balance), following)


@dataclass(frozen=True)
class OperationTotal:
    """What one operation adds up to."""

    amount: Mana
    count: int


@dataclass(frozen=True)
class Account:
    """The totals of an account: ``balance = purchased + bonus + refunded - spent``."""

    account: int
    balance: Mana
    lifetime_spent: Mana
    lifetime_purchased: Mana
    lifetime_refunded: Mana
    lifetime_bonus: Mana
    unsettled: Mana
    unsettled_count: int
    transactions: int
    first_timestamp: int
    last_timestamp: int
    operations: Tuple[Tuple[str, OperationTotal], ...]

    @classmethod
    def of(cls, wire: WireAccount) -> Account:
        """From the wire."""
        totals = tuple(
            (Operation(code).name, OperationTotal(Mana.from_micromana(amount), count))
            for code, (amount, count) in enumerate(wire.operations, 1)
        )
        return cls(
            account=wire.account,
            balance=Mana.from_micromana(wire.balance),
            lifetime_spent=Mana.from_micromana(wire.lifetime_spent),
            lifetime_purchased=Mana.from_micromana(wire.lifetime_purchased),
            lifetime_refunded=Mana.from_micromana(wire.lifetime_refunded),
            lifetime_bonus=Mana.from_micromana(wire.lifetime_bonus),
            unsettled=Mana.from_micromana(wire.unsettled),
            unsettled_count=wire.unsettled_count,
            transactions=wire.transactions,
            first_timestamp=wire.first_timestamp,
            last_timestamp=wire.last_timestamp,
            operations=totals,
        )


@dataclass(frozen=True)
class Balance:
    """The balance at a time, and the last transaction by then; ``sequence`` is 0 when there was none."""

    balance: Mana
    sequence: int
    timestamp: int

    @classmethod
    def of(cls, wire: WireBalance) -> Balance:
        """From the wire."""
        return cls(Mana.from_micromana(wire.balance), wire.sequence, wire.timestamp)
