"""The cases from which ``Protocol/vectors`` is generated, one module a topic."""

from __future__ import annotations
