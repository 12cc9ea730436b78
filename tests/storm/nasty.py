"""Peers that behave badly and are to harm nobody but themselves: those that ask and never read, and those that send a
byte now and then."""

import itertools
import json
import random
import socket
import threading
import time

import zmq

PEERS_MAX = 8       # of each kind at once
QUESTIONS = 3000    # a mute peer asks so often, and reads no answer


class Nasty:
    def __init__(self, town):
        self.town, self.dice = town, random.Random(town.seed)
        self.mute, self.slow, self.names = [], [], itertools.count()
        self.is_over = threading.Event()

    def mute_peers(self):
        """Asks thousands of questions at the stats socket, and reads no answer."""
        while len(self.mute) >= PEERS_MAX:
            self.mute.pop(0).close()
        peer = zmq.Context.instance().socket(zmq.DEALER)
        peer.linger, peer.rcvhwm = 0, 1
        peer.connect(self.town.config['broker']['stats'])
        self.mute.append(peer)
        try:
            for _ in range(QUESTIONS):
                peer.send(json.dumps({'cmd': 'threads', 'limit': 1000}).encode(), zmq.DONTWAIT)
        except zmq.Again:
            pass
        return True

    def slow_senders(self):
        """Begins a request at the HTTP door that is never ended, a byte each second."""
        self.slow = [thread for thread in self.slow if thread.is_alive()]
        if len(self.slow) >= PEERS_MAX:
            return False
        thread = threading.Thread(target=self._drip, daemon=True)
        self.slow.append(thread)
        thread.start()
        return True

    def _drip(self):
        address = (self.town.places['ingest'], self.town.ports['http'])
        try:
            with socket.create_connection(address, 2) as peer:
                peer.sendall(b'POST /v1/messages HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n'
                             b'Content-Length: 100000\r\n\r\n[')
                end = time.monotonic() + 20
                while time.monotonic() < end and not self.is_over.wait(1.0):
                    peer.sendall(b' ')
        except OSError:
            pass

    def close(self):
        self.is_over.set()
        for peer in self.mute:
            peer.close()
        for thread in self.slow:
            thread.join()
