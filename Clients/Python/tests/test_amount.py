"""Amounts are exact in both directions."""

from __future__ import annotations

import random
import unittest
from decimal import Decimal

import locate_package
from mana_ledger import Mana

assert locate_package.VECTORS

PARSED = (
    ("1.5", 1_500_000, "1.5"),
    ("+500", 500_000_000, "500.0"),
    ("-10.0", -10_000_000, "-10.0"),
    ("-1.5", -1_500_000, "-1.5"),
    ("997", 997_000_000, "997.0"),
    ("997.0", 997_000_000, "997.0"),
    ("0", 0, "0.0"),
    ("-0", 0, "0.0"),
    ("-0.0", 0, "0.0"),
    ("0.000001", 1, "0.000001"),
    ("-0.000001", -1, "-0.000001"),
    ("-0.5", -500_000, "-0.5"),
    ("1.10", 1_100_000, "1.1"),
    ("1.0100", 1_010_000, "1.01"),
    ("007.5", 7_500_000, "7.5"),
    ("0.1000000", 100_000, "0.1"),
    ("9223372036854.775807", 2**63 - 1, "9223372036854.775807"),
    ("-9223372036854.775808", -(2**63), "-9223372036854.775808"),
)

REFUSED = (
    "",
    " ",
    "+",
    "-",
    ".",
    ".5",
    "5.",
    "1,5",
    "1_000",
    "1e3",
    "0x10",
    " 1",
    "1 ",
    "1\n",
    "--1",
    "+-1",
    "1.2.3",
    "nan",
    "inf",
    "0.0000001",
    "1.0000009",
    "\u0661",
    "\u22121",
    "1.5 Mana",
)


class Parsing(unittest.TestCase):
    """Text to micromana and back."""

    def test_table(self) -> None:
        for text, micromana, printed in PARSED:
            with self.subTest(text):
                self.assertEqual(Mana(text).micromana, micromana)
                self.assertEqual(str(Mana(text)), printed)
                self.assertEqual(str(Mana.from_micromana(micromana)), printed)
                self.assertEqual(Mana(Decimal(text)).micromana, micromana)

    def test_refused(self) -> None:
        for text in REFUSED:
            with self.subTest(text):
                self.assertRaises(ValueError, Mana, text)

    def test_what_is_printed_is_read_back(self) -> None:
        seed = random.randrange(2**32)
        generator = random.Random(seed)
        for _ in range(2_000):
            micromana = generator.randrange(-(2**63), 2**63) >> generator.randrange(63)
            mana = Mana.from_micromana(micromana)
            self.assertEqual(Mana(str(mana)), mana, f"seed {seed}")
            self.assertRegex(str(mana), r"\A-?(0|[1-9][0-9]*)\.([0-9]|[0-9]{1,5}[1-9])\Z", f"seed {seed}")


class OtherKinds(unittest.TestCase):
    """What is an amount, and what is not."""

    def test_integers_are_whole_mana(self) -> None:
        self.assertEqual(Mana(3).micromana, 3_000_000)
        self.assertEqual(Mana(-3), Mana("-3"))

    def test_floats_are_refused(self) -> None:
        for wrong in (1.5, 0.0, float("nan"), True, None, b"1"):
            with self.subTest(repr(wrong)):
                self.assertRaises(TypeError, Mana, wrong)

    def test_decimals_are_exact_beyond_the_context(self) -> None:
        self.assertEqual(Mana(Decimal("123456789012345678901234567890.123456")).micromana % 10**7, 123_456)
        self.assertEqual(Mana(Decimal("1E+3")), Mana(1000))
        for wrong in ("NaN", "Infinity", "1E-7", "0.0000001"):
            with self.subTest(wrong):
                self.assertRaises(ValueError, Mana, Decimal(wrong))

    def test_arithmetic_and_order(self) -> None:
        self.assertEqual(Mana("1000") - Mana("1.5") + Mana("0.5"), Mana("999"))
        self.assertEqual(Mana("0.1") * 3, Mana("0.3"))
        self.assertEqual(-Mana("1.5"), Mana("-1.5"))
        self.assertEqual(abs(Mana("-1.5")), Mana("1.5"))
        self.assertLess(Mana("-1"), Mana("0.000001"))
        self.assertFalse(Mana())
        with self.assertRaises(TypeError):
            Mana(1) + 1  # type: ignore[operator]


if __name__ == "__main__":
    unittest.main()
