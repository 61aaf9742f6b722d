"""CRC32C (Castagnoli), the checksum of frame headers and bodies.

Reflected polynomial ``82F63B78``, initial value and final complement all ones; ``b"123456789"`` gives ``E3069283``.
Eight bytes are folded at a time with eight tables ("slicing by 8"): table *k* holds the effect of a byte that is
followed by *k* zero bytes. Measured at several megabytes a second in CPython, which a frame of a few kilobytes does
not notice.
"""

from __future__ import annotations

import struct
from typing import List, Tuple

_POLYNOMIAL = 0x82F63B78
_EIGHT_BYTES = struct.Struct("<II")


def _make_tables() -> Tuple[Tuple[int, ...], ...]:
    first: List[int] = []
    for byte in range(256):
        remainder = byte
        for _ in range(8):
            remainder = (remainder >> 1) ^ (_POLYNOMIAL if remainder & 1 else 0)
        first.append(remainder)
    tables = [tuple(first)]
    for _ in range(7):
        previous = tables[-1]
        tables.append(tuple((value >> 8) ^ first[value & 0xFF] for value in previous))
    return tuple(tables)


_TABLES = _make_tables()


def crc32c(data: bytes) -> int:
    """The CRC32C of ``data``: an unsigned 32-bit integer, 0 for no bytes. O(n)."""
    t0, t1, t2, t3, t4, t5, t6, t7 = _TABLES
    whole = len(data) & ~7
    crc = 0xFFFFFFFF
    for low, high in _EIGHT_BYTES.iter_unpack(data[:whole]):
        low ^= crc
        crc = (
            t7[low & 0xFF]
            ^ t6[low >> 8 & 0xFF]
            ^ t5[low >> 16 & 0xFF]
            ^ t4[low >> 24]
            ^ t3[high & 0xFF]
            ^ t2[high >> 8 & 0xFF]
            ^ t1[high >> 16 & 0xFF]
            ^ t0[high >> 24]
        )
    for byte in data[whole:]:
        crc = crc >> 8 ^ t0[(crc ^ byte) & 0xFF]
    return crc ^ 0xFFFFFFFF
