"""Model servers under the test's control: Chat Completions, Responses with Conversations, and LangGraph's Agent Server;
what each was asked, and what it was paid for."""

import http.server
import itertools
import json
import re
import select
import threading
import time
import uuid

from peers import Call, is_hung_up


class Server:
    """An HTTP server whose requests `route(request, call)` answers; what it returns is (status, value[, headers])."""

    def __init__(self):
        self.calls, self.lock, self.is_over = [], threading.Lock(), threading.Event()
        server = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = 'HTTP/1.1'

            def do_POST(self):
                server._serve(self)

            do_GET = do_DELETE = do_POST

            def log_message(self, *_):
                pass

        class Listener(http.server.ThreadingHTTPServer):
            request_queue_size = 1024
            daemon_threads = True

            def handle_error(self, *_):
                pass

        self.listener = Listener(('127.0.0.1', 0), Handler)
        self.url = f'http://127.0.0.1:{self.listener.server_address[1]}'
        threading.Thread(target=self.listener.serve_forever, kwargs={'poll_interval': 0.05}, daemon=True).start()

    def _serve(self, request):
        call = Call(request, request.rfile.read(int(request.headers.get('content-length') or 0)))
        with self.lock:
            self.calls.append(call)
        answer = self.route(request, call)
        call.ended = time.monotonic()
        if answer is None:
            request.close_connection = True
            return
        status, value, headers = (*answer, {})[:3]
        body = b'' if value is None else value if isinstance(value, bytes) else json.dumps(value).encode()
        request.send_response(status)
        for name, text in {'Content-Type': 'application/json', 'Content-Length': str(len(body)), **headers}.items():
            request.send_header(name, text)
        request.end_headers()
        request.wfile.write(body)

    def wait(self, request, call, condition):
        """Until so; False when the caller hangs up first."""
        while not self.is_over.is_set() and not condition():
            if select.select([request.connection], [], [], 0.01)[0] and is_hung_up(request.connection):
                call.is_aborted = True
                return False
        return True

    def of(self, method, path):
        """The calls so far whose path is that (a regular expression), without the query."""
        return [call for call in list(self.calls)
                if call.method == method and re.fullmatch(path, call.path.partition('?')[0])]

    def close(self):
        self.is_over.set()
        self.listener.shutdown()
        self.listener.server_close()


class Saying:
    """How a model answers one call. `pieces` of text come one after the other; then it ends, `breaks` off, or `stalls`
    for ever. `gate` is an Event that is waited for behind the first piece; `error` comes in the stream in place of an
    end; `status` and `value` refuse the call; `is_document` sends no stream."""

    def __init__(self, *pieces, status=200, value=None, headers=None, gate=None, delay=0, breaks=False, stalls=False,
                 error=None, is_document=False, usage=(11, 7), finish='stop'):
        self.pieces, self.status, self.value, self.headers = pieces, status, value, headers or {}
        self.gate, self.delay, self.breaks, self.stalls, self.error = gate, delay, breaks, stalls, error
        self.is_document, self.usage, self.finish = is_document, usage, finish


def refused(status, message='no', code=None, kind='invalid_request_error', param=None, headers=None):
    return Saying(status=status, headers=headers,
                  value={'error': {'message': message, 'type': kind, 'param': param, 'code': code}})


def last_said(call):
    """The person's last message of a request of either API."""
    return (call.json.get('messages') or call.json['input'])[-1]['content']


class Model(Server):
    """Both APIs of OpenAI, each call answered by `script`, one entry a call, and past its end by an echo. `paid` are
    the calls that were answered to their end."""

    def __init__(self, *script, has_conversations=True):
        self.script, self.paid = list(script), []
        self.conversations, self.deleted = {}, []  # id: what was said in it
        self.has_conversations, self._ids = has_conversations, itertools.count(1)
        super().__init__()

    @property
    def asked(self):
        return self.of('POST', '/v1/(chat/completions|responses)')

    def route(self, request, call):
        path = call.path.removeprefix('/v1')
        if path == '/chat/completions':
            return self._say(request, call, Chat(self))
        if path == '/responses':
            return self._respond(request, call)
        if path.startswith('/conversations') and self.has_conversations:
            return self._converse(call, path.removeprefix('/conversations').strip('/'))
        return 404, {'error': {'message': 'Invalid URL', 'type': 'invalid_request_error', 'param': None, 'code': None}}

    def _converse(self, call, id):
        if call.method == 'POST' and not id:
            id = f'conv_{next(self._ids)}'
            self.conversations[id] = []
            return 200, {'id': id, 'object': 'conversation', 'created_at': 0, 'metadata': {}}
        if call.method == 'DELETE' and self.conversations.pop(id, None) is not None:
            self.deleted.append(id)
            return 200, {'id': id, 'object': 'conversation.deleted', 'deleted': True}
        return 404, {'error': {'message': 'no such conversation', 'type': 'invalid_request_error', 'code': None}}

    def _respond(self, request, call):
        id = call.json.get('conversation')
        if id is not None and id not in self.conversations:
            return 404, {'error': {'message': f"Conversation with id '{id}' not found.",
                                   'type': 'invalid_request_error', 'param': None, 'code': None}}
        return self._say(request, call, Responses(self))

    def _say(self, request, call, shape):
        with self.lock:
            saying = self.script.pop(0) if self.script else Saying('You wrote: ', last_said(call))
        saying = saying(call) if callable(saying) else saying
        end = call.at + saying.delay
        if not self.wait(request, call, lambda: time.monotonic() >= end):
            return None
        if saying.status != 200:
            return saying.status, saying.value, saying.headers
        if saying.is_document:
            self._pay(call, saying)
            return 200, shape.document(saying)
        return self._stream(request, call, saying, shape)

    def _stream(self, request, call, saying, shape):
        request.send_response(200)
        request.send_header('Content-Type', 'text/event-stream')
        request.send_header('Connection', 'close')
        request.end_headers()
        request.wfile.write(shape.begin())
        for number, piece in enumerate(saying.pieces):
            if number == 1 and saying.gate and not self.wait(request, call, saying.gate.is_set):
                return None
            request.wfile.write(shape.piece(piece))
        if saying.stalls:
            self.wait(request, call, lambda: False)
        elif saying.error:
            request.wfile.write(shape.error(saying.error))
        elif not saying.breaks:
            request.wfile.write(shape.end(saying, call))
            self._pay(call, saying)
        return None

    def _pay(self, call, saying):
        with self.lock:
            self.paid.append(call)
            if call.json.get('conversation'):
                self.conversations[call.json['conversation']] += [last_said(call), ''.join(saying.pieces)]


def event(value, name=None):
    return ((f'event: {name}\n' if name else '') + f'data: {json.dumps(value)}\n\n').encode()


class Chat:
    def __init__(self, model):
        self.id = f'chatcmpl-{next(model._ids)}'

    def _chunk(self, delta, finish=None):
        return {'id': self.id, 'object': 'chat.completion.chunk',
                'choices': [{'index': 0, 'delta': delta, 'finish_reason': finish}]}

    def begin(self):
        return b': hello\n\n' + event(self._chunk({'role': 'assistant', 'content': ''}))

    def piece(self, text):
        return event(self._chunk({'content': text}))

    def error(self, error):
        return event({'error': error}) + b'data: [DONE]\n\n'

    def end(self, saying, call):
        usage = {'prompt_tokens': saying.usage[0], 'completion_tokens': saying.usage[1]}
        is_counted = call.json.get('stream_options', {}).get('include_usage')
        return (event(self._chunk({}, saying.finish)) +
                (event({'id': self.id, 'choices': [], 'usage': usage}) if is_counted else b'') + b'data: [DONE]\n\n')

    def document(self, saying):
        message = {'role': 'assistant', 'content': ''.join(saying.pieces)}
        return {'id': self.id, 'object': 'chat.completion',
                'choices': [{'index': 0, 'message': message, 'finish_reason': saying.finish}],
                'usage': {'prompt_tokens': saying.usage[0], 'completion_tokens': saying.usage[1]}}


class Responses:
    def __init__(self, model):
        self.id = f'resp_{next(model._ids)}'

    def _event(self, kind, **keys):
        return event({'type': kind, 'sequence_number': 0, **keys}, kind)

    def document(self, saying, status='completed'):
        content = [{'type': 'output_text', 'text': ''.join(saying.pieces), 'annotations': []}]
        return {'id': self.id, 'object': 'response', 'status': status, 'error': None,
                'output': [{'type': 'reasoning', 'content': []},
                           {'type': 'message', 'role': 'assistant', 'content': content}],
                'usage': {'input_tokens': saying.usage[0], 'output_tokens': saying.usage[1]}}

    def begin(self):
        return self._event('response.created', response={'id': self.id, 'status': 'in_progress', 'output': []})

    def piece(self, text):
        return self._event('response.output_text.delta', delta=text, obfuscation='xxxx')

    def error(self, error):
        return self._event('response.failed', response={'id': self.id, 'status': 'failed', 'error': error})

    def end(self, saying, call):
        return self._event('response.completed', response=self.document(saying))


class Assistant(Server):
    """LangGraph's Agent Server with one assistant that repeats what it is told, when its `gate` is open. `made` are its
    runs, in order; one that succeeds is paid for."""

    def __init__(self, rejects_with=409):
        self.threads, self.made, self.gate, self.rejects_with = {}, [], threading.Event(), rejects_with
        self.fails = False
        self.gate.set()
        super().__init__()

    def run_somebody_elses(self, thread):
        """A run that is not lull's; it goes on until its status is changed."""
        run = {'run_id': str(uuid.uuid4()), 'status': 'running', 'metadata': {}, 'said': None}
        self.threads[thread]['runs'].append(run)
        return run

    def of_batch(self, batch):
        return [run for run in self.made if run['metadata'].get('lull_batch') == batch]

    def route(self, request, call):
        path, _, _ = call.path.partition('?')
        if path == '/threads':
            thread = self.threads.setdefault(call.json['thread_id'], {'runs': [], 'messages': []})
            return 200, {'thread_id': call.json['thread_id'], 'status': 'idle', 'values': thread['messages'] or None}
        found = re.fullmatch(r'/threads/([0-9a-f-]{36})/runs(?:/([0-9a-f-]{36})(/join|/cancel)?)?', path)
        if not found or found[1] not in self.threads:
            return 404, {'detail': 'Thread not found'}
        thread = self.threads[found[1]]
        if not found[2]:
            return self._list(thread) if call.method == 'GET' else self._make(thread, call)
        run = next((run for run in thread['runs'] if run['run_id'] == found[2]), None)
        if run is None:
            return 404, {'detail': 'Run not found'}
        if found[3] == '/cancel':
            return self._cancel(thread, run)
        if found[3] == '/join':
            return self._join(request, call, thread, run)
        return 200, self._shown(run)

    def _shown(self, run):
        return {name: run[name] for name in ('run_id', 'status', 'metadata')}

    def _list(self, thread):
        return 200, [self._shown(run) for run in reversed(thread['runs'])]

    def _make(self, thread, call):
        with self.lock:
            if any(run['status'] in ('pending', 'running') for run in thread['runs']):
                return self.rejects_with, {'detail': 'Thread is already running a task. Wait for it to finish or '
                                                     'choose a different multitask strategy.'}
            run = {'run_id': str(uuid.uuid4()), 'status': 'running', 'metadata': call.json['metadata'],
                   'said': call.json['input']['messages']}
            thread['runs'].append(run)
            self.made.append(run)
        threading.Thread(target=self._work, args=(thread, run), daemon=True).start()
        return 200, self._shown(run)

    def _work(self, thread, run):
        while not self.gate.wait(0.01) and run['status'] == 'running' and not self.is_over.is_set():
            pass
        with self.lock:
            if run['status'] != 'running':
                return
            ids = {message['id'] for message in run['said']}
            thread['messages'] = [said for said in thread['messages'] if said['id'] not in ids] + [
                {'type': 'human' if said['role'] == 'user' else 'system', **said} for said in run['said']]
            told = run['said'][-1]['content']
            thread['messages'].append({'type': 'ai', 'id': str(uuid.uuid4()), 'content': f'You wrote: {told}',
                                       'usage_metadata': {'input_tokens': 3, 'output_tokens': 5}})
            run['status'] = 'error' if self.fails else 'success'

    def _cancel(self, thread, run):
        with self.lock:
            if run['status'] == 'running':
                run['status'] = 'interrupted'
                thread['runs'].remove(run)
        return 202, None

    def _join(self, request, call, thread, run):
        if not self.wait(request, call, lambda: run['status'] not in ('pending', 'running')):
            return None
        return 200, {'messages': thread['messages']}
