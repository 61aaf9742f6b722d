"""The Mana wire protocol, version 1, as ``Protocol/PROTOCOL.md`` specifies it: bytes to values and back, no I/O."""

from __future__ import annotations

from typing import Callable, Dict, Union

from .checksum import crc32c
from .codes import (
    POSTING_OPCODES,
    REPLY_BIT,
    ConflictField,
    ExtensionKind,
    Opcode,
    Operation,
    Status,
    TransactionType,
    name_of,
)
from .frame import (
    HEADER_BYTES,
    PREFACE,
    Frame,
    FrameReader,
    ProtocolError,
    TraceContext,
    check_header,
    check_hello_header,
    check_reply,
    check_request,
    encode_frame,
    parse_frame,
)
from .handshake import Extension, Hello, Welcome, shard_of, text_of
from .posting import Batch, BatchReply, Item, Result
from .queries import (
    AccountOverview,
    BalanceAt,
    BalanceReply,
    ErrorBody,
    GetAccount,
    GetShardStatus,
    LookupTransaction,
    ServerStatus,
    ShardStatus,
    ShardStatusReply,
    decode_empty,
    decode_lookup_reply,
    decode_ping,
    encode_lookup_reply,
)
from .reading import ListTransactions, ListUnsettled, Page, Record

RequestBody = Union[
    Batch,
    ListTransactions,
    ListUnsettled,
    GetAccount,
    LookupTransaction,
    BalanceAt,
    GetShardStatus,
    bytes,
    None,
]
ReplyBody = Union[
    BatchReply,
    Page,
    AccountOverview,
    Record,
    BalanceReply,
    ServerStatus,
    ShardStatusReply,
    Welcome,
    ErrorBody,
    bytes,
    None,
]

_REQUEST_DECODERS: Dict[Opcode, Callable[[bytes], RequestBody]] = {
    **{opcode: Batch.decode for opcode in POSTING_OPCODES},
    Opcode.listTransactions: ListTransactions.decode,
    Opcode.listUnsettled: ListUnsettled.decode,
    Opcode.getAccount: GetAccount.decode,
    Opcode.lookupTransaction: LookupTransaction.decode,
    Opcode.balanceAt: BalanceAt.decode,
    Opcode.ping: decode_ping,
    Opcode.serverStatus: decode_empty,
    Opcode.shardStatus: GetShardStatus.decode,
    Opcode.drain: decode_empty,
}

_REPLY_DECODERS: Dict[int, Callable[[bytes], ReplyBody]] = {
    **{opcode | REPLY_BIT: BatchReply.decode for opcode in POSTING_OPCODES},
    Opcode.listTransactions | REPLY_BIT: Page.decode,
    Opcode.listUnsettled | REPLY_BIT: Page.decode,
    Opcode.getAccount | REPLY_BIT: AccountOverview.decode,
    Opcode.lookupTransaction | REPLY_BIT: decode_lookup_reply,
    Opcode.balanceAt | REPLY_BIT: BalanceReply.decode,
    Opcode.ping | REPLY_BIT: decode_ping,
    Opcode.serverStatus | REPLY_BIT: ServerStatus.decode,
    Opcode.shardStatus | REPLY_BIT: ShardStatusReply.decode,
    Opcode.drain | REPLY_BIT: decode_empty,
    int(Opcode.welcome): Welcome.decode,
    int(Opcode.goAway): ErrorBody.decode,
}


def decode_request(frame: Frame) -> RequestBody:
    """What a client asks for, checked as a server checks it. Raises :class:`ProtocolError`."""
    return _REQUEST_DECODERS[check_request(frame)](frame.body)


def decode_reply(frame: Frame) -> ReplyBody:
    """What a server says; an :class:`ErrorBody` when it is a ``goAway`` or a request error.

    Raises :class:`ProtocolError`.
    """
    check_reply(frame)
    if frame.status != Status.ok:
        return ErrorBody.decode(frame.body)
    decoder = _REPLY_DECODERS.get(frame.opcode)
    if decoder is None:
        raise ProtocolError(Status.unknownOpcode, "request", f"opcode {frame.opcode:#04x} from a server")
    return decoder(frame.body)


__all__ = [
    "AccountOverview",
    "BalanceAt",
    "BalanceReply",
    "Batch",
    "BatchReply",
    "ConflictField",
    "ErrorBody",
    "Extension",
    "ExtensionKind",
    "Frame",
    "FrameReader",
    "GetAccount",
    "GetShardStatus",
    "HEADER_BYTES",
    "Hello",
    "Item",
    "ListTransactions",
    "ListUnsettled",
    "LookupTransaction",
    "Opcode",
    "Operation",
    "PREFACE",
    "Page",
    "ProtocolError",
    "REPLY_BIT",
    "Record",
    "ReplyBody",
    "RequestBody",
    "Result",
    "ServerStatus",
    "ShardStatus",
    "ShardStatusReply",
    "Status",
    "TraceContext",
    "TransactionType",
    "Welcome",
    "check_header",
    "check_hello_header",
    "check_reply",
    "check_request",
    "crc32c",
    "decode_reply",
    "decode_request",
    "encode_frame",
    "encode_lookup_reply",
    "name_of",
    "parse_frame",
    "shard_of",
    "text_of",
]
