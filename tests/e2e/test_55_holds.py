"""Holds and the verbs of a thread: a person takes over, and nothing is lost, answered twice or out of order."""

import json
import threading

import pytest

from lull import stays, wait_until
from peers import Answer, reply, status
from protocol import FAILED, Worker, message
from scenes import RETRY, SECRET, done, start


def quick(house, **settings):
    """A broker whose tenant waits 100 ms, and its producer; the workers are Python."""
    house.add_tenant(**{'quiet': '100ms', **settings})
    house.start_broker()
    return house.producer()


def hold(house, thread='ana', **keys):
    answer = house.ask('hold', tenant='acme', thread=thread, **keys)
    assert answer.get('held') == 1, answer
    return answer


def verb(house, cmd, thread='ana', tenant='acme', **keys):
    answer = house.ask(cmd, tenant=tenant, thread=thread, **keys)
    return answer.get('error', {}).get('code') or {key: answer[key] for key in answer if key != 'request'}


def with_replies(house, *script, **keys):
    """A bot whose replies are posted to a server: both, and the producer."""
    sink = house.peer(otherwise=Answer(status=204))
    channel = {'kind': 'generic', 'secret': SECRET, 'reply_url': sink.url + '/replies'}
    bot, producer = start(house, *script, channels={'own': channel}, **keys)
    return bot, sink, producer


# -- hold


def test_a_held_thread_survives_the_broker_and_gets_one_reply_for_all_that_came(house):
    bot, sink, producer = with_replies(house, workers=2, quiet='3s')
    producer.say(message('acme', 'ana', '1', id='1', channel='own'))
    hold(house, why='Ana is writing')
    for n in range(2, 5):
        producer.say_again([message('acme', 'ana', str(n), id=str(n), channel='own')])
        house.broker.kill()
        house.start_broker()
        assert house.state('ana') == 'held'
    producer.say_again([message('acme', 'ana', '5', id='5', channel='own')])
    wait_until(lambda: len(house.ask('stats')['workers']) == 2, 'the workers are back')
    assert stays(lambda: not bot.calls and house.state('ana') == 'held', 1.0)
    why = house.why('ana')
    assert why['hold']['why'] == 'Ana is writing' and why['hold']['until'] is None
    assert why['messages'] == 5 and 'lull resume' in why['next']
    assert verb(house, 'resume') == {'resumed': 1}
    wait_until(lambda: done(house) == 1, 'the batch is done')
    assert [call.texts for call in bot.calls] == [['1', '2', '3', '4', '5']]
    assert [call.json['reply'] for call in sink.calls] == ['You wrote: 1 | 2 | 3 | 4 | 5']


def test_a_hold_during_a_run_aborts_the_call_and_posts_nothing(house):
    gate = threading.Event()
    bot, sink, producer = with_replies(house, reply('too late', gate=gate))
    producer.say(message('acme', 'ana', 'Oi', id='1', channel='own'))
    call = wait_until(lambda: bot.running(), 'the call is under way')[0]
    hold(house)
    wait_until(lambda: call.is_aborted, 'the caller has hung up')
    gate.set()
    assert house.state('ana') == 'held'
    assert stays(lambda: len(bot.calls) == 1 and not sink.calls, 1.0)
    verb(house, 'resume')
    wait_until(lambda: done(house) == 1, 'the batch is done')
    assert [post.json['reply'] for post in sink.calls] == ['You wrote: Oi']
    assert bot.calls[1].headers['idempotency-key'] == call.headers['idempotency-key']


def test_a_run_that_was_cancelled_by_a_hold_is_void_after_a_crash_too(house):
    """The broker dies with the hold on disk; what the worker says of the run afterwards changes nothing."""
    producer = quick(house)
    worker = house.worker()
    producer.say(message('acme', 'ana', 'Oi', id='1'))
    run = wait_until(lambda: worker.runs, 'it runs')[0]
    hold(house)
    wait_until(lambda: (run.fence, 'held') in worker.cancelled, 'the worker is told')
    worker.held[run.fence] = run.batch  # as if the CANCEL had been lost
    house.broker.kill()
    house.start_broker()
    wait_until(lambda: (run.fence, 'stale') in worker.cancelled, 'it is told again')
    worker.answered(run, 'too late')
    wait_until(lambda: run.fence in worker.stop, 'the answer is refused')
    assert run.fence not in worker.go and house.state('ana') == 'held'


def test_a_reply_that_is_being_posted_goes_out_once_and_then_the_thread_is_held(house):
    gate = threading.Event()
    sink = house.peer(Answer(status=204, gate=gate), otherwise=Answer(status=204))
    channel = {'kind': 'generic', 'secret': SECRET, 'reply_url': sink.url + '/replies'}
    bot, producer = start(house, channels={'own': channel})
    producer.say(message('acme', 'ana', 'Oi', id='1', channel='own'))
    wait_until(lambda: sink.running(), 'the reply is being posted')
    hold(house)
    why = house.why('ana')
    assert why['state'] == 'running' and 'then it is held' in why['next']
    assert verb(house, 'cancel') == 'busy'
    producer.say(message('acme', 'ana', 'more', id='2', channel='own'))
    gate.set()
    wait_until(lambda: house.state('ana') == 'held', 'the run has ended')
    assert done(house) == 1
    assert stays(lambda: len(sink.calls) == 1 and len(bot.calls) == 1, 0.7)


def test_a_thread_is_held_before_anybody_has_said_anything(house):
    producer = quick(house)
    hold(house)
    worker = house.worker(on_run=Worker.result)
    producer.say(message('acme', 'ana', 'Oi', id='1'), message('acme', 'bia', 'Oi', id='2'))
    wait_until(lambda: house.state('bia') == 'done', 'another thread is answered')
    assert stays(lambda: house.state('ana') == 'held', 0.5)
    assert [run.thread for run in worker.runs] == ['bia']


def test_a_hold_ends_by_itself_over_a_restart(house):
    producer = quick(house)
    until = hold(house, for_ms=3000)['until']
    assert until
    producer.say(message('acme', 'ana', 'Oi', id='1'))
    held, = house.broker.events('held')
    assert (held['messages'], held['until']) == ('0', until)
    house.broker.kill()
    house.start_broker()
    why = house.why('ana')
    assert why['state'] == 'ready' or why['hold']['until'] == until, why
    worker = house.worker(on_run=Worker.result)
    wait_until(lambda: house.state('ana') == 'done', 'it is answered by itself')
    assert worker.runs[0].ids == ['1'] and house.ask('holds')['total'] == 0


def test_holds_are_listed_and_counted(house):
    house.add_tenant('other')
    producer = quick(house)
    producer.say(message('acme', 'ana', 'Oi', id='1'))
    for thread in ('ana', 'bia', 'bia'):
        hold(house, thread, why=f'of {thread}')
    holds = house.ask('holds', tenant='acme')
    assert {row['thread']: (row['pending'], row['why']) for row in holds['holds']} == {
        'ana': (1, 'of ana'), 'bia': (0, 'of bia')}
    assert house.ask('holds', tenant='other')['total'] == 0 and len(house.ask('holds', limit=1)['holds']) == 1
    stats = house.ask('stats')
    assert stats['threads']['held'] == 1 and stats['tenants']['acme']['held'] == 1
    assert stats['holds'] == {'now': 2, 'total': 2}
    assert [row['thread'] for row in house.ask('threads', state='held')['threads']] == ['ana']


# -- flush, cancel


def test_a_flush_does_not_wait_for_the_quiet(house):
    producer = quick(house, quiet='60s', max_wait='60s')
    worker = house.worker()
    producer.say(message('acme', 'ana', 'Oi', id='1'))
    assert verb(house, 'flush') == {'flushed': 1}
    run = wait_until(lambda: worker.runs, 'it goes at once')[0]
    assert verb(house, 'flush') == 'busy'
    worker.result(run)
    wait_until(lambda: house.state('ana') == 'done', 'it is done')
    assert verb(house, 'flush') == 'not_found'
    producer.say(message('acme', 'ana', 'more', id='2'))
    hold(house)
    assert verb(house, 'flush') == 'held'


def test_a_flush_ends_a_backoff_and_keeps_its_attempts(house):
    producer = quick(house, retry={**RETRY, 'base': '60s', 'cap': '60s'})
    worker = house.worker()
    producer.say(message('acme', 'ana', 'Oi', id='1'))
    worker.result(wait_until(lambda: worker.runs, 'it runs')[0], FAILED, 'http_500', 'the handler answered 500')
    wait_until(lambda: house.state('ana') == 'backoff', 'it failed')
    assert verb(house, 'flush') == {'flushed': 1}
    assert wait_until(lambda: worker.runs[1:], 'it runs again')[0].attempt == 2


def test_what_is_cancelled_is_a_dead_letter_and_its_call_is_aborted(house):
    gate = threading.Event()
    bot, sink, producer = with_replies(house, reply('never', gate=gate))
    producer.say(message('acme', 'ana', '1', id='1', channel='own'))
    call = wait_until(lambda: bot.running(), 'the call is under way')[0]
    producer.say(message('acme', 'ana', '2', id='2', channel='own'))
    assert verb(house, 'cancel', why='only a test') == {'cancelled': 2}
    wait_until(lambda: call.is_aborted, 'the caller has hung up')
    gate.set()
    letter, = house.ask('dead')['dead']
    assert (letter['code'], letter['why'], letter['messages']) == ('cancelled', 'only a test', 2)
    why = house.why('ana')
    assert why['state'] == 'dead' and 'last_failure' not in why
    assert 'cancelled by an operator: only a test' in why['waits_for'] and 'failed' not in why['waits_for']
    assert verb(house, 'cancel') == 'not_found'
    house.ask('dead_retry', batch=letter['batch'])
    wait_until(lambda: done(house) == 1, 'what was cancelled is answered after all')
    assert [post.json['reply'] for post in sink.calls] == ['You wrote: 1 | 2']


def test_wrong_verbs_are_told_what_is_wrong(house):
    quick(house)
    assert verb(house, 'resume') == 'not_found'
    for cmd in ('hold', 'resume', 'flush', 'cancel'):
        assert verb(house, cmd, tenant='nobody') == 'unknown_tenant'
        for thread in ('', 'a\nb', 'x' * 257):
            assert verb(house, cmd, thread=thread) == 'bad_thread'
        assert verb(house, cmd, thread=7) == 'bad_request'
        assert house.ask(cmd, tenant='acme')['error']['code'] == 'bad_request'
    for wrong in (0, -1, 1.5, '30m', 10**15):
        assert verb(house, 'hold', for_ms=wrong) == 'bad_request'
    assert verb(house, 'hold', why=['x']) == 'bad_request'
    assert verb(house, 'hold', why='x' * 401) == verb(house, 'cancel', why='x' * 401) == 'bad_request'
    for cmd in ('holds', 'threads', 'dead'):
        assert house.ask(cmd, tenant='nobody')['error']['code'] == 'unknown_tenant'
        assert house.ask(cmd, tenant='acme')['total'] == 0
    assert house.ask('holds')['total'] == 0


# -- the CLI


def run(house, *arguments):
    result = house.run(*arguments)
    assert (result.returncode, result.stderr) == (0, '')
    return result.stdout


def test_the_verbs_at_a_terminal(house):
    bot, producer = start(house, status(400), quiet='60s', max_wait='60s')
    producer.say(message('acme', '-55', 'Oi', id='1'))
    assert 'lull resume' in run(house, 'hold', 'acme', '-55')
    assert 'in ' in run(house, 'hold', '--for', '30m', '--why', 'Ana\x1b[31m is writing', 'acme', '-55')
    listed = run(house, 'holds')
    assert '-55' in listed and 'Ana' in listed and '\x1b' not in listed
    told = run(house, 'why', 'acme', '-55')
    assert 'held' in told and 'held until' in told and 'lull resume' in told
    assert '-55' in run(house, 'threads', '--state', 'held')
    assert '1 held' in run(house, 'stats')
    refused = house.run('flush', 'acme', '-55')
    assert refused.returncode == 1 and 'held' in refused.stderr
    assert json.loads(run(house, 'resume', '--json', 'acme', '-55')) == {'resumed': 1}
    assert run(house, 'flush', 'acme', '-55')
    wait_until(lambda: house.state('-55') == 'dead', 'the bot has refused it')
    producer.say(message('acme', 'bia', 'Oi', id='2'))
    assert '1' in run(house, 'cancel', '--why', 'a test', 'acme', 'bia')
    assert house.run('cancel', 'acme', 'bia').returncode == 1
    assert 'no thread is held' in run(house, 'holds')


@pytest.mark.parametrize('wrong', [('hold', 'acme'), ('hold', '--for', '0', 'acme', 'ana'),
                                   ('hold', '--for', 'long', 'acme', 'ana'), ('hold', '--for', '30', 'acme', 'ana'),
                                   ('hold', '--for', '367d', 'acme', 'ana'), ('resume', 'acme', 'ana', 'bia'),
                                   ('flush', '--why', 'x', 'acme', 'ana'), ('cancel',), ('holds', '--limit', '0')])
def test_wrong_words_are_wrong_usage(house, wrong):
    house.add_tenant()
    result = house.run(*wrong)
    assert result.returncode == 2 and result.stderr.startswith('lull: ') and not result.stdout
