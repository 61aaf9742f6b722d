"""A small command line: ``python3 -m mana_ledger --server HOST:PORT account 42 --json``.

It exits with 0 when the call went well, 1 when the ledger refused it, 2 when it was used wrongly and 3 when it failed
in another way, so that its fate may be unknown.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from datetime import timedelta
from typing import Any, Callable, Dict, Optional, Sequence, Tuple, TypeVar

from . import shapes
from .amount import Mana
from .client import ManaClient
from .encryption import TLS
from .errors import ManaError, RequestRefused, TransactionRefused
from .filters import Filter
from .identifiers import id_text, parse_id, parse_time, time_text
from .models import Receipt, Transaction
from .protocol import Operation, TransactionType

Json = Dict[str, Any]
_Value = TypeVar("_Value")

REFUSED = 1
USAGE = 2
FAILED = 3


def parse_server(text: str) -> Tuple[str, Optional[int]]:
    """``HOST:PORT``, ``[IPv6]:PORT`` or ``unix:PATH``."""
    if text.startswith("unix:"):
        return text, None
    host, colon, port = text.rpartition(":")
    if not (colon and host and port.isascii() and port.isdigit() and int(port) <= 65_535):
        raise ValueError(f"neither HOST:PORT nor unix:PATH: {text!r}")
    return host.strip("[]"), int(port)


def _argument(parse: Callable[[str], _Value]) -> Callable[[str], _Value]:
    """``parse``, with the reason for a refusal in the message about the argument."""

    def parsed(text: str) -> _Value:
        try:
            return parse(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from error

    return parsed


_ID = _argument(parse_id)
_AMOUNT = _argument(Mana)
_TIME = _argument(parse_time)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python3 -m mana_ledger", description="Talk to a Mana ledger.")
    parser.add_argument("--server", type=_argument(parse_server), required=True, help="HOST:PORT or unix:PATH")
    parser.add_argument("--token-file", metavar="FILE", help="holds the caller's token (default: MANA_TOKEN, or none)")
    _add_tls(parser)
    parser.add_argument("--timeout", type=float, default=10.0, help="seconds for a call (default: 10)")
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--json", action="store_true", help="print JSON")
    account = argparse.ArgumentParser(add_help=False, parents=[common])
    account.add_argument("account", type=_ID, help="a number or a UUID")
    posting = argparse.ArgumentParser(add_help=False)
    posting.add_argument("--id", type=_ID, help="the transaction's id; send a call again with the same one")
    posting.add_argument("--reference", default="")
    posting.add_argument("--note", default="")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def command(name: str, about: str, *parents: argparse.ArgumentParser) -> argparse.ArgumentParser:
        return commands.add_parser(name, help=about, parents=list(parents))

    spend = command("spend", "charge an account", account, posting)
    spend.add_argument("amount", type=_AMOUNT)
    spend.add_argument("operation", choices=[one.name for one in Operation if one <= Operation.export])
    spend.add_argument("--settle-within", type=float, metavar="SECONDS", help="give it back unless settled")
    for name, about in (("purchase", "credit what was paid for"), ("bonus", "credit a gift")):
        command(name, about, account, posting).add_argument("amount", type=_AMOUNT)
    refund = command("refund", "give a spend back", account, posting)
    refund.add_argument("spend", type=_ID)
    refund.add_argument("amount", type=_AMOUNT, nargs="?", help="all the rest when left out")
    refund.add_argument("--void-if-unknown", action="store_true", help="bar a spend that has not arrived")
    for name in ("spend", "purchase", "bonus"):
        commands.choices[name].add_argument("--quantity", type=int, default=0)
    _add_reads(command, common, account)
    return parser


def _add_tls(parser: argparse.ArgumentParser) -> None:
    about = "on as soon as one of these or of their variables, such as MANA_TLS_CA, is there"
    group = parser.add_argument_group("TLS", about)
    group.add_argument("--tls", action=argparse.BooleanOptionalAction, help="connect with TLS 1.3 (default: MANA_TLS)")
    group.add_argument("--tls-ca", metavar="FILE", help="PEM file with the authorities that are believed")
    group.add_argument("--tls-certificate", metavar="FILE", help="PEM file with a certificate to show to the server")
    group.add_argument("--tls-key", metavar="FILE", help="PEM file with that certificate's private key")
    group.add_argument("--tls-server-name", metavar="NAME", help="the DNS name in the server's certificate")


def _add_reads(
    command: Callable[..., argparse.ArgumentParser], common: argparse.ArgumentParser, account: argparse.ArgumentParser
) -> None:
    command("account", "print balance and totals", account)
    history = command("history", "print transactions, newest first", account)
    history.add_argument("--start", type=int, help="the sequence number to start at")
    history.add_argument("--limit", type=int, default=100)
    history.add_argument("--oldest-first", action="store_true")
    types = [kind.name for kind in TransactionType if kind != TransactionType.settlement]
    history.add_argument("--type", action="append", default=[], choices=types)
    history.add_argument("--operation", action="append", default=[], choices=[one.name for one in Operation])
    history.add_argument("--since", type=_TIME, help="RFC 3339")
    history.add_argument("--until", type=_TIME, help="RFC 3339, excluded")
    history.add_argument("--min", type=_AMOUNT, help="the least amount, without sign")
    history.add_argument("--max", type=_AMOUNT, help="the largest amount, without sign")
    history.add_argument("--reference", default="")
    history.add_argument("--related", type=_ID)
    command("transaction", "print one transaction", account).add_argument("id", type=_ID)
    balance = command("balance-at", "print the balance at a time", account)
    balance.add_argument("time", type=_TIME, help="RFC 3339")
    command("ping", "measure the way to the server and back", common)


def _receipt(receipt: Receipt) -> Tuple[Json, str]:
    shape = shapes.receipt(receipt)
    replayed = " (replayed)" if receipt.replayed else ""
    return shape, f"{shape['type']} {id_text(receipt.id)}  {shape['amount']}  balance {shape['balanceAfter']}{replayed}"


def _line(one: Transaction) -> str:
    text = "  ".join(part for part in (one.reference, one.note) if part)
    columns = f"{one.sequence:>8}  {time_text(one.timestamp):<30}  {one.type:<8}  {one.operation:<16}"
    return f"{columns}  {str(one.amount):>14}  {str(one.balance_after):>14}  {text}".rstrip()


def _post(client: ManaClient, options: argparse.Namespace) -> Tuple[Json, str]:
    common: Json = {"id": options.id, "reference": options.reference, "note": options.note}
    if options.command == "refund":
        void = options.void_if_unknown
        refund = client.refund(options.account, options.spend, options.amount, void_if_unknown=void, **common)
        return _receipt(refund)
    common["quantity"] = options.quantity
    if options.command == "purchase":
        return _receipt(client.purchase(options.account, options.amount, **common))
    if options.command == "bonus":
        return _receipt(client.bonus(options.account, options.amount, **common))
    within = None if options.settle_within is None else timedelta(seconds=options.settle_within)
    return _receipt(client.spend(options.account, options.amount, options.operation, settle_within=within, **common))


def _read(client: ManaClient, options: argparse.Namespace) -> Tuple[Json, str]:
    if options.command == "ping":
        seconds = client.ping()
        return {"microseconds": round(seconds * 1_000_000)}, f"{seconds * 1000:.3f} ms"
    if options.command == "account":
        shape = shapes.account(client.account(options.account))
        return shape, "\n".join(f"{key:<18}  {value}" for key, value in shape.items())
    if options.command == "transaction":
        one = client.transaction(options.account, options.id)
        return shapes.transaction(one), _line(one)
    if options.command == "balance-at":
        at = client.balance_at(options.account, options.time)
        return {"balance": str(at.balance), "sequence": at.sequence}, str(at.balance)
    matching = Filter(
        types=tuple(options.type),
        operations=tuple(options.operation),
        since=options.since,
        until=options.until,
        amount_min=options.min,
        amount_max=options.max,
        related=options.related,
        reference=options.reference,
    )
    page = client.history(
        options.account, matching, start=options.start, limit=options.limit, oldest_first=options.oldest_first
    )
    lines = [_line(one) for one in page.transactions]
    if page.next_cursor is not None:
        lines.append(f"more: --start {page.next_cursor}")
    return shapes.history(page), "\n".join(lines)


def _token(options: argparse.Namespace) -> Optional[str]:
    """The caller's token. Raises :class:`ValueError` when its file cannot be read."""
    if options.token_file is None:
        return os.environ.get("MANA_TOKEN", "").strip() or None
    try:
        with open(options.token_file, encoding="utf-8") as file:
            token = file.read().strip()
    except OSError as error:
        raise ValueError(f"--token-file: {error}") from error
    if not token:
        raise ValueError(f"--token-file: {options.token_file} is empty")
    return token


def _tls(options: argparse.Namespace) -> Optional[TLS]:
    """How to encrypt, from the options and the environment. Raises :class:`ValueError` when they cannot be meant."""
    names = ("tls_ca", "tls_certificate", "tls_key", "tls_server_name")
    values = {name: getattr(options, name) or os.environ.get(f"MANA_{name.upper()}") or None for name in names}
    switch = os.environ.get("MANA_TLS", "")
    if switch not in ("", "0", "1"):
        raise ValueError(f"MANA_TLS is {switch!r}; it takes 1 or 0")
    chosen = options.tls if options.tls is not None else (switch == "1" if switch else None)
    if not (any(values.values()) if chosen is None else chosen):
        return None
    if (values["tls_certificate"] is None) != (values["tls_key"] is None):
        raise ValueError("--tls-certificate and --tls-key go together")
    return TLS(
        authority=values["tls_ca"],
        certificate=values["tls_certificate"],
        key=values["tls_key"],
        server_name=values["tls_server_name"],
    )


def main(arguments: Optional[Sequence[str]] = None) -> int:
    """Runs one command and returns the exit status."""
    options = _parser().parse_args(arguments)
    run = _post if options.command in ("spend", "purchase", "bonus", "refund") else _read
    try:
        with ManaClient(*options.server, timeout=options.timeout, token=_token(options), tls=_tls(options)) as client:
            shape, text = run(client, options)
    except ManaError as error:
        if options.json:
            print(json.dumps(shapes.refusal(error), ensure_ascii=False))
        else:
            print(f"{error} ({error.execution})", file=sys.stderr)
        return REFUSED if isinstance(error, (TransactionRefused, RequestRefused)) else FAILED
    except ValueError as error:
        print(error, file=sys.stderr)
        return USAGE
    print(json.dumps(shape, ensure_ascii=False) if options.json else text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
