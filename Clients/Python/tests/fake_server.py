"""A server that says what a test tells it to: one script a connection, each in its own thread."""

from __future__ import annotations

import socket
import threading
from types import TracebackType
from typing import Callable, List, Optional, Type

import locate_package
from mana_ledger.protocol import (
    PREFACE,
    BatchReply,
    ErrorBody,
    Frame,
    FrameReader,
    Opcode,
    Result,
    Status,
    Welcome,
    encode_frame,
)

assert locate_package.VECTORS

WELCOME = Welcome(
    shard_count=1,
    ledger=77,
    instance=5,
    frame_bytes_max=1_048_576,
    items_max=8_190,
    requests_in_flight_max=1_024,
    bytes_in_flight_max=8_388_608,
    shard_hash_seed=1,
    time=0,
    page_max=1_000,
)

#: Longer than any step of a test takes; a test that waits so long has failed.
PATIENCE = 20.0


class Peer:
    """The server's end of a connection."""

    def __init__(self, connected: socket.socket) -> None:
        self.socket = connected
        self._reader = FrameReader()
        self._frames: List[Frame] = []

    def receive(self, count: int) -> bytes:
        """So many bytes; fewer when the client is gone."""
        data = b""
        while len(data) < count:
            more = self.socket.recv(count - len(data))
            if not more:
                break
            data += more
        return data

    def frame(self) -> Frame:
        """The client's next frame."""
        while not self._frames:
            data = self.socket.recv(65_536)
            if not data:
                raise ConnectionError("the client is gone")
            self._frames += self._reader.feed(data)
        return self._frames.pop(0)

    def shake_hands(self, welcome: Welcome = WELCOME) -> Frame:
        """Returns the client's hello after answering it."""
        assert self.receive(8) == PREFACE
        hello = self.frame()
        self.send(PREFACE + encode_frame(Opcode.welcome, welcome.encode()))
        return hello

    def send(self, data: bytes) -> None:
        """Any bytes."""
        self.socket.sendall(data)

    def reply(self, request: Frame, body: bytes, status: int = 0, flags: int = 0, microseconds: int = 0) -> None:
        """The reply to a request."""
        opcode, correlation = request.opcode | 0x80, request.correlation
        frame = encode_frame(
            opcode, body, correlation=correlation, status=status, flags=flags, microseconds=microseconds
        )
        self.send(frame)

    def results(self, request: Frame, *results: Result) -> None:
        """The reply to a posting call."""
        self.reply(request, BatchReply.of(results).encode())

    def refuse(self, request: Frame, status: Status, text: str, **header: int) -> None:
        """A request error."""
        self.reply(request, ErrorBody(text).encode(), status=status, **header)

    def until_gone(self) -> None:
        """Waits until the client closes."""
        while self.socket.recv(65_536):
            pass


Script = Callable[[Peer], None]


class FakeServer:
    """Listens on a free port and plays one script a connection, in order. Errors of a script fail the test."""

    def __init__(self, *scripts: Script) -> None:
        self._scripts = scripts
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(PATIENCE)
        self.port: int = self._listener.getsockname()[1]
        self.errors: List[BaseException] = []
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> FakeServer:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: Optional[Type[BaseException]],
        error: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        self._thread.join(PATIENCE)
        self._listener.close()
        if kind is None and self.errors:
            raise self.errors[0]

    def _run(self) -> None:
        for script in self._scripts:
            try:
                connected, _ = self._listener.accept()
                with connected:
                    connected.settimeout(PATIENCE)
                    script(Peer(connected))
            except BaseException as error:  # noqa: B902 - handed to the test's thread, which raises it
                self.errors.append(error)
                return
