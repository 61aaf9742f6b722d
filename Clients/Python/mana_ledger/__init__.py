"""The reference client of the Mana ledger, with nothing but the standard library."""

from __future__ import annotations

from .amount import Mana
from .client import ManaClient, PendingPost
from .encryption import TLS
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
from .protocol import Operation, ServerStatus, ShardStatus, ShardStatusReply, TransactionType
from .retry import Retry
from .settlement import Charge

__all__ = [
    "Account",
    "Balance",
    "Charge",
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
    "Retry",
    "ServerStatus",
    "ShardStatus",
    "ShardStatusReply",
    "TLS",
    "Transaction",
    "TransactionRefused",
    "TransactionType",
]

__version__ = "0.1.0"
