"""What can go wrong in a call, and what is then known about it.

Every error says in ``execution`` what became of the call:

``"notExecuted"``
    Nothing of it was or will be applied. It can be sent again, to anyone, or be given up.
``"executed"``
    The server carried it out, and its answer could not be read. Sending it again with the same ids tells the results.
``"unknown"``
    It may have been applied or may be applied yet. It is always right to send it again with the same ids.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Optional, Tuple

if TYPE_CHECKING:
    from .models import Result

NOT_EXECUTED = "notExecuted"
EXECUTED = "executed"
UNKNOWN = "unknown"

# Statuses of a request that the items of a part of a batch have when that part could not be executed.
_RETRYABLE = ("diskFull", "diskUnreadable", "overloaded", "shuttingDown")


class ManaError(Exception):
    """The base of all errors of this package.

    ``status`` is the status of the protocol that the error is about, or ``None`` when none came; ``retryable`` says
    that the same call may succeed later; ``retry_after`` is the number of seconds that the server asked to wait;
    ``transaction_ids`` are the ids of a call that posts: with them it can be sent again.
    """

    def __init__(
        self,
        message: str,
        *,
        execution: str,
        status: Optional[str] = None,
        retryable: bool = False,
        retry_after: float = 0.0,
    ) -> None:
        super().__init__(message if status is None else f"{status}: {message}" if message else status)
        self.message = message
        self.status = status
        self.retryable = retryable
        self.execution = execution
        self.retry_after = retry_after
        self.transaction_ids: Tuple[int, ...] = ()

    def made_void(self) -> None:
        """Notes that the charge, whose fate was not known, was made void: now it will never be applied."""
        self.execution = NOT_EXECUTED
        self.message += "; the charge was made void"
        self.args = (f"{self.args[0]}; the charge was made void",)


class ConnectError(ManaError):
    """No connection could be made: nobody listens, the handshake was refused, or it is not a Mana ledger."""


class ConnectionLost(ManaError):
    """The connection ended before the reply came."""


class DeadlinePassed(ManaError):
    """No reply came in time. The server may still carry the call out."""


class ProtocolViolation(ManaError):
    """The server sent what the protocol does not allow; ``status`` names what was wrong with it."""


class RequestRefused(ManaError):
    """The server refused the request as a whole."""


class TransactionRefused(ManaError):
    """The server refused the transaction; ``result`` is the whole result, ``transaction_id`` the id that was sent."""

    def __init__(self, transaction_id: int, result: Result) -> None:
        message = f"the {result.conflict_field} differs" if result.conflict_field else ""
        retryable = result.status in _RETRYABLE
        super().__init__(message, execution=NOT_EXECUTED, status=result.status, retryable=retryable)
        self.transaction_id = transaction_id
        self.transaction_ids = (transaction_id,)
        self.result = result
