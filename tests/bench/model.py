"""A language model and a chat platform for the benchmarks, in a process of their own: Chat Completions as a stream, a
lookup, a place to post replies. What they saw is a journal, in the seconds of the monotonic clock that all processes
share.

usage: model.py PORT_FILE

    POST /v1/chat/completions    answers after `first_s`, one word each 1/`per_s` seconds, `words` in all
    GET  /contact/...            the lookup, after `lookup_s`
    POST /reply                  a reply; noted
    POST /mood                   changes the figures above; {"is_down": true} answers everything of the model 503
    GET  /journal                {"calls": [...], "lookups": [...], "replies": [...]}
    GET  /journal/N              the same, once there are N replies: nobody has to ask again and again"""

import asyncio
import json
import pathlib
import select
import selectors
import signal
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / 'storm'))
from http_server import serve  # noqa: E402

HEAD = b'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n'


class ExactSelector(selectors.EpollSelector):
    """epoll counts in whole milliseconds, and a model that is late by one would pass for a slow queue."""

    def select(self, timeout=None):
        if timeout is not None and timeout > 0:
            select.select([self.fileno()], [], [], timeout)
            timeout = 0
        return super().select(timeout)


class Model:
    def __init__(self):
        self.mood = {'first_s': 0.0, 'per_s': 0, 'words': 1, 'lookup_s': 0.0, 'is_down': False}
        self.calls, self.lookups, self.replies = [], [], []
        self.replied = asyncio.Condition()

    async def answer(self, request):
        if request.path.startswith('/journal'):
            return await self.tell(int(request.path.partition('/journal/')[2] or 0))
        if request.path == '/mood':
            self.mood.update(json.loads(request.body))
            return 200, {}, b'{}'
        if request.path == '/reply':
            self.replies.append({'at': time.monotonic(), **json.loads(request.body)})
            async with self.replied:
                self.replied.notify_all()
            return 200, {}, b'{}'
        if request.path.startswith('/contact/'):
            return await self.look_up(request)
        return await self.complete(request)

    async def tell(self, n_replies):
        async with self.replied:
            await self.replied.wait_for(lambda: len(self.replies) >= n_replies)
        return 200, {}, json.dumps({'calls': self.calls, 'lookups': self.lookups, 'replies': self.replies}).encode()

    async def look_up(self, request):
        self.lookups.append({'at': time.monotonic(), 'path': request.path})
        if await request.wait(self.mood['lookup_s']):
            return None
        return 200, {}, json.dumps({'name': 'Maria', 'path': request.path}).encode()

    async def complete(self, request):
        messages = json.loads(request.body)['messages']
        call = {'began': time.monotonic(), 'text': messages[-1]['content'], 'words': 0, 'ended': None, 'status': 200,
                'in_bytes': len(request.body), 'n_messages': len(messages)}
        self.calls.append(call)
        if self.mood['is_down']:
            call['status'], call['ended'] = 503, time.monotonic()
            return 503, {}, b'{"error": {"message": "down", "type": "server_error", "code": null}}'
        return lambda writer: self.stream(request, call, writer)

    async def stream(self, request, call, writer):
        """False: the connection is closed after each."""
        mood, n = dict(self.mood), 0
        try:
            writer.write(HEAD)
            while not request.is_left and n < mood['words']:
                due = call['began'] + mood['first_s'] + (n / mood['per_s'] if mood['per_s'] else 0)
                if due > time.monotonic() and await request.wait(due - time.monotonic()):
                    break
                writer.write(chunk({'content': f'word{n} '}))
                n += 1
                await writer.drain()
            if not request.is_left:
                writer.write(chunk({}, 'stop') + usage(call, n) + b'data: [DONE]\n\n')
                await writer.drain()
        except OSError:
            request.is_left = True
        call['words'], call['is_aborted'], call['ended'] = n, request.is_left, time.monotonic()
        return False


def chunk(delta, finish=None):
    body = {'id': 'chatcmpl-bench', 'object': 'chat.completion.chunk',
            'choices': [{'index': 0, 'delta': delta, 'finish_reason': finish}]}
    return b'data: ' + json.dumps(body).encode() + b'\n\n'


def usage(call, n):
    tokens = {'prompt_tokens': call['in_bytes'] // 4, 'completion_tokens': n}
    body = {'id': 'chatcmpl-bench', 'object': 'chat.completion.chunk', 'choices': [],
            'usage': {**tokens, 'total_tokens': sum(tokens.values())}}
    return b'data: ' + json.dumps(body).encode() + b'\n\n'


async def main(port_file):
    over = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, over.set)
    server = await serve('127.0.0.1', 0, Model().answer)
    path = pathlib.Path(port_file)
    path.with_suffix('.new').write_text(str(server.sockets[0].getsockname()[1]))
    path.with_suffix('.new').rename(path)
    await over.wait()
    server.close()


if __name__ == '__main__':
    asyncio.set_event_loop(asyncio.SelectorEventLoop(ExactSelector()))
    asyncio.get_event_loop().run_until_complete(main(sys.argv[1]))
