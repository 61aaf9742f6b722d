"""Writes ``Protocol/vectors``: golden frames and their meaning, from the cases in ``golden``.

Run ``python3 Clients/Python/tests/generate_vectors.py`` after a change of the cases or of the protocol. The output
depends on nothing but the cases, so a second run changes nothing.
"""

from __future__ import annotations

import json
from typing import Any, Dict

import locate_package
from golden import (
    broken_body,
    broken_handshake,
    broken_header,
    broken_items,
    broken_replies,
    handshake,
    posting,
    reading,
    values,
)


def documents() -> Dict[str, Dict[str, Any]]:
    """Each file's path below ``Protocol/vectors`` and what is in it."""
    frames = {
        "handshake.json": (handshake.ABOUT, handshake.vectors()),
        "posting.json": (posting.ABOUT, posting.vectors()),
        "posting-replies.json": (posting.ABOUT_REPLIES, posting.reply_vectors()),
        "reading.json": (reading.ABOUT, reading.vectors()),
        "reading-replies.json": (reading.ABOUT_REPLIES, reading.reply_vectors()),
        "broken-preface.json": (broken_header.ABOUT_PREFACE, broken_header.preface_vectors()),
        "broken-handshake.json": (broken_handshake.ABOUT, broken_handshake.vectors()),
        "broken-header.json": (broken_header.ABOUT, broken_header.vectors()),
        "broken-body.json": (broken_body.ABOUT, broken_body.vectors()),
        "broken-items.json": (broken_items.ABOUT, broken_items.vectors()),
        "broken-replies.json": (broken_replies.ABOUT, broken_replies.vectors()),
    }
    written = {path: {"about": about, "vectors": vectors} for path, (about, vectors) in frames.items()}
    written["values/checksums.json"] = {"about": values.ABOUT_CHECKSUMS, "values": values.checksums()}
    written["values/shards.json"] = {"about": values.ABOUT_SHARDS, "values": values.shards()}
    return written


def rendered(document: Dict[str, Any]) -> str:
    """The text of a file."""
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def main() -> None:
    """Writes the files and says how many vectors they hold."""
    total = 0
    for path, document in documents().items():
        target = locate_package.VECTORS / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(rendered(document), encoding="utf-8")
        count = len(document["vectors"] if "vectors" in document else document["values"])
        total += count
        print(f"{count:4} {path}")
    print(f"{total:4} in all")


if __name__ == "__main__":
    main()
