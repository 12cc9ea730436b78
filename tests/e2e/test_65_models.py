"""The handlers openai and langgraph against model servers of our own: what they are sent, what becomes of what they
answer, and that no batch is paid for twice."""

import json
import random
import threading
import time

import pytest

from fake_run_broker import FakeBroker
from lull import PROGRAMS, stays, wait_until
from models import Assistant, Model, Saying, last_said, refused
from peers import Chatwoot
from protocol import CANCEL, message
from scenes import RETRY, done

CHAT = {'kind': 'openai', 'model': 'm-1', 'key': 'the key'}
RESPONSES = {**CHAT, 'api': 'responses'}
BOTH = pytest.mark.parametrize('handler', [CHAT, RESPONSES], ids=['chat', 'responses'])


class Scene:
    """A tenant whose batches a model answers, and a Chatwoot of ours that shows the replies."""

    def __init__(self, house, model, workers=1, **settings):
        self.house, self.model = house, house.keep(model)
        self.chatwoot = house.keep(Chatwoot())
        handler = settings.pop('handler', {})
        base = model.url + ('/v1' if isinstance(model, Model) else '')
        house.add_tenant(**{'quiet': '100ms', 'retry': RETRY, 'channels': {'support': self.chatwoot.channel()},
                            **settings, 'handler': {'url': base, **handler}})
        house.start_broker()
        for _ in range(workers):
            house.start_worker()
        self.producer, self.n = house.producer(), 0

    def say(self, words, thread=4, **keys):
        self.n += 1
        self.producer.say(message('acme', str(thread), words, id=str(self.n), channel='support', **keys))

    def say_and_wait(self, words, **keys):
        """Until its batch is done; what the person sees then."""
        before = done(self.house)
        self.say(words, **keys)
        wait_until(lambda: done(self.house) == before + 1, 'the batch is done')
        return self.chatwoot.replies(keys.get('thread', 4))

    def failure(self, thread=4):
        """The code of how its last run failed."""
        return (self.house.why(str(thread)).get('last_failure') or {}).get('code')

    def await_failure(self, code):
        wait_until(lambda: self.failure() == code, f'the run has failed: {code}')

    def saved(self, what):
        return self.house.ask('stats')['savings'][what]

    def await_saved(self, what, amount):
        wait_until(lambda: self.saved(what) == amount, f'{what} is {amount}')


def openai(house, handler, *script, **settings):
    model = settings.pop('model', None) or Model(*script)
    return Scene(house, model, handler=handler, **settings)


# -- what is sent --------------------------------------------------------------------------------------------------


def test_a_burst_is_one_call_of_chat(house):
    scene = openai(house, {**CHAT, 'system': 'Be brief.', 'temperature': 0.5, 'max_tokens': 99}, quiet='2s')
    for words in ('Oi', 'Tudo bem?', 'Quanto custa?'):
        scene.say(words)
    wait_until(lambda: done(house) == 1, 'the batch is done')
    assert scene.chatwoot.replies(4) == ['You wrote: Oi\nTudo bem?\nQuanto custa?']
    (call,) = scene.model.calls
    assert call.path == '/v1/chat/completions' and call.headers['authorization'] == 'Bearer the key'
    assert call.headers['content-type'] == 'application/json'
    assert call.headers['idempotency-key'] == call.headers['x-client-request-id']
    assert len(call.headers['idempotency-key']) == 26
    assert call.json == {
        'model': 'm-1', 'stream': True, 'stream_options': {'include_usage': True}, 'temperature': 0.5, 'max_tokens': 99,
        'messages': [{'role': 'system', 'content': 'Be brief.'},
                     {'role': 'user', 'content': 'Oi\nTudo bem?\nQuanto custa?'}]}
    scene.await_saved('tokens_in_total', 11)
    assert scene.saved('tokens_out_total') == 7 and scene.saved('tokens_wasted_total') == 0


def test_chat_is_told_what_was_said_before(house):
    scene = openai(house, {**CHAT, 'history': {'turns': 2}})
    for number in range(4):
        scene.say_and_wait(f'm{number}')
    said = [[f'{turn["role"]}: {turn["content"]}' for turn in call.json['messages']] for call in scene.model.asked]
    assert said[0] == ['user: m0']
    assert said[1] == ['user: m0', 'assistant: You wrote: m0', 'user: m1']
    assert said[3] == ['user: m1', 'assistant: You wrote: m1', 'user: m2', 'assistant: You wrote: m2', 'user: m3']
    scene.say_and_wait('other', thread=5)
    assert len(scene.model.asked[-1].json['messages']) == 1


def test_a_picture_is_described(house):
    scene = openai(house, CHAT)
    scene.say_and_wait(None, kind='image', data={'attachments': [{'data_url': 'https://files.example/1.jpg'}]})
    assert last_said(scene.model.asked[0]) == '[image] https://files.example/1.jpg'


def test_responses_go_on_in_the_conversation_of_their_thread(house):
    scene = openai(house, {**RESPONSES, 'system': 'Be brief.', 'max_tokens': 3})
    for words in ('one', 'two'):
        scene.say_and_wait(words)
    scene.say_and_wait('other', thread=5)
    assert scene.chatwoot.replies(4) == ['You wrote: one', 'You wrote: two']
    assert len(scene.model.of('POST', '/v1/conversations')) == 2
    assert scene.model.conversations == {'conv_1': ['one', 'You wrote: one', 'two', 'You wrote: two'],
                                         'conv_4': ['other', 'You wrote: other']}
    first = scene.model.asked[0].json
    assert first['metadata'].keys() == {'lull_batch'}
    assert {name: value for name, value in first.items() if name != 'metadata'} == {
        'model': 'm-1', 'input': [{'role': 'user', 'content': 'one'}], 'instructions': 'Be brief.',
        'conversation': 'conv_1', 'stream': True, 'max_output_tokens': 16}
    assert scene.model.asked[1].json['instructions'] == 'Be brief.'


def test_without_a_time_to_live_there_is_no_conversation(house):
    scene = openai(house, {**RESPONSES, 'conversation': {'ttl': '0s'}}, model=Model(has_conversations=False))
    assert scene.say_and_wait('one') == ['You wrote: one']
    assert 'conversation' not in scene.model.asked[0].json


def test_a_server_without_conversations_is_said_to_be_one(house):
    scene = openai(house, RESPONSES, model=Model(has_conversations=False))
    scene.say('one')
    wait_until(lambda: house.state('4') == 'dead', 'the batch is dead')
    batch = house.ask('dead')['dead'][0]['batch']
    assert 'conversation: {ttl: 0s}' in house.ask('dead_show', batch=batch)['why']


def test_a_conversation_that_is_gone_is_made_anew(house):
    scene = openai(house, RESPONSES)
    scene.say_and_wait('one')
    scene.model.conversations.clear()
    assert scene.say_and_wait('two')[-1] == 'You wrote: two'
    assert len(scene.model.of('POST', '/v1/conversations')) == 2 and len(scene.model.paid) == 2
    gone, anew = scene.model.asked[-2:]
    assert anew.headers['idempotency-key'] == gone.headers['idempotency-key'] + '-2'
    assert scene.say_and_wait('three')[-1] == 'You wrote: three'
    assert scene.model.asked[-1].json['conversation'] == scene.model.asked[-2].json['conversation']


def test_a_conversation_that_somebody_else_has_made_is_taken(house):
    def make_another(call):
        scene.house.redis().set('lull:{acme/4}:conversation', 'conv_theirs')
        return 200, {'id': 'conv_ours', 'object': 'conversation'}

    scene = openai(house, RESPONSES)
    scene.model.conversations.update(conv_theirs=[], conv_ours=[])
    usual = scene.model._converse
    scene.model._converse = lambda call, id: make_another(call) if call.method == 'POST' else usual(call, id)
    assert scene.say_and_wait('one') == ['You wrote: one']
    assert scene.model.conversations['conv_theirs'] == ['one', 'You wrote: one']
    wait_until(lambda: scene.model.deleted == ['conv_ours'], 'ours is deleted')


def test_without_redis_chat_has_no_history(house):
    house.configure(redis='none')
    scene = openai(house, CHAT)
    assert scene.say_and_wait('one') == ['You wrote: one']
    assert scene.say_and_wait('two')[-1] == 'You wrote: two'
    assert len(scene.model.asked[-1].json['messages']) == 1


# -- what a server does not take -----------------------------------------------------------------------------------


def test_what_a_server_does_not_take_is_left_out_from_then_on(house):
    def picky(call):
        if 'stream_options' in call.json:
            return Saying(status=400, value={
                'object': 'error', 'message': "[{'loc': ('body', 'stream_options'), 'msg': 'Extra inputs'}]",
                'type': 'BadRequestError', 'param': None, 'code': 400})
        if 'max_tokens' in call.json:
            return refused(400, "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead.",
                           code='unsupported_parameter', param='max_tokens')
        return Saying('ok')

    scene = openai(house, {**CHAT, 'max_tokens': 99}, *[picky] * 9)
    assert scene.say_and_wait('one') == ['ok']
    assert len(scene.model.asked) == 3 and len(scene.model.paid) == 1
    assert scene.model.asked[-1].json['max_completion_tokens'] == 99
    batch = scene.model.asked[0].headers['x-client-request-id']
    assert [call.headers['idempotency-key'] for call in scene.model.asked] == [batch, f'{batch}-2', f'{batch}-4']
    assert scene.say_and_wait('two') == ['ok', 'ok']
    assert len(scene.model.asked) == 4 and house.ask('stats')['batches']['failed_total'] == 0


def test_a_refusal_that_only_quotes_a_key_teaches_nothing(house):
    quoting = refused(400, 'No such thing as stream_options', param=None)
    scene = openai(house, CHAT, quoting, quoting)
    scene.say('one')
    wait_until(lambda: house.state('4') == 'dead', 'the batch is dead')
    assert ['stream_options' in call.json for call in scene.model.asked] == [True, False]
    assert scene.say_and_wait('two', thread=5) == ['You wrote: two']
    assert 'stream_options' in scene.model.asked[-1].json


@BOTH
def test_a_server_that_does_not_stream_is_understood(house, handler):
    scene = openai(house, handler, Saying('whole ', 'answer', is_document=True))
    assert scene.say_and_wait('one') == ['whole answer']
    scene.await_saved('tokens_out_total', 7)


# -- streams that end badly ----------------------------------------------------------------------------------------


@BOTH
def test_a_stream_that_breaks_off_is_never_posted(house, handler):
    scene = openai(house, handler, Saying('half ', 'of it', breaks=True), Saying('all of it'))
    assert scene.say_and_wait('one') == ['all of it']
    assert len(scene.model.asked) == 2 and len(scene.model.paid) == 1


@BOTH
def test_a_stream_that_stalls_is_given_up(house, handler):
    scene = openai(house, {**handler, 'first_byte': '20s', 'stall': '1s'},
                   Saying('half ', 'of it', stalls=True), Saying('all of it'))
    assert scene.say_and_wait('one') == ['all of it']
    stalled = scene.model.asked[0]
    assert stalled.is_aborted and 0.9 <= stalled.ended - stalled.at <= 15


def test_a_server_that_says_nothing_is_given_up_before_the_run_is(house):
    scene = openai(house, {**CHAT, 'first_byte': '1s', 'stall': '60s'}, Saying('late', delay=60), Saying('in time'))
    assert scene.say_and_wait('one') == ['in time']
    assert scene.model.asked[0].is_aborted


@BOTH
def test_an_error_inside_a_stream_is_seen(house, handler):
    scene = openai(house, handler, Saying('half ', error={'code': 'server_error', 'message': 'out of memory'}),
                   retry={**RETRY, 'base': '3s'})
    scene.say('one')
    scene.await_failure('provider_error')
    wait_until(lambda: done(house) == 1, 'the next call is answered')
    assert scene.chatwoot.replies(4) == ['You wrote: one'] and len(scene.model.paid) == 1


@BOTH
def test_an_empty_answer_is_none(house, handler):
    scene = openai(house, handler, Saying(' \n'), Saying('something'))
    assert scene.say_and_wait('one') == ['something']


def test_a_refusal_is_for_good(house):
    scene = openai(house, CHAT, Saying(finish='content_filter'))
    scene.say('one')
    wait_until(lambda: house.state('4') == 'dead', 'the batch is dead')
    assert house.ask('dead')['dead'][0]['code'] == 'refused' and len(scene.model.asked) == 1


def test_an_answer_cut_off_at_its_limit_is_posted(house):
    scene = openai(house, CHAT, Saying('as far as it got', finish='length'))
    assert scene.say_and_wait('one') == ['as far as it got']


# -- refusals ------------------------------------------------------------------------------------------------------


def test_a_conversation_in_use_is_busy(house):
    locked = refused(400, 'Another process is currently operating on this conversation. Please retry in a few seconds.',
                     code='conversation_locked', param='conversation')
    scene = openai(house, RESPONSES, locked, locked)
    assert scene.say_and_wait('one') == ['You wrote: one']
    batches = house.ask('stats')['batches']
    assert batches['busy_total'] == 2 and batches['failed_total'] == 0 and len(scene.model.paid) == 1
    scene.await_saved('conversation_locked_total', 2)


def test_no_money_is_for_good(house):
    scene = openai(house, CHAT, refused(429, 'You exceeded your current quota', code='insufficient_quota',
                                        kind='insufficient_quota'))
    scene.say('one')
    wait_until(lambda: house.state('4') == 'dead', 'the batch is dead')
    assert house.ask('dead')['dead'][0]['code'] == 'unpaid' and len(scene.model.asked) == 1


def test_a_provider_that_says_when_is_asked_then(house):
    scene = openai(house, CHAT, refused(429, 'slow down', code='rate_limit_exceeded', headers={'Retry-After': '2'}))
    assert scene.say_and_wait('one') == ['You wrote: one']
    first, second = scene.model.asked
    assert second.at - first.ended >= 2.0


# -- interrupts, crashes -------------------------------------------------------------------------------------------


@BOTH
def test_a_new_message_ends_the_call_and_one_reply_covers_both(house, handler):
    gate = threading.Event()
    scene = openai(house, handler, Saying('old ', 'reply', gate=gate), on_new_message='interrupt')
    scene.say('one')
    wait_until(lambda: scene.model.asked, 'the model is asked')
    scene.say('two')
    wait_until(lambda: done(house) == 1, 'the batch is done')
    assert scene.chatwoot.replies(4) == ['You wrote: one\ntwo']
    wait_until(lambda: scene.model.asked[0].is_aborted, 'the model has noticed that the first call was ended')
    assert len(scene.model.paid) == 1
    scene.await_saved('calls_wasted_total', 1)
    assert 0 < scene.saved('tokens_wasted_total') < 1000


@BOTH
def test_the_providers_id_is_in_the_run_record(house, handler):
    gate = threading.Event()
    scene = openai(house, handler, Saying('a ', 'reply', gate=gate))
    scene.say('one')
    redis = house.redis()
    record = wait_until(lambda: (lambda text: text and json.loads(text).get('provider_id'))(
        redis.get('lull:{acme/4}:run')), 'the provider has said what it calls the answer')
    assert record.startswith(('chatcmpl-', 'resp_'))
    gate.set()
    wait_until(lambda: done(house) == 1, 'the batch is done')


def test_many_threads_are_answered_by_one_paid_call_each(house):
    house.configure(provider={'failures': 0})  # as many faults would open the breaker
    scene = openai(house, CHAT, *[Saying('half', breaks=True)] * 20, *[refused(500)] * 20, concurrency=1000,
                   workers=2, retry={**RETRY, 'attempts': 20})
    for thread in range(1, 101):
        scene.say(f'Oi {thread}', thread=thread)
    wait_until(lambda: done(house) == 100, 'all are done', 60)
    assert len(scene.model.paid) == 100
    assert sorted(last_said(call) for call in scene.model.paid) == sorted(f'Oi {thread}' for thread in range(1, 101))
    assert all(scene.chatwoot.replies(thread) == [f'You wrote: Oi {thread}'] for thread in range(1, 101))


# -- LangGraph -----------------------------------------------------------------------------------------------------


def langgraph(house, workers=1, rejects_with=409, **settings):
    return Scene(house, Assistant(rejects_with), workers=workers,
                 handler={'kind': 'langgraph', 'assistant': 'agent', 'key': 'the key'}, **settings)


def test_a_run_of_langgraph_answers(house):
    scene = langgraph(house)
    assert scene.say_and_wait('one') == ['You wrote: one']
    assert scene.say_and_wait('two') == ['You wrote: one', 'You wrote: two']
    assert len(scene.model.threads) == 1 and len(scene.model.made) == 2
    assert all(call.headers['x-api-key'] == 'the key' for call in scene.model.calls)
    body = scene.model.of('POST', '/threads/.*/runs')[0].json
    assert body['assistant_id'] == 'agent' and body['multitask_strategy'] == 'reject'
    assert body['input']['messages'][0]['content'] == 'one'
    scene.await_saved('tokens_in_total', 6)


def test_a_thread_that_runs_something_else_is_busy(house):
    scene = langgraph(house)
    scene.say_and_wait('one')
    (thread,) = scene.model.threads
    other = scene.model.run_somebody_elses(thread)
    scene.say('two')
    wait_until(lambda: house.ask('stats')['batches']['busy_total'] >= 2, 'the batch waits')
    assert len(scene.model.made) == 1
    other['status'] = 'success'
    wait_until(lambda: done(house) == 2, 'the batch is done')
    assert scene.chatwoot.replies(4)[-1] == 'You wrote: two' and len(scene.model.made) == 2
    assert house.ask('stats')['batches']['failed_total'] == 0


@pytest.mark.parametrize('code', [409, 422])
def test_a_run_that_came_first_is_busy_too(house, code):
    scene = langgraph(house, rejects_with=code)
    scene.say_and_wait('one')
    (thread,) = scene.model.threads
    other = scene.model.run_somebody_elses(thread)
    scene.model._list = lambda thread: (200, [])
    scene.say('two')
    wait_until(lambda: house.ask('stats')['batches']['busy_total'] >= 1, 'the batch waits')
    other['status'] = 'success'
    wait_until(lambda: done(house) == 2, 'the batch is done')
    assert len(scene.model.made) == 2


def test_what_a_killed_worker_had_asked_for_is_joined_by_the_next(house):
    scene = langgraph(house, lock={'ttl': '2s'})
    scene.model.gate.clear()
    scene.say('one')
    wait_until(lambda: scene.model.of('GET', '/threads/.*/join'), 'the run is waited for')
    house.processes[-1].kill()
    house.start_worker()
    wait_until(lambda: len(scene.model.of('GET', '/threads/.*/join')) == 2, 'the run is joined', 30)
    scene.model.gate.set()
    wait_until(lambda: done(house) == 1, 'the batch is done')
    assert len(scene.model.made) == 1 and scene.chatwoot.replies(4) == ['You wrote: one']


def test_what_has_succeeded_meanwhile_is_not_asked_for_again(house):
    scene = langgraph(house, lock={'ttl': '2s'})
    scene.model.gate.clear()
    scene.say('one')
    wait_until(lambda: scene.model.of('GET', '/threads/.*/join'), 'the run is waited for')
    house.processes[-1].kill()
    scene.model.gate.set()
    wait_until(lambda: scene.model.made[0]['status'] == 'success', 'the run has succeeded')
    house.start_worker()
    wait_until(lambda: done(house) == 1, 'the batch is done', 30)
    assert len(scene.model.made) == 1 and scene.chatwoot.replies(4) == ['You wrote: one']


def test_a_run_that_a_new_message_interrupts_is_cancelled(house):
    scene = langgraph(house, on_new_message='interrupt')
    scene.model.gate.clear()
    scene.say('one')
    wait_until(lambda: scene.model.of('GET', '/threads/.*/join'), 'the run is waited for')
    scene.say('two')
    wait_until(lambda: scene.model.made[0]['status'] == 'interrupted', 'the run is cancelled')
    scene.model.gate.set()
    wait_until(lambda: done(house) == 1, 'the batch is done')
    assert scene.chatwoot.replies(4) == ['You wrote: one\ntwo'] and len(scene.model.made) == 2
    first, second = (run['said'][0]['id'] for run in scene.model.made)
    assert first == second, 'what was kept of the first run is replaced'
    cancelled, begun = scene.model.of('POST', '/threads/.*/cancel')[0], scene.model.of('POST', '/threads')
    assert 'action=rollback' in cancelled.path and cancelled.at < begun[1].at, 'not only when the next run finds it'


def test_a_run_of_ours_that_nobody_wants_any_more_is_cancelled(house):
    scene = langgraph(house)
    scene.say_and_wait('one')
    (thread,) = scene.model.threads
    other = scene.model.run_somebody_elses(thread)
    other['metadata'] = {'lull_batch': '0' * 26}
    assert scene.say_and_wait('two')[-1] == 'You wrote: two'
    assert other['status'] == 'interrupted'


def test_a_run_that_fails_is_no_answer(house):
    scene = langgraph(house)
    scene.model.fails = True
    scene.say('one')
    scene.await_failure('run_failed')
    scene.model.fails = False
    wait_until(lambda: done(house) == 1, 'the next run succeeds')
    assert scene.chatwoot.replies(4) == ['You wrote: one']
    (thread,) = scene.model.threads.values()
    assert [said['type'] for said in thread['messages']].count('human') == 1, 'the message is there once'


def test_a_state_may_be_large_but_not_endless(house):
    scene = langgraph(house)
    scene.say_and_wait('one')
    (thread,) = scene.model.threads.values()
    thread['messages'].insert(0, {'type': 'tool', 'id': 'x', 'content': 'y' * (2 << 20)})
    assert scene.say_and_wait('two')[-1] == 'You wrote: two'
    thread['messages'].insert(0, {'type': 'tool', 'id': 'z', 'content': 'y' * (16 << 20)})
    scene.say('three')
    wait_until(lambda: house.state('4') == 'dead', 'the batch is dead')
    batch = house.ask('dead')['dead'][0]['batch']
    assert 'prune its messages' in house.ask('dead_show', batch=batch)['why']
    assert len(scene.model.made) == 2, 'nothing is paid for what cannot be read'


class Waiting:
    """A worker whose one run waits for a run of LangGraph, and a broker of ours."""

    def __init__(self, house, **settings):
        self.model = house.keep(Assistant())
        self.model.gate.clear()
        self.broker = house.keep(FakeBroker(house.config['broker']['workers']))
        house.add_tenant(handler={'kind': 'langgraph', 'assistant': 'agent', 'url': self.model.url}, **settings)
        house.configure(redis='none')
        self.worker = house.start('worker', [PROGRAMS['lull-worker'], house.write_config()])
        wait_until(lambda: self.broker.alives, 'the worker is welcomed')
        self.fence = self.broker.run()
        wait_until(lambda: self.model.of('GET', '/threads/.*/join'), 'the run is waited for')

    def cancel(self, code):
        self.broker.send(CANCEL, [self.fence, code, 'a reason'])
        wait_until(lambda: self.worker.events('run_cancelled'), 'the worker has heard it')

    @property
    def cancelled(self):
        return self.model.of('POST', '/threads/.*/cancel')


def test_a_lease_that_was_given_up_leaves_the_run_to_who_joins_it(house):
    scene = Waiting(house)
    scene.cancel('stale')
    wait_until(lambda: scene.model.of('GET', '/threads/.*/join')[0].is_aborted, 'the worker has hung up')
    assert stays(lambda: not scene.cancelled, 0.5)


def test_a_run_that_timed_out_is_left_to_the_next_attempt(house):
    scene = Waiting(house, run_timeout='1s')
    wait_until(lambda: scene.broker.results_of(scene.fence), 'the run has ended')
    assert scene.broker.results_of(scene.fence)[0].code == 'timeout'
    assert stays(lambda: not scene.cancelled, 0.5)
    scene.model.gate.set()
    again = scene.broker.run(batch=f'{scene.fence:026d}')
    wait_until(lambda: scene.broker.results_of(again), 'the next has ended')
    assert scene.broker.results_of(again)[0].code is None and len(scene.model.made) == 1


def test_a_provider_that_does_not_answer_to_what_it_is_told_is_hung_up_on(house):
    scene = Waiting(house)
    usual = scene.model.route
    scene.model.route = lambda request, call: (
        scene.model.wait(request, call, lambda: False) and None if '/cancel' in call.path else usual(request, call))
    scene.cancel('interrupted')
    wait_until(lambda: scene.cancelled and scene.cancelled[0].is_aborted, 'the worker has hung up', 30)


# -- calls that are given up ---------------------------------------------------------------------------------------


@pytest.mark.parametrize('kind', ['chat', 'responses', 'langgraph'])
def test_a_call_may_be_given_up_at_any_moment(house, kind):
    """The moments differ each time; what counts is that no run is forgotten, and what the sanitizers say."""
    dice, crm = random.Random(kind), house.keep(Chatwoot())
    model = house.keep(Assistant() if kind == 'langgraph' else Model())
    handler = {'chat': CHAT, 'responses': RESPONSES, 'langgraph': {'kind': 'langgraph', 'assistant': 'agent'}}[kind]
    broker = house.keep(FakeBroker(house.config['broker']['workers']))
    house.add_tenant(handler={**handler, 'url': model.url + ('' if kind == 'langgraph' else '/v1')},
                     channels={'support': crm.channel()})
    house.start_redis()
    worker = house.start('worker', [PROGRAMS['lull-worker'], house.write_config()])
    wait_until(lambda: broker.alives and worker.events('redis_connected'), 'the worker is ready')
    fences, given_up = [], set()
    for number in range(200):
        fences.append(broker.run(thread=str(dice.randrange(1, 100)), channel='support'))
        if number % 4 == 3:
            wait_until(lambda: len(broker.results) + len(given_up) > number - 20, 'some have ended')
        if dice.random() < 0.5:
            fence = dice.choice(fences[-8:])
            given_up.add(fence)
            broker.send(CANCEL, [fence, dice.choice(['interrupted', 'stale', 'cancelled']), 'a reason'])
    wait_until(lambda: set(fences) <= given_up | {result.fence for result in broker.results}, 'all have ended')
    worker.terminate()
    assert worker.await_exit() == 0
