"""CRC32C and the shard map against values and code that are not the package's own."""

from __future__ import annotations

import json
import unittest

import locate_package
from independent import primitives
from mana_ledger.protocol import crc32c, shard_of


class Checksums(unittest.TestCase):
    """CRC32C."""

    def test_published_values(self) -> None:
        ascending = bytes(range(32))
        cases = (
            ("the check value", b"123456789", 0xE3069283),
            ("no bytes", b"", 0x00000000),
            ("RFC 3720, B.4: zeros", bytes(32), 0x8A9136AA),
            ("RFC 3720, B.4: ones", b"\xff" * 32, 0x62A8AB43),
            ("RFC 3720, B.4: ascending", ascending, 0x46DD794E),
            ("RFC 3720, B.4: descending", ascending[::-1], 0x113FDB5C),
        )
        for name, data, expected in cases:
            with self.subTest(name):
                self.assertEqual(f"{crc32c(data):08x}", f"{expected:08x}")

    def test_committed_values_against_the_definition(self) -> None:
        path = locate_package.VECTORS / "values" / "checksums.json"
        for value in json.loads(path.read_text(encoding="utf-8"))["values"]:
            with self.subTest(value["hex"]):
                self.assertEqual(f"{primitives.crc32c(bytes.fromhex(value['hex'])):08x}", value["crc32c"])


def plain_shard(account: int, count: int, seed: int) -> int:
    """The formula of section 4, step by step."""

    def mix(v: int) -> int:
        v ^= v >> 30
        v = v * 0xBF58476D1CE4E5B9 % 2**64
        v ^= v >> 27
        v = v * 0x94D049BB133111EB % 2**64
        v ^= v >> 31
        return v

    x = account % 2**64 ^ seed
    y = (account // 2**64 + 0x9E3779B97F4A7C15) % 2**64
    h = mix(x ^ mix(y))
    return (h // 2**32) * count // 2**32


class Shards(unittest.TestCase):
    """The shard of an account."""

    def test_committed_values_against_the_formula(self) -> None:
        path = locate_package.VECTORS / "values" / "shards.json"
        for value in json.loads(path.read_text(encoding="utf-8"))["values"]:
            with self.subTest(value):
                arguments = (int(value["account"]), value["shardCount"], int(value["shardHashSeed"]))
                self.assertEqual(plain_shard(*arguments), value["shard"])
                self.assertEqual(shard_of(*arguments), value["shard"])
                self.assertLess(value["shard"], value["shardCount"])


if __name__ == "__main__":
    unittest.main()
