"""Files that are made for one request and too large for memory.

A response that streams outlives the request's transaction, and with it the scope. So what people take away is written
to an unnamed file first, page by page and inside the scope, and only the file streams.
"""

from __future__ import annotations

import asyncio
import tempfile
from typing import IO

from django.core.handlers.asgi import ASGIRequest
from django.http import FileResponse, HttpRequest, StreamingHttpResponse

_CHUNK = 64 * 1024


def new_file() -> IO[bytes]:
    """Has no name and is gone when it is closed, however the process ends."""
    return tempfile.TemporaryFile()


def download(request: HttpRequest, file: IO[bytes], *, name: str, content_type: str) -> StreamingHttpResponse:
    """The whole file as an attachment, closed with the response. Nothing keeps a copy on its way."""
    file.seek(0)
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    if isinstance(request, ASGIRequest):
        return StreamingHttpResponse(_Chunks(file), content_type=content_type, headers=headers)
    return FileResponse(file, content_type=content_type, headers=headers)


class _Chunks:
    """Django would read a plain file as a whole before it sends the first of it under ASGI."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    def __aiter__(self) -> _Chunks:
        return self

    async def __anext__(self) -> bytes:
        chunk = await asyncio.to_thread(self._file.read, _CHUNK)
        if not chunk:
            raise StopAsyncIteration
        return chunk

    def close(self) -> None:
        """Called by the response, also where nobody read it."""
        self._file.close()
