"""POST /v1/messages and POST /hooks/...: what is taken in, and what is refused with which words."""

import http.client
import json
import threading
import time
import urllib.parse

import pytest

from lull import PROGRAMS, stays, wait_until
from peers import chatwoot_headers
from scenes import start

CHATWOOT = {'kind': 'chatwoot', 'url': 'http://127.0.0.1:1', 'account': 2, 'token': 'token', 'secret': 'secret'}


@pytest.fixture
def open_house(house):
    """A broker and an ingest; messages wait."""
    house.add_tenant(quiet='60s', max_wait='60s', channels={'support': CHATWOOT})
    house.configure(ingest={'ack_timeout': '6s'})
    house.start_broker()
    house.start_ingest()
    return house


def post(house, body, path='/v1/messages', headers=None):
    """(status, what the body says)."""
    status, answer_headers, answer = house.post(path, body, headers)
    assert 'json' in answer_headers['content-type'], answer
    said = json.loads(answer)
    if status >= 400:
        assert answer_headers['content-type'].startswith('application/problem+json')
        assert said['status'] == status and said['detail'] and said['title']
    return status, said


def said(n, **keys):
    return {'tenant': 'acme', 'thread': 'ana', 'id': str(n), 'text': f'word {n}', **keys}


def pending(house):
    return house.ask('stats')['messages']['pending']


def test_an_object_an_array_and_lines_are_taken_in(open_house):
    lines = '\n'.join(json.dumps(said(n)) for n in (4, 5, 6)).encode()
    assert post(open_house, said(1)) == (202, {'accepted': 1, 'duplicate': 0, 'refused': []})
    assert post(open_house, [said(2), said(3)])[1]['accepted'] == 2
    assert post(open_house, lines, headers={'Content-Type': 'application/x-ndjson'})[1]['accepted'] == 3
    assert pending(open_house) == 6


def test_what_came_before_is_a_duplicate(open_house):
    post(open_house, said(1))
    assert post(open_house, [said(1), said(2)]) == (202, {'accepted': 1, 'duplicate': 1, 'refused': []})


def test_what_is_refused_is_named_and_the_rest_is_taken(open_house):
    status, answer = post(open_house, [said(1), said(2, tenant='nobody'), said(3, thread=''), 7, said(5),
                                       said(6, channel='nowhere')])
    assert (status, answer['accepted']) == (202, 2)
    assert [refusal['index'] for refusal in answer['refused']] == [1, 2, 3, 5]
    assert [refusal['code'] for refusal in answer['refused']][:2] == ['unknown_tenant', 'bad_thread']
    assert all(refusal['why'] for refusal in answer['refused'])


def test_broken_json_is_refused_with_the_position(open_house):
    status, answer = post(open_house, b'{"tenant": "acme",\n "thread": }')
    assert status == 400
    assert 'line 2' in answer['detail'] and 'column' in answer['detail']
    assert pending(open_house) == 0


def test_too_much_is_refused(open_house):
    status, _ = post(open_house, b'[' + b' ' * (4 << 20) + b']')
    assert status == 413
    status, answer = post(open_house, said(1, text='x' * 100_000))
    assert status == 413 and pending(open_house) == 0


def test_an_unknown_path_method_or_tenant_is_named(open_house):
    assert post(open_house, said(1), '/v1/nothing')[0] == 404
    assert post(open_house, said(1), '/hooks/nobody/support')[0] == 404
    assert post(open_house, said(1), '/hooks/acme/nowhere')[0] == 404
    status, headers, _ = open_house.post('/v1/messages', None, method='GET')
    assert status == 405 and 'POST' in headers['allow']


def test_a_webhook_without_its_signature_is_refused(open_house):
    body = b'{"event":"conversation_created","id":1}'
    path = '/hooks/acme/support'
    good = chatwoot_headers(body, 'secret')
    assert open_house.post(path, body, good)[0] == 200
    assert post(open_house, body, path)[0] == 401
    assert post(open_house, body, path, chatwoot_headers(body, 'other secret'))[0] == 401
    assert post(open_house, body + b' ', path, good)[0] == 401
    assert post(open_house, body, path, chatwoot_headers(body, 'secret', at=time.time() - 3600))[0] == 401
    assert post(open_house, b'{', path, chatwoot_headers(b'{', 'secret'))[0] == 400


def test_the_message_api_wants_its_token(open_house):
    open_house.ingest.stop()
    open_house.configure(ingest={'token': 'the token'})
    open_house.start_ingest()
    bearer = {'Content-Type': 'application/json', 'Authorization': 'Bearer the token'}
    assert post(open_house, said(1))[0] == 401
    assert post(open_house, said(1), headers={**bearer, 'Authorization': 'Bearer the tokem'})[0] == 401
    assert post(open_house, said(1), headers=bearer)[0] == 202


def test_without_a_broker_nothing_is_promised(open_house):
    open_house.broker.kill()
    status, headers, answer = open_house.post('/v1/messages', said(1))
    assert status == 503 and int(headers['retry-after']) > 0
    open_house.start_broker()
    wait_until(lambda: open_house.post('/v1/messages', said(1))[0] == 202, 'the ingest finds the new broker')
    assert pending(open_house) == 1


def test_a_broker_that_hangs_is_as_good_as_none(open_house):
    open_house.broker.pause()
    status, _, _ = open_house.post('/v1/messages', said(1))
    assert status == 503
    open_house.broker.resume()
    # It may have been taken in after all; sent again, it still counts once.
    wait_until(lambda: open_house.post('/v1/messages', said(1))[0] == 202, 'the broker is back')
    assert pending(open_house) == 1


def test_connections_are_kept_and_pipelined_requests_answered_in_turn(open_house):
    address = urllib.parse.urlsplit(open_house.url)
    connection = http.client.HTTPConnection(address.hostname, address.port, timeout=20)
    for n in range(20):
        connection.request('POST', '/v1/messages', json.dumps(said(n)), {'Content-Type': 'application/json'})
        answer = connection.getresponse()
        assert (answer.status, json.loads(answer.read())['accepted']) == (202, 1)
    connection.close()
    assert pending(open_house) == 20


def test_lines_on_stdin_are_handed_over(open_house):
    lines = ''.join(json.dumps(said(n)) + '\n' for n in range(1000)) + 'no json\n' + json.dumps(said(0)) + '\n'
    path = open_house.folder / 'lines'
    path.write_text(lines)
    with open(path) as stdin:
        feed = open_house.start('stdin', [PROGRAMS['lull-ingest'], '--stdin', open_house.write_config()], stdin=stdin)
    code = feed.await_exit()
    assert pending(open_house) == 1000
    assert 'line 1001' in feed.log.lower() or '1001' in feed.log
    assert code == 1, 'one line was refused'
    feed.is_killed = True  # it was right to end with an error


def test_an_ingest_that_is_told_to_stop_answers_what_it_has(open_house):
    open_house.broker.pause()
    address = urllib.parse.urlsplit(open_house.url)
    connection = http.client.HTTPConnection(address.hostname, address.port, timeout=20)
    connection.request('POST', '/v1/messages', json.dumps(said(1)), {'Content-Type': 'application/json'})
    open_house.ingest.terminate()
    answer = connection.getresponse()
    assert answer.status == 503
    open_house.broker.resume()
    assert open_house.ingest.await_exit() == 0


def test_the_whole_way_from_http_to_the_handler_and_back(house):
    bot, _ = start(house)
    house.start_ingest()
    post(house, [said(n, **{'from': 'ana@example.com', 'at': '2026-11-21T10:00:00.5Z', 'data': {'n': n}})
                 for n in range(3)])
    wait_until(lambda: house.state('ana') == 'done', 'the batch is done')
    told = bot.calls[0].json['messages'][1]
    assert told['from'] == 'ana@example.com' and told['at'] == '2026-11-21T10:00:00.500Z' and told['data'] == {'n': 1}
    assert bot.calls[0].texts == ['word 0', 'word 1', 'word 2']


def test_messages_without_an_id_are_not_doubled_by_a_slow_broker(open_house):
    """The ingest gives each an id of its own, so that it may send the frame again."""
    open_house.ingest.stop()
    open_house.configure(ingest={'ack_timeout': '15s'})
    open_house.start_ingest()
    open_house.broker.pause()
    body = {'tenant': 'acme', 'thread': 'ana', 'text': 'no id'}
    answers = []
    asking = threading.Thread(target=lambda: answers.append(open_house.post('/v1/messages', body)[0]))
    asking.start()
    stays(asking.is_alive, 1.5)  # by then the frame has been sent twice
    open_house.broker.resume()
    asking.join()
    assert answers == [202] and pending(open_house) == 1
