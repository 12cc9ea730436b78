"""Interrupts, doubt, and what the workers count: the broker alone, with a worker in Python."""

from lull import stays, wait_until
from protocol import DONE, FAILED, message
from test_30_runs import next_run, start


def answered(house, *replies, **settings):
    """A worker whose run of "ana" has its answer stored."""
    producer = start(house, **settings)
    worker = house.worker(slots=1)
    producer.say(message('acme', 'ana', 'Oi', id='1'))
    run = next_run(worker)
    worker.answered(run, *replies)
    wait_until(lambda: run.fence in worker.go, 'the answer is stored')
    return worker, run


def test_a_newer_message_interrupts_and_one_run_has_both(house):
    producer = start(house, on_new_message='interrupt')
    worker = house.worker()
    producer.say(message('acme', 'ana', 'Oi', id='1'))
    first = next_run(worker)
    producer.say(message('acme', 'ana', 'Tudo bem?', id='2'))
    wait_until(lambda: (first.fence, 'interrupted') in worker.cancelled, 'the worker is told')
    worker.answered(first, 'to the first only')
    both = next_run(worker, 2)
    assert (both.ids, both.attempt) == (['1', '2'], 1)
    assert wait_until(lambda: worker.stop.get(first.fence), 'the late answer is refused') == 'stale'
    assert house.ask('why', tenant='acme', thread='ana')['interrupts'] == 1
    worker.result(both)
    wait_until(lambda: house.state('ana') == 'done', 'the thread is done')
    stats = house.ask('stats')
    assert stats['batches']['interrupted_total'] == 1
    assert stats['tenants']['acme']['savings']['interrupted_total'] == 1


def test_who_has_the_answer_stored_is_not_interrupted(house):
    producer = start(house, on_new_message='interrupt')
    worker = house.worker()
    producer.say(message('acme', 'ana', 'Oi', id='1'))
    first = next_run(worker)
    worker.answered(first, 'Ola!')
    wait_until(lambda: first.fence in worker.go, 'the answer is stored')
    producer.say(message('acme', 'ana', 'Tudo bem?', id='2'))
    assert stays(lambda: not worker.cancelled and len(worker.runs) == 1, 0.5)
    worker.result(first)
    assert next_run(worker, 2).ids == ['2']


def test_an_interrupted_run_is_not_taken_up_after_a_crash_of_the_broker(house):
    producer = start(house, on_new_message='interrupt', quiet='1s')
    worker = house.worker()
    producer.say(message('acme', 'ana', 'Oi', id='1'))
    first = next_run(worker)
    producer.say(message('acme', 'ana', 'Tudo bem?', id='2'))
    wait_until(lambda: worker.cancelled, 'the worker is told')
    # As if the CANCEL had been lost.
    worker.held[first.fence] = first.batch
    house.broker.kill()
    house.start_broker()
    wait_until(lambda: len(worker.cancelled) >= 2, 'it is told again')
    assert next_run(worker, 2).ids == ['1', '2']


def test_replies_that_are_out_stay_out_over_a_crash_of_everybody(house):
    worker, run = answered(house, 'one', 'two', 'three')
    worker.posted(run, 2)
    wait_until(lambda: house.ask('why', tenant='acme', thread='ana')['answer']['posted'] == 2, 'it is stored')
    house.broker.kill()
    worker.close()
    house.start_broker()
    heir = next_run(house.worker())
    assert (heir.batch, heir.posted, heir.doubt) == (run.batch, 2, 1)


def test_a_worker_that_knows_leaves_no_doubt_and_one_that_does_not_leaves_it(house):
    worker, run = answered(house, 'one')
    worker.result(run, FAILED, 'unreachable')
    second = next_run(worker, 2)
    assert (second.posted, second.doubt) == (0, 0)
    worker.result(second, FAILED, 'timeout', more=[1, 0, 0])
    third = next_run(worker, 3)
    assert (third.posted, third.doubt) == (0, 1)
    worker.result(third, DONE, posted=1, more=[0, 1, 0, 'of a later version'])
    wait_until(lambda: house.state('ana') == 'done', 'the thread is done')
    assert house.ask('stats')['savings']['answers_reused_total'] == 2


def test_what_workers_count_is_added_up_by_tenant(house):
    start(house)
    worker = house.worker()
    wait_until(lambda: worker.welcome, 'the worker is welcome')
    worker.tally('acme', [1, 3], [3, 1200], [6, 2], [99, 7])
    worker.tally('acme', [1, 1])
    worker.tally('nobody', [1, 1])
    wait_until(lambda: house.ask('stats')['savings']['calls_total'] == 4, 'both have come')
    tenant = house.ask('stats')['tenants']['acme']
    assert (tenant['savings']['tokens_in_total'], tenant['context']['hit_total']) == (1200, 2)
    assert not worker.errors
