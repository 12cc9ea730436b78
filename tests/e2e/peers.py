"""HTTP peers under the test's control: the handler that answers batches, and the platforms replies are posted to."""

import base64
import hashlib
import hmac
import http.server
import json
import select
import socket
import threading
import time


class Call:
    """One request as the peer saw it."""

    def __init__(self, request, body):
        self.at = time.monotonic()
        self.ended = None           # when it was answered, or found to be given up
        self.is_aborted = False     # the caller hung up before there was an answer
        self.method, self.path = request.command, request.path
        self.headers = {name.lower(): value for name, value in request.headers.items()}
        self.body = body

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def texts(self):
        return [message['text'] for message in self.json['messages']]

    @property
    def ids(self):
        return [message['id'] for message in self.json['messages']]


class Answer:
    """What the peer says to a call: after `delay` seconds, and not before the `gate` opens."""

    def __init__(self, status=200, value=None, headers=None, delay=0.0, gate=None):
        self.status, self.headers, self.delay, self.gate = status, headers or {}, delay, gate
        self.body = b'' if value is None else value if isinstance(value, bytes) else json.dumps(value).encode()


def reply(*texts, **keys):
    return Answer(value={'reply': texts[0]} if len(texts) == 1 else {'replies': list(texts)}, **keys)


def status(code, **keys):
    return Answer(status=code, value=None if code == 204 else {'error': f'status {code}'}, **keys)


def echo(call):
    """The default: one reply that holds all texts of the batch."""
    return reply('You wrote: ' + ' | '.join(text or '(no text)' for text in call.texts))


class Peer:
    """An HTTP server. Its calls are answered by `script`, one entry a call, and past its end by `otherwise`; an entry
    is an Answer or a function from Call to Answer."""

    def __init__(self, script=(), otherwise=echo):
        self.calls, self.script, self.otherwise = [], list(script), otherwise
        self._lock, self._is_over = threading.Lock(), threading.Event()
        peer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = 'HTTP/1.1'

            def do_POST(self):
                peer._serve(self)

            do_GET = do_PUT = do_POST

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            request_queue_size = 1024
            daemon_threads = True

            def handle_error(self, *_):
                pass  # a caller that hangs up is what some tests want

        self.server = Server(('127.0.0.1', 0), Handler)
        self.url = f'http://127.0.0.1:{self.server.server_address[1]}'
        threading.Thread(target=self.server.serve_forever, kwargs={'poll_interval': 0.05}, daemon=True).start()

    def _serve(self, request):
        body = request.rfile.read(int(request.headers.get('content-length') or 0))
        call = Call(request, body)
        with self._lock:
            self.calls.append(call)
            entry = self.script.pop(0) if self.script else self.otherwise
        answer = entry(call) if callable(entry) else entry
        self._wait(request.connection, call, answer)
        call.ended = time.monotonic()
        if call.is_aborted:
            request.close_connection = True
            return
        request.send_response(answer.status)
        for name, value in answer.headers.items():
            request.send_header(name, value)
        if answer.status != 204:
            request.send_header('Content-Type', 'application/json')
            request.send_header('Content-Length', str(len(answer.body)))
        request.end_headers()
        request.wfile.write(answer.body)

    def _wait(self, connection, call, answer):
        """Until the answer is due, or the caller hangs up."""
        until = call.at + answer.delay
        while not self._is_over.is_set() and (
                (left := until - time.monotonic()) > 0 or (answer.gate is not None and not answer.gate.is_set())):
            if select.select([connection], [], [], min(left, 0.1) if left > 0 else 0.1)[0] and is_hung_up(connection):
                call.is_aborted = True
                return

    def running(self):
        """The calls that wait for their answer now."""
        return [call for call in list(self.calls) if call.ended is None]

    def close(self):
        self._is_over.set()
        self.server.shutdown()
        self.server.server_close()


def is_hung_up(connection):
    try:
        return connection.recv(1, socket.MSG_PEEK) == b''
    except OSError:
        return True


# -- signatures: as the platforms make them, and as a receiver of ours checks them --------------------------------


def chatwoot_headers(body, secret, at=None):
    stamp = str(int(at if at is not None else time.time()))
    mac = hmac.new(secret.encode(), stamp.encode() + b'.' + body, hashlib.sha256).hexdigest()
    return {'Content-Type': 'application/json', 'X-Chatwoot-Timestamp': stamp, 'X-Chatwoot-Signature': 'sha256=' + mac}


def whatsapp_headers(body, secret):
    mac = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    return {'Content-Type': 'application/json', 'X-Hub-Signature-256': 'sha256=' + mac}


def standard_signature(body, secret, id, stamp):
    """Of Standard Webhooks; `secret` is whsec_ and base64."""
    key = base64.b64decode(secret.removeprefix('whsec_'))
    return 'v1,' + base64.b64encode(
        hmac.new(key, f'{id}.{stamp}.'.encode() + body, hashlib.sha256).digest()).decode()


def standard_headers(body, secret, id='msg_1'):
    stamp = str(int(time.time()))
    return {'Content-Type': 'application/json', 'webhook-id': id, 'webhook-timestamp': stamp,
            'webhook-signature': standard_signature(body, secret, id, stamp)}


def is_signed(call, secret):
    """Does the call bear the signature that `secret` makes?"""
    signature = standard_signature(call.body, secret, call.headers['webhook-id'], call.headers['webhook-timestamp'])
    return signature in call.headers['webhook-signature'].split()
