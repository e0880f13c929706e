"""A WebSocket peer made of a bare TCP socket, which does only what it is told: no pong, no reading, no goodbye."""

from __future__ import annotations

import os
import socket
import struct
from types import TracebackType
from typing import Self

PING, PONG, CLOSE, TEXT = 0x9, 0xA, 0x8, 0x1


class RawPeer:
    """Raises TimeoutError where nothing comes, ConnectionError where the server is gone."""

    def __init__(self, port: int, path: str, *, timeout_s: float = 20.0, receive_buffer: int | None = None) -> None:
        self._socket = socket.socket()
        if receive_buffer is not None:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self._socket.settimeout(timeout_s)
        self._socket.connect(("127.0.0.1", port))
        self._read = b""
        self._upgrade(path)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._socket.close()

    def send(self, opcode: int, payload: bytes = b"") -> None:
        """One masked frame. The mask is zero, which leaves the payload as it is."""
        size = len(payload)
        if size < 126:
            head = struct.pack("!BB", 0x80 | opcode, 0x80 | size)
        elif size < 65_536:
            head = struct.pack("!BBH", 0x80 | opcode, 0x80 | 126, size)
        else:
            head = struct.pack("!BBQ", 0x80 | opcode, 0x80 | 127, size)
        self._socket.sendall(head + bytes(4) + payload)

    def receive(self) -> tuple[int, bytes]:
        """The next frame: its opcode and payload."""
        first, second = self._take(2)
        size = second & 0x7F
        if size >= 126:
            size = int.from_bytes(self._take(2 if size == 126 else 8))
        return first & 0x0F, self._take(size)

    def read_to_the_end(self) -> None:
        """Take what still comes until the server's end of the connection is gone."""
        try:
            while self._socket.recv(1 << 20):
                pass
        except ConnectionError:
            pass

    def wait_at_most(self, timeout_s: float) -> None:
        self._socket.settimeout(timeout_s)

    def _upgrade(self, path: str) -> None:
        key = os.urandom(16).hex()[:22] + "=="
        lines = [
            f"GET {path} HTTP/1.1",
            "Host: localhost",
            "Upgrade: websocket",
            "Connection: Upgrade",
            f"Sec-WebSocket-Key: {key}",
            "Sec-WebSocket-Version: 13",
        ]
        self._socket.sendall("\r\n".join([*lines, "", ""]).encode())
        while b"\r\n\r\n" not in self._read:
            self._fill()
        head, _, self._read = self._read.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 101"), head

    def _take(self, size: int) -> bytes:
        while len(self._read) < size:
            self._fill()
        taken, self._read = self._read[:size], self._read[size:]
        return taken

    def _fill(self) -> None:
        data = self._socket.recv(1 << 16)
        if not data:
            raise ConnectionResetError("the server closed the connection")
        self._read += data
