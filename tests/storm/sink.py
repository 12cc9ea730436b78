"""The handler that answers batches and the channel that replies are posted to, in one process. It is never killed, and
writes down what it saw.

usage: sink.py HOST PORT LOG SEED CALM|WILD"""

import asyncio
import json
import pathlib
import random
import signal
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from http_server import serve  # noqa: E402
from ledger import Log  # noqa: E402

# An id that ends so is refused for good: a dead letter, which must not stand in the way of its thread.
POISON = '13131'


class Moods:
    """How the peers answer: (a share of 1000, status, headers, shortest and longest delay). Status 0 never comes."""

    CALM = {'answer': [(1000, 200, {}, 0.005, 0.1)], 'reply': [(1000, 200, {}, 0.0, 0.01)]}
    WILD = {
        'answer': [(860, 200, {}, 0.005, 0.3), (40, 500, {}, 0, 0.1), (30, 409, {}, 0, 0.1),
                   (20, 429, {'Retry-After': '1'}, 0, 0.1), (10, 0, {}, 30, 30), (40, 200, {}, 1.0, 2.5)],
        'reply': [(950, 200, {}, 0.0, 0.05), (30, 503, {}, 0, 0.05), (20, 200, {}, 0.2, 0.8)],
    }
    # Every call takes its time, so that a stop at random finds it somewhere in a run.
    SLOW = {'answer': [(1000, 200, {}, 0.1, 0.8)], 'reply': [(1000, 200, {}, 0.05, 0.4)]}

    def __init__(self, name, seed):
        self.table, self.dice = getattr(self, name.upper()), random.Random(seed)

    def roll(self, kind):
        at = self.dice.randrange(1000)
        for share, status, headers, low, high in self.table[kind]:
            if at < share:
                return status, headers, self.dice.uniform(low, high)
            at -= share
        raise ValueError(kind)


class Sink:
    def __init__(self, log, moods):
        self.log, self.moods, self.visible = log, moods, set()

    async def answer(self, request):
        """/answer/WORKER or /reply/WORKER"""
        _, door, worker = request.path.split('/')
        began = time.monotonic()
        body = json.loads(request.body)
        return await (self.on_call if door == 'answer' else self.on_post)(request, worker, began, body)

    async def on_call(self, request, worker, began, body):
        ids = [message['id'] for message in body['messages']]
        status, headers, delay = self.moods.roll('answer')
        if any(id.endswith(POISON) for id in ids):
            status, headers, delay = 400, {}, 0.01
        if await request.wait(delay):
            status = 0
        key = request.headers.get('idempotency-key', '').strip('"')
        self.log.write('call', began, time.monotonic(), worker, body['batch'], int(body['fence']), body['thread'], ids,
                       status, key)
        if status == 0:
            return None
        return status, headers, self.replies(body, ids) if status == 200 else b'{"error": "not now"}'

    def replies(self, body, ids):
        said = json.dumps([body['batch'], int(body['fence']), ids], separators=(',', ':'))
        two = self.moods.dice.randrange(10) == 0
        return json.dumps({'replies': [said, said]} if two else {'reply': said}).encode()

    async def on_post(self, request, worker, began, body):
        status, headers, delay = self.moods.roll('reply')
        await request.wait(delay)
        self.log.write('post', began, time.monotonic(), worker, body['batch'], body['index'], body['thread'], status,
                       not request.is_left, json.loads(body['reply']))
        return status, headers, b'{}'


async def main(host, port, path, seed, mood):
    log = Log(path)
    over = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, over.set)
    server = await serve(host, int(port), Sink(log, Moods(mood, int(seed))).answer)
    while not over.is_set():
        log.flush()
        try:
            await asyncio.wait_for(over.wait(), 0.5)
        except asyncio.TimeoutError:
            pass
    server.close()
    log.flush()


if __name__ == '__main__':
    asyncio.run(main(*sys.argv[1:]))
