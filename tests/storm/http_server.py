"""A small HTTP/1.1 server on asyncio: enough for libcurl, and able to notice that a caller has left."""

import asyncio

REASONS = {200: 'OK', 204: 'No Content', 400: 'Bad Request', 409: 'Conflict', 429: 'Too Many Requests',
           500: 'Internal Server Error', 503: 'Service Unavailable'}
BODY_BYTES_MAX = 4 * 1024 * 1024


class Request:
    def __init__(self, head, reader):
        first, *lines = head.decode('latin-1').rstrip('\r\n').split('\r\n')
        self.method, self.path, _ = first.split(' ', 2)
        self.headers = {name.strip().lower(): value.strip() for name, _, value in
                        (line.partition(':') for line in lines)}
        self.reader, self.body, self.is_left = reader, b'', False

    async def wait(self, seconds):
        """Waits so long; True when the caller has left meanwhile."""
        try:
            self.is_left = not await asyncio.wait_for(self.reader.read(1), seconds)
        except asyncio.TimeoutError:
            pass
        except OSError:
            self.is_left = True
        return self.is_left


async def serve(host, port, answer):
    """`answer` is a coroutine function from Request to (status, headers, body), to a coroutine function that writes the
    whole answer to a writer and says whether the connection is still of use, or to None to hang up."""

    async def converse(reader, writer):
        try:
            while await exchange(reader, writer, answer):
                pass
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError):
            pass
        finally:
            writer.close()

    return await asyncio.start_server(converse, host, port, backlog=1024)


async def exchange(reader, writer, answer):
    """One request and its answer; is the connection still of use?"""
    request = Request(await reader.readuntil(b'\r\n\r\n'), reader)
    n = int(request.headers.get('content-length', 0))
    if n > BODY_BYTES_MAX:
        return False
    request.body = await reader.readexactly(n)
    said = await answer(request)
    if said is None or request.is_left:
        return False
    if callable(said):
        return await said(writer)
    status, headers, body = said
    lines = [f'HTTP/1.1 {status} {REASONS[status]}', f'Content-Length: {len(body)}',
             'Content-Type: application/json', *(f'{name}: {value}' for name, value in headers.items()), '', '']
    writer.write('\r\n'.join(lines).encode() + body)
    await writer.drain()
    return True
