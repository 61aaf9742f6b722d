"""What of a history is asked for."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Iterable, Optional, Tuple, Type, Union

from .amount import AmountLike, Mana
from .identifiers import IdLike, TimeLike, id_number, nanoseconds
from .protocol import ListTransactions, Operation, TransactionType
from .protocol.codes import AMOUNT_MAX


@dataclass(frozen=True)
class Filter:
    """Which transactions are wanted. What is left out selects everything.

    ``types`` and ``operations`` are names or codes; ``since`` is included and ``until`` is not; ``amount_min`` and
    ``amount_max`` are both included and compared without sign; ``reference`` is compared as a whole.
    """

    types: Tuple[Union[TransactionType, str], ...] = ()
    operations: Tuple[Union[Operation, str], ...] = ()
    since: Optional[TimeLike] = None
    until: Optional[TimeLike] = None
    amount_min: Optional[AmountLike] = None
    amount_max: Optional[AmountLike] = None
    related: Optional[IdLike] = None
    reference: str = ""

    def request(self, account: int, start: int, limit: int, oldest_first: bool) -> ListTransactions:
        """The request for a page. Raises ``ValueError`` for a name or an amount that does not exist."""
        return ListTransactions(
            account=account,
            start=start,
            limit=limit,
            oldest_first=oldest_first,
            types=_bits(self.types, TransactionType),
            operations=_bits(self.operations, Operation),
            time_from=0 if self.since is None else nanoseconds(self.since),
            time_to=0 if self.until is None else nanoseconds(self.until),
            amount_min=_bound(self.amount_min),
            amount_max=_bound(self.amount_max),
            related=0 if self.related is None else id_number(self.related),
            reference=self.reference.encode("utf-8"),
        )


def _bits(wanted: Iterable[Union[int, str]], kind: Type[IntEnum]) -> int:
    bits = 0
    for one in wanted:
        try:
            bits |= 1 << (kind[one] if isinstance(one, str) else kind(one))
        except KeyError:
            raise ValueError(f"no such {kind.__name__}: {one!r}") from None
    return bits


def _bound(amount: Optional[AmountLike]) -> int:
    if amount is None:
        return 0
    micromana = Mana(amount).micromana
    if not 0 <= micromana <= AMOUNT_MAX:
        raise ValueError("the bounds of an amount have no sign")
    return micromana
