"""A broker for producers only, in the test's hands: it answers, keeps silent, refuses, or answers nonsense, as told."""

import threading
import time

import msgpack
import zmq

from protocol import ACK, ERROR, EVENTS, MESSAGES, WHATS, decode, encode, text


class Said:
    """One message or event as it arrived. `what` is a name of WHATS."""

    def __init__(self, array):
        self.tenant, self.thread, self.id, self.channel = map(text, array[:4])
        body = msgpack.unpackb(array[4], raw=False)
        self.at, self.sender, self.kind, self.text, self.data, self.to, self.url = (body + [None] * 2)[:7]
        what, aliases, self.number = array[5:8] if len(array) > 5 else (0, [], 0)
        self.what, self.aliases = WHATS[what], [text(alias) for alias in aliases]


class FakeBroker:
    """Listens at `endpoint`. `frames` holds what came, as (request, [Said, ...]); `accepted` the messages that were
    taken in, each once, and the events. `refuse` maps an id to (code, why). While `is_silent`, nothing is answered."""

    def __init__(self, endpoint, is_silent=False):
        self.endpoint, self.is_silent, self.refuse = endpoint, is_silent, {}
        self.raw, self.frames, self.accepted = [], [], []
        self.answer = self.acknowledge
        self._ids, self._peer, self._out = set(), None, []
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def acknowledge(self, request, messages):
        """The frame that a real broker would answer."""
        duplicates, refused = [], []
        for index, said in enumerate(messages):
            if said.id in self.refuse:
                refused.append([index, *self.refuse[said.id]])
            elif said.what == 'message' and (said.tenant, said.id) in self._ids:
                duplicates.append(index)
            else:
                if said.what == 'message':
                    self._ids.add((said.tenant, said.id))
                self.accepted.append(said)
        return encode(ACK, [request, len(messages) - len(duplicates) - len(refused), duplicates, refused])

    def say(self, frame):
        """Sends a frame that nobody asked for, to whoever spoke last."""
        self._out.append(frame)

    def error(self, code='bad_frame', why='because'):
        self.say(encode(ERROR, [code, why]))

    @property
    def texts(self):
        return [said.text for said in self.accepted]

    def _run(self):
        socket = zmq.Context.instance().socket(zmq.ROUTER)
        socket.linger = 0
        socket.bind(self.endpoint)
        while not self._is_over.is_set():
            while self._out and self._peer:
                socket.send_multipart([self._peer, self._out.pop(0)])
            if socket.poll(10):
                self._on_frame(socket, *socket.recv_multipart())
        socket.close()

    def _on_frame(self, socket, peer, frame):
        kind, array = decode(frame)
        assert kind in (MESSAGES, EVENTS)
        self._peer = peer
        self.raw.append((time.monotonic(), frame))
        self.frames.append((array[0], [Said(message) for message in array[1]]))
        if not self.is_silent:
            answer = self.answer(*self.frames[-1])
            if answer is not None:
                socket.send_multipart([peer, answer])

    def close(self):
        self._is_over.set()
        self._thread.join()
