"""A checker that cannot fail is worth nothing: a clean ledger passes every check, each doctored one fails its own."""

import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import checker  # noqa: E402
import diaries  # noqa: E402
import measure  # noqa: E402
import stops  # noqa: E402
from ledger import Ledger  # noqa: E402

A, B = 'batch-a', 'batch-b'


def call(began, ended, batch, fence, ids, thread='t', status=200, worker='w0.1', key=None):
    return ['call', began, ended, worker, batch, fence, thread, ids, status, key or batch]


def post(at, batch, fence, ids, thread='t', worker='w0.1', index=0, is_read=True):
    return ['post', at, at + 0.01, worker, batch, index, thread, 200, is_read, [batch, fence, ids]]


def clean():
    """A thread with two batches whose replies are visible, a silent one with one, and a dead letter."""
    return [
        ['ack', 1.0, 't', [1, 2], 'wire'], ['ack', 2.0, 't', [3], 'http'], ['ack', 1.0, 's', [1, 2], 'wire'],
        ['ack', 1.0, 'd', [1], 'wire'],
        call(1.2, 1.4, A, 101, ['t:1', 't:2']), post(1.5, A, 101, ['t:1', 't:2']),
        call(2.2, 2.4, B, 102, ['t:3']), post(2.5, B, 102, ['t:3']),
        call(1.2, 1.3, 'batch-s', 103, ['s:1', 's:2'], 's'),
        call(1.2, 1.3, 'batch-d', 104, ['d:1'], 'd', status=400),
    ]


def facts(entries):
    ledger = Ledger()
    for entry in entries:
        ledger.add(entry)
    ledger.dead = {'batch-d': ['d:1']}
    return checker.Facts(ledger.sort())


def failing(entries):
    """The names of the checks that fail."""
    judged = facts(entries)
    return {check.__name__ for _, check in checker.CHECKS if check(judged)}


def without(entries, kind, batch):
    return [entry for entry in entries if not (entry[0] == kind and batch in entry)]


def test_a_clean_ledger_passes():
    assert failing(clean()) == set()


def test_an_acknowledged_message_that_nobody_handled_is_lost():
    assert failing([*clean(), ['ack', 3.0, 't', [4], 'wire']]) == {'lost'}


def test_a_reply_that_never_came_is_a_loss():
    assert 'lost' in failing(without(clean(), 'post', B))


def test_a_call_of_a_silent_thread_that_is_missing_is_a_loss():
    assert failing(without(clean(), 'call', 'batch-s')) == {'lost'}


def test_a_message_in_two_finished_batches_is_found():
    entries = without(clean(), 'post', B)
    entries += [call(2.6, 2.7, B, 105, ['t:2', 't:3']), post(2.8, B, 105, ['t:2', 't:3'])]
    assert 'finished_twice' in failing(entries)


def test_a_dead_letter_that_was_finished_too_is_found():
    assert 'finished_twice' in failing([*clean(), post(3.0, 'batch-e', 104, ['d:1'], 'd')])


def test_a_silent_batch_that_shares_a_message_with_a_later_one_is_found():
    assert 'finished_twice' in failing([*clean(), call(1.5, 1.6, 'batch-u', 109, ['s:2'], 's')])


def test_a_silent_batch_that_was_handled_again_as_a_whole_is_not_finished_twice():
    assert failing([*clean(), call(1.5, 1.6, 'batch-u', 109, ['s:1', 's:2'], 's')]) == set()


def test_batches_in_the_wrong_order_are_found():
    entries = [entry for entry in clean() if entry[0] != 'post']
    entries += [post(2.5, B, 102, ['t:3']), post(2.6, A, 101, ['t:1', 't:2'])]
    assert 'out_of_order' in failing(entries)


def test_messages_in_the_wrong_order_within_a_batch_are_found():
    entries = without(without(clean(), 'post', A), 'call', A)
    entries += [call(1.2, 1.4, A, 101, ['t:2', 't:1']), post(1.5, A, 101, ['t:2', 't:1'])]
    assert failing(entries) == {'out_of_order'}


def test_accepted_runs_beside_one_another_are_found():
    entries = without(without(clean(), 'call', B), 'post', B)
    entries += [call(1.45, 1.6, B, 102, ['t:3']), post(1.7, B, 102, ['t:3'])]
    assert failing(entries) == {'overlapping'}


def test_a_stale_call_beside_the_accepted_one_is_counted_apart():
    stale = call(1.0, 3.0, A, 90, ['t:1', 't:2'], status=0, worker='w1.1')
    assert failing([*clean(), stale]) == set()
    assert measure.overlapping_calls(facts([*clean(), stale])) == 2


def test_a_stale_run_that_begins_a_call_is_counted():
    judged = facts([*clean(), call(2.3, 2.4, A, 90, ['t:1', 't:2'], status=0)])
    assert len(checker.out_of_turn(judged)) == 1


def test_a_call_after_the_reply_was_visible_is_found():
    assert failing([*clean(), call(1.9, 2.0, A, 101, ['t:1', 't:2'])]) == {'paid_twice'}


def test_a_reply_that_is_visible_twice_is_found():
    assert failing([*clean(), post(1.8, A, 101, ['t:1', 't:2'], worker='w1.1')]) == {'repeated_for_nothing'}


@pytest.mark.parametrize('fault', [['fault', 1.6, 'kill', 'w0', 1, 0.0], ['fault', 1.45, 'stop', 'w0', 1, 1.6],
                                   ['fault', 1.6, 'kill', 'broker', 3, 0.0],
                                   ['fault', 0.9, 'debug sleep 1', 'redis', 1, 0.0]])
def test_a_reply_is_visible_twice_with_a_reason(fault):
    entries = [*clean(), fault, post(1.8, A, 101, ['t:1', 't:2'], worker='w1.1')]
    assert failing(entries) == set()
    assert len(checker.repeats(facts(entries))) == 1


@pytest.mark.parametrize('fault', [['fault', 1.6, 'kill', 'w3', 1, 0.0], ['fault', 0.9, 'kill', 'broker', 1, 0.0],
                                   ['fault', 1.7, 'kill', 'redis', 1, 0.0]])
def test_the_end_of_another_or_at_another_time_is_no_reason(fault):
    assert failing([*clean(), fault, post(1.8, A, 101, ['t:1', 't:2'])]) == {'repeated_for_nothing'}


def test_a_message_from_nowhere_is_found():
    assert failing([*clean(), call(2.0, 2.1, 'x', 110, ['s:9'], 's')]) == {'unknown', 'out_of_order'}


def test_a_key_that_is_not_the_batch_is_found():
    entries = without(clean(), 'call', 'batch-s')
    assert failing([*entries, call(1.2, 1.3, 'batch-s', 103, ['s:1', 's:2'], 's', key='other')]) == {'key_changes'}


def test_the_time_to_take_over_is_measured():
    entries = [*clean(), call(2.6, 2.7, 'c', 105, ['t:4'], status=0, worker='w0.1'),
               ['fault', 2.69, 'kill', 'w0', 1, 0.0], call(5.69, 5.8, 'c', 106, ['t:4'], worker='w1.1')]
    assert measure.takeover_times(facts(entries)) == (pytest.approx([3.0]), [])


# -- stops: what a worker that was stopped does when it goes on ---------------------------------------------------


def run_of(worker, batch, fence, began, *events, thread='t'):
    """A run with lines (at, event, code) of its worker's log behind its beginning."""
    run = diaries.RunOf(worker, diaries.Line(began, 'run_started', thread, batch, fence, None))
    for at, event, code in events:
        run.take(diaries.Line(at, event, thread, batch, fence, code))
    return run


def stopped(*more):
    """w0 is stopped in A's run from 1.3 to 5.0; meanwhile w1 runs it."""
    return {'w0.1': [run_of('w0.1', A, 101, 1.2), *more],
            'w1.1': [run_of('w1.1', A, 105, 4.3, (4.6, 'run_done', None))]}


def stop(runs):
    return [stops.Stop(('w0.1', 1.3, 5.0), runs)]


def test_a_stale_post_after_going_on_is_found():
    judged, runs = facts([post(5.2, A, 101, ['t:1', 't:2'])]), stopped()
    assert len(stops.late_posts(judged, stop(runs), runs)) == 1


def test_a_post_of_a_run_that_was_given_anew_is_none():
    runs = stopped(run_of('w0.1', A, 109, 5.1))
    assert stops.late_posts(facts([post(5.2, A, 101, ['t:1', 't:2'])]), stop(runs), runs) == []


def test_a_post_that_had_arrived_before_the_stop_is_none():
    runs = stopped()
    assert stops.late_posts(facts([post(1.29, A, 101, ['t:1', 't:2'])]), stop(runs), runs) == []


def test_a_stale_call_after_going_on_is_found():
    runs = stopped()
    assert len(stops.late_calls(facts([call(5.1, 5.2, A, 101, ['t:1', 't:2'])]), stop(runs))) == 1
    assert stops.late_calls(facts([call(5.1, 5.2, A, 109, ['t:1', 't:2'])]), stop(runs)) == []


def test_a_late_result_that_is_not_refused_is_found():
    runs = stopped()
    runs['w0.1'][0].take(diaries.Line(5.01, 'run_done', 't', A, 101, None))
    assert len(stops.late_results(runs)) == 1


@pytest.mark.parametrize('line', [('run_stale', None), ('run_cancelled', 'stale')])
def test_a_late_result_that_is_refused_is_none(line):
    runs = stopped()
    runs['w0.1'][0].take(diaries.Line(5.01, 'run_done', 't', A, 101, None))
    runs['w0.1'][0].take(diaries.Line(5.02, line[0], 't', A, 101, line[1]))
    assert stops.late_results(runs) == []


def test_a_reply_that_is_repeated_though_its_run_had_ended_is_found():
    runs = {'w0.1': [run_of('w0.1', A, 101, 1.0, (1.1, 'run_done', None))]}
    judged = facts([post(1.05, A, 101, ['t:1']), post(4.0, A, 101, ['t:1'], worker='w1.1')])
    assert len(stops.repeats_beyond_doubt(judged, stop(runs))) == 1
    assert stops.repeats_beyond_doubt(judged, stop({'w0.1': [run_of('w0.1', A, 101, 1.0)]})) == []
