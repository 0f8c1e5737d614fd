"""HTTP/1.1 with keep-alive at little cost, for load in tests: both ends read only what settled, DTM and these tests send
send (bodies with Content-Length, or in chunks)."""
import asyncio


def split_message(buffer):
    """(start line, body, rest) of the first whole message in the bytes; None where it is not whole yet."""
    head_end = buffer.find(b"\r\n\r\n")
    if head_end < 0:
        return None
    line = buffer[:buffer.index(b"\r\n")].decode()
    if buffer.lower().find(b"\r\ntransfer-encoding: chunked", 0, head_end + 2) >= 0:
        chunks = split_chunks(buffer[head_end + 4:])
        return chunks and (line, *chunks)
    at = buffer.lower().find(b"\r\ncontent-length:", 0, head_end + 2)
    length = 0
    if at >= 0:
        length = int(buffer[at + 17:buffer.index(b"\r\n", at + 17)])
    end = head_end + 4 + length
    if len(buffer) < end:
        return None
    return line, buffer[head_end + 4:end], buffer[end:]


def split_chunks(buffer):
    """(body, rest) of a whole body in chunks; None where it is not whole yet."""
    body = b""
    while (line_end := buffer.find(b"\r\n")) >= 0:
        length = int(buffer[:line_end], 16)
        end = line_end + 2 + length
        if len(buffer) < end + 2:
            return None
        body += buffer[line_end + 2:end]
        buffer = buffer[end + 2:]
        if length == 0:
            return body, buffer
    return None


class Answering(asyncio.Protocol):
    """The server's end. handle(connection, method, target, body) must lead to one answer() for each request."""

    def __init__(self, handle, opened=None, closed=None):
        self.handle, self.opened, self.closed = handle, opened, closed
        self.buffer = b""

    def connection_made(self, transport):
        self.transport = transport
        if self.opened:
            self.opened(self)

    def connection_lost(self, error):
        if self.closed:
            self.closed(self)

    def data_received(self, data):
        self.buffer += data
        while (message := split_message(self.buffer)) is not None:
            line, body, self.buffer = message
            method, target, _ = line.split(" ")
            self.handle(self, method, target, body)

    def answer(self, status, body=b""):
        if not self.transport.is_closing():
            self.transport.write(b"HTTP/1.1 %d X\r\nContent-Length: %d\r\n\r\n%s" % (status, len(body), body))


class Asking(asyncio.Protocol):
    """The client's end: one request at a time. ConnectionError where the connection ends before the answer."""

    def __init__(self):
        self.buffer = b""
        self.waiting = None
        self.lost = False

    @classmethod
    async def connect(cls, port):
        _, self = await asyncio.get_running_loop().create_connection(cls, "127.0.0.1", port)
        return self

    def connection_made(self, transport):
        self.transport = transport

    def connection_lost(self, error):
        self.lost = True
        if self.waiting and not self.waiting.done():
            self.waiting.set_exception(ConnectionResetError("the connection ended"))

    def data_received(self, data):
        self.buffer += data
        message = split_message(self.buffer)
        if message is not None and self.waiting and not self.waiting.done():
            line, body, self.buffer = message
            self.waiting.set_result((int(line.split(" ")[1]), body))

    async def ask(self, method, target, body=b""):
        """(HTTP status, body)."""
        if self.lost:
            raise ConnectionResetError("the connection ended")
        self.waiting = asyncio.get_running_loop().create_future()
        self.transport.write(b"%s %s HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
                             b"Content-Length: %d\r\n\r\n%s" % (method.encode(), target.encode(), len(body), body))
        return await self.waiting

    def close(self):
        self.transport.close()
