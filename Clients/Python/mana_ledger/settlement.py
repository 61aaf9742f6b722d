"""A charge that is kept only when the operation succeeds that it is for."""

from __future__ import annotations

import contextlib
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Callable, Iterator, Optional, TypeVar

from .amount import Mana
from .connection import Deadline
from .errors import UNKNOWN, ManaError
from .retry import Retry

if TYPE_CHECKING:
    from .amount import AmountLike
    from .client import ManaClient
    from .identifiers import IdLike
    from .models import Receipt

_Value = TypeVar("_Value")

# More than any timeout has room for: what has one effect however often it is sent is repeated until that passes.
_ATTEMPTS = 1_000_000


@dataclass
class Charge:
    """A charge whose operation is under way. ``used`` is what the operation used: what is less than the amount is
    refunded when it is done, all of it with 0."""

    receipt: Receipt
    used: AmountLike


@contextlib.contextmanager
def settlement(
    client: ManaClient,
    deadline: Callable[[], Deadline],
    account: IdLike,
    amount: AmountLike,
    spend: Callable[[], Receipt],
) -> Iterator[Charge]:
    """See :meth:`ManaClient.settlement`; ``spend`` charges the amount."""
    try:
        receipt = spend()
    except ManaError as error:
        _void(client, deadline, account, error)
        raise
    charge = Charge(receipt, amount)
    try:
        yield charge
    except BaseException:
        # The body's error matters more than that of the refund, which the server's timeout makes up for.
        with contextlib.suppress(ManaError):
            _settle(client, deadline, account, receipt.id, 0)
        raise
    used = Mana(charge.used)
    _settle(client, deadline, account, receipt.id, None if used == Mana(amount) else used)


def _settle(
    client: ManaClient,
    deadline: Callable[[], Deadline],
    account: IdLike,
    spend: int,
    used: Optional[AmountLike],
) -> None:
    id = secrets.randbits(128) | 1
    _persistently(deadline(), lambda left: client.settle(account, spend, used, id=id, timeout=left))


def _void(client: ManaClient, deadline: Callable[[], Deadline], account: IdLike, error: ManaError) -> None:
    """Makes a charge void whose fate ``error`` leaves open, and says so in it."""
    if error.execution != UNKNOWN or not error.transaction_ids:
        return
    spend, id = error.transaction_ids[0], secrets.randbits(128) | 1
    with contextlib.suppress(ManaError):
        _persistently(
            deadline(),
            lambda left: client.refund(account, spend, id=id, void_if_unknown=True, timeout=left),
        )
        error.made_void()


def _persistently(deadline: Deadline, call: Callable[[Optional[float]], _Value]) -> _Value:
    """Repeats a call until it is answered or its deadline passes."""
    retry = Retry(attempts=_ATTEMPTS, pause_max=1.0, budget=_ATTEMPTS)
    return retry.run(deadline, lambda: call(deadline.remaining()))
