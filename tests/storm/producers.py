"""One producer: says numbered messages to its threads in bursts, sends again what was not acknowledged, and writes down
each acknowledgement. A thread has at most one frame without an acknowledgement, so the order is known. SIGTERM: it says
nothing new, has the last acknowledged, and ends.

usage: producers.py wire|http|hook ADDRESS LOG NAME THREADS RATE SEED        RATE: messages a second"""

import http.client
import itertools
import json
import pathlib
import random
import signal
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / 'e2e'))
from ledger import HEADERS, Log  # noqa: E402

TENANT, CHANNEL = 'acme', 'own'
# One thread in so many has no channel: its batches end with the handler's answer.
SILENT_EVERY = 5


class Refused(Exception):
    pass


class Wire:
    """The broker's ingest socket."""

    def __init__(self, endpoint):
        import protocol
        self.protocol, self.producer = protocol, protocol.Producer(endpoint)

    def say(self, messages):
        """(the indices refused, whether the door spoke at all)"""
        frame = [self.protocol.message(TENANT, said['thread'], said['text'], said['id'], said.get('channel'))
                 for said in messages]
        ack = self.producer.await_ack(self.producer.send_messages(frame), 1.0)
        return None if ack is None else ack.refused


class Http:
    """POST /v1/messages of lull-ingest."""

    def __init__(self, address):
        self.address, self.connection = address, None

    def say(self, messages):
        try:
            return self._say(json.dumps(messages).encode())
        except (OSError, http.client.HTTPException):
            self.connection = None
            return None

    def _say(self, body):
        if self.connection is None:
            self.connection = http.client.HTTPConnection(self.address, timeout=8)
        self.connection.request('POST', '/v1/messages', body, HEADERS)
        answer = self.connection.getresponse()
        text = answer.read()
        if answer.status == 202:
            return {refusal['index']: refusal['code'] for refusal in json.loads(text)['refused']}
        if answer.status in (429, 503, 507):
            return None
        raise Refused(f'status {answer.status}: {text[:300]!r}')


class Hook:
    """Webhooks, a message each; behind one that was not acknowledged none of its burst is sent."""

    def __init__(self, address, log):
        self.address, self.log, self.connection = address, log, None

    def say(self, messages):
        for n, said in enumerate(messages):
            at = time.monotonic()
            status = self._post({'thread': said['thread'], 'id': said['id'], 'text': said['text']})
            self.log.write('took', at, round(time.monotonic() - at, 4), status)
            if status != 200:
                return {left: str(status) for left in range(n, len(messages))}
        return {}

    def _post(self, body):
        """The status; 0 = the other side is not there, or left."""
        try:
            if self.connection is None:
                self.connection = http.client.HTTPConnection(self.address, timeout=8)
            self.connection.request('POST', f'/hooks/{TENANT}/{CHANNEL}', json.dumps(body).encode(), HEADERS)
            answer = self.connection.getresponse()
            text = answer.read()
        except (OSError, http.client.HTTPException):
            self.connection = None
            return 0
        if answer.status not in (200, 503):
            raise Refused(f'status {answer.status}: {text[:300]!r}')
        return answer.status


class Talk:
    """The threads of a producer, and what is to be said next in each."""

    def __init__(self, name, n_threads, seed):
        self.name, self.dice = name, random.Random(seed)
        self.numbers = [itertools.count(1) for _ in range(n_threads)]

    def burst(self):
        """Some messages for some threads."""
        messages = []
        for at in self.dice.sample(range(len(self.numbers)), self.dice.randint(1, 6)):
            thread = f'{self.name}.{at}'
            for n in itertools.islice(self.numbers[at], self.dice.randint(1, 4)):
                said = {'tenant': TENANT, 'thread': thread, 'id': f'{thread}:{n}', 'text': f'm{n}'}
                if at % SILENT_EVERY:
                    said['channel'] = CHANNEL
                messages.append(said)
        self.dice.shuffle(messages)
        return sorted(messages, key=lambda said: int(said['id'].rpartition(':')[2]))


def acknowledge(log, messages, door):
    threads = {}
    for said in messages:
        threads.setdefault(said['thread'], []).append(int(said['id'].rpartition(':')[2]))
    for thread, numbers in threads.items():
        log.write('ack', time.monotonic(), thread, numbers, door)
    log.flush()


def say_until_acknowledged(door, messages, log, kind, pause):
    """What was refused is said again, for as long as it takes; the number of times nothing was heard."""
    n_unheard, last = 0, None
    while messages:
        refused = door.say(messages)
        if refused is None:
            n_unheard += 1
            time.sleep(pause)
            continue
        acknowledge(log, [said for n, said in enumerate(messages) if n not in refused], kind)
        if refused and set(refused.values()) != last:
            last = set(refused.values())
            print(f'refused: {sorted(last)}', flush=True)
        messages = [messages[n] for n in sorted(refused)]
        if refused:
            time.sleep(pause)
    return n_unheard


def main(kind, address, path, name, n_threads, rate, seed):
    over = []
    signal.signal(signal.SIGTERM, lambda *_: over.append(True))
    talk, log = Talk(name, int(n_threads), int(seed)), Log(path)
    door = Hook(address, log) if kind == 'hook' else (Wire if kind == 'wire' else Http)(address)
    due = time.monotonic()
    while not over:
        messages = talk.burst()
        say_until_acknowledged(door, messages, log, kind, 0.1)
        # Bursts, with pauses between them that make up the rate.
        due = max(due, time.monotonic() - 1.0) + talk.dice.expovariate(1.0) * len(messages) / float(rate)
        while not over and (left := due - time.monotonic()) > 0:
            time.sleep(min(left, 0.2))


if __name__ == '__main__':
    main(*sys.argv[1:])
