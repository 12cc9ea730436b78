"""At a limit producers are told so, with what to do; nothing accepted is lost, and it ends by itself."""

import json
import re
import signal
import subprocess

import pytest

from lull import PROGRAMS, wait_until
from protocol import Worker, message

LONG = 'x' * 50_000


def item(number, text='Oi', thread='ana'):
    return {'tenant': 'acme', 'thread': thread, 'id': f'm{number}', 'text': text}


def problem(answer):
    """(status, code, Retry-After) of a refused request."""
    status, headers, body = answer
    return status, json.loads(body)['code'], headers['Retry-After']


def fill(producer, code, text=LONG, threads=1):
    """Says one message after the other until one is refused with `code`: the ids of those accepted."""
    for number in range(100_000):
        ack = producer.say(message('acme', f't{number % threads}', text, id=f'm{number}'))
        if ack.refused:
            assert ack.refused == {0: code}
            return [f'm{n}' for n in range(number)]
    raise AssertionError('nothing was ever refused')


def reload(house):
    house.write_config()
    known = len(house.broker.events('reloaded'))
    house.broker.popen.send_signal(signal.SIGHUP)
    wait_until(lambda: len(house.broker.events('reloaded')) > known, 'the file was read again')


def pending(house):
    return house.ask('stats')['messages']['pending']


def drain(house):
    """A worker ends every batch: the ids that it was given, once all are done."""
    worker = house.worker(on_run=Worker.result)
    wait_until(lambda: pending(house) == 0, 'everything is answered')
    return [id for run in worker.runs for id in run.ids]


# -- a tenant's own bound


def test_a_full_tenant_is_429_and_accepts_again_when_some_are_answered(house):
    house.add_tenant(quiet='100ms', max_pending=2)
    house.add_tenant('other')
    house.start_broker()
    house.start_ingest()
    assert house.post('/v1/messages', [item(1), item(2)])[0] == 202
    assert problem(house.post('/v1/messages', item(3))) == (429, 'tenant_full', '2')
    status, _, body = house.post('/v1/messages', [item(2), item(3)])
    assert status == 202 and json.loads(body)['duplicate'] == 1
    assert [one['code'] for one in json.loads(body)['refused']] == ['tenant_full']
    assert house.post('/v1/messages', {**item(3), 'tenant': 'other'})[0] == 202, 'another tenant has room'
    house.worker(on_run=Worker.result)
    wait_until(lambda: pending(house) == 0, 'they are answered')
    assert house.post('/v1/messages', item(3))[0] == 202, 'it was refused, so it is no duplicate'
    assert house.ask('stats')['messages']['refused']['tenant_full'] == 2


def test_a_webhook_that_finds_no_room_has_to_come_again(house):
    house.add_tenant(quiet='60s', max_wait='60s', max_pending=1,
                     channels={'own': {'kind': 'generic', 'unsigned': True, 'reply_url': 'http://127.0.0.1:1/'}})
    house.start_broker()
    house.start_ingest()
    assert house.post('/hooks/acme/own', {'thread': 'ana', 'id': '1', 'text': 'Oi'})[0] == 200
    assert problem(house.post('/hooks/acme/own', {'thread': 'ana', 'id': '2', 'text': 'Oi'})) == (
        503, 'tenant_full', '2')
    assert house.post('/hooks/acme/own', {'thread': 'ana', 'id': '1', 'text': 'Oi'})[0] == 200, 'it is held already'


def test_a_full_tenant_is_seen_in_stats_and_said_in_the_log_once_each_way(house):
    house.add_tenant(quiet='60s', max_wait='60s', max_pending=2)
    house.add_tenant('other')
    house.start_broker()
    producer = house.producer()
    for number in range(5):
        producer.say(message('acme', 'ana', 'Oi', id=str(number)))
    tenants = house.ask('stats')['tenants']
    assert (tenants['acme']['max_pending'], tenants['acme']['is_full']) == (2, True)
    assert (tenants['other']['max_pending'], tenants['other']['is_full']) == (0, False)
    assert re.search(r'^acme .* 2 FULL$', house.run('stats').stdout, re.M)
    wait_until(lambda: house.broker.events('tenant_full'), 'it is said')
    house.ask('settings_set', tenant='acme', key='max_pending', value='100')
    wait_until(lambda: house.ask('stats') and house.broker.events('tenant_has_room'), 'and that it is over')
    assert [event['tenant'] for event in house.broker.events('tenant_full')] == ['acme']
    assert [event['max_pending'] for event in house.broker.events('tenant_has_room')] == ['100']


# -- the store


def test_a_full_store_is_507_loses_nothing_and_resumes_by_itself(house):
    house.add_tenant(quiet='0s', max_bytes='1MiB')
    house.configure(limits={'store_bytes': '1MiB'})
    house.start_broker()
    house.start_ingest()
    producer = house.producer()
    accepted = fill(producer, 'store_full', threads=5)
    assert 10 < len(accepted) < 20
    assert problem(house.post('/v1/messages', item('new', LONG))) == (507, 'store_full', '2')
    again = producer.say(message('acme', 't0', LONG, id='m0'))
    assert (again.accepted, again.duplicates) == (0, [0]), 'a duplicate needs no room'
    stats = house.ask('stats')
    assert stats['store']['reached'] == 'limits.store_bytes'
    assert stats['store']['is_full'] and stats['messages']['refused']['store_full'] == 2
    assert [event['reached'] for event in house.broker.events('store_full')] == ['limits.store_bytes']
    assert 'STORE FULL, messages are refused: limits.store_bytes is reached' in house.run('stats').stdout
    assert 'STORE FULL, messages are refused' in house.run('stats').stdout

    house.broker.kill()
    house.start_broker()
    assert pending(house) == len(accepted)
    more = producer.say_again([message('acme', 't9', LONG, id='after')])
    assert more.refused == {0: 'store_full'}, 'it is as full as before'
    assert sorted(drain(house)) == sorted(accepted)
    wait_until(lambda: producer.say(message('acme', 't9', LONG, id='after')).accepted, 'there is room again')
    assert len(house.broker.events('store_has_room')) == 1
    wait_until(lambda: house.post('/v1/messages', item('new', LONG))[0] == 202, 'ingest takes it in')


def test_a_limit_that_is_raised_is_in_force_at_once(house):
    house.add_tenant(quiet='60s', max_wait='60s', max_bytes='2MiB', max_messages=1000)
    house.configure(limits={'store_bytes': '1MiB'})
    house.start_broker()
    producer = house.producer()
    accepted = fill(producer, 'store_full')
    house.configure(limits={'store_bytes': '2MiB'})
    reload(house)
    assert producer.say(message('acme', 't0', LONG, id=f'm{len(accepted)}')).accepted == 1


def test_the_disk_is_not_filled_to_the_brim(house):
    house.add_tenant(quiet='0s')
    house.start_broker()
    assert house.producer().say(message('acme', 'ana', 'Oi', id='1')).accepted == 1
    house.configure(limits={'free_bytes': '256GiB'})
    if house.ask('stats')['store']['free_bytes'] > 250 << 30:
        pytest.skip('the disk has more free than the limit can ask for')
    reload(house)
    assert house.producer().say(message('acme', 'ana', 'Oi', id='2')).refused == {0: 'store_full'}
    assert drain(house) == ['1'], 'what makes room goes on'
    house.configure(limits={'free_bytes': 0})
    reload(house)
    assert house.producer().say(message('acme', 'ana', 'Oi', id='2')).accepted == 1


# -- memory


def test_a_broker_that_holds_too_much_is_503_until_some_of_it_is_done(house):
    house.add_tenant(quiet='100ms')
    house.configure(limits={'memory': '1MiB', 'dedupe_ids': 100})
    house.start_broker()
    house.start_ingest()
    producer = house.producer()
    sent = [[message('acme', f't{frame}-{n}', 'Oi', id=f'{frame}-{n}') for n in range(500)] for frame in range(20)]
    n_accepted = sum(producer.say(*messages).accepted for messages in sent)
    assert 1000 < n_accepted < 9000
    assert problem(house.post('/v1/messages', item(1))) == (503, 'broker_full', '2')
    assert house.ask('stats')['limits']['is_memory_full']
    assert len(drain(house)) == n_accepted
    assert house.post('/v1/messages', item(1))[0] == 202
    wait_until(lambda: house.broker.events('broker_has_room'), 'the log says so')
    assert len(house.broker.events('broker_full')) == 1


# -- who can wait, waits


def lines(n):
    return ''.join(json.dumps(item(number)) + '\n' for number in range(n))


def test_stdin_waits_for_room(house):
    house.add_tenant(quiet='100ms', max_pending=5)
    house.start_broker()
    feed = house.start('stdin', [PROGRAMS['lull-ingest'], '--stdin', house.write_config()], stdin=subprocess.PIPE)
    feed.popen.stdin.write(lines(20).encode())
    feed.popen.stdin.close()
    wait_until(lambda: 'no room for more (tenant_full)' in feed.log, 'it says what it waits for')
    assert feed.is_running()
    worker = house.worker(on_run=Worker.result)
    assert feed.await_exit() == 0
    assert '20 accepted, 0 duplicate, 0 refused' in feed.log
    wait_until(lambda: pending(house) == 0, 'everything is answered')
    assert [id for run in worker.runs for id in run.ids] == [f'm{n}' for n in range(20)]


def test_stdin_that_waits_for_room_can_be_interrupted(house):
    house.add_tenant(quiet='60s', max_wait='60s', max_pending=5)
    house.start_broker()
    feed = house.start('stdin', [PROGRAMS['lull-ingest'], '--stdin', house.write_config()], stdin=subprocess.PIPE)
    feed.popen.stdin.write(lines(20).encode())
    feed.popen.stdin.close()
    wait_until(lambda: 'no room for more' in feed.log, 'it waits')
    assert feed.stop() == 1
    feed.is_killed = True  # it was right to end with an error


def test_lull_send_waits_for_room(house):
    house.add_tenant(quiet='100ms', max_pending=5)
    house.start_broker()
    house.worker(on_run=Worker.result)
    done = house.run('send', '--json', input=lines(20))
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert (answer['accepted'], answer['duplicate'], answer['refused_total']) == (20, 0, 0)
    assert 'no room for more (tenant_full)' in done.stderr


# -- duplicates


def test_ids_are_remembered_up_to_their_number_through_a_restart(house):
    house.add_tenant(quiet='60s', max_wait='60s')
    house.configure(limits={'dedupe_ids': 3})
    house.start_broker()
    producer = house.producer()
    for number in range(4):
        assert producer.say(message('acme', 'ana', 'Oi', id=str(number))).accepted == 1
    assert producer.say(message('acme', 'ana', 'Oi', id='3')).duplicates == [0]
    assert producer.say(message('acme', 'ana', 'Oi', id='0')).accepted == 1, 'it was the fourth last'
    assert len(house.broker.events('ids_forgotten_early')) == 1, 'two were, and it is said once a minute'
    dedupe = house.ask('stats')['dedupe']
    assert dedupe['ids'] == 3 and dedupe['forgotten_early_total'] == 2 and 0 <= dedupe['oldest_s'] < 3600
    shown = house.run('stats').stdout
    assert re.search(r'^message ids +3 remembered, the oldest .+ ago; 2 forgotten early$', shown, re.M)
    house.broker.kill()
    house.configure(limits={'dedupe_ids': 2})
    house.start_broker()
    assert producer.say_again([message('acme', 'ana', 'Oi', id='0')]).duplicates == [0]
    wait_until(lambda: house.ask('stats')['messages']['ids_remembered'] == 2, 'the oldest are forgotten')


def test_ids_are_remembered_for_the_window(house):
    house.add_tenant(quiet='60s', max_wait='60s')
    house.configure(limits={'dedupe_window': '1s'})
    house.start_broker()
    producer = house.producer()
    assert producer.say(message('acme', 'ana', 'Oi', id='1')).accepted == 1
    wait_until(lambda: producer.say(message('acme', 'ana', 'Oi', id='1')).accepted, 'the window has passed')
