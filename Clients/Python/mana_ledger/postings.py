"""Transactions to be posted."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import timedelta
from typing import Optional, Union

from .amount import AmountLike, Mana
from .identifiers import IdLike, id_number
from .protocol import Item, Operation, TransactionType
from .protocol.codes import AMOUNT_MAX
from .protocol.posting import FLAG_REMAINING, FLAG_UNSETTLED, FLAG_VOID_IF_UNKNOWN


@dataclass(frozen=True)
class Posting:
    """A transaction to be posted, with an id that makes it safe to send it again.

    Make one with :meth:`spend`, :meth:`purchase`, :meth:`bonus`, :meth:`refund` or :meth:`settlement`. Keep it and post
    the same object again when the fate of a call is unknown: the id is drawn once.
    """

    item: Item

    @property
    def id(self) -> int:
        """The transaction's id."""
        return self.item.id

    @classmethod
    def spend(
        cls,
        account: IdLike,
        amount: AmountLike,
        operation: Union[Operation, str, int],
        *,
        id: Optional[IdLike] = None,
        quantity: int = 0,
        reference: str = "",
        note: str = "",
        settle_within: Optional[timedelta] = None,
    ) -> Posting:
        """A charge. With ``settle_within`` the server gives it back unless a settlement arrives in time."""
        milliseconds = 0 if settle_within is None else settle_within // timedelta(milliseconds=1)
        flags = 0 if settle_within is None else FLAG_UNSETTLED
        chosen = _operation(operation)
        return cls._make(
            TransactionType.spend, chosen, account, Mana(amount), id, quantity, milliseconds, flags, reference, note
        )

    @classmethod
    def purchase(
        cls,
        account: IdLike,
        amount: AmountLike,
        *,
        id: Optional[IdLike] = None,
        quantity: int = 0,
        reference: str = "",
        note: str = "",
    ) -> Posting:
        """A credit that was paid for."""
        kind, operation = TransactionType.purchase, Operation.purchase
        return cls._make(kind, operation, account, Mana(amount), id, quantity, 0, 0, reference, note)

    @classmethod
    def bonus(
        cls,
        account: IdLike,
        amount: AmountLike,
        *,
        id: Optional[IdLike] = None,
        quantity: int = 0,
        reference: str = "",
        note: str = "",
    ) -> Posting:
        """A credit that was not."""
        kind, operation = TransactionType.bonus, Operation.bonus
        return cls._make(kind, operation, account, Mana(amount), id, quantity, 0, 0, reference, note)

    @classmethod
    def refund(
        cls,
        account: IdLike,
        spend: IdLike,
        amount: Optional[AmountLike] = None,
        *,
        id: Optional[IdLike] = None,
        quantity: int = 0,
        reference: str = "",
        note: str = "",
        void_if_unknown: bool = False,
    ) -> Posting:
        """A refund of ``amount`` of a spend, or of all the rest of it. ``void_if_unknown`` also bars its arrival."""
        flags = (FLAG_REMAINING if amount is None else 0) | (FLAG_VOID_IF_UNKNOWN if void_if_unknown else 0)
        mana = Mana(0 if amount is None else amount)
        kind, operation = TransactionType.refund, Operation.refund
        return cls._make(kind, operation, account, mana, id, quantity, id_number(spend), flags, reference, note)

    @classmethod
    def settlement(
        cls,
        account: IdLike,
        spend: IdLike,
        used: Optional[AmountLike] = None,
        *,
        id: Optional[IdLike] = None,
        reference: str = "",
        note: str = "",
    ) -> Posting:
        """The end of an unsettled spend: everything was used, or ``used`` of it, and ``0`` when it failed."""
        mana = Mana(0 if used is None else used)
        flags = FLAG_REMAINING if used is None else 0
        return cls._make(TransactionType.settlement, 0, account, mana, id, 0, id_number(spend), flags, reference, note)

    @classmethod
    def _make(
        cls,
        kind: int,
        operation: int,
        account: IdLike,
        amount: Mana,
        identifier: Optional[IdLike],
        quantity: int,
        related: int,
        flags: int,
        reference: str,
        note: str,
    ) -> Posting:
        if not 0 <= amount.micromana <= AMOUNT_MAX:
            raise ValueError("an amount is from 0 to 2^63 - 1 micromana; the type of a transaction gives the sign")
        item = Item(
            id=id_number(uuid.uuid4() if identifier is None else identifier),
            account=id_number(account),
            type=kind,
            operation=operation,
            amount=amount.micromana,
            quantity=quantity,
            related=related,
            flags=flags,
            reference=reference.encode("utf-8"),
            note=note.encode("utf-8"),
        )
        item.encode()
        return cls(item)


def _operation(wanted: Union[Operation, str, int]) -> Operation:
    try:
        return Operation[wanted] if isinstance(wanted, str) else Operation(wanted)
    except KeyError:
        raise ValueError(f"no such operation: {wanted!r}") from None
