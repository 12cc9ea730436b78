"""Leases, fences, outcomes: what becomes of a run, as a worker in Python makes it happen."""

import time

from lull import stays, wait_until
from protocol import (BUNDLE, BUSY, DONE, FAILED, FAILED_FOR_GOOD, HANDED_BACK, RESULT, Worker, encode, message)

RETRY = {'attempts': 3, 'base': '200ms', 'cap': '5s', 'factor': 2, 'jitter': 0}


def start(house, **settings):
    house.add_tenant(**{'quiet': '100ms', 'retry': RETRY, **settings})
    house.start_broker()
    return house.producer()


def next_run(worker, n=1):
    return wait_until(lambda: worker.runs[n - 1:], f'run number {n} comes')[0]


# -- credit and leases


def test_a_worker_never_gets_more_runs_than_it_has_slots(house):
    producer = start(house)
    worker = house.worker(slots=3)
    producer.say(*[message('acme', f't{n}', 'Oi', id=str(n)) for n in range(10)])
    wait_until(lambda: len(worker.runs) == 3, 'the slots are full')
    assert stays(lambda: len(worker.runs) == 3, 0.5)
    assert house.ask('stats')['threads']['ready'] == 7
    worker.result(worker.runs[0])
    wait_until(lambda: len(worker.runs) == 4, 'the free slot is used')
    worker.set_slots(100)
    wait_until(lambda: len(worker.runs) == 10, 'the new slots are used')


def test_a_tenant_never_has_more_runs_than_its_concurrency(house):
    producer = start(house, concurrency=2)
    worker = house.worker()
    producer.say(*[message('acme', f't{n}', 'Oi', id=str(n)) for n in range(5)])
    wait_until(lambda: len(worker.runs) == 2, 'two run')
    assert stays(lambda: len(worker.runs) == 2, 0.5)
    worker.result(worker.runs[0])
    wait_until(lambda: len(worker.runs) == 3, 'the next one runs')


def test_a_worker_hears_that_it_was_heard(house):
    start(house)
    worker = house.worker()
    wait_until(lambda: worker.heard >= 2, 'its ALIVEs are answered')
    assert worker.heard <= worker.beat
    worker.set_slots(0)
    drained = worker.beat
    wait_until(lambda: worker.heard > drained + 1, 'while it drains as well')


def test_what_a_silent_worker_held_goes_to_another_under_a_higher_fence(house):
    producer = start(house)
    silent = house.worker(slots=1)
    producer.say(message('acme', 'ana', 'Oi', id='1'))
    lost = next_run(silent)
    silent.is_silent = True
    other = house.worker()
    found = next_run(other)
    assert (found.batch, found.ids, found.attempt) == (lost.batch, lost.ids, 1)
    assert found.fence > lost.fence
    # The first one wakes up and is done, too late.
    silent.result(lost)
    wait_until(lambda: lost.fence in silent.settled, 'the stale result is answered')
    assert not silent.settled[lost.fence]
    other.result(found)
    wait_until(lambda: other.settled.get(found.fence), 'the right one is taken')
    stats = house.ask('stats')['batches']
    assert (stats['done_total'], stats['stale_total']) == (1, 1)


def test_a_stale_answer_is_stopped(house):
    producer = start(house)
    silent = house.worker(slots=1)
    producer.say(message('acme', 'ana', 'Oi', id='1'))
    lost = next_run(silent)
    silent.is_silent = True
    next_run(house.worker())
    silent.answered(lost, 'too late')
    wait_until(lambda: lost.fence in silent.stop, 'the stale answer is refused')
    assert lost.fence not in silent.go


def test_a_lease_that_the_broker_does_not_know_is_cancelled(house):
    start(house)
    worker = house.worker()
    worker.held[12345] = '0' * 26
    wait_until(lambda: worker.cancelled, 'the broker cancels it')
    assert worker.cancelled[0] == (12345, 'stale')


def test_a_run_that_outlives_a_crash_of_the_broker_has_one_accepted_result(house):
    """Whether its lease goes on or the batch runs again is the broker's choice."""
    producer = start(house)
    worker = house.worker()
    producer.say(message('acme', 'ana', 'Oi', id='1'))
    run = next_run(worker)
    house.broker.kill()
    worker.on_run = Worker.result
    house.start_broker()
    wait_until(lambda: 'hello_first' in worker.errors and worker.welcome, 'the worker is welcome again')
    worker.result(run)
    wait_until(lambda: house.state('ana') == 'done', 'the batch is finished')
    assert {run.batch for run in worker.runs} == {run.batch}
    assert house.ask('stats')['batches']['done_total'] == 1


# -- outcomes


def test_a_failure_comes_again_after_a_backoff_that_doubles(house):
    producer = start(house, retry={**RETRY, 'attempts': 4})
    worker, ended = house.worker(), []
    producer.say(message('acme', 'ana', 'Oi', id='1'))
    for n in range(1, 4):
        ended.append(worker_fails(worker, n))
    last = next_run(worker, 4)
    assert [run.attempt for run in worker.runs] == [1, 2, 3, 4]
    assert len({run.batch for run in worker.runs}) == 1
    gaps = [run.at - end for run, end in zip(worker.runs[1:], ended)]
    assert gaps[0] >= 0.2 and gaps[1] >= 0.4 and gaps[2] >= 0.8, gaps
    worker.result(last)
    wait_until(lambda: house.state('ana') == 'done', 'the thread is done')


def worker_fails(worker, n, **keys):
    """The time just before run number n reported its failure."""
    run, now = next_run(worker, n), time.monotonic()
    worker.result(run, **{'outcome': FAILED, 'code': 'http_500', 'why': 'the handler answered 500', **keys})
    return now


def test_a_failure_waits_for_as_long_as_the_provider_asks(house):
    producer = start(house)
    worker = house.worker()
    producer.say(message('acme', 'ana', 'Oi', id='1'))
    ended = worker_fails(worker, 1, retry_after=1500)
    assert next_run(worker, 2).at - ended >= 1.5


def test_a_retry_takes_in_newer_messages_and_is_then_another_batch(house):
    producer = start(house, retry={**RETRY, 'base': '4s'})
    worker = house.worker()
    producer.say(message('acme', 'ana', 'one', id='1'))
    worker_fails(worker, 1)
    wait_until(lambda: house.state('ana') == 'backoff', 'the backoff')
    producer.say(message('acme', 'ana', 'two', id='2'))
    again = next_run(worker, 2)
    assert again.texts == ['one', 'two']
    assert again.batch != worker.runs[0].batch
    assert again.attempt == 2


def test_after_the_last_attempt_the_batch_is_dead_and_its_thread_goes_on(house):
    producer = start(house, retry={**RETRY, 'attempts': 2})
    worker = house.worker()
    producer.say(message('acme', 'ana', 'cursed', id='1'))
    worker_fails(worker, 1)
    worker_fails(worker, 2)
    wait_until(lambda: house.state('ana') == 'dead', 'the batch is given up')
    producer.say(message('acme', 'ana', 'next', id='2'))
    third = next_run(worker, 3)
    assert (third.texts, third.attempt) == (['next'], 1)
    worker.result(third)
    wait_until(lambda: house.ask('stats')['batches']['done_total'] == 1, 'the next batch is done')
    assert house.ask('stats')['batches']['dead'] == 1


def test_failed_for_good_is_dead_at_once_and_can_be_read_and_run_again(house):
    producer = start(house)
    worker = house.worker()
    producer.say(message('acme', 'ana', 'Oi', id='1'), message('acme', 'ana', 'Tudo bem?', id='2'))
    worker_fails(worker, 1, outcome=FAILED_FOR_GOOD, code='http_400', why='the handler answered 400')
    wait_until(lambda: house.state('ana') == 'dead', 'the batch is given up')
    listed = house.ask('dead')
    assert listed['total'] == 1
    batch = listed['dead'][0]['batch']
    assert batch == worker.runs[0].batch
    shown = house.ask('dead_show', batch=batch)
    assert shown['code'] == 'http_400' and 'answered 400' in shown['why']
    assert [told['id'] for told in shown['messages']] == ['1', '2']
    assert house.ask('dead_retry', batch=batch)['retried'] == 1
    again = next_run(worker, 2)
    assert (again.batch, again.ids) == (batch, ['1', '2'])
    worker.result(again)
    wait_until(lambda: house.state('ana') == 'done', 'the thread is done')
    assert house.ask('dead')['total'] == 0


def test_a_dead_letter_survives_a_crash_and_can_be_dropped(house):
    producer = start(house)
    worker = house.worker()
    producer.say(message('acme', 'ana', 'Oi', id='1'))
    worker_fails(worker, 1, outcome=FAILED_FOR_GOOD, code='http_400')
    wait_until(lambda: house.state('ana') == 'dead', 'the batch is given up')
    house.broker.kill()
    house.start_broker()
    assert house.state('ana') == 'dead'
    batch = house.ask('dead')['dead'][0]['batch']
    assert house.ask('dead_drop', batch=batch)['dropped'] == 1
    assert house.ask('dead')['total'] == 0
    assert house.ask('dead_drop', batch=batch)['error']['code'] == 'not_found'


def test_busy_comes_again_soon_and_costs_no_attempt(house):
    producer = start(house)
    worker = house.worker()
    producer.say(message('acme', 'ana', 'Oi', id='1'))
    ended = [worker_fails(worker, n, outcome=BUSY, code='handler_busy') for n in (1, 2, 3)]
    last = next_run(worker, 4)
    assert [run.attempt for run in worker.runs] == [1, 1, 1, 1]
    gaps = [run.at - end for run, end in zip(worker.runs[1:], ended)]
    assert gaps[0] >= 0.09 and gaps[1] >= 0.18 and gaps[2] >= 0.36, gaps
    worker.result(last)
    wait_until(lambda: house.ask('stats')['batches']['done_total'] == 1, 'the batch is done')
    assert house.ask('stats')['batches']['busy_total'] == 3


def test_what_is_handed_back_goes_to_another_worker_at_once(house):
    producer = start(house)
    leaving = house.worker(slots=1)
    producer.say(message('acme', 'ana', 'Oi', id='1'))
    run = next_run(leaving)
    other = house.worker()
    leaving.set_slots(0)
    leaving.result(run, HANDED_BACK)
    again = next_run(other)
    assert (again.batch, again.attempt) == (run.batch, 1)


def test_an_answer_is_kept_so_that_nobody_pays_twice(house):
    producer = start(house)
    first = house.worker(slots=1)
    producer.say(message('acme', 'ana', 'Oi', id='1'))
    run = next_run(first)
    first.answered(run, 'Ola!', 'Tudo bem.')
    wait_until(lambda: run.fence in first.go, 'the answer is stored')
    first.result(run, FAILED, 'unreachable', posted=1)
    again = next_run(first, 2)
    assert again.answer is not None and again.posted == 1
    # And after a crash of everybody.
    house.broker.kill()
    first.close()
    house.start_broker()
    heir = house.worker()
    inherited = next_run(heir)
    assert (inherited.answer, inherited.posted, inherited.batch) == (again.answer, 1, run.batch)
    heir.result(inherited, posted=2)
    wait_until(lambda: house.state('ana') == 'done', 'the thread is done')


def test_a_result_that_is_sent_twice_is_settled_twice_and_counts_once(house):
    producer = start(house)
    worker = house.worker()
    producer.say(message('acme', 'ana', 'Oi', id='1'))
    run = next_run(worker)
    worker.result(run)
    wait_until(lambda: worker.settled.get(run.fence), 'the result is taken')
    worker.result(run)
    wait_until(lambda: worker.n_settled == 2, 'the second one is answered')
    assert worker.settled[run.fence]
    stats = house.ask('stats')['batches']
    assert (stats['done_total'], stats['stale_total']) == (1, 0)


def test_order_holds_through_failures(house):
    """Fifty messages of a thread, batches of at most seven, every third run fails."""
    producer = start(house, max_messages=7, retry={**RETRY, 'attempts': 50, 'base': '10ms', 'factor': 1})
    handled = []

    def on_run(worker, run):
        if len(worker.runs) % 3 == 0:
            worker.result(run, FAILED, 'http_500')
        else:
            handled.extend(run.texts)
            worker.result(run)

    house.worker(on_run=on_run)
    for n in range(50):
        producer.say(message('acme', 'ana', str(n), id=str(n)))
    wait_until(lambda: len(handled) >= 50, 'all are handled')
    assert handled == [str(n) for n in range(50)]


def test_a_failing_thread_delays_no_other(house):
    producer = start(house, retry={**RETRY, 'attempts': 50})
    done = []

    def on_run(worker, run):
        if run.thread == 'cursed':
            worker.result(run, FAILED, 'http_500')
        else:
            done.append(run.thread)
            worker.result(run, DONE)

    house.worker(slots=2, on_run=on_run)
    producer.say(message('acme', 'cursed', 'Oi', id='c'))
    producer.say(*[message('acme', f't{n}', 'Oi', id=str(n)) for n in range(100)])
    wait_until(lambda: len(done) == 100, 'all others are done')


# -- bundles


def test_a_worker_of_lull_1_3_is_told_many_things_at_once_and_tells_as_many(house):
    producer = start(house, quiet='0s')
    worker = house.worker(slots=50, on_run=Worker.result, bundles=1)
    old = house.worker(slots=1, on_run=Worker.result)  # which asserts that it gets none
    wait_until(lambda: worker.welcome and old.welcome, 'both are welcome')
    assert worker.welcome[4] == 1
    for n in range(10):
        producer.say(*[message('acme', f't{n}', 'Oi', id=f'{n}-{i}') for n in range(60) for i in range(n, n + 2)])
    wait_until(lambda: house.ask('stats')['threads']['ready'] == 0 and not worker.held and not old.held, 'all are done')
    wait_until(lambda: set(worker.settled.values()) | set(old.settled.values()) == {1}, 'and settled')
    assert worker.n_bundles > 0 and old.n_bundles == 0
    stats = house.ask('stats')
    assert stats['messages']['finished_total'] == stats['messages']['accepted_total'] > 0


def test_a_bundle_is_taken_frame_by_frame_and_what_is_none_is_answered(house):
    producer = start(house)
    worker = house.worker(bundles=1)
    wait_until(lambda: worker.welcome, 'it is welcome')
    producer.say(message('acme', 'ana', 'Oi', id='1'), message('acme', 'bob', 'Oi', id='2'))
    wait_until(lambda: len(worker.runs) == 2, 'both run')

    def done(run):
        return encode(RESULT, [run.fence, run.batch, DONE, None, None, None, 0, 0, 0])

    first, second = worker.runs
    frames = [done(first), b'', b'\xff', encode(RESULT, [1]), encode(BUNDLE, [[done(first)]]), done(second)]
    worker.held.clear()
    worker._outbox.append(encode(BUNDLE, [frames]))
    wait_until(lambda: worker.settled == {first.fence: 1, second.fence: 1}, 'the good ones count')
    wait_until(lambda: len(worker.errors) == 4, 'each of the others is answered')
    assert sorted(worker.errors) == ['bad_frame', 'bad_frame', 'bad_frame', 'bad_version']
    for broken in ([], [3], [[b'x'] * 4097], [['x', 7]], 'no array'):
        worker.errors.clear()
        worker._outbox.append(encode(BUNDLE, broken))
        wait_until(lambda: 'bad_frame' in worker.errors, f'{broken!r:.20} is answered')
    assert house.state('ana') == house.state('bob') == 'done'
