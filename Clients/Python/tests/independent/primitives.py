"""Numbers, names and refusals."""

from __future__ import annotations

from typing import Any, Dict, List, NoReturn

Json = Dict[str, Any]


class Refused(Exception):
    """What the protocol does not allow, with the level and the status that it gives it.

    ``field`` names what is wrong with a filter.
    """

    def __init__(self, level: str, status: str, field: str = "") -> None:
        super().__init__(f"{level}: {status} {field}")
        self.level = level
        self.status = status
        self.field = field


def refuse(level: str, status: str) -> NoReturn:
    """Ends the decoding."""
    raise Refused(level, status)


def expect(condition: bool, level: str, status: str) -> None:
    """Ends the decoding unless ``condition`` holds."""
    if not condition:
        refuse(level, status)


def fits(condition: bool) -> None:
    """Lengths must fit."""
    expect(condition, "request", "malformedBody")


def unreserved(condition: bool) -> None:
    """Reserved bits must be zero."""
    expect(condition, "request", "reservedBits")


def crc32c(data: bytes) -> int:
    """Bit by bit, as the definition says."""
    crc = 2**32 - 1
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc // 2 ^ (0x82F63B78 if crc % 2 else 0)
    return 2**32 - 1 - crc


def u(data: bytes, offset: int, size: int) -> int:
    """An unsigned number of ``size`` bytes."""
    return sum(data[offset + index] * 256**index for index in range(size))


def i64(data: bytes, offset: int) -> int:
    """A signed number of 8 bytes."""
    value = u(data, offset, 8)
    return value - 2**64 if value >= 2**63 else value


OPCODES = {
    0x01: "hello", 0x10: "spend", 0x11: "refund", 0x12: "purchase", 0x13: "bonus", 0x14: "post", 0x15: "settle",
    0x20: "listTransactions", 0x21: "getAccount", 0x22: "lookupTransaction", 0x23: "balanceAt", 0x24: "listUnsettled",
    0x30: "ping", 0x31: "serverStatus", 0x32: "shardStatus", 0x33: "drain",
}  # fmt: skip
TYPES = {1: "spend", 2: "purchase", 3: "refund", 4: "bonus", 5: "settlement"}
OPERATIONS = {
    1: "image_generation", 2: "detection", 3: "variation", 4: "combination", 5: "export", 6: "purchase", 7: "refund",
    8: "bonus",
}  # fmt: skip
CONFLICT_FIELDS = {
    1: "type", 2: "operation", 3: "amount", 4: "quantity", 5: "related", 6: "flags", 7: "reference", 8: "note",
}  # fmt: skip
STATUSES = dict(
    enumerate(
        "ok unknownType typeMismatch unknownOperation operationMismatch reservedFlag idMissing accountMissing "
        "relatedMissing relatedNotAllowed settlementTimeoutOutOfRange amountZero amountNotAllowed amountTooLarge "
        "textInvalid idConflict voided accountUnknown originalUnknown originalNotSpend settlementNotExpected "
        "alreadySettled alreadyRefunded settlementTimedOut usedExceedsAmount nothingToRefund refundExceedsOriginal "
        "insufficientBalance balanceOverflow accountFull notApplied transactionUnknown".split()
    )
)
STATUSES.update(
    enumerate(
        "bodyChecksumMismatch reservedBits unknownOpcode malformedBody emptyBatch batchTooLarge atomicAccountsDiffer "
        "invalidFilter deadlineExceeded overloaded diskFull shuttingDown roleMissing "
        "amountAboveLimit creditAboveLimit accountNotAllowed rateExceeded diskUnreadable".split(),
        257,
    )
)
STATUSES.update(
    enumerate(
        "prefaceMismatch headerChecksumMismatch unsupportedVersion malformedHeader frameTooLarge helloExpected "
        "malformedHello wrongLedger criticalExtensionUnknown tooManyConnections handshakeTimeout "
        "unexpectedHello credentialMissing credentialUnknown credentialExposed "
        "tooManyConnectionsOfCaller idleTimeout".split(),
        513,
    )
)


def bit_names(value: int, names: Dict[int, str]) -> List[Any]:
    """The bits that are set."""
    return [names.get(bit, f"bit{bit}") for bit in range(32) if value >> bit & 1]


def padding(body: bytes, end: int) -> None:
    """The body ends with less than 8 zero bytes after ``end``."""
    fits(end <= len(body) < end + 8)
    unreserved(not any(body[end:]))


def put_text(into: Json, key: str, data: bytes) -> None:
    """A text, or its bytes."""
    try:
        into[key] = str(data, "utf-8")
    except UnicodeDecodeError:
        into[key + "Hex"] = data.hex()
