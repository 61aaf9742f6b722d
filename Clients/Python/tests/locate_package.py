"""Puts ``mana_ledger`` on the module path, so that the tests run from a checkout without an installation."""

from __future__ import annotations

import sys
from pathlib import Path

PYTHON_DIRECTORY = Path(__file__).resolve().parent.parent
REPOSITORY = PYTHON_DIRECTORY.parent.parent
VECTORS = REPOSITORY / "Protocol" / "vectors"

if str(PYTHON_DIRECTORY) not in sys.path:
    sys.path.insert(0, str(PYTHON_DIRECTORY))
