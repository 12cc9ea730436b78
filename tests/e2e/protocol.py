"""A client of lull/1, written from common/PROTOCOL.md alone: nothing here has seen lull's C."""

import collections
import itertools
import json
import os
import threading
import time

import msgpack
import zmq

VERSION = 1
(MESSAGES, ACK, HELLO, WELCOME, ALIVE, RUN, ANSWERED, GO, STOP, RESULT, SETTLED, CANCEL, ERROR, POSTED,
 TALLY, HEARD, EVENTS, BUNDLE) = range(1, 19)
DONE, FAILED, FAILED_FOR_GOOD, BUSY, HANDED_BACK = range(5)
# What an item of EVENTS is.
WHATS = ('message', 'typing', 'paused', 'person', 'closed', 'resume', 'edit', 'delete', 'alias', 'shown')

# How long a test waits for what should come at once: long enough for a machine that does ten other things.
PATIENCE = 20.0


def encode(kind, array):
    return bytes([VERSION * 32 + kind]) + msgpack.packb(array, use_bin_type=True)


def decode(frame):
    """(type, array) of a frame."""
    assert frame and frame[0] // 32 == VERSION, f'not a frame of lull/1: {frame[:40]!r}'
    return frame[0] % 32, msgpack.unpackb(frame[1:], raw=False, strict_map_key=False)


def text(value):
    return value.decode() if isinstance(value, bytes) else value


def message(tenant, thread, words=None, id=None, channel=None, at=None, sender=None, kind=None, data=None, to=None,
            url=None):
    """One message as MESSAGES carries it. `data` is any value that JSON can say, `to` a name or a dict of its parts."""
    body = [at, sender, kind, words, None if data is None else json.dumps(data)]
    if to is not None or url is not None:
        body += [json.dumps(to) if isinstance(to, dict) else to, url]
    return [tenant, thread, id, channel, msgpack.packb(body, use_bin_type=True)]


def event(tenant, thread, what='message', *words, aliases=(), number=0, **keys):
    """One item as EVENTS carries it: `what` is one of WHATS, or a number; the rest as for message()."""
    what = WHATS.index(what) if what in WHATS else what
    return [*message(tenant, thread, *words, **keys), what, list(aliases), number]


class Connection:
    """One DEALER."""

    def __init__(self, endpoint):
        self.socket = zmq.Context.instance().socket(zmq.DEALER)
        self.socket.linger = 0
        self.socket.connect(endpoint)

    def send(self, frame):
        self.socket.send(frame)

    def receive(self, deadline=PATIENCE):
        """The next frame, or None."""
        return self.socket.recv() if self.socket.poll(max(0, deadline) * 1000) else None

    def close(self):
        self.socket.close()


Ack = collections.namedtuple('Ack', 'accepted duplicates refused')


class Producer(Connection):
    """Hands messages over, and sends again what is not acknowledged."""

    requests = itertools.count(1)

    def send_messages(self, messages):
        """Items of message(), of event(), or both."""
        request = next(self.requests)
        kind = EVENTS if any(len(item) > 5 for item in messages) else MESSAGES
        self.send(encode(kind, [request, messages]))
        return request

    def await_ack(self, request, deadline=PATIENCE):
        """The Ack, or None."""
        end = time.monotonic() + deadline
        while (frame := self.receive(end - time.monotonic())) is not None:
            kind, array = decode(frame)
            assert kind == ACK, f'an answer of type {kind}: {array}'
            if array[0] == request:
                return Ack(array[1], array[2], {index: text(code) for index, code, _ in array[3]})
        return None

    def say(self, *messages):
        ack = self.await_ack(self.send_messages(list(messages)))
        assert ack is not None, 'the broker acknowledged nothing'
        return ack

    def say_again(self, messages, deadline=PATIENCE):
        """As a real producer does it: the same frame again each second, until there is an Ack."""
        end = time.monotonic() + deadline
        while time.monotonic() < end:
            ack = self.await_ack(self.send_messages(messages), 1.0)
            if ack is not None:
                return ack
        raise AssertionError('the broker acknowledged nothing, however often it was asked')


class Stats(Connection):
    """Asks questions at the stats socket."""

    def ask(self, cmd, **keys):
        request = os.urandom(4).hex()
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            self.send(json.dumps({'cmd': cmd, 'request': request, **keys}).encode())
            while (frame := self.receive(1.0)) is not None:
                answer = json.loads(frame)
                if answer.get('request') == request:
                    return answer
        raise AssertionError(f'no answer to {cmd}')


class Run:
    """A run as the worker got it."""

    def __init__(self, array):
        self.at = time.monotonic()
        (self.fence, batch, tenant, thread, self.attempt, self.answer, self.posted, messages) = array[:8]
        self.doubt = array[8]
        self.is_record = len(array) > 10 and array[10] == 1
        self.batch, self.tenant, self.thread = text(batch), text(tenant), text(thread)
        self.ids = [text(id) for id, _, _, _ in messages]
        self.accepted = [accepted for _, accepted, _, _ in messages]
        self.channels = [text(channel) for _, _, channel, _ in messages]
        self.bodies = [msgpack.unpackb(body, raw=False) for _, _, _, body in messages]
        self.texts = [text(body[3]) for body in self.bodies]


class Worker(threading.Thread):
    """A worker: gives credit, takes runs, proves life. `on_run` is called with the worker and each Run as it comes, in
    the worker's own thread. With `bundles` it is one of lull/1.3: what it says at once goes in one frame."""

    def __init__(self, endpoint, slots=100, on_run=None, bundles=None):
        super().__init__(daemon=True)
        self.bundles, self.n_bundles = bundles, 0
        self.endpoint, self.slots, self.on_run = endpoint, slots, on_run
        self.uuid = os.urandom(16)
        self.incarnation = int(time.time() * 1000)
        self.runs, self.errors, self.cancelled, self.n_settled = [], [], [], 0
        self.go, self.stop, self.settled, self.held = set(), {}, {}, {}
        self.welcome = None
        self.is_silent = False
        self.beat = self.heard = 0
        self._outbox, self._is_over = collections.deque(), threading.Event()
        self._alive_at = self._hello_at = 0.0
        self.start()

    def run(self):
        connection = Connection(self.endpoint)
        while not self._is_over.is_set():
            self._speak()
            self._send(connection)
            frame = connection.receive(0.01)
            if frame is not None:
                self._take(frame)
        connection.close()

    def _send(self, connection):
        frames = []
        while self._outbox:
            frames.append(self._outbox.popleft())
        if self.bundles and self.welcome and self.welcome[4:] == [1] and len(frames) > 1:
            frames = [encode(BUNDLE, [frames])]
        for frame in frames:
            connection.send(frame)

    def _take(self, frame):
        kind, array = decode(frame)
        if kind != BUNDLE:
            self._on_frame(kind, array)
            return
        assert self.bundles, 'a bundle, to a worker of before lull/1.3'
        self.n_bundles += 1
        for single in array[0]:
            self._on_frame(*decode(single))

    def _speak(self):
        now, held = time.monotonic(), [[fence, batch] for fence, batch in list(self.held.items())]
        if self.welcome is None and now >= self._hello_at:
            self._hello_at = now + 1.0
            self._outbox.append(encode(HELLO, [self.uuid, self.incarnation, self.slots, 'test', held,
                                               *([] if self.bundles is None else [self.bundles])]))
        elif self.welcome is not None and now >= self._alive_at and not self.is_silent:
            self._alive_at = now + self.welcome[2] / 1000
            self.beat += 1
            self._outbox.append(encode(ALIVE, [self.slots, held, self.beat]))

    def _on_frame(self, kind, array):
        if kind == WELCOME:
            self.welcome = array
        elif kind == HEARD:
            self.heard = array[0]
        elif kind == RUN:
            run = Run(array)
            self.held[run.fence] = run.batch
            self.runs.append(run)
            if self.on_run:
                self.on_run(self, run)
        elif kind == GO:
            self.go.add(array[0])
        elif kind == STOP:
            self.stop[array[0]] = text(array[1])
            self.held.pop(array[0], None)
        elif kind == SETTLED:
            self.settled[array[0]] = array[1]
            self.n_settled += 1
        elif kind == CANCEL:
            self.cancelled.append((array[0], text(array[1])))
            self.held.pop(array[0], None)
        elif kind == ERROR:
            self.errors.append(text(array[0]))
            if text(array[0]) == 'hello_first':
                self.welcome = None

    def set_slots(self, slots):
        self.slots, self._alive_at = slots, 0.0

    def answered(self, run, *replies):
        answer = msgpack.packb(list(replies), use_bin_type=True)
        self._outbox.append(encode(ANSWERED, [run.fence, run.batch, answer]))

    def result(self, run, outcome=DONE, code=None, why=None, retry_after=None, posted=0, more=()):
        """`more`: what lull/1.1 added, as far as it is said."""
        self.held.pop(run.fence, None)
        self._outbox.append(encode(RESULT, [run.fence, run.batch, outcome, code, why, retry_after, posted, 0, 0,
                                            *more]))

    def posted(self, run, n):
        self._outbox.append(encode(POSTED, [run.fence, run.batch, n]))

    def tally(self, tenant, *items):
        self._outbox.append(encode(TALLY, [tenant, items]))

    def close(self):
        self._is_over.set()
        self.join()
