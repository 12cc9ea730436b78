"""When a batch is due, as a worker in Python sees it: the quiet, the caps, and the promise not to come early."""

import time

from lull import each, stays, wait_until
from protocol import Worker, message


def words(n, thread='ana'):
    return [message('acme', thread, f'word {i}', id=f'{thread}-{i}') for i in range(n)]


def test_three_messages_half_a_second_apart_are_one_batch_two_seconds_after_the_last(house):
    house.add_tenant(quiet='2s')
    house.start_broker()
    worker, producer = house.worker(), house.producer()
    for said in each(0.5, words(3)):
        sent = time.monotonic()
        producer.say(said)
    wait_until(lambda: worker.runs, 'the batch is due')
    run = worker.runs[0]
    assert run.texts == ['word 0', 'word 1', 'word 2']
    assert run.at - sent >= 2.0
    worker.result(run)
    wait_until(lambda: house.state('ana') == 'done', 'the thread is done')
    assert len(worker.runs) == 1


def test_twenty_one_at_once_are_twenty_and_then_one(house):
    house.add_tenant(quiet='500ms', max_messages=20)
    house.start_broker()
    worker = house.worker()
    sent = time.monotonic()
    house.producer().say(*words(21))
    first = wait_until(lambda: worker.runs, 'the cap makes the batch due')[0]
    assert len(first.texts) == 20
    assert worker.runs == [first], 'two batches of a thread at once'
    worker.result(first)
    second = wait_until(lambda: worker.runs[1:], 'the rest is due')[0]
    assert first.texts + second.texts == [f'word {i}' for i in range(21)]
    assert second.at - sent >= 0.5


def test_no_quiet_means_at_once(house):
    house.add_tenant(quiet='0s')
    house.add_tenant('slow', quiet='5s')
    house.start_broker()
    worker, producer = house.worker(), house.producer()
    producer.say(message('slow', 'bia', 'earlier', id='1'))
    producer.say(*words(1))
    run = wait_until(lambda: worker.runs, 'the batch is due')[0]
    assert run.thread == 'ana'


def test_who_never_pauses_is_answered_when_max_wait_is_over(house):
    house.add_tenant(quiet='2s', max_wait='5s')
    house.start_broker()
    worker, producer = house.worker(), house.producer()
    first = time.monotonic()
    for said in each(0.5, words(18)):
        producer.say(said)
        if worker.runs:
            break
    assert worker.runs, 'nothing came although max_wait is over and somebody is still writing'
    assert worker.runs[0].at - first >= 5.0
    assert len(worker.runs[0].texts) >= 5


def test_max_bytes_makes_a_batch_due(house):
    house.add_tenant(quiet='30s', max_wait='60s', max_bytes='8KiB')
    house.start_broker()
    worker = house.worker()
    house.producer().say(*[message('acme', 'ana', str(n) + 'x' * 3000, id=str(n)) for n in range(4)])
    run = wait_until(lambda: worker.runs, 'the cap makes the batch due')[0]
    assert [text[0] for text in run.texts] == [str(n) for n in range(len(run.texts))]
    assert 1 <= len(run.texts) < 4


def test_a_message_during_a_run_is_the_next_batch_and_keeps_its_own_due_time(house):
    house.add_tenant(quiet='3s')
    house.start_broker()
    worker, producer = house.worker(), house.producer()
    producer.say(*words(1))
    first = wait_until(lambda: worker.runs, 'the first batch is due')[0]
    producer.say(message('acme', 'ana', 'meanwhile', id='m'))
    assert stays(lambda: len(worker.runs) == 1, 3.5), 'a second batch beside the first'
    worker.result(first)
    ended = time.monotonic()
    second = wait_until(lambda: worker.runs[1:], 'the second batch is due')[0]
    assert second.texts == ['meanwhile'] and second.fence > first.fence
    # Its quiet was over before the first run ended: another whole quiet would be a fault.
    assert second.at - ended < 3.0


def test_a_message_just_before_a_run_ends_still_waits_for_its_quiet(house):
    house.add_tenant(quiet='1s')
    house.start_broker()
    worker, producer = house.worker(), house.producer()
    producer.say(*words(1))
    first = wait_until(lambda: worker.runs, 'the first batch is due')[0]
    sent = time.monotonic()
    producer.say(message('acme', 'ana', 'late', id='m'))
    worker.result(first)
    second = wait_until(lambda: worker.runs[1:], 'the second batch is due')[0]
    assert second.at - sent >= 1.0


def test_threads_do_not_wait_for_one_another(house):
    house.add_tenant(quiet='200ms', concurrency=1000)
    house.start_broker()
    worker = house.worker(slots=300)
    house.producer().say(*[message('acme', f't{n}', 'Oi', id=str(n)) for n in range(200)])
    wait_until(lambda: len(worker.runs) == 200, 'all threads run at once')
    assert len({run.thread for run in worker.runs}) == 200


def test_the_oldest_due_goes_first(house):
    house.add_tenant(quiet='0s')
    house.start_broker()
    producer = house.producer()
    for n in range(5):
        producer.say(message('acme', f't{n}', 'Oi', id=str(n)))
    wait_until(lambda: house.ask('stats')['threads']['ready'] == 5, 'all are due')
    worker = house.worker(slots=1, on_run=Worker.result)
    wait_until(lambda: len(worker.runs) == 5, 'all are handled')
    assert [run.thread for run in worker.runs] == [f't{n}' for n in range(5)]
