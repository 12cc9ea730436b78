"""Asks a door again and again how it is: one message, over HTTP, several times a second, until it is acknowledged. Its
acknowledgements are in the books like everybody else's."""

import http.client
import json
import threading
import time

from ledger import HEADERS, Log
from producers import CHANNEL, TENANT

EVERY_S = 0.1
# Longer than lull-ingest waits for the broker.
TIMEOUT_S = 5.0


class Probe(threading.Thread):
    def __init__(self, town):
        super().__init__(daemon=True)
        self.address = town.config['ingest']['http']
        self.log = Log(town.folder / 'probe.ledger')
        self.heard = []         # (at, status), 0 = nothing
        self.is_over = threading.Event()
        self.start()

    def run(self):
        n = 1
        while not self.is_over.is_set() or self.heard and self.heard[-1][1] != 202:
            thread = f'probe.{n % 5}'
            status = self.ask({'tenant': TENANT, 'channel': CHANNEL, 'thread': thread, 'id': f'{thread}:{n}'})
            self.heard.append((time.monotonic(), status))
            if status == 202:
                self.log.write('ack', time.monotonic(), thread, [n], 'probe')
                n += 1
            self.is_over.wait(EVERY_S) or self.is_over.is_set() and time.sleep(EVERY_S)
        self.log.flush()

    def ask(self, message):
        try:
            connection = http.client.HTTPConnection(self.address, timeout=TIMEOUT_S)
            connection.request('POST', '/v1/messages', json.dumps(message).encode(), HEADERS)
            answer = connection.getresponse()
            said = json.loads(answer.read() or b'{}')
            connection.close()
        except (OSError, http.client.HTTPException, ValueError):
            return 0
        # A message that is refused for itself has a code instead of a status.
        return 202 if answer.status == 202 and not said.get('refused') else \
            answer.status if answer.status != 202 else said['refused'][0]['code']

    def statuses(self, since, until):
        """status -> how often it was heard then"""
        counts = {}
        for at, status in list(self.heard):
            if since <= at <= until:
                counts[status] = counts.get(status, 0) + 1
        return counts

    def next_ack(self, since, deadline=60.0):
        """When the first acknowledgement after that came, or None."""
        end = time.monotonic() + deadline
        while time.monotonic() < end:
            found = next((at for at, status in list(self.heard) if at >= since and status == 202), None)
            if found is not None:
                return found
            time.sleep(0.02)
        return None

    def close(self):
        self.is_over.set()
        self.join(60)
        self.log.flush()
