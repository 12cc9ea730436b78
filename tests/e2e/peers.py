"""HTTP peers under the test's control: the handler that answers batches, and the platforms replies are posted to."""

import base64
import hashlib
import hmac
import http.server
import itertools
import json
import select
import socket
import threading
import time
import urllib.parse


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
    """What the peer says to a call: after `delay` seconds, and not before the `gate` opens. `is_dropped`: it closes the
    connection without a word."""

    def __init__(self, status=200, value=None, headers=None, delay=0.0, gate=None, is_dropped=False):
        self.status, self.headers, self.delay, self.gate = status, headers or {}, delay, gate
        self.is_dropped = is_dropped
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
        if call.is_aborted or answer.is_dropped:
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


class Chatwoot(Peer):
    """A server shaped like Chatwoot: keeps what is said, shows it page by page, and hears who is typing.

    `on_post(call, number)` decides what becomes of the posts, counted from 1: `KEEP`, `KEEP_AND_DROP`, `DROP`, or an
    Answer in their place. `on_list` and `on_typing` are an Answer in place of the usual one, or None; `post_gate`, an
    Event that posts wait for with their answer, or None."""

    PAGE, ACCOUNT = 20, 2
    KEEP, KEEP_AND_DROP, DROP = 'keep', 'keep and drop', 'drop'

    def __init__(self, on_post=None):
        self.on_post, self.on_list, self.on_typing = on_post or (lambda call, number: self.KEEP), None, None
        self.post_gate = None
        self.threads, self.typings = {}, []
        self._ids, self._posts = itertools.count(1), itertools.count(1)
        super().__init__(otherwise=self._route)

    def channel(self, **settings):
        """The channel of lull.yaml that leads here."""
        return {'kind': 'chatwoot', 'url': self.url, 'account': self.ACCOUNT, 'token': 'the token', 'unsigned': True,
                **settings}

    def keep(self, thread, content, kind=0, attributes=None, is_private=False):
        """A new message, as the lists show it."""
        message = {'id': next(self._ids), 'content': content, 'message_type': kind, 'private': is_private,
                   'content_type': 'text', 'content_attributes': attributes or {}, 'created_at': int(time.time())}
        self.threads.setdefault(str(thread), []).append(message)
        return message

    def person_says(self, thread, content, **keys):
        """A message of a person; the webhook that tells of it."""
        message = self.keep(thread, content, **keys)
        return {'event': 'message_created', 'id': message['id'], 'content': content, 'message_type': 'incoming',
                'private': False, 'content_type': 'text', 'content_attributes': message['content_attributes'],
                'account': {'id': self.ACCOUNT}, 'conversation': {'id': int(thread)}, 'sender': {'id': 7}}

    def replies(self, thread):
        """What a person sees as replies, in order."""
        return [message['content'] for message in self.threads.get(str(thread), [])
                if message['message_type'] == 1 and not message['private']]

    def typed(self, thread):
        """The typing signs shown in a thread, in order."""
        return [status for of, status in list(self.typings) if of == str(thread)]

    def of(self, method, end):
        return [call for call in list(self.calls) if call.method == method and call.path.split('?')[0].endswith(end)]

    @property
    def posts(self):
        return self.of('POST', '/messages')

    @property
    def lists(self):
        return self.of('GET', '/messages')

    def _route(self, call):
        path, _, query = call.path.partition('?')
        thread = urllib.parse.unquote(path.split('/')[6])
        if call.method == 'GET':
            return self.on_list or self._list(thread, urllib.parse.parse_qs(query))
        if path.endswith('/toggle_typing_status'):
            self.typings.append((thread, call.json['typing_status']))
            return self.on_typing or Answer()
        return self._post(call, thread)

    def _list(self, thread, query):
        before = int(query.get('before', [1 << 62])[0])
        known = [message for message in self.threads.get(thread, []) if message['id'] < before]
        return Answer(value={'meta': {'labels': []}, 'payload': known[-self.PAGE:]})

    def _post(self, call, thread):
        with self._lock:
            fate = self.on_post(call, next(self._posts))
            if isinstance(fate, Answer):
                return fate
            if fate == self.DROP:
                return Answer(is_dropped=True)
            body = call.json
            message = self.keep(thread, body['content'], 1, body.get('content_attributes'), body['private'])
        return Answer(value=message, gate=self.post_gate, is_dropped=fate == self.KEEP_AND_DROP)


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
