"""Exact amounts of Mana.

An amount is a whole number of micromana; 1 Mana is 1,000,000 micromana. It is read from and printed as a decimal,
and no floating-point number is met on the way: ``Mana(0.1)`` is a ``TypeError``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from functools import total_ordering
from typing import Union

MICROMANA_PER_MANA = 1_000_000
_DECIMALS = 6
_PATTERN = re.compile(r"([+-]?)([0-9]+)(?:\.([0-9]+))?", re.ASCII)


@total_ordering
@dataclass(frozen=True)
class Mana:
    """An amount, positive or negative. ``Mana("1.5")`` and ``Mana(2)`` count Mana, not micromana.

    >>> str(Mana("+500")), str(Mana("-10.0")), str(Mana.from_micromana(-1_500_000))
    ('500.0', '-10.0', '-1.5')
    """

    micromana: int

    def __init__(self, amount: AmountLike = 0) -> None:
        """Raises ``ValueError`` for text that is no decimal or has more than six decimals, ``TypeError`` for floats."""
        object.__setattr__(self, "micromana", _micromana(amount))

    @classmethod
    def from_micromana(cls, micromana: int) -> Mana:
        """The amount of so many millionths of a Mana."""
        if isinstance(micromana, bool) or not isinstance(micromana, int):
            raise TypeError("micromana is an int")
        made = cls()
        object.__setattr__(made, "micromana", micromana)
        return made

    def __str__(self) -> str:
        """Sign, whole part, at least one decimal, no other trailing zero."""
        whole, rest = divmod(abs(self.micromana), MICROMANA_PER_MANA)
        decimals = f"{rest:0{_DECIMALS}d}".rstrip("0") or "0"
        return f"{'-' if self.micromana < 0 else ''}{whole}.{decimals}"

    def __repr__(self) -> str:
        return f"Mana('{self}')"

    def __bool__(self) -> bool:
        return self.micromana != 0

    def __lt__(self, other: object) -> bool:
        return self.micromana < other.micromana if isinstance(other, Mana) else NotImplemented

    def __add__(self, other: Mana) -> Mana:
        return Mana.from_micromana(self.micromana + other.micromana) if isinstance(other, Mana) else NotImplemented

    def __sub__(self, other: Mana) -> Mana:
        return Mana.from_micromana(self.micromana - other.micromana) if isinstance(other, Mana) else NotImplemented

    def __mul__(self, times: int) -> Mana:
        return Mana.from_micromana(self.micromana * times) if isinstance(times, int) else NotImplemented

    __rmul__ = __mul__

    def __neg__(self) -> Mana:
        return Mana.from_micromana(-self.micromana)

    def __abs__(self) -> Mana:
        return Mana.from_micromana(abs(self.micromana))


#: What is accepted where an amount is asked for: text, whole Mana, an exact decimal, an amount.
AmountLike = Union[Mana, str, int, Decimal]


def _micromana(amount: AmountLike) -> int:
    if isinstance(amount, Mana):
        return amount.micromana
    if isinstance(amount, str):
        return _parse(amount)
    if isinstance(amount, Decimal):
        return _exact(amount)
    if isinstance(amount, int) and not isinstance(amount, bool):
        return amount * MICROMANA_PER_MANA
    raise TypeError(f"an amount is text, an int, a Decimal or Mana, not {type(amount).__name__}")


def _parse(text: str) -> int:
    match = _PATTERN.fullmatch(text)
    if match is None:
        raise ValueError(f"not an amount: {text!r}")
    sign, whole, decimals = match.group(1), match.group(2), match.group(3) or ""
    if len(decimals.rstrip("0")) > _DECIMALS:
        raise ValueError(f"more than {_DECIMALS} decimals: {text!r}")
    magnitude = int(whole) * MICROMANA_PER_MANA + int(decimals[:_DECIMALS].ljust(_DECIMALS, "0"))
    return -magnitude if sign == "-" else magnitude


def _exact(value: Decimal) -> int:
    """Through the decimal's own digits: arithmetic on it would round to the context's precision."""
    if not value.is_finite():
        raise ValueError(f"not an amount: {value}")
    sign, digits, exponent = value.as_tuple()
    number = int("".join(map(str, digits)))
    shift = int(exponent) + _DECIMALS
    magnitude: int
    if shift >= 0:
        magnitude = number * 10**shift
    else:
        magnitude, rest = divmod(number, 10**-shift)
        if rest:
            raise ValueError(f"more than {_DECIMALS} decimals: {value}")
    return -magnitude if sign else magnitude
