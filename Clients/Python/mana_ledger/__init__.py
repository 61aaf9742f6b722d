"""The reference client of the Mana ledger, with nothing but the standard library."""

from __future__ import annotations

from .amount import Mana
from .client import ManaClient, PendingPost
from .errors import (
    ConnectError,
    ConnectionLost,
    DeadlinePassed,
    ManaError,
    ProtocolViolation,
    RequestRefused,
    TransactionRefused,
)
from .filters import Filter
from .models import Account, Balance, OperationTotal, Page, Receipt, Result, Transaction
from .postings import Posting
from .protocol import Operation, ServerStatus, TransactionType

__all__ = [
    "Account",
    "Balance",
    "ConnectError",
    "ConnectionLost",
    "DeadlinePassed",
    "Filter",
    "Mana",
    "ManaClient",
    "ManaError",
    "Operation",
    "OperationTotal",
    "Page",
    "PendingPost",
    "Posting",
    "ProtocolViolation",
    "Receipt",
    "RequestRefused",
    "Result",
    "ServerStatus",
    "Transaction",
    "TransactionRefused",
    "TransactionType",
]

__version__ = "1.0.0"
