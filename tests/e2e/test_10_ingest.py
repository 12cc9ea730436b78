"""lull-ingest alone, with a broker that does as it is told: what is sent, sent again, and answered when."""

import ctypes
import http.client
import json
import pathlib
import random
import signal
import socket
import subprocess
import threading
import time
import urllib.parse

import pytest

from fake_ingest_broker import FakeBroker
from lull import PROGRAMS, stays, wait_until
from peers import chatwoot_headers, whatsapp_headers
from protocol import ACK, encode

CHANNELS = {
    'open': {'kind': 'generic', 'unsigned': True},
    'closed': {'kind': 'generic', 'token': 'a token'},
    'support': {'kind': 'chatwoot', 'url': 'http://127.0.0.1:1', 'account': 2, 'token': 'token', 'secret': 'secret'},
    'wa': {'kind': 'whatsapp', 'phone_number_id': '1', 'token': 'token', 'secret': 'secret',
           'verify_token': 'verify me'},
}


# It gives up soon: for tests in which nobody acknowledges.
HASTY = pytest.mark.parametrize('ingest', ['3s'], indirect=True)


@pytest.fixture
def ingest(house, request):
    """It waits for acknowledgements for as long as a machine that does ten other things may need, or as a test says."""
    house.add_tenant(channels=CHANNELS)
    house.configure(ingest={'ack_timeout': getattr(request, 'param', '15s')})
    house.fake = house.keep(FakeBroker(house.config['broker']['ingest']))
    house.start_ingest()
    return house


def said(n, **keys):
    return {'tenant': 'acme', 'thread': 'ana', 'id': str(n), 'text': f'word {n}', **keys}


def post(house, body, path='/v1/messages', **keys):
    """(status, what the body says)."""
    status, _, answer = house.post(path, body, **keys)
    return status, json.loads(answer)


def in_background(call):
    """Starts `call`; returns what waits for its result."""
    results = []
    thread = threading.Thread(target=lambda: results.append(call()))
    thread.start()

    def result():
        thread.join(20)
        return results[0]
    result.is_waiting = lambda: not results
    return result


def address_of(house):
    address = urllib.parse.urlsplit(house.url)
    return address.hostname, address.port


def talk(house, data, deadline=20):
    """What comes back for raw bytes, until the other side closes or `data` was answered as a whole."""
    with socket.create_connection(address_of(house), timeout=deadline) as raw:
        answer = b''
        try:
            raw.sendall(data)
            raw.shutdown(socket.SHUT_WR)
            while part := raw.recv(65536):
                answer += part
        except OSError:
            pass
        return answer


# -- frames and acknowledgements

def test_a_message_reaches_the_broker_as_it_was_said(ingest):
    body = said(1, at='2026-11-21T10:00:00.5Z', kind='image', data={'a': [1, None]}, channel='open', **{'from': 'Ana'})
    assert post(ingest, body) == (202, {'accepted': 1, 'duplicate': 0, 'refused': []})
    there = ingest.fake.accepted[0]
    assert (there.tenant, there.thread, there.id, there.channel) == ('acme', 'ana', '1', 'open')
    assert (there.at, there.sender, there.kind, there.text) == (1795255200500, 'Ana', 'image', 'word 1')
    assert json.loads(there.data) == {'a': [1, None]}


def test_a_frame_without_an_acknowledgement_is_sent_again_as_it_was(ingest):
    ingest.fake.is_silent = True
    answer = in_background(lambda: post(ingest, [said(1), {'tenant': 'acme', 'thread': 'ana'}]))
    wait_until(lambda: len(ingest.fake.raw) == 2, 'it is sent again')
    (first_at, first), (second_at, second) = ingest.fake.raw
    assert first == second and second_at - first_at > 0.3, 'not at once'
    ingest.fake.is_silent = False
    assert answer() == (202, {'accepted': 2, 'duplicate': 0, 'refused': []})


def test_what_comes_while_a_frame_is_under_way_shares_the_next_one(ingest):
    ingest.fake.is_silent = True
    answers = [in_background(lambda: post(ingest, said(0)))]
    wait_until(lambda: ingest.fake.frames, 'the first frame')
    answers += [in_background(lambda n=n: post(ingest, said(n))) for n in range(1, 30)]
    probe = in_background(lambda: ingest.post('/readyz', None, method='GET')[0])
    wait_until(lambda: ingest.ingest.is_running() and threading.active_count() > 30, 'all are under way')
    ingest.fake.is_silent = False
    assert [answer()[0] for answer in answers] == [202] * 30
    assert probe() == 200
    assert len({request for request, _ in ingest.fake.frames}) < 10
    assert len(ingest.fake.accepted) == 30


@HASTY
def test_no_acknowledgement_in_time_is_503_and_a_late_one_harms_nobody(ingest):
    ingest.fake.is_silent = True
    started = time.monotonic()
    status, headers, answer = ingest.post('/v1/messages', said(1))
    assert status == 503 and int(headers['retry-after']) > 0 and json.loads(answer)['code'] == 'broker_away'
    assert 2.9 < time.monotonic() - started < 15
    ingest.fake.is_silent = False
    ingest.fake.say(encode(ACK, [ingest.fake.frames[0][0], 1, [], []]))
    assert post(ingest, said(1)) == (202, {'accepted': 1, 'duplicate': 0, 'refused': []})
    assert ingest.ingest.events('broker_away') and ingest.ingest.events('broker_back')


@HASTY
def test_an_acknowledgement_that_comes_too_late_still_shows_that_the_broker_is_back(ingest):
    ingest.fake.is_silent = True
    assert post(ingest, said(1))[0] == 503
    assert ingest.ingest.events('broker_away') and not ingest.ingest.events('broker_back')
    ingest.fake.say(encode(ACK, [ingest.fake.frames[0][0], 1, [], []]))
    wait_until(lambda: ingest.ingest.events('broker_back'), 'it is said that the broker is back')


def test_nonsense_from_the_broker_is_passed_over(ingest):
    def answer(request, messages):
        for frame in [b'', b'\x22', b'\x21\x90', b'\xff\xff', encode(ACK, ['x', 1, [], []]),
                      encode(ACK, [request, 7, [], []]), encode(ACK, [request, 0, [5], []]),
                      encode(ACK, [request, 0, [], [[0, 'x']]]),
                      encode(ACK, [request, 0, [], [[9, 'x', 'y']]]), encode(ACK, [request, 2**64 - 1, [], []]),
                      encode(ACK, [request + 1, 1, [], []]), encode(13, [1, 2]), encode(13, ['bad_frame', 'why not']),
                      encode(4, [1, 2, 3, 'x']), b'\x22' + b'\xdd\xff\xff\xff\xff' * 10]:
            ingest.fake.say(frame)
        ingest.fake.answer = ingest.fake.acknowledge
        return None
    ingest.fake.answer = answer
    assert post(ingest, said(1)) == (202, {'accepted': 1, 'duplicate': 0, 'refused': []})


def test_what_the_broker_refuses_is_named_by_its_place_in_the_request(ingest):
    ingest.fake.refuse = {'2': ('unknown_channel', 'no such channel'), '4': ('bad_body', 'broken')}
    status, answer = post(ingest, [said(1), 'nothing', said(2), said(3), said(4)])
    assert status == 202 and answer['accepted'] == 2
    assert [(refusal['index'], refusal['code']) for refusal in answer['refused']] == [
        (1, 'bad_message'), (2, 'unknown_channel'), (4, 'bad_body')]


@pytest.mark.parametrize('code, status', [('unknown_tenant', 404), ('unknown_channel', 404), ('too_large', 413),
                                          ('bad_body', 400)])
def test_a_message_that_is_refused_alone_has_the_status_of_its_reason(ingest, code, status):
    ingest.fake.refuse = {'1': (code, 'the reason')}
    got, headers, answer = ingest.post('/v1/messages', said(1))
    problem = json.loads(answer)
    assert got == status == problem['status'] and (problem['code'], problem['detail']) == (code, 'the reason')
    assert headers['content-type'] == 'application/problem+json'


def test_nothing_is_a_request_too(ingest):
    assert post(ingest, []) == (202, {'accepted': 0, 'duplicate': 0, 'refused': []})
    assert ingest.fake.frames == []


def test_too_many_messages_are_refused(ingest):
    assert post(ingest, [said(n) for n in range(10001)])[0] == 413
    assert post(ingest, [said(n) for n in range(10000)])[1]['accepted'] == 10000


def test_ten_thousand_messages_without_an_id_still_fit(ingest):
    body = b'[' + b','.join([b'{"tenant":"a","thread":"b"}'] * 10000) + b']'
    assert post(ingest, body)[1]['accepted'] == 10000
    assert len({there.id for there in ingest.fake.accepted}) == 10000


# -- who is served

def test_health_is_ours_and_readiness_the_brokers(ingest):
    assert ingest.post('/healthz', None, method='GET')[::2] == (200, b'ok\n')
    assert ingest.post('/readyz', None, method='GET')[::2] == (200, b'ready\n')
    ingest.fake.is_silent = True
    assert ingest.post('/readyz', None, method='GET')[0] == 503
    assert ingest.post('/healthz', None, method='GET')[0] == 200
    assert ingest.post('/healthz', b'', method='POST')[0] == 405


@pytest.mark.parametrize('header', ['X-Forwarded-For: 192.0.2.1', 'Forwarded: for=192.0.2.1', 'X-Real-IP: 192.0.2.1',
                                    'Via: 1.1 proxy', 'Origin: http://example.com'])
def test_without_a_token_neither_proxies_nor_web_pages_are_served(ingest, header):
    name, _, value = header.partition(': ')
    status, answer = post(ingest, said(1), headers={'Content-Type': 'text/plain', name: value})
    assert status == 403 and 'ingest.token' in answer['detail']


def test_an_address_of_ipv6_and_a_path_with_escapes(house):
    house.add_tenant(channels=CHANNELS)
    house.configure(ingest={'http': '[::1]:0'})
    house.fake = house.keep(FakeBroker(house.config['broker']['ingest']))
    house.start_ingest()
    assert house.url.startswith('http://[::1]:')
    assert post(house, {'thread': 'a', 'text': 'Oi'}, '/hooks/%61cme/op%65n')[1]['accepted'] == 1
    assert post(house, said(1), '/hooks/acme%2Fopen')[0] == 404
    assert post(house, said(1))[0] == 202


def test_the_method_and_the_path_are_told_from_one_another(ingest):
    for path, method, status in [('/v1/messages', 'PUT', 405), ('/hooks/acme/open', 'DELETE', 405),
                                 ('/hooks/acme', 'POST', 404), ('/hooks/acme/open/', 'POST', 404), ('/', 'GET', 404),
                                 ('/hooks/acme/%zz', 'POST', 400), ('/v1/messages/', 'POST', 404),
                                 ('/hooks/acme/open', 'GET', 404)]:
        got, headers, _ = ingest.post(path, b'{}', method=method)
        assert (got, 'allow' in headers) == (status, status == 405), path


# -- webhooks

def test_a_webhook_is_acknowledged_only_after_the_broker(ingest):
    ingest.fake.is_silent = True
    answer = in_background(lambda: post(ingest, {'thread': 'a', 'id': '1', 'text': 'Oi'}, '/hooks/acme/open'))
    wait_until(lambda: ingest.fake.frames, 'it is with the broker')
    assert stays(answer.is_waiting, 0.3)
    ingest.fake.is_silent = False
    assert answer() == (200, {'accepted': 1, 'duplicate': 0})
    there = ingest.fake.accepted[0]
    assert (there.tenant, there.channel, there.thread, there.id, there.text) == ('acme', 'open', 'a', '1', 'Oi')


@HASTY
def test_a_webhook_that_nobody_acknowledges_is_503(ingest):
    ingest.fake.is_silent = True
    status, headers, _ = ingest.post('/hooks/acme/open', {'thread': 'a', 'text': 'Oi'})
    assert status == 503 and headers['retry-after']
    assert ingest.ingest.events('webhook_late')[0]['channel'] == 'open'


@pytest.mark.parametrize('item, code', [
    ({'thread': 'x' * 300, 'text': 'Oi'}, 'bad_thread'), ({'thread': 'a', 'id': 'x' * 300}, 'bad_id'),
    ({'thread': 'a', 'text': 'x' * 100_000}, 'too_large'), ({'thread': 'a', 'id': 'body', 'text': 'Oi'}, 'bad_body')])
def test_what_can_never_be_taken_of_a_webhook_is_not_asked_for_again(ingest, item, code):
    """A platform would come again with it for days. A program at the message API hears it by the status."""
    ingest.fake.refuse = {'body': ('bad_body', 'not an array')}
    status, answer = post(ingest, item, '/hooks/acme/open')
    assert (status, answer['accepted'], [refusal['code'] for refusal in answer['refused']]) == (200, 0, [code])
    assert ingest.ingest.events('message_refused')[0]['code'] == code
    assert post(ingest, {'tenant': 'acme', **item})[0] == (413 if code == 'too_large' else 400)


def test_what_may_be_taken_later_of_a_webhook_has_to_come_again(ingest):
    ingest.fake.refuse = {'1': ('unknown_channel', 'not read yet')}
    assert post(ingest, {'thread': 'a', 'id': '1', 'text': 'Oi'}, '/hooks/acme/open')[0] == 503
    assert post(ingest, [{'thread': 'a', 'id': '1'}, {'thread': 'a', 'id': '2'}], '/hooks/acme/open')[0] == 200


def test_what_is_around_a_message_that_is_too_large_stays_behind(ingest):
    big, url = {'html': 'h' * 100_000}, 'https://x.example/' + 'u' * 100_000
    arounds = [{'data': big}, {'url': url}, {'data': big, 'url': url}, {'data': {'a': 1}, 'url': 'u'}]
    for n, around in enumerate(arounds):
        item = {'thread': 'a', 'id': str(n), 'text': 'Oi', **around}
        assert post(ingest, item, '/hooks/acme/open') == (200, {'accepted': 1, 'duplicate': 0}), around
    said = [(there.text, there.data, there.url) for there in ingest.fake.accepted]
    assert said == [('Oi', None, None)] * 3 + [('Oi', '{"a":1}', 'u')]
    told = ingest.ingest.events('data_left_out')
    assert [event['messages'] for event in told] == ['1'] * 3
    assert all(event['tenant'] == 'acme' and event['channel'] == 'open' for event in told)
    assert int(told[0]['bytes']) > 100_000 and 'hhh' not in ingest.ingest.log and 'uuu' not in ingest.ingest.log


def test_what_is_around_a_message_is_left_out_only_when_that_helps(ingest):
    item = {'thread': 'a', 'id': '1', 'text': 'x' * 100_000, 'data': {'html': 'h' * 100_000}}
    assert 'refused' in post(ingest, item, '/hooks/acme/open')[1]
    assert not ingest.ingest.events('data_left_out') and not ingest.fake.accepted


def test_a_webhook_that_is_not_for_us_is_done_at_once(ingest):
    ingest.fake.is_silent = True
    body = b'{"event":"conversation_created","id":1}'
    status, answer = post(ingest, body, '/hooks/acme/support', headers=chatwoot_headers(body, 'secret'))
    assert status == 200 and answer['accepted'] == 0 and 'conversation_created' in answer['ignored'][0]


@pytest.mark.parametrize('path, begin, part, end', [
    ('/hooks/acme/open', b'[', b'{"thread":"a"}', b']'),
    ('/hooks/acme/wa', b'{"entry":[{"changes":[', b'1', b']}]}'),
    ('/hooks/acme/wa', b'{"entry":[{"changes":[{"value":{"statuses":[', b'1', b']}}]}]}')])
def test_a_webhook_of_too_many_parts_is_refused_in_a_few_words(ingest, path, begin, part, end):
    n = ((3 << 20) - 100) // (len(part) + 1)
    body = begin + b','.join([part] * n) + end
    status, _, answer = ingest.post(path, body, whatsapp_headers(body, 'secret'))
    assert status == 413 and json.loads(answer)['code'] == 'too_large' and len(answer) < 1000
    assert ingest.fake.frames == []


def test_of_many_ignored_parts_the_answer_names_a_few(ingest):
    body = b'{"entry":[{"changes":[' + b','.join([b'1'] * 10_000) + b']}]}'
    status, answer = post(ingest, body, '/hooks/acme/wa', headers=whatsapp_headers(body, 'secret'))
    assert status == 200 and answer['ignored_total'] == 10_000 and len(answer['ignored']) == 10


def test_a_refused_webhook_is_one_line_in_the_log_without_what_was_said(ingest):
    body = b'{"thread": "a", "text": "a secret of Ana" "x"}'
    assert post(ingest, body, '/hooks/acme/closed')[0] == 401
    assert post(ingest, body, '/hooks/acme/closed?token=secret', headers={'Authorization': 'Bearer a tokem'})[0] == 401
    status, headers, answer = ingest.post('/hooks/acme/closed', body, {'Authorization': 'Bearer a token'})
    assert status == 400 and 'line 1, column' in json.loads(answer)['detail']
    codes = [fields['code'] for fields in ingest.ingest.events('webhook_refused')]
    assert codes == ['unsigned', 'forged', 'bad_webhook']
    assert 'Ana' not in ingest.ingest.log and 'tokem' not in ingest.ingest.log and '?' not in ingest.ingest.log


def test_the_platforms_question_is_answered(ingest):
    question = '/hooks/acme/wa?hub.mode=subscribe&hub.challenge=11%2e58&hub.verify_token='
    status, headers, body = ingest.post(question + 'verify%20me', None, method='GET')
    assert (status, body) == (200, b'11.58') and headers['content-type'].startswith('text/plain')
    assert ingest.post(question + 'x', None, method='GET')[0] == 403


# -- bodies

def head(*lines, path='/v1/messages'):
    return '\r\n'.join([f'POST {path} HTTP/1.1', 'Host: x', *lines, '', '']).encode()


def test_a_length_told_in_two_ways_is_refused_and_the_rest_is_not_read(ingest):
    smuggled = b'0\r\n\r\nGET /healthz HTTP/1.1\r\nHost: x\r\n\r\n'
    length, chunked = 'Content-Length: 5', 'Transfer-Encoding: chunked'
    for lines in [(length, chunked), (chunked, length), (length, 'Content-Length: 6'), (chunked, chunked),
                  ('Transfer-Encoding: gzip, chunked',)]:
        answer = talk(ingest, head(*lines) + smuggled)
        assert answer.count(b'HTTP/1.1 ') == 1 and answer.startswith(b'HTTP/1.1 400'), lines


def until_closed(house, data):
    """What comes back before the other side closes, although this one could still send."""
    with socket.create_connection(address_of(house), timeout=5) as raw:
        raw.sendall(data)
        answer = b''
        while part := raw.recv(65536):
            answer += part
        return answer


HIDDEN = json.dumps(said('hidden')).encode()
INNER = head(f'Content-Length: {len(HIDDEN)}') + HIDDEN
CHUNKED = b'%x\r\n' % len(INNER) + INNER + b'\r\n0\r\n\r\n'


@pytest.mark.parametrize('line, body', [
    (f'Content-Length : {len(INNER)}', INNER), (f'Content-Length\t: {len(INNER)}', INNER),
    ('Transfer-Encoding : chunked', CHUNKED), (f'X: y\rContent-Length: {len(INNER)}', INNER),
    (f'X: y\r\n Content-Length: {len(INNER)}', INNER), (f'Content-Length:\r\n {len(INNER)}', INNER),
    (f'Content-Length: 0\r\n {len(INNER)}', INNER), ('Transfer-Encoding:\r\n\tchunked', CHUNKED),
    (f'Content-Length\r: {len(INNER)}', INNER), (f'X: \x01\r\nContent-Length: {len(INNER)}', INNER)],
    ids=['blank', 'tab', 'blank, chunked', 'carriage return', 'folded name', 'folded value', 'folded more',
         'folded coding', 'return before the colon', 'a control character'])
@pytest.mark.parametrize('first', ['GET /healthz', 'POST /hooks/acme/open', 'DELETE /v1/messages'])
def test_a_length_in_disguise_is_refused_and_the_rest_is_not_read(ingest, first, line, body):
    """What a proxy before us would take for the body must not become a request of its own."""
    answer = until_closed(ingest, f'{first} HTTP/1.1\r\nHost: x\r\n{line}\r\n\r\n'.encode() + body)
    assert answer.startswith(b'HTTP/1.1 400') and answer.count(b'HTTP/1.1 400') == answer.count(b'HTTP/1.1 ')
    assert post(ingest, said('last'))[0] == 202
    assert [there.id for there in ingest.fake.accepted] == ['last']


def libmicrohttpd():
    """The version of the library that the ingest is linked with."""
    library = ctypes.CDLL('libmicrohttpd.so.12')
    library.MHD_get_version.restype = ctypes.c_char_p
    return library.MHD_get_version().decode()


@pytest.mark.parametrize('target', [b'/healthz\0x', b'/healthz?a=\0', b'/healthz\0', b'/healthz?a=\tb',
                                    b'/healthz?a=\rb', b'/healthz?\x01', b'/healthz?\x7f'])
def test_an_address_with_control_characters_is_refused(ingest, target):
    answer = until_closed(ingest, b'GET ' + target + b' HTTP/1.1\r\nHost: x\r\n\r\n')
    if b'\0' in target and not libmicrohttpd().startswith('0.'):
        assert answer == b'', 'from 1.0 on the library itself hangs up on a NUL, without a word'
        return
    assert answer.startswith(b'HTTP/1.1 400') and answer.count(b'HTTP/1.1 400') == answer.count(b'HTTP/1.1 ')


def test_a_body_in_chunks(ingest):
    body = json.dumps(said(1)).encode()
    chunks = b''.join(b'1\r\n' + body[i:i + 1] + b'\r\n' for i in range(len(body))) + b'0\r\n\r\n'
    assert talk(ingest, head('Transfer-Encoding: chunked', 'Connection: close') + chunks).startswith(b'HTTP/1.1 202')


@pytest.mark.parametrize('size', [(3 << 20) + 1, 20 << 20])
def test_a_body_that_is_too_large_is_answered_all_the_same(ingest, size):
    assert post(ingest, b' ' * size)[0] == 413
    chunk = b'%x\r\n' % (1 << 20) + b' ' * (1 << 20) + b'\r\n'
    chunks = chunk * (1 + size // (1 << 20)) + b'0\r\n\r\n'
    answer = talk(ingest, head('Transfer-Encoding: chunked', 'Connection: close') + chunks)
    assert answer.startswith(b'HTTP/1.1 413')
    assert ingest.fake.frames == []


def test_who_asks_before_sending_is_told_at_once(ingest):
    with socket.create_connection(address_of(ingest), timeout=20) as raw:
        raw.sendall(head('Content-Length: 9999999', 'Expect: 100-continue'))
        assert raw.recv(1000).startswith(b'HTTP/1.1 413')
    body = json.dumps(said(1)).encode()
    with socket.create_connection(address_of(ingest), timeout=20) as raw:
        raw.sendall(head(f'Content-Length: {len(body)}', 'Expect: 100-continue'))
        assert raw.recv(1000).startswith(b'HTTP/1.1 100')
        raw.sendall(body)
        assert raw.recv(1000).startswith(b'HTTP/1.1 202')


def test_who_asks_before_sending_what_is_not_wanted_is_told_at_once(ingest):
    for path, status, lines in [('/nothing', 404, ()), ('/healthz', 405, ()), ('/hooks/acme/nowhere', 404, ()),
                                ('/v1/messages', 403, ('Via: 1.1 proxy',)), ('/%zz', 400, ())]:
        answer = until_closed(ingest, head('Content-Length: 1000000', 'Expect: 100-continue', *lines, path=path))
        assert answer.startswith(f'HTTP/1.1 {status} '.encode()) and answer.count(b'HTTP/1.1 ') == 1, path


def test_a_client_that_hangs_up_while_it_waits(ingest):
    ingest.fake.is_silent = True
    for n in range(50):
        with socket.create_connection(address_of(ingest)) as raw:
            body = json.dumps(said(n)).encode()
            raw.sendall(head(f'Content-Length: {len(body)}') + body)
            if n % 2:
                raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b'\x01\0\0\0\0\0\0\0')  # close with a reset
            wait_until(lambda: ingest.fake.frames, 'the first is there')
    ingest.fake.is_silent = False
    assert post(ingest, said('last'))[0] == 202
    wait_until(lambda: len(ingest.fake.accepted) >= 2, 'what was read is handed over')


def test_many_wait_at_once_and_each_hears_of_its_own(ingest):
    ingest.fake.is_silent = True
    connections = []
    for n in range(500):
        body = json.dumps([said(n)] * (1 + n % 3)).encode()
        raw = socket.create_connection(address_of(ingest), timeout=20)
        raw.sendall(head(f'Content-Length: {len(body)}') + body)
        connections.append(raw)
    ingest.fake.is_silent = False
    for n, raw in enumerate(connections):
        answer = http.client.HTTPResponse(raw)
        answer.begin()
        assert json.loads(answer.read())['duplicate'] == n % 3
        raw.close()


# -- garbage

def bent_requests(rng):
    body = json.dumps(said(1)).encode()
    hook = json.dumps({'thread': 'a', 'text': 'Oi'}).encode()
    whole = [
        head(f'Content-Length: {len(body)}', 'Content-Type: application/json') + body,
        head('Transfer-Encoding: chunked') + b'%x\r\n' % len(body) + body + b'\r\n0\r\n\r\n',
        head(f'Content-Length: {len(hook)}', path='/hooks/acme/open?a=b%20c') + hook,
        b'GET /hooks/acme/wa?hub.mode=subscribe&hub.verify_token=%ff&hub.challenge= HTTP/1.1\r\nHost: x\r\n\r\n',
        b'GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n' * 3,
    ]
    for _ in range(600):
        bent = bytearray(rng.choice(whole) + rng.choice([b'', b'', rng.choice(whole)]))
        for _ in range(rng.randint(0, 4)):
            at = rng.randrange(len(bent))
            kind = rng.randrange(4)
            if kind == 0:
                bent[at] = rng.randrange(256)
            elif kind == 1:
                del bent[at:at + rng.randrange(20)]
            elif kind == 2:
                bent[at:at] = rng.choice([b'\r\n', b'\0', b'%', b'\x80', b': ', b'Content-Length: 3\r\n', b'A' * 3000])
            else:
                del bent[at:]
            if not bent:
                break
        yield bytes(bent)


def test_bent_requests_harm_nobody(ingest):
    """Half a request keeps its connection until it has been idle for too long: so nobody waits for the answers."""
    connections = []
    for number, data in enumerate(bent_requests(random.Random(6))):
        raw = socket.create_connection(address_of(ingest), timeout=20)
        raw.sendall(data)
        raw.shutdown(socket.SHUT_WR)
        connections.append(raw)
        if number % 20 == 0:
            assert post(ingest, said(number))[0] == 202
    for raw in connections:
        raw.close()
    assert post(ingest, said('last'))[0] == 202


def test_headers_beyond_all_measure(ingest):
    for data in [head('X: ' + 'y' * 1_000_000), head(*['X: y'] * 100_000), b'A' * 1_000_000,
                 head(path='/' + '%41' * 100_000), head('Host: y', 'Connection: close'),
                 b'POST /v1/messages HTTP/1.1\r\n\r\n']:
        answer = talk(ingest, data)
        assert answer == b'' or answer.startswith(b'HTTP/1.'), answer[:100]
        assert ingest.ingest.is_running()
    assert post(ingest, said(1))[0] == 202


def test_json_that_is_bent(ingest):
    rng = random.Random(7)
    line = json.dumps(said(1, data={'a': [1.5, 'é', None]}, at=1795255200000)).encode()
    for _ in range(500):
        bent = bytearray(line + rng.choice([b'', b'\n' + line]))
        for _ in range(rng.randint(1, 3)):
            bent[rng.randrange(len(bent))] = rng.choice(b'{}[],:"\\\n 0e\xff\x00')
        for path in ('/v1/messages', '/hooks/acme/open'):
            status, _, _ = ingest.post(path, bytes(bent))
            assert status in (200, 202, 400, 422), bent
    assert ingest.ingest.is_running()


# -- beginning and end

def test_a_hangup_reads_the_file_again_and_a_broken_one_is_not_taken(ingest):
    assert post(ingest, {'thread': 'a'}, '/hooks/new/open')[0] == 404
    ingest.add_tenant('new', channels=CHANNELS)
    path = ingest.write_config()
    ingest.ingest.popen.send_signal(signal.SIGHUP)
    wait_until(lambda: ingest.ingest.events('config_read'), 'the file is read')
    assert post(ingest, {'thread': 'a'}, '/hooks/new/open')[0] == 200
    path.write_text('tenants: {acme: {quite: 1s}}\n')
    ingest.ingest.popen.send_signal(signal.SIGHUP)
    refused = wait_until(lambda: ingest.ingest.events('config_refused'), 'the file is refused')
    assert 'quite' in refused[0]['why']
    assert post(ingest, {'thread': 'a'}, '/hooks/new/open')[0] == 200


def test_a_hangup_in_the_middle_of_a_request(ingest):
    ingest.fake.is_silent = True
    answer = in_background(lambda: post(ingest, {'thread': 'a', 'text': 'Oi'}, '/hooks/acme/open'))
    wait_until(lambda: ingest.fake.frames, 'it is with the broker')
    ingest.ingest.popen.send_signal(signal.SIGHUP)
    wait_until(lambda: ingest.ingest.events('config_read'), 'the file is read')
    ingest.fake.is_silent = False
    assert answer()[0] == 200


def test_who_is_told_to_stop_answers_those_who_wait_and_takes_nobody_else(ingest):
    ingest.fake.is_silent = True
    answer = in_background(lambda: post(ingest, said(1)))
    wait_until(lambda: ingest.fake.frames, 'it is with the broker')
    ingest.ingest.terminate()
    wait_until(lambda: ingest.ingest.events('stopping'), 'it stops')
    with pytest.raises(OSError):
        socket.create_connection(address_of(ingest), timeout=1)
    ingest.fake.is_silent = False
    assert answer()[0] == 202
    assert ingest.ingest.await_exit() == 0


@HASTY
def test_who_is_told_to_stop_does_not_wait_for_half_a_request(ingest):
    ingest.fake.is_silent = True
    half = socket.create_connection(address_of(ingest))
    half.sendall(head('Content-Length: 10') + b'{')
    answer = in_background(lambda: post(ingest, said(1))[0])
    wait_until(lambda: ingest.fake.frames, 'it is with the broker')
    ingest.ingest.terminate()
    assert answer() == 503
    assert ingest.ingest.await_exit() == 0
    half.close()


@HASTY
def test_who_still_waits_when_the_time_to_stop_is_over_is_told_so(ingest):
    """A request that was there only in part when the stop began, and as a whole later."""
    ingest.fake.is_silent = True
    body = json.dumps(said(2)).encode()
    half = socket.create_connection(address_of(ingest), timeout=20)
    half.sendall(head(f'Content-Length: {len(body)}') + body[:9])
    answer = in_background(lambda: post(ingest, said(1))[0])
    wait_until(lambda: ingest.fake.frames, 'it is with the broker')
    ingest.ingest.terminate()
    wait_until(lambda: len(ingest.fake.raw) == 3, 'it was sent again, and again')
    half.sendall(body[9:])
    assert half.recv(1000).startswith(b'HTTP/1.1 503')
    half.close()
    assert answer() == 503
    assert ingest.ingest.await_exit() == 0


def test_who_does_not_read_the_answer_does_not_keep_the_program(ingest):
    ingest.fake.is_silent = True
    bad = json.dumps({'tenant': 'acme', 'thread': 'ana', 'x' * 200: 1}).encode()
    body = b'[' + b','.join([bad] * 9_999 + [json.dumps(said(1)).encode()]) + b']'
    raw = socket.socket()
    raw.settimeout(20)
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    raw.connect(address_of(ingest))
    raw.sendall(head(f'Content-Length: {len(body)}') + body)
    wait_until(lambda: ingest.fake.frames, 'the one good message is with the broker')
    ingest.fake.is_silent = False
    ingest.ingest.terminate()
    assert ingest.ingest.await_exit() == 0
    raw.close()


def test_an_address_in_use_is_named(ingest):
    ingest.configure(ingest={'http': ingest.url.removeprefix('http://')})
    second = ingest.start('second', [PROGRAMS['lull-ingest'], ingest.write_config()])
    assert second.await_exit() == 1 and 'another lull-ingest' in second.log
    second.is_killed = True  # it was right to end with an error


def call(*arguments, **keys):
    return subprocess.run([PROGRAMS['lull-ingest'], *map(str, arguments)], text=True, capture_output=True, timeout=60,
                          **keys)


def test_how_it_is_called():
    assert call('--help').stdout.startswith('Usage: lull-ingest')
    assert call('--version').stdout.startswith('lull-ingest ')
    for wrong in (['--no-such-option'], ['a.yaml', 'b.yaml']):
        result = call(*wrong)
        assert result.returncode == 2 and '--help' in result.stderr and result.stdout == ''
    result = call('/nonexistent/lull.yaml')
    assert result.returncode == 1 and '/nonexistent/lull.yaml' in result.stderr


# -- stdin

@pytest.fixture
def feed(house):
    """Runs lull-ingest --stdin with the fake broker."""
    house.add_tenant()
    house.fake = house.keep(FakeBroker(house.config['broker']['ingest']))
    path = house.write_config()
    house.feed = lambda lines: call('--stdin', path, input=lines, env={**house.environment})
    return house


def test_lines_arrive_in_order_in_frames_of_a_thousand(feed):
    lines = ''.join(json.dumps(said(n)) + '\n' for n in range(25_000))
    result = feed.feed(lines)
    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith('25000 accepted, 0 duplicate, 0 refused in ') and result.stdout.count('\n') == 1
    assert feed.fake.texts == [f'word {n}' for n in range(25_000)]
    assert max(len(messages) for _, messages in feed.fake.frames) == 1000
    assert len(feed.fake.frames) < 100
    assert result.stderr == ''


def test_a_line_that_is_refused_is_named_and_the_others_go_on(feed):
    feed.fake.refuse = {'9': ('unknown_tenant', 'there is no such tenant')}
    lines = [json.dumps(said(1)), '', '{"tenant":', json.dumps(said(2, txt='x')), '  ', json.dumps(said(9)),
             json.dumps(said(1)), '"\x1b[31m"', json.dumps(said(3))]
    result = feed.feed('\r\n'.join(lines))
    assert result.returncode == 1
    assert result.stdout.startswith('2 accepted, 1 duplicate, 4 refused in ')
    refused = result.stderr.splitlines()
    assert [line.split(',')[0].split(':')[0] for line in refused] == ['line 3', 'line 4', 'line 8', 'line 6']
    assert 'column' in refused[0] and 'unknown key "txt"' in refused[1]
    assert 'no such tenant (unknown_tenant)' in refused[3]
    assert '\x1b' not in result.stderr


def test_stdin_waits_for_a_broker_for_as_long_as_it_takes(house):
    house.add_tenant()
    house.configure(ingest={'ack_timeout': '100ms'})
    feed = house.start('stdin', [PROGRAMS['lull-ingest'], '--stdin', house.write_config()], stdin=subprocess.PIPE)
    feed.popen.stdin.write(''.join(json.dumps(said(n)) + '\n' for n in range(3000)).encode())
    feed.popen.stdin.close()
    wait_until(lambda: feed.events('broker_away'), 'it is said that there is no broker')
    fake = house.keep(FakeBroker(house.config['broker']['ingest'], is_silent=True))
    wait_until(lambda: len(fake.raw) >= 2, 'the first frame comes twice')
    fake.is_silent = False
    assert feed.await_exit() == 0
    assert fake.texts == [f'word {n}' for n in range(3000)]


def test_a_line_typed_by_hand_goes_at_once(feed):
    process = feed.start('stdin', [PROGRAMS['lull-ingest'], '--stdin', feed.write_config()], stdin=subprocess.PIPE)
    for n in range(3):
        process.popen.stdin.write(json.dumps(said(n)).encode() + b'\n')
        process.popen.stdin.flush()
        wait_until(lambda: len(feed.fake.accepted) == n + 1, 'it has arrived')
    process.popen.stdin.close()
    assert process.await_exit() == 0


def test_an_interrupted_feed_says_what_is_acknowledged(feed):
    process = subprocess.Popen([PROGRAMS['lull-ingest'], '--stdin', feed.write_config()], stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=feed.environment, text=True)
    process.stdin.write(json.dumps(said(1)) + '\n')
    process.stdin.flush()
    wait_until(lambda: feed.fake.accepted, 'it has arrived')
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=20)
    assert process.returncode == 1
    assert out.startswith('1 accepted') and 'acknowledged 1 messages' in err


def test_a_line_without_an_end_is_refused_and_the_next_is_read(feed):
    result = feed.feed('"' + 'x' * (8 << 20) + '"\n' + json.dumps(said(1)))
    assert result.returncode == 1 and result.stdout.startswith('1 accepted, 0 duplicate, 1 refused')
    assert result.stderr.startswith('line 1: longer than')


def test_without_standard_descriptors_it_ends_at_once(feed):
    """Neither does stdin wait for what took its number, nor is the log written into what took that of stderr."""
    program = [PROGRAMS['lull-ingest'], '--stdin', feed.write_config()]
    shell = ['sh', '-c', 'exec "$0" "$@" <&-', *program]
    result = subprocess.run(shell, capture_output=True, text=True, env=feed.environment, timeout=20)
    assert result.returncode == 0 and result.stdout.startswith('0 accepted')
    shell[2] = 'exec "$0" "$@" <&- >&- 2>&-'
    assert subprocess.run(shell, env=feed.environment, timeout=20).returncode == 0


def test_noise_on_stdin(feed):
    noise = random.Random(8).randbytes(300_000)
    path = pathlib.Path(feed.folder) / 'noise'
    path.write_bytes(noise + b'\n' + json.dumps(said(1)).encode())
    with open(path, 'rb') as stdin:
        result = subprocess.run([PROGRAMS['lull-ingest'], '--stdin', feed.write_config()], stdin=stdin,
                                capture_output=True, env=feed.environment, timeout=60)
    assert result.returncode == 1 and result.stdout.startswith(b'1 accepted')
