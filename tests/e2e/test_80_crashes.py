"""Kill -9 at bad moments, and SIGTERM: nothing acknowledged is lost, nothing is handled twice, order holds."""

import os
import shutil
import subprocess
import threading
import time

import pytest

from lull import wait_until
from peers import reply
from protocol import Worker, message
from scenes import done, start


def test_ten_thousand_pending_messages_survive_the_broker(house):
    """Two thousand threads of five messages: the broker's second life handles each once, in order, not early."""
    house.add_tenant(quiet='3s', max_wait='60s', concurrency=100000)
    house.start_broker()
    producer = house.producer()
    said = [message('acme', f't{n % 2000}', str(n // 2000), id=str(n)) for n in range(10000)]
    for start_at in range(0, 10000, 2500):
        sent = time.monotonic()
        assert producer.say(*said[start_at:start_at + 2500]).accepted == 2500
    house.broker.kill()
    house.start_broker()
    worker = house.worker(slots=5000, on_run=Worker.result)
    wait_until(lambda: house.ask('stats')['messages']['pending'] == 0, 'all are handled', 60)
    assert sorted(run.thread for run in worker.runs) == sorted(f't{n}' for n in range(2000))
    assert all(run.texts == ['0', '1', '2', '3', '4'] for run in worker.runs)
    # The last frame holds the last messages of all threads.
    assert min(run.at for run in worker.runs) >= sent + 3.0


def test_a_broker_that_dies_again_and_again_loses_nothing(house):
    house.add_tenant(quiet='100ms', concurrency=1000, max_messages=4)
    house.start_broker()
    accepted = set()
    worker, producer = house.worker(on_run=Worker.result), house.producer()
    for life in range(6):
        for n in range(20):
            batch = [message('acme', f't{k}', f'{life}-{n}', id=f'{life}-{n}-{k}') for k in range(10)]
            request = producer.send_messages(batch)
            if n == 10:
                house.broker.kill()
                house.start_broker()
                producer.say_again(batch)
            elif producer.await_ack(request) is None:
                producer.say_again(batch)
            accepted.update(f'{life}-{n}-{k}' for k in range(10))
    wait_until(lambda: house.ask('stats')['messages']['pending'] == 0, 'all are handled', 60)
    # A batch may have run twice, its first result lost with the broker; each message has run, and in order.
    assert {id for run in worker.runs for id in run.ids} == accepted
    for k in range(10):
        first_seen = list(dict.fromkeys(id for run in worker.runs if run.thread == f't{k}' for id in run.ids))
        assert first_seen == [f'{life}-{n}-{k}' for life in range(6) for n in range(20)]


def test_what_a_killed_worker_held_is_taken_over(house):
    gate = threading.Event()
    bot, producer = start(house, lambda call: reply('never', gate=gate), lock={'ttl': '1s'})
    producer.say(message('acme', 'ana', 'Oi', id='1'))
    first = wait_until(lambda: bot.running(), 'the call is under way')[0]
    doomed = house.processes[-1]
    house.start_worker()
    doomed.kill()
    wait_until(lambda: done(house) == 1, 'the other worker has done it')
    second = bot.calls[1]
    assert second.json['batch'] == first.json['batch'] and second.json['attempt'] == 1
    assert int(second.json['fence']) > int(first.json['fence'])
    assert second.headers['idempotency-key'] == first.headers['idempotency-key']
    assert len(bot.calls) == 2
    assert [event['runs'] for event in house.broker.events('runs_lost')] == ['1']


def test_a_worker_that_was_stopped_and_wakes_up_changes_nothing(house):
    """SIGSTOP for longer than its lease: when it goes on, its result is refused and it calls nobody."""
    bot, producer = start(house, lambda call: reply('late', delay=1.0), lock={'ttl': '3s'})
    producer.say(message('acme', 'ana', 'Oi', id='1'))
    wait_until(lambda: bot.running(), 'the call is under way')
    sleeper = house.processes[-1]
    sleeper.pause()
    house.start_worker()
    wait_until(lambda: done(house) == 1, 'the other worker has done it')
    sleeper.resume()
    wait_until(lambda: len(house.ask('stats')['workers']) == 2, 'the sleeper is back')
    producer.say(message('acme', 'bia', 'Oi', id='2'))
    wait_until(lambda: done(house) == 2, 'work goes on')
    assert [call.json['thread'] for call in bot.calls] == ['ana', 'ana', 'bia']


def test_the_same_broker_in_another_life_finds_its_workers(house):
    bot, producer = start(house)
    house.broker.kill()
    house.start_broker()
    producer.say_again([message('acme', 'ana', 'Oi', id='1')])
    wait_until(lambda: done(house) == 1, 'the worker has come back by itself')


def test_a_run_under_way_survives_a_crash_of_the_broker(house):
    """Its worker names it in its HELLO, and it goes on where it was: one call, whose result counts."""
    gate = threading.Event()
    bot, producer = start(house, lambda call: reply('ok', gate=gate))
    producer.say(message('acme', 'ana', 'Oi', id='1'))
    wait_until(lambda: bot.running(), 'the call is under way')
    house.broker.kill()
    house.start_broker()
    house.start_worker()
    wait_until(lambda: house.ask('stats')['batches']['adopted_total'] == 1, 'the run is adopted')
    why, (adopted,) = house.why('ana'), house.broker.events('run_adopted')
    assert {key: adopted[key] for key in ('tenant', 'thread', 'batch', 'fence', 'worker')} == {
        'tenant': 'acme', 'thread': 'ana', 'batch': why['batch'], 'fence': why['fence'], 'worker': why['worker']}
    gate.set()
    wait_until(lambda: done(house) == 1, 'the batch is done', 40)
    assert house.state('ana') == 'done'
    assert len(bot.calls) == 1


def test_what_a_worker_held_that_died_with_the_broker_is_run_again(house):
    gate = threading.Event()
    bot, producer = start(house, lambda call: reply('ok', gate=gate))
    producer.say(message('acme', 'ana', 'Oi', id='1'))
    wait_until(lambda: bot.running(), 'the call is under way')
    worker = house.processes[-1]
    house.broker.kill()
    worker.kill()
    house.start_broker()
    assert 'from before the broker' in house.why('ana')['waits_for']
    house.start_worker()
    wait_until(lambda: len(bot.calls) == 2, 'it is run again', 40)
    gate.set()
    wait_until(lambda: done(house) == 1, 'the batch is done', 40)
    assert [call.json['batch'] for call in bot.calls] == [bot.calls[0].json['batch']] * 2


def test_a_broker_that_is_told_to_stop_keeps_everything(house):
    house.add_tenant(quiet='1s')
    house.start_broker()
    house.producer().say(message('acme', 'ana', 'Oi', id='1'))
    assert house.broker.stop() == 0
    house.start_broker()
    worker = house.worker(on_run=Worker.result)
    wait_until(lambda: house.state('ana') == 'done', 'the batch is done')
    assert worker.runs[0].ids == ['1']


# -- the journal


def journals(house):
    return [house.folder / 'store' / name for name in ('journal', 'journal-2')]


def leave(house, n=3):
    """A broker that was killed with `n` messages in its journal; the path of that one of its files that has them."""
    house.add_tenant(quiet='1s')
    house.start_broker()
    producer = house.producer()
    for number in range(n):
        assert producer.say(message('acme', 'ana', str(number), id=str(number))).accepted == 1
    house.broker.kill()
    journal, = (path for path in journals(house) if b'lulljrnl' in path.read_bytes())
    return journal


def handled(house):
    worker = house.worker(on_run=Worker.result)
    wait_until(lambda: house.state('ana') == 'done', 'the batch is done')
    return [id for run in worker.runs for id in run.ids]


def test_a_store_without_its_journal_is_refused_and_taken_again_with_it(house):
    journal = leave(house)
    (house.folder / 'store' / 'lull.lock').unlink()  # as in a copy of the database alone
    journal.rename(house.folder / 'journal')
    log = house.start_refused('lull-broker')
    assert 'the store is damaged: a file of its journal is missing' in log
    assert 'put back a copy of the whole folder' in log
    shutil.copy(house.folder / 'journal', journal)
    house.start_broker()
    assert handled(house) == ['0', '1', '2']


@pytest.mark.parametrize('record', [0, 1, 2])
def test_a_damaged_record_is_named_and_never_skipped(house, record):
    journal = leave(house)
    whole = journal.read_bytes()
    at = whole.index(b'lulljrnl', record * 4096) + 60
    journal.write_bytes(whole[:at] + bytes([whole[at] ^ 8]) + whole[at + 1:])
    log = house.start_refused('lull-broker')
    assert 'the store is damaged: ' in log and 'journal' in log
    journal.write_bytes(whole)
    house.start_broker()
    assert handled(house) == ['0', '1', '2']


def test_after_a_stop_in_good_order_the_database_is_whole_without_the_journal(house):
    house.add_tenant(quiet='1s')
    house.start_broker()
    house.producer().say(message('acme', 'ana', 'Oi', id='1'))
    assert house.broker.stop() == 0
    for journal in journals(house):
        journal.unlink()
    house.start_broker()
    assert handled(house) == ['1']


@pytest.mark.skipif(os.geteuid() != 0, reason='needs root, to mount a small disk')
def test_on_a_full_disk_what_waits_is_finished_and_nothing_is_lost(house):
    disk = house.folder / 'disk'
    disk.mkdir()
    if subprocess.run(['mount', '-t', 'tmpfs', '-o', 'size=32m', 'lull-test', disk], capture_output=True).returncode:
        pytest.skip('mounting is not allowed here')
    try:
        house.add_tenant(quiet='1s')
        house.configure(broker={'store': f'lmdb:{disk}/store'}, limits={'free_bytes': 0})
        house.start_broker()
        producer = house.producer()
        assert producer.say(message('acme', 'ana', 'Oi', id='1')).accepted == 1
        with open(disk / 'others', 'wb', buffering=0) as others:
            with pytest.raises(OSError):
                while others.write(b'x' * 4096):
                    pass
        late = message('acme', 'bia', 'Oi', id='2')
        wait_until(lambda: producer.say(late).refused == {0: 'store_full'}, 'it is full')
        assert handled(house) == ['1']
        house.broker.kill()
        (disk / 'others').unlink()
        house.start_broker()
        assert producer.say_again([message('acme', 'ana', 'Oi', id='1')]).duplicates == [0]
        assert producer.say(message('acme', 'bia', 'Oi', id='3')).accepted == 1
        assert house.broker.stop() == 0
    finally:
        subprocess.run(['umount', '-l', disk], check=False)
