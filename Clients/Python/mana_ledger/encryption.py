"""TLS 1.3 for a connection: whom the server's certificate must show, and what to show the server."""

from __future__ import annotations

import socket
import ssl
from typing import TYPE_CHECKING, Optional, Tuple, Union

from .errors import NOT_EXECUTED, ConnectError, DeadlinePassed

if TYPE_CHECKING:
    from .connection import Deadline

_PROTOCOL = "mana/1"


class TLS:
    """How connections are encrypted, and whom they must lead to.

    ``authority`` is a PEM file with the authorities whose certificates are believed; without one, those that this
    machine trusts. ``certificate`` and ``key`` are PEM files of a certificate to show to the server, which go together.
    ``server_name`` is the DNS name in the server's certificate; without one, the host that is connected to. Files are
    read for each connection, so that renewed ones need no restart.
    """

    def __init__(
        self,
        *,
        authority: Optional[str] = None,
        certificate: Optional[str] = None,
        key: Optional[str] = None,
        server_name: Optional[str] = None,
    ) -> None:
        if (certificate is None) != (key is None):
            raise ValueError("a certificate and its key go together")
        self.authority = authority
        self.certificate = certificate
        self.key = key
        self.server_name = server_name


class Encryption:
    """The TLS side of connections."""

    def __init__(self, tls: TLS) -> None:
        self._tls = tls

    def wrap(
        self, connected: socket.socket, address: Union[Tuple[str, int], str], deadline: Deadline
    ) -> ssl.SSLSocket:
        """Shakes hands in TLS. Raises :class:`ConnectError` or :class:`DeadlinePassed`, and closes the socket then."""
        name = self._tls.server_name or ("localhost" if isinstance(address, str) else address[0])
        where = address if isinstance(address, str) else f"{address[0]}:{address[1]}"
        try:
            context = self._context(where)
            connected.settimeout(deadline.remaining())
            wrapped = context.wrap_socket(connected, server_hostname=name, suppress_ragged_eofs=False)
        except socket.timeout as error:
            connected.close()
            message = f"{where}: no answer to the TLS handshake in time"
            raise DeadlinePassed(message, execution=NOT_EXECUTED, retryable=True) from error
        except OSError as error:
            connected.close()
            retryable = not isinstance(error, ssl.SSLError)
            raise ConnectError(f"{where}: {explained(error)}", execution=NOT_EXECUTED, retryable=retryable) from error
        except BaseException:
            connected.close()
            raise
        if wrapped.selected_alpn_protocol() != _PROTOCOL:
            wrapped.close()
            message = f"{where}: speaks TLS but not the application protocol {_PROTOCOL}: it is not a Mana ledger"
            raise ConnectError(message, execution=NOT_EXECUTED)
        return wrapped

    def _context(self, where: str) -> ssl.SSLContext:
        tls = self._tls
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        context.set_alpn_protocols([_PROTOCOL])
        try:
            if tls.authority is None:
                context.load_default_certs(ssl.Purpose.SERVER_AUTH)
            else:
                context.load_verify_locations(tls.authority)
        except OSError as error:
            message = f"{where}: cannot read the authorities {tls.authority}: {_reason(error)}"
            raise ConnectError(message, execution=NOT_EXECUTED) from error
        if tls.certificate is not None:
            try:
                # A key with a passphrase is refused rather than asked for: a program has nobody to ask.
                context.load_cert_chain(tls.certificate, tls.key, password="")
            except OSError as error:
                pair = f"the certificate {tls.certificate} with the key {tls.key}"
                raise ConnectError(
                    f"{where}: cannot use {pair}: {_reason(error)}", execution=NOT_EXECUTED
                ) from error
        return context


def say_farewell(connected: ssl.SSLSocket) -> None:
    """Sends a close_notify, so that the server sees an end and no cut, and waits for nothing."""
    if connected.fileno() < 0:
        return
    try:
        connected.settimeout(0)
        connected.unwrap()
    except (OSError, ValueError):
        # The server's own close_notify is not there yet, or the connection is broken: it is closed in any case.
        pass


def explained(error: OSError) -> str:
    """What went wrong, and for what TLS says, what to do."""
    if isinstance(error, ssl.SSLCertVerificationError):
        if error.verify_code in (62, 64):  # X509_V_ERR_HOSTNAME_MISMATCH, X509_V_ERR_IP_ADDRESS_MISMATCH
            return f"the server's certificate does not name the host: {error.verify_message}"
        return f"the server's certificate is not trusted: {error.verify_message}"
    if isinstance(error, ssl.SSLEOFError):
        return "the connection was cut: it ended without a TLS close_notify"
    if isinstance(error, ssl.SSLError):
        reason = error.reason or str(error)
        for word, meaning in _MEANINGS.items():
            if word in reason.upper().replace(" ", "_"):
                return meaning
        return f"TLS failed: {reason}"
    return str(error)


_MEANINGS = {
    "ALERT_PROTOCOL_VERSION": "the server does not speak TLS 1.3; one without a certificate speaks in the clear",
    "WRONG_VERSION_NUMBER": "what answered does not speak TLS; connect without it, or check the address",
    "ALERT_NO_APPLICATION_PROTOCOL": f"speaks TLS but not {_PROTOCOL}: it is not a Mana ledger",
    "CERTIFICATE_REQUIRED": "the server demands a certificate of its clients: give a certificate and its key",
    "ALERT_UNKNOWN_CA": "the server does not trust the authority of this client's certificate",
    "ALERT_CERTIFICATE_EXPIRED": "this client's certificate has expired",
    "ALERT_BAD_CERTIFICATE": "the server refuses this client's certificate",
    "ALERT_CERTIFICATE_UNKNOWN": "the server refuses this client's certificate",
}


def _reason(error: OSError) -> str:
    if isinstance(error, ssl.SSLError):
        return (error.reason or str(error)).replace("_", " ").lower()
    return error.strerror or str(error)
