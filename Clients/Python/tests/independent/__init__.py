"""A second reading of PROTOCOL.md, which shares no line with the package: offsets, a bitwise CRC, plain dictionaries.

It exists to disagree: the vectors are made with ``mana_ledger``, and what they state is checked against this. It is
written for clarity and is slow.
"""

from __future__ import annotations
