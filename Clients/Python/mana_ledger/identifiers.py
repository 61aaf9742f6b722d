"""Ids and times as programs and people write them, and as the wire has them."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta, timezone
from typing import Union

from .protocol.codes import U128_MAX

#: An account or a transaction: a number from 1 to 2^128 - 1, or a UUID, which is the number of its big-endian bytes.
IdLike = Union[int, uuid.UUID]

#: A time: nanoseconds since 1970, or a datetime with a time zone.
TimeLike = Union[int, datetime]

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


def id_number(identifier: IdLike) -> int:
    """The number of an id. Raises ``ValueError`` outside of 1 to 2^128 - 1."""
    number = identifier.int if isinstance(identifier, uuid.UUID) else identifier
    if isinstance(number, bool) or not isinstance(number, int):
        raise TypeError("an id is an int or a uuid.UUID")
    if not 1 <= number <= U128_MAX:
        raise ValueError("an id is from 1 to 2^128 - 1")
    return number


def id_text(number: int) -> str:
    """How an id is printed: a UUID from 2^64 on, the number below."""
    return str(uuid.UUID(int=number)) if number >= 2**64 else str(number)


def parse_id(text: str) -> int:
    """An id as :func:`id_text` prints it. Raises ``ValueError``."""
    if text.isascii() and text.isdigit() and len(text) <= 39:
        return id_number(int(text))
    try:
        return id_number(uuid.UUID(text))
    except ValueError:
        raise ValueError(f"neither a number nor a UUID: {text!r}") from None


def nanoseconds(time: TimeLike) -> int:
    """Nanoseconds since 1970. Raises ``ValueError`` for a datetime without a time zone."""
    if isinstance(time, datetime):
        if time.tzinfo is None:
            raise ValueError("a datetime needs a time zone")
        return (time - _EPOCH) // timedelta(microseconds=1) * 1_000
    return time


def time_text(time: int) -> str:
    """RFC 3339 in UTC, with as many of nine decimals as the time needs."""
    seconds, rest = divmod(time, 1_000_000_000)
    whole = (_EPOCH + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{whole}.{rest:09d}".rstrip("0").rstrip(".") + "Z"


def parse_time(text: str) -> int:
    """RFC 3339 with up to nine decimals, to nanoseconds since 1970. Raises ``ValueError``."""
    whole, dot, rest = text.partition(".")
    end = next((index for index, letter in enumerate(rest) if not letter.isdigit()), len(rest))
    decimals, zone = (rest[:end], rest[end:]) if dot else ("", "")
    moment = datetime.fromisoformat((whole + zone).replace("Z", "+00:00").replace("z", "+00:00"))
    if len(decimals) > 9 or (dot and not decimals):
        raise ValueError(f"one to nine decimals of a second: {text!r}")
    return nanoseconds(moment) + int(decimals.ljust(9, "0"))
