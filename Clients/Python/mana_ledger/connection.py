"""One connection: the handshake, frames out, frames in, and which reply belongs to which request.

A reader of this file needs to know three things. Replies come in any order, so that those which nobody waits for yet
are kept. A request whose deadline has passed is *abandoned*: its reply, should it come, is dropped, and the connection
stays usable, because half a frame waits in the reader's buffer. A frame that was not handed over whole cannot be
executed, so that a failed send is "not executed" while a failed receive is "unknown".
"""

from __future__ import annotations

import socket
import ssl
import time
from dataclasses import dataclass
from typing import Dict, Optional, Tuple, Union

from .encryption import Encryption, explained, say_farewell
from .errors import (
    NOT_EXECUTED,
    UNKNOWN,
    ConnectError,
    ConnectionLost,
    DeadlinePassed,
    ProtocolViolation,
    RequestRefused,
)
from .protocol import (
    PREFACE,
    ErrorBody,
    Extension,
    ExtensionKind,
    Frame,
    FrameReader,
    Hello,
    Opcode,
    ProtocolError,
    Status,
    Welcome,
    decode_reply,
    encode_frame,
    name_of,
)
from .protocol.codes import FRAME_BYTES_MAX, REPLY_BIT, U128_MAX

#: ``(host, port)``, or the path of a Unix socket.
Address = Union[Tuple[str, int], str]

_RECEIVE_BYTES = 65_536
_MICROSECONDS_MAX = 2**32 - 1


class Deadline:
    """A point in time by which a call must be done; without one it may take for ever."""

    def __init__(self, seconds: Optional[float]) -> None:
        self._at = None if seconds is None else time.monotonic() + seconds

    def remaining(self) -> Optional[float]:
        """Seconds left, never negative; ``None`` without a limit."""
        return None if self._at is None else max(0.0, self._at - time.monotonic())

    def microseconds(self) -> int:
        """The deadline of a frame: zero is none, so that the least is 1."""
        left = self.remaining()
        return 0 if left is None else min(max(1, int(left * 1_000_000)), _MICROSECONDS_MAX)


@dataclass
class _Request:
    """A request that has been sent and not been answered."""

    opcode: int
    length: int
    abandoned: bool = False
    reply: Optional[Frame] = None


class Connection:
    """A connection with the handshake behind it. It belongs to one thread at a time."""

    def __init__(
        self, address: Address, *, hello: Hello, deadline: Deadline, encryption: Optional[Encryption] = None
    ) -> None:
        """Connects and shakes hands. Raises :class:`ConnectError` or :class:`DeadlinePassed`, not executed."""
        self._name = address if isinstance(address, str) else f"{address[0]}:{address[1]}"
        self._reader = FrameReader(min(hello.frame_bytes_max, FRAME_BYTES_MAX))
        self._requests: Dict[int, _Request] = {}
        self._next_correlation = 1
        self._going_away = False
        self._socket = self._connect(address, deadline)
        try:
            if encryption is not None:
                self._socket = encryption.wrap(self._socket, address, deadline)
            self.welcome = self._shake_hands(hello, deadline)
        except BaseException:
            self._socket.close()
            raise

    @property
    def usable(self) -> bool:
        """Whether further requests can be sent here. Notices that an idle connection has been closed."""
        if not self._going_away and self._socket.fileno() >= 0:
            try:
                self._receive_what_is_there()
            except (ConnectionLost, ProtocolViolation):
                self.close()
        self._leave_if_done()
        return not self._going_away and self._socket.fileno() >= 0

    def close(self) -> None:
        """Closes the socket; what has not been answered stays unknown."""
        if isinstance(self._socket, ssl.SSLSocket):
            say_farewell(self._socket)
        self._socket.close()

    def send(self, opcode: Opcode, body: bytes, deadline: Deadline) -> int:
        """Sends a request, and waits while the server's limits allow no further one. Returns its correlation."""
        length = 32 + len(body)
        if length > self.welcome.frame_bytes_max:
            message = f"{length} bytes; the server accepts {self.welcome.frame_bytes_max}"
            raise RequestRefused(message, execution=NOT_EXECUTED, status=Status.frameTooLarge.name)
        while self._is_full(length):
            try:
                self._receive(deadline)
            except (ConnectionLost, DeadlinePassed, ProtocolViolation) as error:
                error.execution = NOT_EXECUTED
                raise
        correlation = self._next_correlation
        self._next_correlation += 1
        self._requests[correlation] = _Request(opcode, length)
        try:
            frame = encode_frame(opcode, body, correlation=correlation, microseconds=deadline.microseconds())
            self._write(frame, deadline)
        except BaseException:
            del self._requests[correlation]
            raise
        return correlation

    def receive(self, correlation: int, deadline: Deadline) -> Frame:
        """The reply to a request; other replies that come are kept for those who ask for them."""
        request = self._requests[correlation]
        try:
            while request.reply is None:
                self._receive(deadline)
        except BaseException:
            request.abandoned = True
            raise
        del self._requests[correlation]
        self._leave_if_done()
        return request.reply

    def _leave_if_done(self) -> None:
        """Closes a connection that the server is leaving, as soon as nobody waits for a reply on it."""
        if self._going_away and all(request.abandoned for request in self._requests.values()):
            self.close()

    def _is_full(self, length: int) -> bool:
        waiting = [request.length for request in self._requests.values() if request.reply is None]
        too_many = len(waiting) >= self.welcome.requests_in_flight_max
        return bool(waiting) and (too_many or sum(waiting) + length > self.welcome.bytes_in_flight_max)

    # The handshake

    def _connect(self, address: Address, deadline: Deadline) -> socket.socket:
        try:
            if isinstance(address, str):
                connected = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
                try:
                    connected.settimeout(deadline.remaining())
                    connected.connect(address)
                except BaseException:
                    connected.close()
                    raise
                return connected
            connected = socket.create_connection(address, timeout=deadline.remaining())
            connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return connected
        except OSError as error:
            raise ConnectError(f"{self._name}: {error}", execution=NOT_EXECUTED, retryable=True) from error

    def _shake_hands(self, hello: Hello, deadline: Deadline) -> Welcome:
        try:
            self._write(PREFACE + encode_frame(Opcode.hello, hello.encode()), deadline)
            frame = self._first_frame(deadline)
            reply = decode_reply(frame)
        except DeadlinePassed as error:
            message = f"{self._name}: no answer to the handshake in time; is it a Mana ledger?"
            raise DeadlinePassed(message, execution=NOT_EXECUTED, retryable=True) from error
        except ConnectionLost as error:
            message = f"{self._name}: closed during the handshake; is it a Mana ledger?"
            # What a server has against a certificate is its first answer: in TLS 1.3 the client's side is done by then.
            refused = isinstance(error.__cause__, ssl.SSLError)
            raise ConnectError(
                error.message if refused else message, execution=NOT_EXECUTED, retryable=not refused
            ) from error
        except ProtocolError as error:
            message = f"{self._name}: {error.message}"
            raise ConnectError(message, execution=NOT_EXECUTED, status=error.status.name) from error
        if isinstance(reply, Welcome):
            if hello.ledger not in (0, reply.ledger):
                raise ConnectError(f"{self._name}: ledger {reply.ledger}", execution=NOT_EXECUTED, status="wrongLedger")
            return reply
        text = reply.text if isinstance(reply, ErrorBody) else f"opcode {frame.opcode:#04x} instead of a welcome"
        raise ConnectError(
            f"{self._name}: {text}",
            execution=NOT_EXECUTED,
            status=str(name_of(Status, frame.status)),
            retryable=frame.retryable,
            retry_after=frame.microseconds / 1_000_000,
        )

    def _first_frame(self, deadline: Deadline) -> Frame:
        received = b""
        while len(received) < len(PREFACE) and PREFACE.startswith(received):
            received += self._read(deadline)
        if not received.startswith(PREFACE):
            raise ConnectError(_not_a_ledger(self._name, received), execution=NOT_EXECUTED)
        frames = self._reader.feed(received[len(PREFACE) :])
        while not frames:
            frames = self._reader.feed(self._read(deadline))
        for early in frames[1:]:
            self._accept(early)
        return frames[0]

    # Bytes out and in

    def _write(self, data: bytes, deadline: Deadline) -> None:
        """Hands over all bytes or raises, not executed: a server cannot execute a part of a frame."""
        sent = 0
        view = memoryview(data)
        try:
            while sent < len(data):
                left = deadline.remaining()
                if left == 0.0:
                    raise socket.timeout("timed out")
                self._socket.settimeout(left)
                sent += self._socket.send(view[sent:])
        except socket.timeout as error:
            # A record that TLS has begun would be sent before anything else, and its request was said to be given up.
            if sent or isinstance(self._socket, ssl.SSLSocket):
                self.close()
            message = f"{self._name}: the request could not be sent in time"
            raise DeadlinePassed(message, execution=NOT_EXECUTED, retryable=True) from error
        except OSError as error:
            self.close()
            raise ConnectionLost(f"{self._name}: {error}", execution=NOT_EXECUTED, retryable=True) from error

    def _read(self, deadline: Deadline) -> bytes:
        left = deadline.remaining()
        if left == 0.0:
            raise DeadlinePassed("no reply in time", execution=UNKNOWN, retryable=True)
        try:
            self._socket.settimeout(left)
            data = self._socket.recv(_RECEIVE_BYTES)
        except socket.timeout as error:
            raise DeadlinePassed("no reply in time", execution=UNKNOWN, retryable=True) from error
        except OSError as error:
            self.close()
            raise ConnectionLost(f"{self._name}: {explained(error)}", execution=UNKNOWN, retryable=True) from error
        if not data:
            self.close()
            message = f"{self._name}: the server closed the connection"
            raise ConnectionLost(message, execution=UNKNOWN, retryable=True)
        return data

    def _receive(self, deadline: Deadline) -> None:
        """Waits for some bytes and accepts the frames that they complete."""
        if self._socket.fileno() < 0:
            raise ConnectionLost(f"{self._name}: the connection is closed", execution=UNKNOWN, retryable=True)
        self._feed(self._read(deadline))

    def _receive_what_is_there(self) -> None:
        self._socket.settimeout(0)
        try:
            data = self._socket.recv(_RECEIVE_BYTES)
        except (BlockingIOError, InterruptedError, ssl.SSLWantReadError):
            return
        except OSError as error:
            raise ConnectionLost(str(error), execution=UNKNOWN, retryable=True) from error
        if not data:
            raise ConnectionLost("the server closed the connection", execution=UNKNOWN, retryable=True)
        self._feed(data)

    def _feed(self, data: bytes) -> None:
        try:
            for frame in self._reader.feed(data):
                self._accept(frame)
        except ProtocolError as error:
            self.close()
            raise ProtocolViolation(error.message, execution=UNKNOWN, status=error.status.name) from error

    def _accept(self, frame: Frame) -> None:
        if frame.opcode == Opcode.goAway:
            self._accept_go_away(frame)
            return
        request = self._requests.get(frame.correlation)
        if request is None or frame.opcode != request.opcode | REPLY_BIT:
            self.close()
            message = f"a reply of opcode {frame.opcode:#04x} to no request, correlation {frame.correlation}"
            raise ProtocolViolation(message, execution=UNKNOWN)
        request.reply = frame
        if request.abandoned:
            del self._requests[frame.correlation]

    def _accept_go_away(self, frame: Frame) -> None:
        """After ``shuttingDown`` what was received is still answered; after anything else nothing is."""
        self._going_away = True
        if frame.status == Status.shuttingDown:
            return
        reason = decode_reply(frame)
        self.close()
        raise ConnectionLost(
            reason.text if isinstance(reason, ErrorBody) else "",
            execution=UNKNOWN,
            status=str(name_of(Status, frame.status)),
            retryable=frame.retryable,
            retry_after=frame.microseconds / 1_000_000,
        )


def hello_of(name: str, token: Optional[str], ledger: int, instance: int) -> Hello:
    """The ``hello`` of a client."""
    extensions = [Extension(ExtensionKind.clientName, name.encode("utf-8"))]
    if token is not None:
        extensions.append(Extension(ExtensionKind.token, token.encode("utf-8")))
    return Hello(ledger=ledger, instance=instance & U128_MAX, extensions=tuple(extensions))


def _not_a_ledger(name: str, received: bytes) -> str:
    line = received.split(b"\r\n")[0][:60]
    if received.startswith(b"HTTP/"):
        return f"{name}: not a Mana ledger but an HTTP server, which says {line.decode('latin-1')!r}"
    if received[:1] in (b"\x15", b"\x16") and received[1:2] == b"\x03":
        return f"{name}: not a Mana ledger in the clear but something that speaks TLS"
    return f"{name}: not a Mana ledger; its first bytes are {received[:16].hex(' ')}"
