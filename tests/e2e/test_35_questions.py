"""The stats socket: for any thread, what it is doing, since when, what it waits for, and what is next."""

import json
import re

from lull import wait_until
from protocol import BUSY, FAILED, FAILED_FOR_GOOD, PATIENCE, Worker, message

RFC3339 = re.compile(r'\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z\Z')


def check_why(answer, state):
    assert answer['state'] == state, answer
    assert (answer['tenant'], answer['thread']) == ('acme', 'ana')
    assert RFC3339.match(answer['since'])
    assert answer['waits_for'] and answer['next']


def test_why_explains_a_thread_in_each_of_its_states(house):
    house.add_tenant(quiet='2s', retry={'base': '4s', 'jitter': 0}, busy={'base': '3s', 'cap': '4s'})
    house.start_broker()
    assert house.why('ana')['state'] == 'unknown'

    producer = house.producer()
    producer.say(message('acme', 'ana', 'Oi', id='1'))
    check_why(house.why('ana'), 'collecting')
    wait_until(lambda: house.state('ana') == 'ready', 'no worker is there')
    check_why(house.why('ana'), 'ready')

    worker = house.worker()
    run = wait_until(lambda: worker.runs, 'a worker is there')[-1]
    check_why(house.why('ana'), 'running')
    assert house.why('ana')['batch'] == run.batch

    worker.result(run, BUSY, 'lock_busy', 'held by another')
    wait_until(lambda: house.state('ana') == 'waiting', 'it was busy')
    check_why(house.why('ana'), 'waiting')

    run = wait_until(lambda: worker.runs[1:], 'it comes again')[-1]
    worker.result(run, FAILED, 'http_500', 'the handler answered 500')
    wait_until(lambda: house.state('ana') == 'backoff', 'it failed')
    check_why(house.why('ana'), 'backoff')
    assert house.why('ana')['last_failure']['code'] == 'http_500'

    run = wait_until(lambda: worker.runs[2:], 'it comes again')[-1]
    worker.result(run, FAILED_FOR_GOOD, 'http_400', 'the handler answered 400')
    wait_until(lambda: house.state('ana') == 'dead', 'it was given up')
    check_why(house.why('ana'), 'dead')

    worker.on_run = Worker.result
    assert house.ask('dead_retry', batch=run.batch) and wait_until(lambda: worker.runs[3:], 'it runs again')
    wait_until(lambda: house.state('ana') == 'done', 'it is done')
    assert RFC3339.match(house.why('ana')['since'])


def test_threads_are_listed_by_state_and_tenant(house):
    house.add_tenant(quiet='60s', max_wait='60s')
    house.add_tenant('other', quiet='0s')
    house.start_broker()
    house.producer().say(message('acme', 'ana', 'Oi', id='1'), message('acme', 'bia', 'Oi', id='2'),
                         message('other', 'caio', 'Oi', id='3'))
    wait_until(lambda: house.ask('threads', state='ready')['total'] == 1, 'one is ready')
    assert [row['thread'] for row in house.ask('threads', state='ready')['threads']] == ['caio']
    assert {row['thread'] for row in house.ask('threads', tenant='acme')['threads']} == {'ana', 'bia'}
    limited = house.ask('threads', limit=1)
    assert (limited['total'], len(limited['threads'])) == (3, 1)


def test_stats_count_what_happened(house):
    house.add_tenant(quiet='100ms')
    house.start_broker()
    worker = house.worker(on_run=Worker.result)
    house.producer().say(*[message('acme', 'ana', 'Oi', id=str(n)) for n in range(5)])
    house.producer().say(message('acme', 'ana', 'Oi', id='0'), message('nobody', 'ana', 'Oi', id='x'))
    wait_until(lambda: house.ask('stats')['batches']['done_total'] == 1, 'the batch is done')
    stats = house.ask('stats')
    assert stats['messages']['pending'] == 0
    assert {name: stats['messages'][name + '_total'] for name in ('accepted', 'duplicate', 'refused', 'finished')} == {
        'accepted': 5, 'duplicate': 1, 'refused': 1, 'finished': 5}
    assert stats['batches']['dispatched_total'] == 1
    assert stats['calls_saved_total'] == 4
    assert stats['batches']['size']['max'] == 5
    assert stats['threads'].keys() >= {'collecting', 'ready', 'running', 'waiting', 'backoff'}
    assert stats['lateness_ms'].keys() >= {'p50', 'p99', 'p999', 'max'}
    assert stats['runs_ms'].keys() >= {'p50', 'p99'}
    assert stats['store']['kind'] == 'lmdb' and stats['store']['commits_total'] > 0
    assert stats['workers'][0]['id'] == worker.uuid.hex() and stats['workers'][0]['slots'] == 100
    assert 'acme' in stats['tenants']


def test_a_wrong_question_is_answered_with_what_is_wrong(house):
    house.add_tenant()
    house.start_broker()
    assert house.ask('statz')['error']['code'] == 'unknown_command'
    assert house.ask(7)['error']['code'] in ('unknown_command', 'bad_request')
    assert house.ask('why', tenant='nobody', thread='ana')['error']['code'] == 'unknown_tenant'
    assert house.ask('why', tenant='acme')['error']['code'] == 'bad_request'
    assert house.ask('dead_show', batch='0' * 26)['error']['code'] == 'not_found'
    assert house.ask('dead_retry', batch='nonsense')['error']['code'] in ('not_found', 'bad_request')
    assert house.ask('threads', limit='many')['error']['code'] == 'bad_request'
    stats = house.stats()
    for question in (b'', b'{', b'[]', b'7', b'{"cmd": "stats"', b'[' * 5000, b'\xff\xfe',
                     b'"\\u00\xc3\xa9', b' ' * 20000 + b'{"cmd": "stats"}'):
        stats.send(question)
        answer = stats.receive(PATIENCE)
        assert answer is not None, f'no answer to {question[:20]!r}'
        assert json.loads(answer)['error']['code'] == 'bad_request'
