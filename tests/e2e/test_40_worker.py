"""lull-worker and the http handler: what it is sent, and what becomes of its answers."""

import threading
import time

from lull import each, stays, wait_until
from peers import is_signed, reply, status
from protocol import message
from scenes import RETRY, SECRET, done, start


def test_a_burst_is_one_call_that_holds_all_of_it(house):
    bot, producer = start(house)
    producer.say(message('acme', 'ana', 'Oi', id='1', at=1700000000123, sender='+15550100101'),
                 message('acme', 'ana', 'Tudo bem?', id='2'),
                 message('acme', 'ana', 'Quanto custa?', id='3', data={'sku': [1, 2]}))
    wait_until(lambda: done(house) == 1, 'the batch is done')
    assert len(bot.calls) == 1
    call, body = bot.calls[0], bot.calls[0].json
    assert (call.method, call.path) == ('POST', '/answer')
    assert call.headers['content-type'].startswith('application/json')
    assert (body['tenant'], body['thread'], body['attempt'], body['channel']) == ('acme', 'ana', 1, None)
    assert body['text'] == 'Oi\nTudo bem?\nQuanto custa?'
    assert call.ids == ['1', '2', '3']
    assert body['messages'][0]['at'] == '2023-11-14T22:13:20.123Z'
    assert body['messages'][0]['from'] == '+15550100101' and body['messages'][0]['kind'] == 'text'
    assert body['messages'][2]['data'] == {'sku': [1, 2]}
    assert int(body['fence']) > 0 and isinstance(body['fence'], str)
    assert call.headers['idempotency-key'].strip('"') == body['batch'] == call.headers['webhook-id']
    assert is_signed(call, SECRET)


def test_text_of_any_script_arrives_unchanged(house):
    bot, producer = start(house)
    words = 'ação 你好 שלום 🙂 "quoted" \\ back\u2028 \x07 tab\there'
    producer.say(message('acme', 'ana', words, id='1'))
    wait_until(lambda: done(house) == 1, 'the batch is done')
    assert bot.calls[0].texts == [words]


def test_a_message_during_a_long_run_waits_for_it(house):
    bot, producer = start(house, lambda call: reply('slow', delay=5.0))
    producer.say(message('acme', 'ana', 'one', id='1'))
    wait_until(lambda: bot.calls, 'the first call')
    producer.say(message('acme', 'ana', 'two', id='2'))
    producer.say(message('acme', 'bia', 'other', id='3'))
    wait_until(lambda: len(bot.calls) == 2, 'another thread is answered meanwhile')
    assert bot.calls[1].texts == ['other'] and bot.calls[0].ended is None
    wait_until(lambda: done(house) == 3, 'all are done')
    first, _, second = bot.calls
    assert (first.texts, second.texts) == (['one'], ['two'])
    assert second.at >= first.ended


def test_two_hundred_threads_run_at_once_in_one_worker(house):
    gate = threading.Event()
    bot, producer = start(house, otherwise=lambda call: reply('ok', gate=gate), concurrency=1000)
    producer.say(*[message('acme', f't{n}', 'Oi', id=str(n)) for n in range(200)])
    wait_until(lambda: len(bot.running()) == 200, 'all calls are under way', 60)
    gate.set()
    wait_until(lambda: done(house) == 200, 'all are done', 60)
    assert len(bot.calls) == 200


def test_two_failures_and_then_a_reply(house):
    bot, producer = start(house, status(500), status(500), retry={**RETRY, 'base': '2s', 'cap': '32s', 'jitter': 0.1})
    producer.say(message('acme', 'ana', 'Oi', id='1'))
    wait_until(lambda: done(house) == 1, 'the batch is done', 30)
    calls = bot.calls
    assert len(calls) == 3 and len({call.json['batch'] for call in calls}) == 1
    assert [call.json['attempt'] for call in calls] == [1, 2, 3]
    gaps = [later.at - call.ended for call, later in zip(calls, calls[1:])]
    assert gaps[0] >= 1.75 and gaps[1] >= 3.55 and gaps[1] > gaps[0], gaps


def test_a_refused_batch_is_dead_at_once_and_runs_again_when_told(house):
    bot, producer = start(house, status(400))
    producer.say(message('acme', 'ana', 'Oi', id='1'))
    wait_until(lambda: house.state('ana') == 'dead', 'the batch is dead')
    assert len(bot.calls) == 1
    batch = house.ask('dead')['dead'][0]['batch']
    assert '400' in house.ask('dead_show', batch=batch)['why']
    house.ask('dead_retry', batch=batch)
    wait_until(lambda: done(house) == 1, 'the batch is done')
    assert bot.calls[1].json['batch'] == batch


def test_busy_comes_again_within_seconds_and_uses_no_attempt(house):
    bot, producer = start(house, status(409), status(423))
    producer.say(message('acme', 'ana', 'Oi', id='1'))
    wait_until(lambda: done(house) == 1, 'the batch is done')
    assert [call.json['attempt'] for call in bot.calls] == [1, 1, 1]
    assert house.ask('stats')['batches']['busy_total'] == 2


def test_a_provider_that_says_when_is_asked_then(house):
    bot, producer = start(house, status(429, headers={'Retry-After': '2'}))
    producer.say(message('acme', 'ana', 'Oi', id='1'))
    wait_until(lambda: done(house) == 1, 'the batch is done')
    assert bot.calls[1].at - bot.calls[0].ended >= 2.0


def test_nothing_to_say_is_an_answer_too(house):
    bot, producer = start(house, status(204))
    producer.say(message('acme', 'ana', 'Oi', id='1'))
    wait_until(lambda: done(house) == 1, 'the batch is done')
    assert len(bot.calls) == 1


def test_a_handler_that_cannot_be_reached_is_tried_again(house):
    bot, producer = start(house, handler={'url': 'http://127.0.0.1:1/answer'})
    producer.say(message('acme', 'ana', 'Oi', id='1'))
    wait_until(lambda: house.state('ana') == 'backoff', 'the attempt has failed')
    assert house.why('ana')['last_failure']['code'] == 'unreachable'


def test_an_answer_that_is_none_is_a_failure(house):
    bot, producer = start(house, *[answer_of(body) for body in (b'', b'{', b'[]', b'{"reply": 7}', b'\xff')])
    producer.say(message('acme', 'ana', 'Oi', id='1'))
    wait_until(lambda: done(house) == 1, 'the sixth call is answered well', 30)
    assert [call.json['attempt'] for call in bot.calls] == [1, 2, 3, 4, 5, 6]


def answer_of(body):
    answer = reply('')
    answer.body = body
    return answer


def test_a_handler_that_takes_too_long_is_cut_off(house):
    bot, producer = start(house, lambda call: reply('late', delay=60), run_timeout='1s')
    producer.say(message('acme', 'ana', 'Oi', id='1'))
    wait_until(lambda: done(house) == 1, 'the second call is answered')
    assert bot.calls[0].is_aborted and bot.calls[0].ended - bot.calls[0].at >= 0.9
    assert bot.calls[1].json['attempt'] == 2


def test_a_handler_that_never_stops_talking_is_cut_off(house):
    endless = reply('')
    endless.body = b'{"reply":"' + b'x' * (2 << 20) + b'"}'
    bot, producer = start(house, endless)
    producer.say(message('acme', 'ana', 'Oi', id='1'))
    wait_until(lambda: done(house) == 1, 'the second call is answered')
    assert [call.json['attempt'] for call in bot.calls] == [1, 2]


def test_order_holds_from_the_first_message_to_the_last(house):
    """Thirty threads, messages a few hundredths apart, three workers: calls tell a thread's messages in order."""
    bot, producer = start(house, workers=3, quiet='100ms', max_messages=3)
    said = [message('acme', f't{n % 30}', str(n // 30), id=str(n)) for n in range(300)]
    for batch in each(0.03, [said[n:n + 10] for n in range(0, 300, 10)]):
        producer.say(*batch)
    wait_until(lambda: house.ask('stats')['messages']['finished_total'] == 300, 'all are handled', 60)
    threads, last = {}, {}
    for call in bot.calls:
        threads.setdefault(call.json['thread'], []).extend(call.texts)
        before = last.get(call.json['thread'])
        assert before is None or call.at >= before.ended
        last[call.json['thread']] = call
    assert threads == {f't{n}': [str(k) for k in range(10)] for n in range(30)}


def test_workers_share_the_work(house):
    gate = threading.Event()
    house.configure(worker={'slots': 4})
    bot, producer = start(house, otherwise=lambda call: reply('ok', gate=gate), workers=3)
    producer.say(*[message('acme', f't{n}', 'Oi', id=str(n)) for n in range(20)])
    wait_until(lambda: len(bot.running()) == 12, 'every slot is used')
    assert stays(lambda: len(bot.running()) == 12, 0.5)
    assert [worker['running'] for worker in house.ask('stats')['workers']] == [4, 4, 4]
    gate.set()
    wait_until(lambda: done(house) == 20, 'all are done')


def test_a_worker_that_is_told_to_stop_finishes_what_it_has(house):
    gate = threading.Event()
    bot, producer = start(house, otherwise=lambda call: reply('ok', gate=gate))
    producer.say(message('acme', 'ana', 'Oi', id='1'))
    wait_until(lambda: bot.running(), 'the call is under way')
    worker = house.processes[-1]
    worker.terminate()
    producer.say(message('acme', 'bia', 'Oi', id='2'))
    wait_until(lambda: house.state('bia') == 'ready', 'it takes nothing new')
    assert worker.is_running()
    gate.set()
    assert worker.await_exit() == 0
    assert done(house) == 1 and house.state('ana') == 'done' and len(bot.calls) == 1


def test_a_worker_that_cannot_finish_in_time_hands_back(house):
    gate = threading.Event()
    house.configure(worker={'drain': '1s'})
    bot, producer = start(house, lambda call: reply('ok', gate=gate))
    producer.say(message('acme', 'ana', 'Oi', id='1'))
    wait_until(lambda: bot.running(), 'the call is under way')
    leaving = house.processes[-1]
    told = time.monotonic()
    leaving.terminate()
    assert leaving.await_exit() == 0
    assert time.monotonic() - told >= 0.9
    house.start_worker()
    wait_until(lambda: done(house) == 1, 'another worker has done it')
    assert bot.calls[0].is_aborted
    assert [call.json['attempt'] for call in bot.calls] == [1, 1]
