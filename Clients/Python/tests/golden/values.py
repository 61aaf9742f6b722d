"""``values/``: functions of the protocol that are not frames, at chosen points."""

from __future__ import annotations

from mana_ledger.protocol import crc32c, shard_of

from .vector import ACCOUNT, UUID_ACCOUNT, Vectors

ABOUT_CHECKSUMS = "CRC32C of some bytes, as 8 hexadecimal digits of the number"
ABOUT_SHARDS = "the shard that holds an account"


def checksums() -> Vectors:
    """The check value, the four test patterns of RFC 3720 (appendix B.4), and every length around a word."""
    ascending = bytes(range(32))
    inputs = [b"123456789", bytes(32), b"\xff" * 32, ascending, ascending[::-1]]
    inputs += [bytes(range(1, length + 1)) for length in range(18)]
    return [{"hex": data.hex(), "crc32c": f"{crc32c(data):08x}"} for data in inputs]


def shards() -> Vectors:
    """Small and large accounts, seeds and counts."""
    accounts = (1, 2, ACCOUNT, 2**64 - 1, 2**64, UUID_ACCOUNT, 2**128 - 1)
    settings = ((1, 0), (2, 0), (3, 0x9E3779B97F4A7C15), (16, 2**64 - 1), (255, 0x0123456789ABCDEF))
    return [
        {
            "account": str(account),
            "shardCount": count,
            "shardHashSeed": str(seed),
            "shard": shard_of(account, count, seed),
        }
        for count, seed in settings
        for account in accounts
    ]
