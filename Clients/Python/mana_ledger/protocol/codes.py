"""The numbers of the protocol that have names (PROTOCOL.md, sections 1, 3, 9 and 10).

Members are spelled exactly as the specification spells them, so that ``member.name`` is the specification's name.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Dict, FrozenSet, Type, Union


class Opcode(IntEnum):
    """What a frame is. The reply to a request has the request's opcode with :data:`REPLY_BIT` set."""

    hello = 0x01
    spend = 0x10
    refund = 0x11
    purchase = 0x12
    bonus = 0x13
    post = 0x14
    settle = 0x15
    listTransactions = 0x20
    getAccount = 0x21
    lookupTransaction = 0x22
    balanceAt = 0x23
    listUnsettled = 0x24
    ping = 0x30
    serverStatus = 0x31
    shardStatus = 0x32
    drain = 0x33
    welcome = 0x81
    goAway = 0x82


REPLY_BIT = 0x80


class TransactionType(IntEnum):
    """The type of a transaction; ``settlement`` is an instruction and never appears in a history."""

    spend = 1
    purchase = 2
    refund = 3
    bonus = 4
    settlement = 5


class Operation(IntEnum):
    """What the Mana was spent on, or where it came from. A settlement has operation 0, which has no name."""

    image_generation = 1
    detection = 2
    variation = 3
    combination = 4
    export = 5
    purchase = 6
    refund = 7
    bonus = 8


class Status(IntEnum):
    """Statuses: 0 to 31 of items and transactions, 257 and up of requests, 513 and up of connections."""

    ok = 0
    unknownType = 1
    typeMismatch = 2
    unknownOperation = 3
    operationMismatch = 4
    reservedFlag = 5
    idMissing = 6
    accountMissing = 7
    relatedMissing = 8
    relatedNotAllowed = 9
    settlementTimeoutOutOfRange = 10
    amountZero = 11
    amountNotAllowed = 12
    amountTooLarge = 13
    textInvalid = 14
    idConflict = 15
    voided = 16
    accountUnknown = 17
    originalUnknown = 18
    originalNotSpend = 19
    settlementNotExpected = 20
    alreadySettled = 21
    alreadyRefunded = 22
    settlementTimedOut = 23
    usedExceedsAmount = 24
    nothingToRefund = 25
    refundExceedsOriginal = 26
    insufficientBalance = 27
    balanceOverflow = 28
    accountFull = 29
    notApplied = 30
    transactionUnknown = 31
    bodyChecksumMismatch = 257
    reservedBits = 258
    unknownOpcode = 259
    malformedBody = 260
    emptyBatch = 261
    batchTooLarge = 262
    atomicAccountsDiffer = 263
    invalidFilter = 264
    deadlineExceeded = 265
    overloaded = 266
    diskFull = 267
    shuttingDown = 268
    roleMissing = 269
    amountAboveLimit = 270
    creditAboveLimit = 271
    accountNotAllowed = 272
    rateExceeded = 273
    diskUnreadable = 274
    prefaceMismatch = 513
    headerChecksumMismatch = 514
    unsupportedVersion = 515
    malformedHeader = 516
    frameTooLarge = 517
    helloExpected = 518
    malformedHello = 519
    wrongLedger = 520
    criticalExtensionUnknown = 521
    tooManyConnections = 522
    handshakeTimeout = 523
    unexpectedHello = 524
    credentialMissing = 525
    credentialUnknown = 526
    credentialExposed = 527
    tooManyConnectionsOfCaller = 528
    idleTimeout = 529


class ConflictField(IntEnum):
    """The first field in which a transaction differs from the one that already has its id (``idConflict``)."""

    type = 1
    operation = 2
    amount = 3
    quantity = 4
    related = 5
    flags = 6
    reference = 7
    note = 8


class ExtensionKind(IntEnum):
    """Kinds of extensions in ``hello`` and ``welcome``; the values are text."""

    clientName = 1
    token = 2
    serverName = 3


CRITICAL_EXTENSION_BIT = 0x8000

#: The layout that the posting calls share.
POSTING_OPCODES: FrozenSet[Opcode] = frozenset(
    {Opcode.spend, Opcode.refund, Opcode.purchase, Opcode.bonus, Opcode.post, Opcode.settle}
)

#: Everything that a client may send once the handshake is done.
REQUEST_OPCODES: FrozenSet[Opcode] = POSTING_OPCODES | {
    Opcode.listTransactions,
    Opcode.getAccount,
    Opcode.lookupTransaction,
    Opcode.balanceAt,
    Opcode.listUnsettled,
    Opcode.ping,
    Opcode.serverStatus,
    Opcode.shardStatus,
    Opcode.drain,
}

#: The type that each item of a posting call must have; ``post`` mixes types and is not in the table.
TYPE_OF_CALL: Dict[Opcode, TransactionType] = {
    Opcode.spend: TransactionType.spend,
    Opcode.refund: TransactionType.refund,
    Opcode.purchase: TransactionType.purchase,
    Opcode.bonus: TransactionType.bonus,
    Opcode.settle: TransactionType.settlement,
}

# Header flags of a reply.
REPLY_NOT_EXECUTED = 1
REPLY_RETRYABLE = 2

# Limits of section 10. What a server really grants is in its ``welcome``.
FRAME_BYTES_MAX = 1_048_576
FRAME_BYTES_MAX_LEAST = 65_536
HELLO_BYTES_MAX = 4_096
ITEMS_MAX = 8_190
PAGE_MAX = 1_000
TEXT_BYTES_MAX = 255
PING_BYTES_MAX = 64
SETTLEMENT_MILLISECONDS_MIN = 1_000
SETTLEMENT_MILLISECONDS_MAX = 2_592_000_000
AMOUNT_MAX = 2**63 - 1
U64_MAX = 2**64 - 1
U128_MAX = 2**128 - 1


def name_of(kind: Type[IntEnum], code: int) -> Union[str, int]:
    """The name of ``code``, or ``code`` itself when the specification gives it none."""
    try:
        return kind(code).name
    except ValueError:
        return int(code)
