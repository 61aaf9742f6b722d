"""The JSON that the command line prints; ``mana --json`` prints the same shapes.

Ids are strings: a UUID from 2^64 on, else the number, which a JSON number could not hold exactly in every reader.
Amounts are strings for the same reason. Absent keys are left out.
"""

from __future__ import annotations

from typing import Any, Dict

from .errors import ManaError
from .identifiers import id_text, time_text
from .models import Account, Page, Receipt, Transaction
from .protocol import Operation, TransactionType, name_of

Json = Dict[str, Any]


def transaction(value: Transaction) -> Json:
    """A transaction of a history."""
    shape: Json = {
        "id": id_text(value.id),
        "account": id_text(value.account),
        "type": value.type,
        "operation": value.operation,
        "amount": str(value.amount),
        "balanceAfter": str(value.balance_after),
        "timestamp": time_text(value.timestamp),
        "sequence": value.sequence,
    }
    return _with_optional(shape, value.quantity, value.related, value.reference, value.note, False)


def receipt(value: Receipt) -> Json:
    """A transaction as its posting returns it; one that posted nothing has neither sequence nor timestamp."""
    item, sign = value.posting.item, -1 if value.posting.item.type == TransactionType.spend else 1
    posted = value.sequence != 0
    kind, operation = TransactionType(item.type), item.operation
    if kind == TransactionType.settlement:
        kind, operation = TransactionType.refund, int(Operation.refund)
    shape: Json = {
        "id": id_text(value.id),
        "account": id_text(item.account),
        "type": kind.name,
        "operation": name_of(Operation, operation),
        "amount": str(value.amount * sign),
        "balanceAfter": str(value.balance_after),
    }
    if posted:
        shape["timestamp"] = time_text(value.timestamp)
        shape["sequence"] = value.sequence
    related = item.related if item.type != TransactionType.spend else 0
    reference, note = item.reference.decode("utf-8"), item.note.decode("utf-8")
    return _with_optional(shape, item.quantity, related, reference, note, value.replayed)


def _with_optional(shape: Json, quantity: int, related: Any, reference: str, note: str, replayed: bool) -> Json:
    if quantity:
        shape["quantity"] = quantity
    if related:
        shape["relatedTransaction"] = id_text(related)
    if reference:
        shape["reference"] = reference
    if note:
        shape["note"] = note
    if replayed:
        shape["replayed"] = True
    return shape


def history(value: Page) -> Json:
    """A page of a history."""
    shape: Json = {"transactions": [transaction(one) for one in value.transactions], "total": value.total}
    if value.next_cursor is not None:
        shape["nextCursor"] = value.next_cursor
    return shape


def account(value: Account) -> Json:
    """The overview of an account."""
    return {
        "account": id_text(value.account),
        "balance": str(value.balance),
        "lifetimeSpent": str(value.lifetime_spent),
        "lifetimePurchased": str(value.lifetime_purchased),
        "lifetimeRefunded": str(value.lifetime_refunded),
        "lifetimeBonus": str(value.lifetime_bonus),
        "transactions": value.transactions,
    }


def refusal(value: ManaError) -> Json:
    """Why a call failed. Without a status of the protocol the kind of the error stands for it."""
    kind = type(value).__name__
    return {"status": value.status or kind[:1].lower() + kind[1:], "message": value.message}
