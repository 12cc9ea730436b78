"""A broker for workers only, in the test's hands: it sends what it is told to, and may be late, silent or wrong."""

import queue
import threading
import time

import msgpack
import zmq

from protocol import (ALIVE, ANSWERED, CANCEL, ERROR, GO, HEARD, HELLO, RESULT, RUN, SETTLED, STOP, WELCOME, decode,
                      encode, message, text)

EPOCH = 7


class Result:
    """A RESULT as it came."""

    def __init__(self, array):
        self.at = time.monotonic()
        self.fence, batch, self.outcome, self.code, self.why, self.retry_after, self.posted = array[:7]
        self.lock_wait_us, self.answering_us = array[7:9]
        self.batch = text(batch)


class FakeBroker:
    """Listens at `endpoint` and welcomes a worker. `hellos`, `alives`, `answered` and `results` hold what came, in
    order. While `is_silent` nothing is answered; `hears`, `says_go` and `settles` tell whether ALIVE, ANSWERED and
    RESULT are. `on_alive` is called with the slots of each ALIVE, before the next frame is looked at."""

    def __init__(self, endpoint, lease=3000, alive=200):
        self.endpoint, self.lease, self.alive = endpoint, lease, alive
        self.hellos, self.alives, self.answered, self.results = [], [], [], []
        self.is_silent, self.hears, self.says_go, self.settles = False, True, True, True
        self.peer = None
        self.on_alive = lambda slots: None
        self._counter = 0
        self._outbox = queue.Queue()
        self._is_over = threading.Event()
        self._socket = zmq.Context.instance().socket(zmq.ROUTER)
        self._socket.linger = 0
        self._socket.sndhwm = self._socket.rcvhwm = 0
        self._socket.bind(endpoint)
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    # -- what the test does

    def run(self, thread='ana', texts=('Oi',), tenant='acme', channel=None, fence=None, batch=None, answer=None,
            posted=0, attempt=1, items=None, record=False):
        """Sends a RUN; its fence. `items`: messages as protocol.message() makes them, in place of `texts`."""
        if fence is None:
            self._counter += 1
            fence = EPOCH * 2**32 + self._counter
        batch = batch or f'{fence:026d}'
        items = items or [message(tenant, thread, words, id=f'{thread}-{n}', sender='someone')
                          for n, words in enumerate(texts)]
        messages = [[id, 1700000000123, channel or of, body] for _, _, id, of, body in items]
        answer = None if answer is None else msgpack.packb(answer, use_bin_type=True)
        more = [0, 0, 1] if record else []
        self.send(RUN, [fence, batch, tenant, thread, attempt, answer, posted, messages, *more])
        return fence

    def go(self, fence):
        self.send(GO, [fence])

    def stop(self, fence):
        self.send(STOP, [fence, 'stale', 'the fence is not the one in force'])

    def cancel(self, fence):
        self.send(CANCEL, [fence, 'cancelled', 'an operator did'])

    def complain(self, code):
        self.send(ERROR, [code, 'a reason'])

    def send(self, kind, array):
        self._outbox.put(encode(kind, array))

    def send_raw(self, frame):
        self._outbox.put(frame)

    def results_of(self, fence):
        return [result for result in list(self.results) if result.fence == fence]

    def close(self):
        self._is_over.set()
        self._thread.join()

    # -- what it does by itself

    def _serve(self):
        while not self._is_over.is_set():
            while not self._outbox.empty() and self.peer:
                self._socket.send_multipart([self.peer, self._outbox.get()])
            if self._socket.poll(5):
                peer, frame = self._socket.recv_multipart()
                self._on_frame(peer, *decode(frame))
        self._socket.close()

    def _on_frame(self, peer, kind, array):
        if kind == HELLO:
            self.hellos.append(array)
            if not self.is_silent:
                self.peer = peer
                self._answer(peer, WELCOME, [EPOCH, self.lease, self.alive, 'fake'])
        elif kind == ALIVE:
            self.alives.append((time.monotonic(), array[0], [fence for fence, _ in array[1]]))
            self.on_alive(array[0])
            if not self.is_silent and self.hears:
                self._answer(peer, HEARD, [array[2]])
        elif kind == ANSWERED:
            self.answered.append((array[0], msgpack.unpackb(array[2], raw=False)))
            if self.says_go and not self.is_silent:
                self._answer(peer, GO, [array[0]])
        elif kind == RESULT:
            self.results.append(Result(array))
            if self.settles and not self.is_silent:
                self._answer(peer, SETTLED, [array[0], 1])

    def _answer(self, peer, kind, array):
        self._socket.send_multipart([peer, encode(kind, array)])
