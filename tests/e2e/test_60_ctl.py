"""lull, the CLI, against a broker that is made up here: what it asks, how it shows the answer, when it gives up."""

import collections
import csv
import itertools
import json
import signal
import subprocess
import threading
import time

import msgpack
import pytest
import zmq

from lull import ENVIRONMENT, PROGRAMS
from protocol import ACK, ALIVE, DONE, HELLO, MESSAGES, RESULT, RUN, SETTLED, WELCOME, decode, encode, text

SINCE = '2020-11-21T10:00:00.123Z'
STATS = {
    'version': '9.8.7', 'uptime_s': 11100, 'epoch': 3,
    'threads': {'collecting': 12, 'ready': 0, 'running': 3, 'waiting': 0, 'backoff': 1},
    'messages': {'pending': 40, 'accepted_total': 10000, 'duplicate_total': 3, 'refused_total': 0,
                 'finished_total': 9960},
    'batches': {'dispatched_total': 3321, 'done_total': 3300, 'failed_total': 12, 'busy_total': 5, 'lost_total': 1,
                'handed_back_total': 0, 'stale_total': 0, 'interrupted_total': 17, 'dead': 2,
                'size': {'p50': 3, 'p90': 5, 'max': 20}},
    'calls_saved_total': 6660, 'lateness_ms': {'p50': 0.4, 'p99': 2.1, 'p999': 3.0, 'max': 9.5},
    'savings': {'calls_saved_total': 6660, 'calls_wasted_total': 21, 'answers_reused_total': 9,
                'tokens_in_total': 120000, 'tokens_out_total': 3456, 'tokens_wasted_total': 789,
                'posts_found_total': 8, 'posts_repeated_total': 4, 'posts_silenced_total': 2},
    'events': {'events_total': {'typing': 31, 'paused': 30, 'person': 12, 'closed': 3, 'resume': 5, 'edit': 7,
                                'delete': 1, 'alias': 2, 'shown': 900},
               'takeovers_total': 4, 'echoes_total': 6, 'late_edits_total': 11, 'shown_total': 13, 'recorded_total': 14,
               'aliases': 1500},
    'context': {'hit_total': 70, 'miss_total': 30, 'failed_total': 6, 'took_ms_total': 812.5},
    'lock': {'busy_total': 5, 'lost_total': 0, 'wait_ms': {'p50': 0.2, 'p99': 1.0}},
    'runs_ms': {'p50': 1200, 'p99': 30000},
    'store': {'kind': 'lmdb', 'bytes': 12897485, 'commits_total': 3000, 'commit_ms': {'p50': 1.2, 'p99': 4.0}},
    'workers': [{'id': 'a1b2', 'slots': 256, 'running': 3, 'silent_ms': 412}],
    'tenants': {'acme': {'collecting': 12, 'ready': 0, 'running': 3, 'waiting': 0, 'backoff': 1, 'pending': 40,
                         'dead': 2}},
}


class Router(threading.Thread):
    """A ROUTER. `on_frame` gets an address and a frame, and gives the frames to answer with."""

    def __init__(self, folder, name, on_frame):
        super().__init__(daemon=True)
        self.socket = zmq.Context.instance().socket(zmq.ROUTER)
        self.socket.linger = 0
        self.endpoint = f'ipc://{folder}/{name}'
        self.socket.bind(self.endpoint)
        self.on_frame, self.is_over, self.fault = on_frame, threading.Event(), None
        self.start()

    def run(self):
        while not self.is_over.is_set():
            if not self.socket.poll(20):
                continue
            address, frame = self.socket.recv_multipart()
            for answer in self.on_frame(frame):
                self.socket.send_multipart([address, answer])
        self.socket.close()

    def close(self):
        self.is_over.set()
        self.join()


class Broker:
    """Answers questions as `answers` says: by cmd, an answer or what makes one of the question."""

    def __init__(self, folder):
        self.answers, self.asked = {'stats': STATS}, []
        self.routers = [Router(folder, 'stats', self.on_question)]

    def on_question(self, frame):
        question = json.loads(frame)
        self.asked.append(question)
        answer = self.answers.get(question['cmd'], {'error': {'code': 'unknown_command', 'why': 'made up'}})
        answer = answer(question) if callable(answer) else answer
        if answer is None:
            return
        yield json.dumps({**answer, 'request': question['request']}).encode()

    def run(self, *arguments, **keys):
        return lull(*arguments, '--stats', self.routers[0].endpoint, **keys)

    def close(self):
        for router in self.routers:
            router.close()


def lull(*arguments, **keys):
    return subprocess.run([PROGRAMS['lull'], *map(str, arguments)], env=ENVIRONMENT, text=True, capture_output=True,
                          timeout=60, stdin=None if 'input' in keys else subprocess.DEVNULL, **keys)


def told(result):
    """What a command printed, which must have gone well."""
    assert (result.returncode, result.stderr) == (0, '')
    return result.stdout


@pytest.fixture
def broker(tmp_path):
    broker = Broker(tmp_path)
    yield broker
    broker.close()


# -- stats


def test_stats_are_one_line_of_json_for_programs(broker):
    out = told(broker.run('stats', '--json'))
    assert out.count('\n') == 1
    assert json.loads(out) == STATS


def test_stats_are_words_for_people(broker):
    out = told(broker.run('stats'))
    for words in ['lull-broker 9.8.7, up 3 h 5 min, epoch 3', '40 pending; 10,000 accepted', '6,660 calls saved',
                  '21 wasted, 9 answers used again; tokens: 120,000 in, 3,456 out, 789 wasted', '17 interrupted',
                  '8 replies found in the channel, 4 posted again, 2 passed over',
                  '31 typing, 30 paused, 12 person, 3 closed, 5 resume, 7 edit, 1 delete, 2 alias, 900 shown',
                  '4 took a thread over, 6 own replies seen again, 11 edits too late', 'only recorded: 14',
                  'other names of threads: 1,500', '70 from the cache, 30 from the source, 6 failed',
                  'p50 0.4 ms, p99 2.1 ms',
                  'lmdb, 12.3 MiB, 3,000 commits', 'a1b2', '412 ms ago', 'acme']:
        assert words in out
    assert out.isascii()


def test_a_broker_that_says_less_is_shown_as_far_as_it_goes(broker):
    broker.answers['stats'] = {'version': '0.0.1'}
    out = told(broker.run('stats'))
    assert 'lull-broker 0.0.1' in out and '- pending' in out and 'no worker is connected' in out


def test_watching_goes_on_and_tells_what_came_since(broker):
    totals = itertools.count(10000, 500)
    broker.answers['stats'] = lambda _: {**STATS, 'messages': {'accepted_total': next(totals)}}
    watching = subprocess.Popen(
        [PROGRAMS['lull'], 'stats', '--watch', '--every', '100ms', '--stats', broker.routers[0].endpoint],
        env=ENVIRONMENT, text=True, stdout=subprocess.PIPE)
    lines = iter(watching.stdout.readline, '')
    assert next(line for line in lines if line.startswith('per second'))
    watching.kill()
    watching.wait()
    watching.stdout.close()


# -- why


def test_why_says_what_is_out_and_what_may_be(broker):
    broker.answers['why'] = {'tenant': 'acme', 'thread': 'ana', 'state': 'backoff', 'interrupts': 2,
                             'answer': {'replies': 3, 'posted': 1, 'doubt': True}}
    out = told(broker.run('why', 'acme', 'ana'))
    assert 'stored, 1 of 3 posted; the next one may be out too' in out
    assert 'interrupts    2' in out
    broker.answers['why'] = {'tenant': 'acme', 'thread': 'ana', 'state': 'backoff',
                             'answer': {'replies': None, 'posted': 0, 'doubt': False}}
    out = told(broker.run('why', 'acme', 'ana'))
    assert 'stored, 0 posted' in out and 'may be out' not in out and 'interrupts' not in out


def test_why_says_what_a_person_needs_to_know(broker):
    broker.answers['why'] = {
        'tenant': 'acme', 'thread': 'ana', 'state': 'backoff', 'since': SINCE, 'waits_for': 'the backoff to pass',
        'next': 'attempt 3 of 6', 'due': '2099-01-01T00:00:00.000Z', 'messages': 2, 'bytes': 2048, 'batch': '01HX',
        'attempt': 2, 'last_failure': {'code': 'http_500', 'why': 'the handler answered 500'},
        'pending_ids': [str(n) for n in range(10)],
        'dead': [{'batch': '01DEAD', 'since': SINCE, 'code': 'http_400', 'why': 'no'}]}
    out = told(broker.run('why', 'acme', 'ana'))
    for words in ['acme / ana: backoff: the last attempt failed', 'waits for     the backoff to pass',
                  'next          attempt 3 of 6', 'due           in ', 'messages      2, 2.0 KiB',
                  'batch         01HX, attempt 2', 'last failure  http_500: the handler answered 500',
                  '7 and 2 more', 'dead letter   01DEAD', 'lull dead show BATCH']:
        assert words in out
    assert broker.asked[-1]['tenant'] == 'acme' and broker.asked[-1]['thread'] == 'ana'


@pytest.mark.parametrize('kind, meaning', [
    ('person', 'somebody of the team answers'), ('closed', "goes on with the person's next message"),
    ('operator', 'somebody has taken it over'), (None, 'somebody has taken it over')])
def test_why_says_who_holds_a_thread_and_what_becomes_of_its_messages(broker, kind, meaning):
    hold = {'since': SINCE, 'until': None, 'why': 'assigned to Bia'}
    more = {'kind': kind, 'on_resume': 'record'} if kind else {}
    broker.answers['why'] = {'tenant': 'acme', 'thread': '55', 'state': 'held', 'aliases': ['9@lid', 'BR.1'],
                             'messages': 3, 'messages_to_record': 2, 'hold': {**hold, **more}}
    out = told(broker.run('why', 'acme', '9@lid'))
    assert 'acme / 55: held: ' in out and meaning in out
    for words in ['also called   9@lid, BR.1', 'messages      3; only to be recorded: 2',
                  'held for      assigned to Bia']:
        assert words in out
    assert ('on resume     record' in out) == (f'held by       {kind}' in out) == (kind is not None)


def test_resume_does_not_promise_an_answer_to_what_is_only_recorded(broker):
    broker.answers['resume'] = {'resumed': 1}
    assert '`lull why` tells what of it is only recorded' in told(broker.run('resume', 'acme', 'ana'))


def test_holds_are_a_table(broker):
    broker.answers['holds'] = {'holds': [
        {'tenant': 'acme', 'thread': '55', 'kind': 'person', 'on_resume': 'answer', 'since': SINCE, 'until': None,
         'pending': 2, 'why': 'assigned to Bia'}], 'total': 1}
    lines = told(broker.run('holds', '--tenant', 'acme')).splitlines()
    assert lines[0].split('  ')[0] == 'TENANT' and 'BY' in lines[0] and 'ON RESUME' in lines[0]
    assert lines[1].startswith('acme    55      person  ') and lines[1].endswith('2  answer     assigned to Bia')


def test_a_strangers_name_cannot_steer_the_terminal(broker):
    evil = 'a\x1b[2J\x9b31m\u202eb\n'
    broker.answers['why'] = {'tenant': 'acme', 'thread': evil, 'state': 'done', 'next': evil}
    broker.answers['threads'] = {'threads': [{'tenant': 'acme', 'thread': evil, 'state': 'ready'}], 'total': 1}
    broker.answers['dead_show'] = lambda _: {'error': {'code': evil, 'why': evil}}
    outs = [told(broker.run('why', 'acme', 'x')), told(broker.run('threads')), broker.run('dead', 'show', evil).stderr]
    for out in outs:
        assert not set(out) & {'\x1b', '\x9b', '\u202e'}
        assert r'a\x1b[2J\u009b31m\u202eb' in out


def test_a_thread_may_be_a_negative_number(broker):
    broker.answers['why'] = {'tenant': 'acme', 'thread': '-1001', 'state': 'unknown'}
    assert 'the broker holds nothing' in told(broker.run('why', 'acme', '-1001'))
    assert broker.asked[-1]['thread'] == '-1001'


# -- when it does not go well


def test_a_refusal_is_told_with_what_to_do(broker):
    broker.answers['why'] = {'error': {'code': 'unknown_tenant', 'why': "there is no tenant 'acme'"}}
    result = broker.run('why', 'acme', 'ana')
    assert result.returncode == 1 and result.stdout == ''
    assert "unknown_tenant: there is no tenant 'acme'; `lull stats` lists the tenants" in result.stderr


def test_silence_is_told_with_the_endpoint(broker, tmp_path):
    broker.answers['stats'] = None
    for endpoint in (broker.routers[0].endpoint, f'ipc://{tmp_path}/nobody'):
        result = lull('stats', '--stats', endpoint, '--timeout', '200ms')
        assert result.returncode == 1
        assert endpoint in result.stderr and '200 ms' in result.stderr and 'lull-broker' in result.stderr


def test_an_answer_to_another_question_is_passed_over(broker):
    broker.answers['stats'] = lambda question: question.update(request=question['request'] + 7) or STATS
    assert broker.run('stats', '--timeout', '200ms').returncode == 1


@pytest.mark.parametrize('words', [
    [], ['nothing'], ['why', 'acme'], ['why', 'a', 'b', 'c'], ['stats', '--nothing'], ['threads', '--state', 'asleep'],
    ['threads', '--limit', '0'], ['dead'], ['dead', 'bury'], ['dead', 'retry'], ['dead', 'retry', '01H', '--all'],
    ['dead', 'drop', '01H', '--tenant', 'acme'], ['dead', 'drop', '--all'], ['send', '--text', 'Oi'],
    ['send', '--id', '1'], ['bench', '--messages', '0'], ['bench', '--frame', '10001'],
    ['bench', 'out'], ['bench', '--in-flight', 'many'], ['bench', '--pending', '5'], ['bench', '--repeat', '0'],
    ['stats', '--timeout', 'soon']])
def test_wrong_usage_says_so_and_ends_with_2(words):
    result = lull(*words)
    assert (result.returncode, result.stdout) == (2, '')
    assert result.stderr.startswith('lull: ')


@pytest.mark.parametrize('words', [
    ['check'], ['stats'], ['why'], ['threads'], ['dead', 'list'], ['dead', 'show'], ['dead', 'retry'], ['dead', 'drop'],
    ['holds'], ['channel', 'test'], ['channel', 'reply'], ['channel', 'list'], ['channel', 'show'],
    ['channel', 'check'], ['settings', 'get'], ['settings', 'set'], ['settings', 'unset'], ['send'], ['bench']])
def test_every_command_explains_itself_with_an_example(words):
    out = told(lull(*words, '--help'))
    assert out.startswith(f'usage: lull {" ".join(words)} ')
    assert 'Example:\n  $ lull ' in out and 'Options:' in out


# -- threads and dead letters


def test_threads_are_a_table(broker):
    broker.answers['threads'] = {'threads': [
        {'tenant': 'acme', 'thread': 'ana', 'state': 'collecting', 'since': SINCE, 'messages': 2, 'due': SINCE},
        {'tenant': 'acme', 'thread': '你好', 'state': 'ready', 'since': SINCE, 'messages': 1000}], 'total': 5}
    lines = told(broker.run('threads', '--tenant', 'acme', '--state', 'ready', '--limit', '2')).splitlines()
    assert lines[0].split() == ['TENANT', 'THREAD', 'STATE', 'SINCE', 'MESSAGES', 'DUE']
    assert lines[2].startswith('acme    你好    ready ') and lines[2].endswith('1,000  -')
    assert lines[-1].startswith('2 of 5;')
    asked = broker.asked[-1]
    assert (asked['tenant'], asked['state'], asked['limit']) == ('acme', 'ready', 2)


def test_no_threads_are_a_sentence(broker):
    broker.answers['threads'] = {'threads': [], 'total': 0}
    assert told(broker.run('threads')) == 'no thread matches\n'


def letter(number, since=SINCE):
    return {'batch': f'01DEAD{number}', 'tenant': 'acme', 'thread': 'ana', 'since': since, 'messages': 1, 'attempts': 6,
            'code': 'http_500', 'why': 'the handler answered 500'}


def test_dead_letters_are_listed_and_shown(broker):
    broker.answers['dead'] = {'dead': [letter(1)], 'total': 1}
    broker.answers['dead_show'] = {**letter(1), 'answer': ['Olá'], 'messages': [
        {'id': 'wamid.A', 'accepted': SINCE, 'from': '5511', 'kind': 'text', 'text': 'Oi\ntudo bem?',
         'data': {'a': 1}}]}
    assert '01DEAD1' in told(broker.run('dead', 'list')) and 'http_500' in told(broker.run('dead', 'list'))
    out = told(broker.run('dead', 'show', '01DEAD1'))
    for words in ['dead letter 01DEAD1', 'attempts  6', r'Oi\ntudo bem?', 'data {"a":1}', '["Olá"]', 'wamid.A']:
        assert words in out


def test_named_dead_letters_are_changed_one_by_one(broker):
    broker.answers['dead_retry'] = lambda question: (
        {'error': {'code': 'not_found', 'why': 'no such dead letter'}} if question['batch'] == 'no' else {'retried': 1})
    assert told(broker.run('dead', 'retry', 'one', 'two')) == '2 retried\n'
    result = broker.run('dead', 'retry', 'one', 'no', 'two')
    assert (result.returncode, result.stdout) == (1, '2 retried\n') and 'no: not_found' in result.stderr
    result = broker.run('dead', 'retry', 'one', 'no', '--json')
    assert result.returncode == 1
    assert json.loads(result.stdout) == {'retried': 1, 'refused': [
        {'batch': 'no', 'code': 'not_found', 'why': 'no such dead letter'}]}


def test_all_dead_letters_are_changed_and_each_only_once(broker):
    dead = {f'01DEAD{n}': letter(n) for n in range(2500)}

    def retry(question):
        dead[question['batch']] = letter(question['batch'][6:], '2021-01-01T00:00:00.000Z')  # dies again at once
        return {'retried': 1}

    broker.answers['dead_retry'] = retry
    broker.answers['dead'] = lambda question: {
        'dead': sorted(dead.values(), key=lambda row: row['since'])[:question['limit']], 'total': len(dead)}
    assert told(broker.run('dead', 'retry', '--all', '--tenant', 'acme')) == '2500 retried\n'
    assert all(question['tenant'] == 'acme' for question in broker.asked if question['cmd'] == 'dead')


def test_dropping_everything_needs_a_yes(broker):
    broker.answers['dead'] = {'dead': [letter(1)], 'total': 1}
    assert '--yes' in broker.run('dead', 'drop', '--all').stderr
    dropped = []
    broker.answers['dead_drop'] = lambda question: dropped.append(question['batch']) or {'dropped': 1}
    broker.answers['dead'] = lambda _: {'dead': [] if dropped else [letter(1)], 'total': 0}
    assert told(broker.run('dead', 'drop', '--all', '--yes')) == '1 dropped\n'
    assert dropped == ['01DEAD1']


# -- send


class Intake:
    """The ingest side of a broker. Of the first `deaf` frames it takes no notice."""

    def __init__(self, folder, deaf=0):
        self.messages, self.requests, self.deaf, self.seen = [], [], deaf, set()
        self.router = Router(folder, 'ingest', self.on_frame)

    def on_frame(self, frame):
        kind, (request, messages) = decode(frame)
        assert kind == MESSAGES
        self.requests.append(request)
        if len(self.requests) <= self.deaf:
            return
        duplicates, refused = [], []
        for index, (tenant, thread, id, channel, body) in enumerate(messages):
            if text(tenant) != 'acme':
                refused.append([index, 'unknown_tenant', 'not in lull.yaml'])
            elif text(id) in self.seen:
                duplicates.append(index)
            else:
                self.seen.add(text(id))
                self.messages.append((text(thread), text(id), text(channel), text(msgpack.unpackb(body, raw=False)[3])))
        yield encode(ACK, [request, len(messages) - len(duplicates) - len(refused), duplicates, refused])


@pytest.fixture
def intake(tmp_path):
    intake = Intake(tmp_path)
    yield intake
    intake.router.close()


def send(intake, *arguments, **keys):
    return lull('send', '--ingest', intake.router.endpoint, *arguments, **keys)


def lines(*items):
    return ''.join((item if isinstance(item, str) else json.dumps(item)) + '\n' for item in items)


def test_lines_arrive_in_order_with_what_they_lack_filled_in(intake):
    items = [{'tenant': 'acme', 'thread': f't{n % 3}', 'id': str(n), 'text': f'words {n}'} for n in range(5000)]
    assert told(send(intake, input=lines(*items))) == '5,000 accepted, 0 duplicate, 0 refused\n'
    assert [id for _, id, _, _ in intake.messages] == [str(n) for n in range(5000)]
    told(send(intake, '--tenant', 'acme', '--thread', 'ana', '--channel', 'support', input=lines({'text': 'Oi'})))
    thread, id, channel, words = intake.messages[-1]
    assert (thread, channel, words) == ('ana', 'support', 'Oi') and id.startswith('lull-')
    assert told(send(intake, '--json', input=lines(*items[:2]))).startswith('{"accepted":0,"duplicate":2,')


def test_one_message_from_the_command_line(intake):
    told(send(intake, '--tenant', 'acme', '--thread', '-100', '--text', 'Quanto "custa"?\nMesmo?', '--id', 'x'))
    assert intake.messages == [('-100', 'x', None, 'Quanto "custa"?\nMesmo?')]


def test_what_is_refused_is_told_with_its_line(intake):
    result = send(intake, input=lines(
        {'tenant': 'acme', 'thread': '1'}, '{"tenant": "acme"', '', [1], {'tenant': 'nobody', 'thread': '1'},
        {'tenant': 'acme', 'thread': '1', 'texto': 'x'}, {'tenant': 'acme', 'thread': '2'}))
    assert result.returncode == 1
    assert result.stdout == '2 accepted, 0 duplicate, 4 refused\n'
    for words in ['line 2: bad_json: column ', 'line 4: bad_message: ', 'line 5: unknown_tenant: not in lull.yaml',
                  'line 6: bad_message: unknown key "texto"']:
        assert words in result.stderr


def test_a_line_goes_out_before_the_next_one_is_there(intake):
    sending = subprocess.Popen([PROGRAMS['lull'], 'send', '--ingest', intake.router.endpoint], env=ENVIRONMENT,
                               text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    for number in range(3):
        sending.stdin.write(lines({'tenant': 'acme', 'thread': '1', 'id': str(number)}))
        sending.stdin.flush()
        end = time.monotonic() + 20
        while len(intake.messages) <= number and time.monotonic() < end:
            time.sleep(0.01)
        assert len(intake.messages) == number + 1
    sending.stdin.close()
    assert sending.wait(20) == 0
    sending.stdout.close()


def test_who_interrupts_it_is_told_what_was_acknowledged(intake):
    sending = subprocess.Popen([PROGRAMS['lull'], 'send', '--ingest', intake.router.endpoint], env=ENVIRONMENT,
                               text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    sending.stdin.write(lines({'tenant': 'acme', 'thread': '1', 'id': 'x'}))
    sending.stdin.flush()
    end = time.monotonic() + 20
    while not intake.messages and time.monotonic() < end:
        time.sleep(0.01)
    sending.send_signal(signal.SIGINT)
    sending.wait(timeout=20)  # its stdin stays open: at the end of that it would be done, and not interrupted
    out, error = sending.communicate()
    assert sending.returncode == 1 and 'interrupted' in error
    assert out in [f'{n} accepted, 0 duplicate, 0 refused\n' for n in (0, 1)]


def test_a_frame_without_an_acknowledgement_is_sent_again(intake):
    intake.deaf = 1
    assert told(send(intake, '--tenant', 'acme', '--thread', '1', '--text', 'Oi')).startswith('1 accepted')
    assert len(intake.messages) == 1 and intake.requests == [1, 1]


def test_a_broker_that_acknowledges_nothing_is_given_up(intake):
    intake.deaf = 1000
    result = send(intake, '--timeout', '300ms', input=lines({'tenant': 'acme', 'thread': '1'}))
    assert result.returncode == 1 and result.stdout.startswith('0 accepted')
    assert intake.router.endpoint in result.stderr and 'may or may not' in result.stderr


# -- bench


class Engine:
    """A whole broker, in miniature and without care: each thread's messages of a frame are a batch. `wrong` changes
    what a run carries."""

    def __init__(self, folder, wrong=lambda messages: messages):
        self.wrong, self.fences, self.outbox = wrong, itertools.count(1), collections.deque()
        self.runs, self.finished, self.is_left, self.others, self.pending = {}, 0, False, [], 0
        self.ingest = Router(folder, 'ingest', self.on_messages)
        self.workers = Router(folder, 'workers', self.on_worker)
        self.stats = Router(folder, 'stats', self.on_question)

    def on_messages(self, frame):
        _, (request, messages) = decode(frame)
        batches = {}
        for tenant, thread, id, _, body in messages:
            batches.setdefault((text(tenant), text(thread)), []).append([id, int(time.time() * 1000), None, body])
        for (tenant, thread), batch in batches.items():
            fence = next(self.fences)
            self.runs[fence] = batch
            self.outbox.append(encode(RUN, [fence, f'{fence:026d}', tenant, thread, 1, None, 0, self.wrong(batch)]))
        yield encode(ACK, [request, len(messages), [], []])

    def on_worker(self, frame):
        kind, array = decode(frame)
        if kind == HELLO:
            yield encode(WELCOME, [1, 5000, 20, 'test'])
        elif kind == ALIVE:
            self.is_left = array[0] == 0
        elif kind == RESULT and array[2] == DONE:
            self.finished += len(self.runs.pop(array[0], []))
            yield encode(SETTLED, [array[0], 1])
        while self.outbox:
            yield self.outbox.popleft()

    def on_question(self, frame):
        messages = {**STATS['messages'], 'pending': self.pending}
        yield json.dumps({**STATS, 'messages': messages, 'workers': self.others,
                          'request': json.loads(frame)['request']}).encode()

    def close(self):
        for router in (self.ingest, self.workers, self.stats):
            router.close()


@pytest.fixture
def engine(tmp_path):
    engine = Engine(tmp_path)
    yield engine
    engine.close()


def bench(engine, *arguments):
    return lull('bench', '--ingest', engine.ingest.endpoint, '--workers', engine.workers.endpoint, '--stats',
                engine.stats.endpoint, '--tenant', 'bench', '--quiet', '0s', '--threads', '7', '--frame', '21',
                '--messages', '500', *arguments)


def test_a_bench_reports_and_leaves(engine):
    out = told(bench(engine))
    for words in ['500 messages of 256 B in 7 threads', 'messages in', 'batches out', 'ack           p50', 'p999',
                  'lateness      p50 0.4 ms', 'batch size    p50 3', 'durable       yes: acknowledged when in lmdb',
                  'check         good: every message came out exactly once']:
        assert words in out
    assert engine.finished == 500 and engine.is_left


def test_a_bench_is_json_for_programs(engine):
    report = json.loads(told(bench(engine, '--json', '--rate', '5000')))
    assert report['check']['good'] and report['messages']['out'] == 500
    assert report['batches']['size']['max'] >= 3 and report['ack_ms']['max'] > 0
    assert report['messages']['per_s'] < 6000


def test_a_bench_finds_what_is_lost(engine):
    engine.wrong = lambda batch: batch[:-1]
    report = json.loads(bench(engine, '--json', '--timeout', '1s').stdout)
    assert report['check']['end'] == 'timeout' and report['check']['lost'] > 0 and not report['check']['good']


def test_a_bench_finds_what_comes_twice(engine):
    engine.wrong = lambda batch: [batch[0], *batch]
    result = bench(engine)
    assert result.returncode == 1 and 'FAILED' in result.stdout and ' 0 twice' not in result.stdout


def test_a_bench_finds_what_is_out_of_order(engine):
    engine.wrong = lambda batch: batch[::-1]
    report = json.loads(bench(engine, '--json').stdout)
    assert report['check']['out_of_order'] > 0 and report['check']['lost'] == 0


def test_a_bench_keeps_off_a_broker_that_has_workers(engine):
    engine.others = STATS['workers']
    result = bench(engine)
    assert result.returncode == 1 and '1 worker is connected' in result.stderr and '--self' in result.stderr
    assert engine.finished == 0


def test_a_bench_keeps_off_a_broker_that_has_messages_unless_told(engine):
    engine.pending = 3
    result = bench(engine)
    assert result.returncode == 1 and '3 messages wait' in result.stderr and '--among-others' in result.stderr
    assert engine.finished == 0
    told(bench(engine, '--among-others'))
    assert engine.finished == 500


def test_a_bench_of_the_way_in_takes_out_again_what_it_put_into_a_broker_that_goes_on(engine):
    report = json.loads(told(lull(
        'bench', 'in', '--json', '--ingest', engine.ingest.endpoint, '--workers', engine.workers.endpoint, '--stats',
        engine.stats.endpoint, '--tenant', 'bench', '--quiet', '0s', '--messages', '500')))
    assert report['messages']['accepted'] == report['messages']['out'] == engine.finished == 500


def of_its_own(folder, *words):
    return json.loads(told(lull('bench', *words, '--json', '--self', '--folder', folder, '--broker',
                                PROGRAMS['lull-broker'])))


def test_a_bench_tries_several_numbers_in_flight_and_repeats(tmp_path):
    series = of_its_own(tmp_path, 'in', '--in-flight', '1,16', '--repeat', '2', '--messages', '200')
    assert [run['plan']['in_flight'] for run in series['runs']] == [1, 16, 1, 16]
    assert [(row['in_flight'], row['runs'], row['good']) for row in series['summary']] == [(1, 2, True), (16, 2, True)]
    one = series['summary'][0]['messages_per_s']
    assert 0 < one['low'] <= one['median'] <= one['high']


def test_a_bench_in_figures_for_a_spreadsheet(tmp_path):
    rows = list(csv.DictReader(told(lull(
        'bench', 'in', '--csv', '--self', '--folder', tmp_path, '--broker', PROGRAMS['lull-broker'], '--repeat', '2',
        '--messages', '500')).splitlines()))
    assert [row['good'] for row in rows] == ['1', '1'] and float(rows[0]['messages_per_s']) > 0


def test_a_bench_of_latency_takes_time_from_sending_and_from_the_ack(tmp_path):
    report = of_its_own(tmp_path, 'latency', '--messages', '200')
    assert report['plan']['frame_messages'] == 1 and report['batches']['out'] == 200
    assert 0 < report['ack_ms']['p50'] <= report['ack_ms']['p90'] <= report['ack_ms']['p99'] <= report['ack_ms']['max']
    assert report['late_ms']['p50'] <= report['run_ms']['p50']
    assert report['broker']['memory_bytes'] > 0


def test_a_bench_of_timers_makes_all_of_them_due_at_one_instant(tmp_path):
    report = of_its_own(tmp_path, 'timers', '--due-at-once', '--messages', '1000')
    assert report['check']['good'] and report['batches']['out'] == 1000
    # Without it they would have to wait an hour.
    assert report['plan']['quiet_ms'] == 3600000
    assert report['batches']['dispatching_ms'] >= report['run_ms']['p50'] > 0


def test_a_bench_of_timers_runs_beside_threads_that_wait(tmp_path):
    report = of_its_own(tmp_path, 'timers', '--pending', '5000', '--messages', '100', '--rate', '500', '--quiet',
                        '200ms')
    assert report['check']['good'] and report['plan']['pending'] == 5000 and report['messages']['accepted'] == 100


def test_a_bench_of_bursts_finds_each_whole(tmp_path):
    report = of_its_own(tmp_path, 'bursts', '--threads', '50', '--gap', '20ms', '--quiet', '1s')
    assert report['check']['good'] and report['batches']['whole_bursts'] == report['batches']['bursts'] == 50


def test_a_bench_of_bursts_that_meet_a_run_finds_no_two_runs_of_a_thread_at_once(tmp_path):
    report = of_its_own(tmp_path, 'busy', '--threads', '30', '--gap', '20ms', '--quiet', '500ms', '--work', '1s')
    assert report['check']['good'] and report['check']['overlaps'] == 0
    assert report['batches']['whole_bursts'] == report['batches']['out'] == 60
    # The second burst waited for the run of the first, which no quiet explains.
    assert report['run_ms']['max'] > 100 > report['late_ms']['p50']


def test_a_bench_may_start_a_broker_of_its_own_and_leaves_nothing(tmp_path):
    out = told(lull('bench', '--self', '--folder', tmp_path, '--broker', PROGRAMS['lull-broker'], '--messages', '2000'))
    assert 'check         good' in out and 'durable       yes' in out
    assert not list(tmp_path.iterdir())


def test_a_bench_shows_why_its_broker_did_not_start(tmp_path):
    result = lull('bench', '--self', '--folder', tmp_path, '--broker', PROGRAMS['lull-broker'], '--tenant', 'a b')
    assert result.returncode == 1 and 'has ended' in result.stderr and "'a b' is no name" in result.stderr
    assert not list(tmp_path.iterdir())
