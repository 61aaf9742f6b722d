"""A whole frame: its header, and which body follows."""

from __future__ import annotations

from typing import Any

from .handshake import hello, welcome
from .posting import batch, batch_reply
from .primitives import OPCODES, STATUSES, Json, Refused, crc32c, expect, refuse, u, unreserved
from .reading import (
    account,
    account_request,
    balance,
    balance_at,
    error_body,
    list_transactions,
    list_unsettled,
    lookup,
    nothing,
    page,
    ping,
    server_status,
    shard_request,
    shard_status,
    transaction,
)


def header(data: bytes, from_client: bool) -> Json:
    """Checks the header in the documented order up to the opcode, and names its fields."""
    connection = "connection"
    expect(crc32c(data[:28]) == u(data, 28, 4), connection, "headerChecksumMismatch")
    length, words = u(data, 0, 4), data[5]
    expect(data[4] == 1, connection, "unsupportedVersion")
    expect(words >= 4 and length >= 8 * words and length % 8 == 0, connection, "malformedHeader")
    expect(length <= 1_048_576, connection, "frameTooLarge")
    assert length == len(data), "a vector holds one whole frame"
    opcode, flags, status = data[6], data[7], u(data, 16, 2)
    names = ["notExecuted", "retryable"]
    special = {0x01: "hello", 0x81: "welcome", 0x82: "goAway"}
    is_reply = opcode >= 0x80 and opcode not in special
    return {
        "length": length,
        "version": 1,
        "headerWords": words,
        "opcode": special.get(opcode) or OPCODES.get(opcode & 0x7F, opcode),
        "reply": is_reply and not from_client,
        "flags": [name for bit, name in enumerate(names) if flags >> bit & 1],
        "correlation": str(u(data, 8, 8)),
        "status": STATUSES.get(status, status),
        "microseconds": u(data, 20, 4),
    }


def trace_context(extensions: bytes) -> Json:
    """The trace of a request, where the first extension of kind 1 has one."""
    while len(extensions) >= 8:
        kind, length = u(extensions, 0, 2), u(extensions, 2, 2)
        whole = (4 + length + 7) // 8 * 8
        if whole > len(extensions):
            break
        if kind == 1:
            span, trace = u(extensions, 8, 8), u(extensions, 16, 16) if length == 28 else 0
            if span == 0 or trace == 0:
                break
            return {"traceContext": {"traceFlags": extensions[4], "span": str(span), "trace": str(trace)}}
        extensions = extensions[whole:]
    return {}


def decode(data: bytes, direction: str, stage: str) -> Json:
    """The ``frame`` of a vector. Raises :class:`Refused`."""
    from_client = direction == "client"
    fields = header(data, from_client)
    fields.update(trace_context(data[32 : 8 * data[5]]))
    opcode, body = data[6], data[8 * data[5] :]
    if from_client and stage == "handshake":
        expect(opcode == 0x01, "connection", "helloExpected")
        expect(len(data) <= 4_096, "connection", "frameTooLarge")
        expect(crc32c(data[32:]) == u(data, 24, 4), "connection", "bodyChecksumMismatch")
        expect(data[7] == 0 and u(data, 16, 4) == 0 and u(data, 8, 8) == 0, "connection", "malformedHello")
        return {**fields, "body": hello(body)}
    level = "connection" if stage == "handshake" else "request"
    try:
        expect(crc32c(data[32:]) == u(data, 24, 4), "request", "bodyChecksumMismatch")
        if from_client:
            expect(data[7] == 0 and u(data, 16, 2) == 0, "request", "reservedBits")
        unreserved(data[7] < 4 and u(data, 18, 2) == 0)
        if from_client and opcode == 0x01:
            refuse("connection", "unexpectedHello")
        return {**fields, "body": body_of(opcode, body, from_client, fields["status"])}
    except Refused as error:
        raise Refused("connection" if error.level == "connection" else level, error.status, error.field) from error


def body_of(opcode: int, body: bytes, from_client: bool, status: Any) -> Json:
    """The body by opcode and direction."""
    if from_client:
        expect(opcode in OPCODES, "request", "unknownOpcode")
        if opcode in range(0x10, 0x16):
            return batch(body)
        return {0x20: list_transactions, 0x21: account_request, 0x22: lookup, 0x23: balance_at, 0x24: list_unsettled,
                0x30: ping, 0x31: nothing, 0x32: shard_request, 0x33: nothing}[opcode](body)  # fmt: skip
    expect(opcode in (0x81, 0x82) or opcode & 0x7F in OPCODES and opcode >= 0x80, "request", "unknownOpcode")
    if opcode == 0x81:
        return welcome(body)
    if status != "ok":
        return error_body(body)
    if opcode in range(0x90, 0x96):
        return batch_reply(body)
    return {0xA0: page, 0xA1: account, 0xA2: transaction, 0xA3: balance, 0xA4: page, 0xB0: ping,
            0xB1: server_status, 0xB2: shard_status, 0xB3: nothing}[opcode](body)  # fmt: skip
