"""The verbs of a thread over HTTP, POST /v1/threads/TENANT/THREAD/VERB; and several ingests beside one another."""

import http.client
import json
import select
import socket
import threading
import time
import urllib.parse
import urllib.request

import pytest

from fake_ingest_broker import FakeBroker
from lull import stays, wait_until


@pytest.fixture
def front(house):
    """A broker and an ingest; no worker, so that what is due waits."""
    house.add_tenant(quiet='60s', max_wait='600s', channels={'open': {'kind': 'generic', 'unsigned': True}})
    house.start_broker()
    house.start_ingest()
    return house


@pytest.fixture
def alone(house):
    """An ingest; the broker is a fake that takes in what comes, and answers no question."""
    house.add_tenant(channels={'open': {'kind': 'generic', 'unsigned': True}})
    house.configure(ingest={'ack_timeout': '2s'})
    house.fake = house.keep(FakeBroker(house.config['broker']['ingest']))
    house.start_ingest()
    return house


def do(house, verb, thread='ana', tenant='acme', body=b'', headers=None, url=None):
    """(status, what the answer says)."""
    path = f'/v1/threads/{tenant}/{urllib.parse.quote(thread, safe="")}/{verb}'
    if not isinstance(body, bytes):
        body = json.dumps(body).encode()
    request = urllib.request.Request((url or house.url) + path, body, headers or {}, method='POST')
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read())


def say(house, thread='ana', words='Oi', **keys):
    status, _, answer = house.post('/v1/messages', {'tenant': 'acme', 'thread': thread, 'text': words, **keys})
    assert status == 202, answer
    return json.loads(answer)


def in_background(call):
    """Starts `call`; returns what waits for its result."""
    results = []
    thread = threading.Thread(target=lambda: results.append(call()))
    thread.start()

    def result():
        thread.join(30)
        return results[0]
    return result


# -- what each does

def test_a_thread_is_held_and_let_go(front):
    say(front)
    assert do(front, 'hold', body={'why': 'Ana is writing', 'for': '2h'})[0] == 200
    held = front.ask('holds')['holds'][0]
    assert (held['tenant'], held['thread'], held['why'], held['pending']) == ('acme', 'ana', 'Ana is writing', 1)
    assert front.state('ana') == 'held'
    assert do(front, 'resume') == (200, {'resumed': 1})
    assert front.state('ana') == 'collecting'


def test_a_hold_ends_when_it_was_told_to_or_never(front):
    status, answer = do(front, 'hold', body={'for': '1s'})
    assert status == 200 and answer['held'] == 1 and answer['until'].endswith('Z')
    wait_until(lambda: front.ask('holds')['total'] == 0, 'it ends by itself')
    assert do(front, 'hold') == (200, {'held': 1, 'until': None})


def test_a_thread_is_sent_now(front):
    say(front)
    assert front.state('ana') == 'collecting'
    assert do(front, 'flush', body={}) == (200, {'flushed': 1})
    assert front.state('ana') == 'ready'


def test_what_a_thread_has_is_cancelled(front):
    say(front), say(front, words='Tudo bem?')
    assert do(front, 'cancel', body={'why': 'spam'}) == (200, {'cancelled': 2})
    dead = front.ask('dead')['dead'][0]
    assert (dead['thread'], dead['messages']) == ('ana', 2)


@pytest.mark.parametrize('thread', ['a/b', 'two words', 'é%2F', 'x' * 256, '..', '?#&=+',
                                    '5511999990000@s.whatsapp.net'])
def test_a_threads_name_may_be_anything_that_is_text(front, thread):
    assert do(front, 'hold', thread)[0] == 200
    assert [held['thread'] for held in front.ask('holds')['holds']] == [thread]
    assert do(front, 'resume', thread)[0] == 200


def test_typing_is_an_event_that_waits_for_the_acknowledgement(alone):
    before = int(time.time() * 1000)
    assert do(alone, 'typing') == (202, {'accepted': 0, 'duplicate': 0, 'events': 1, 'refused': []})
    assert do(alone, 'typing', 'a/b', body={'paused': True})[0] == 202
    typing, paused = alone.fake.accepted
    assert (typing.tenant, typing.thread, typing.what, typing.id) == ('acme', 'ana', 'typing', None)
    assert before <= typing.at <= time.time() * 1000
    assert (paused.thread, paused.what) == ('a/b', 'paused')
    alone.fake.is_silent = True
    assert do(alone, 'typing')[0] == 503


def test_a_broker_that_is_real_takes_typing_in(front):
    say(front)
    assert do(front, 'typing') == (202, {'accepted': 0, 'duplicate': 0, 'events': 1, 'refused': []})
    assert do(front, 'typing', tenant='nobody')[0] == 404
    assert front.ask('stats')['messages']['pending'] == 1


# -- what cannot be done

def test_what_the_broker_refuses_has_a_status(front):
    def code(*arguments, **keys):
        status, answer = do(front, *arguments, **keys)
        assert answer['status'] == status and answer['detail']
        return status, answer['code']
    assert code('hold', tenant='nobody') == (404, 'unknown_tenant')
    for verb in 'resume', 'flush', 'cancel':
        assert code(verb) == (404, 'not_found'), verb
    say(front)
    assert do(front, 'hold')[0] == 200
    assert code('flush') == (409, 'held')
    assert code('hold', 'x' * 257) == (400, 'bad_thread')
    assert code('hold', 'a\nb') == (400, 'bad_thread')
    assert code('hold', tenant='x' * 65) == (404, 'unknown_tenant')


def test_a_thread_that_runs_is_busy(front):
    front.worker()
    say(front)
    assert do(front, 'flush')[0] == 200
    wait_until(lambda: front.state('ana') == 'running', 'it runs')
    status, answer = do(front, 'flush')
    assert (status, answer['code']) == (409, 'busy')


@pytest.mark.parametrize('verb, body', [
    ('hold', b'{'), ('hold', b'[]'), ('hold', {'for': '2'}), ('hold', {'for': 2}), ('hold', {'for': '400d'}),
    ('hold', {'why': 'x' * 401}), ('hold', {'reason': 'x'}), ('resume', {'why': 'x'}), ('flush', {'for': '1s'}),
    ('cancel', {'for': '1s'}), ('typing', {'paused': 1}), ('typing', {'why': 'x'}), ('hold', b'\xff'),
    ('hold', b'{"why":"\xff"}')])
def test_a_body_that_says_something_else_is_refused(front, verb, body):
    say(front)
    status, answer = do(front, verb, body=body)
    assert (status, answer['code']) == (400, 'bad_request')
    assert front.state('ana') == 'collecting'


def test_a_path_or_a_method_that_is_none(front):
    for path, method, status in [('hold', 'GET', 405), ('typing', 'PUT', 405), ('sing', 'POST', 404),
                                 ('hold/', 'POST', 404), ('', 'POST', 404), ('%zz/hold', 'POST', 400)]:
        got, headers, _ = front.post(f'/v1/threads/acme/ana/{path}', b'{}', method=method)
        assert (got, headers.get('allow')) == (status, 'POST' if status == 405 else None), path


def test_who_may_send_messages_may_do_this_and_nobody_else(house):
    house.add_tenant()
    house.configure(ingest={'token': 'a token'})
    house.start_broker()
    house.start_ingest()
    for headers in {}, {'Authorization': 'Bearer a tokem'}, {'Authorization': 'Basic a token'}:
        for verb in 'hold', 'typing':
            assert do(house, verb, headers=headers)[0] == 401
    assert house.ask('holds')['total'] == 0
    assert do(house, 'hold', headers={'Authorization': 'bearer a token'})[0] == 200


def test_without_a_token_only_this_machine_is_served(front):
    status, answer = do(front, 'hold', headers={'X-Forwarded-For': '192.0.2.1'})
    assert status == 403 and 'ingest.token' in answer['detail']


# -- again, and when nobody answers

def test_said_twice_it_is_done_once(front):
    say(front)
    assert [do(front, 'hold', body={'for': '1h'})[0] for _ in range(3)] == [200] * 3
    assert front.ask('holds')['total'] == 1
    assert [do(front, 'resume')[0] for _ in range(3)] == [200, 404, 404]
    assert [do(front, 'cancel')[0] for _ in range(3)] == [200, 404, 404]
    assert front.ask('dead')['total'] == 1
    assert [do(front, 'typing')[0] for _ in range(3)] == [202] * 3


def test_a_question_waits_for_a_broker_that_comes_in_time(house):
    house.add_tenant()
    house.configure(ingest={'ack_timeout': '20s'})
    house.start_ingest()
    answers = [in_background(lambda n=n: do(house, 'hold', f'thread {n}')) for n in range(20)]
    house.start_broker()
    assert [answer()[0] for answer in answers] == [200] * 20
    assert house.ask('holds')['total'] == 20


def test_a_broker_that_does_not_answer_in_time_is_503(alone):
    status, answer = do(alone, 'hold')
    assert (status, answer['code']) == (503, 'broker_away')
    assert alone.post('/v1/threads/acme/ana/flush', b'')[1]['retry-after']


def test_a_broker_that_is_back_is_asked_again(front):
    front.configure(ingest={'ack_timeout': '1s'})
    front.start_ingest()
    front.broker.kill()
    assert do(front, 'hold')[0] == 503
    front.start_broker()
    wait_until(lambda: do(front, 'hold')[0] == 200, 'it answers again')


def test_who_waits_is_answered_before_the_program_ends(alone):
    answer = in_background(lambda: do(alone, 'hold'))
    wait_until(lambda: open_requests(alone) == 1, 'the request is there')
    alone.ingest.terminate()
    assert answer()[0] == 503
    assert alone.ingest.await_exit() == 0


def test_who_comes_to_an_end_only_after_the_stop_is_answered_too(alone):
    """Its own time would be over after the program's."""
    alone.configure(ingest={'ack_timeout': '3s'})
    alone.start_ingest()
    alone.fake.is_silent = True
    address = urllib.parse.urlsplit(alone.url)
    half = alone.keep(socket.create_connection((address.hostname, address.port), timeout=20))
    half.sendall(b'POST /v1/threads/acme/ana/hold HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{')
    answer = in_background(lambda: do(alone, 'typing'))
    wait_until(lambda: alone.fake.frames, 'the event is with the broker')
    alone.ingest.terminate()
    wait_until(lambda: len(alone.fake.raw) == 3, 'it was sent again, and again')
    assert stays(lambda: not select.select([half], [], [], 0)[0], 0.5), 'it is not hung up on'
    half.sendall(b'}')
    assert half.recv(1000).startswith(b'HTTP/1.1 503')
    assert answer()[0] == 503
    assert alone.ingest.await_exit() == 0


def open_requests(house):
    """As the ingest sees its connections: established ones with our end."""
    port = urllib.parse.urlsplit(house.url).port
    with open(f'/proc/{house.ingest.popen.pid}/net/tcp') as table:
        rows = [row.split() for row in table.read().splitlines()[1:]]
    return sum(int(row[1].split(':')[1], 16) == port and row[3] == '01' for row in rows)


def test_more_verbs_than_may_wait_are_told_to_come_again(alone):
    """A thousand wait for a broker that is not there; the next is refused at once."""
    alone.configure(ingest={'ack_timeout': '15s', 'connections': 4096, 'connections_per_address': 4096})
    alone.start_ingest()
    address = urllib.parse.urlsplit(alone.url)
    waiting = []
    for n in range(1000):
        connection = http.client.HTTPConnection(address.hostname, address.port, timeout=30)
        connection.request('POST', f'/v1/threads/acme/{n}/hold')
        waiting.append(alone.keep(connection))
    status, answer = do(alone, 'hold', 'one more')
    assert (status, answer['code']) == (503, 'overloaded')
    assert json.loads(waiting[0].getresponse().read())['code'] == 'broker_away'


# -- several

def start_both(house, **settings):
    """(the url of one, of the other)."""
    house.configure(ingest=settings)
    first = house.start_ingest()
    one = house.url
    house.start_ingest()
    return first, one, house.url


def test_a_webhook_that_comes_to_two_ingests_at_once_is_taken_in_once(front):
    _, one, other = start_both(front)
    assert one != other
    for n in range(30):
        body = json.dumps({'thread': 'ana', 'id': f'{n}', 'text': 'Oi'}).encode()

        def post(url):
            with urllib.request.urlopen(url + '/hooks/acme/open', body, timeout=20) as answer:
                return json.loads(answer.read())
        answers = [in_background(lambda url=url: post(url)) for url in (one, other)]
        said = [answer() for answer in answers]
        assert sum(answer['accepted'] for answer in said) == 1 and sum(answer['duplicate'] for answer in said) == 1
    assert front.ask('stats')['messages']['pending'] == 30


def test_messages_without_an_id_are_never_taken_for_one_another(front):
    _, one, other = start_both(front)
    for n in range(20):
        for front.url in one, other:
            assert say(front)['accepted'] == 1
    assert front.ask('stats')['messages']['pending'] == 40


def test_each_ingest_does_what_it_is_told(front):
    _, one, other = start_both(front)
    assert do(front, 'hold', url=one)[0] == 200
    assert do(front, 'resume', url=other)[0] == 200
    answers = [in_background(lambda n=n, url=url: do(front, 'hold', f'{n}', body={'why': url}, url=url))
               for n in range(20) for url in (one, other)]
    assert [answer()[0] for answer in answers] == [200] * 40
    assert front.ask('holds')['total'] == 20


def test_two_ingests_share_a_port_and_one_may_go(front):
    probe = front.url.removeprefix('http://')
    front.ingest.stop()
    first, one, other = start_both(front, http=probe, share_port=True)
    assert one == other
    for n in range(20):
        assert say(front, id=f'{n}')['accepted'] == 1
    assert first.stop() == 0
    for n in range(20, 40):
        assert say(front, id=f'{n}')['accepted'] == 1
    assert front.ask('stats')['messages']['pending'] == 40


def test_a_port_that_is_not_shared_is_refused(front):
    front.configure(ingest={'http': front.url.removeprefix('http://'), 'share_port': True})
    assert 'another lull-ingest' in front.start_refused('lull-ingest')
