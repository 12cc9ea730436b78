"""What Redis holds beside the lock: the record of a run, what was looked up, what was said before."""

import json
import threading

from fake_run_broker import FakeBroker
from lull import PROGRAMS, stays, wait_until
from peers import Answer, Peer, reply, status
from protocol import SETTLED, message
from scenes import RETRY, done, start

LOCK, RUN = 'lull:{acme/ana}:lock', 'lull:{acme/ana}:run'
SLOW = {'ttl': '30s'}


def say(producer, text, thread='ana', **keys):
    say.n = getattr(say, 'n', 0) + 1
    producer.say(message('acme', thread, text, id=str(say.n), **keys))


def value(answer, **keys):
    return Answer(value=answer, **keys)


# -- the record of a run -------------------------------------------------------------------------------------------


def test_a_run_is_on_record_while_it_goes_on(house):
    end = threading.Event()
    bot, producer = start(house, lambda call: reply('slow', gate=end), lock={'ttl': '3s'})
    redis = house.redis()
    say(producer, 'Oi')
    wait_until(lambda: bot.calls, 'the call is under way')
    record = json.loads(redis.get(RUN))
    assert record['run'] == bot.calls[0].json['fence'] and record['batch'] == bot.calls[0].json['batch']
    assert [record['worker']] == [worker['id'] for worker in house.ask('stats')['workers']]
    assert record['provider'] == bot.url + '/answer' and record['since'].endswith('Z')
    shown = house.run('why', 'acme', 'ana')
    line = next(line for line in shown.stdout.splitlines() if 'run record' in line)
    assert f'fence {record["run"]}' in line and record['worker'] in line and bot.url in line and 'over' not in line
    assert json.loads(house.run('why', '--json', 'acme', 'ana').stdout)['run_record'] == record
    assert stays(lambda: 0 < redis.pttl(RUN) <= 3000, 4), 'it is extended with the lock'
    end.set()
    wait_until(lambda: done(house) == 1, 'the batch is done')
    wait_until(lambda: not redis.exists(LOCK, RUN), 'lock and record are gone together')
    assert json.loads(house.run('why', '--json', 'acme', 'ana').stdout)['run_record'] is None
    assert 'run record' not in house.run('why', 'acme', 'ana').stdout


def test_what_a_killed_worker_leaves_on_record_ends_by_itself(house):
    bot, producer = start(house, lambda call: reply('never', delay=60), lock={'ttl': '6s'})
    redis = house.redis()
    say(producer, 'Oi')
    wait_until(lambda: bot.calls, 'the call is under way')
    house.processes[-1].kill()
    assert redis.get(RUN) and redis.pttl(RUN) > 0
    wait_until(lambda: house.state('ana') != 'running', 'the broker has noticed')
    if redis.exists(RUN):
        shown = house.run('why', 'acme', 'ana').stdout
        assert 'left by a run that is over' in shown or not redis.exists(RUN)
    wait_until(lambda: not redis.exists(LOCK, RUN), 'lock and record have ended')


def test_lull_why_says_that_redis_cannot_be_asked(house):
    end = threading.Event()
    bot, producer = start(house, lambda call: reply('slow', gate=end), lock=SLOW)
    say(producer, 'Oi')
    wait_until(lambda: bot.calls, 'the call is under way')
    house.redis_process.pause()
    shown = house.run('why', 'acme', 'ana')
    house.redis_process.resume()
    assert shown.returncode == 0 and 'running' in shown.stdout
    assert 'not known: Redis did not answer' in shown.stdout
    told = json.loads(house.run('why', '--json', '--stats', house.config['broker']['stats'], '--config', 'none.yaml',
                                'acme', 'ana').stdout)
    assert 'none.yaml' in told['run_record_error'] and 'No such file' in told['run_record_error']
    end.set()
    wait_until(lambda: done(house) == 1, 'the batch is done')
    house.redis_process.kill()
    assert 'not known: Redis cannot be reached' in house.run('why', 'acme', 'ana').stdout


def test_without_redis_lull_why_says_nothing_of_a_record(house):
    house.configure(redis='none')
    start(house)
    assert 'run record' not in house.run('why', 'acme', 'ana').stdout


def test_what_others_put_under_the_keys_does_no_harm(house):
    bot, producer = start(house)
    redis = house.redis()
    for odd in (b'\xff\x00"{', b'[]', b'{"run": {}, "since": "\\u001b[2J"}', b'', b'[' * 100000):
        redis.set(RUN, odd)
        shown = house.run('why', 'acme', 'ana')
        assert shown.returncode == 0 and 'run record' in shown.stdout and '\x1b' not in shown.stdout
    redis.delete(RUN)
    redis.rpush(RUN, 'a list')
    assert 'not known: Redis refused: WRONGTYPE' in house.run('why', 'acme', 'ana').stdout
    say(producer, 'Oi')
    wait_until(lambda: done(house) == 1, 'a record of another type is written over')
    redis.rpush(LOCK, 'a list')
    say(producer, 'Oi')
    wait_until(lambda: house.why('ana').get('last_failure'), 'a lock of another type cannot be taken')
    redis.delete(LOCK)
    wait_until(lambda: done(house) == 2, 'the batch is done')


# -- the context ---------------------------------------------------------------------------------------------------


def looked_up(house, *script, otherwise=None, path='/contacts/{thread}', workers=1, **keys):
    """The source of contexts, the handler and a producer. `keys` are of `context:`."""
    crm = house.peer(*script, otherwise=otherwise or value({'name': 'Ana'}))
    bot, producer = start(house, workers=workers, context={'url': crm.url + path, **keys})
    return crm, bot, producer


def cached(house):
    """The one key of the cache."""
    keys = [key for key in house.redis().keys('lull:context:*') if not key.endswith(b':asked')]
    assert len(keys) == 1
    return keys[0]


def test_what_was_looked_up_is_kept(house):
    crm, bot, producer = looked_up(house, token='s3cret')
    for number in (1, 2):
        say(producer, 'Oi')
        wait_until(lambda: done(house) == number, 'the batch is done')
    assert [call.json['context'] for call in bot.calls] == [{'name': 'Ana'}] * 2
    assert 'context_missing' not in bot.calls[0].json
    assert [(call.method, call.path, call.body) for call in crm.calls] == [('GET', '/contacts/ana', b'')]
    assert crm.calls[0].headers['authorization'] == 'Bearer s3cret'
    assert 0 < house.redis().pttl(cached(house)) <= 300_000
    assert not house.redis().exists(cached(house) + b':asked')


def test_what_is_not_to_be_kept_is_looked_up_each_time(house):
    crm, bot, producer = looked_up(house, cache='0s')
    for number in (1, 2):
        say(producer, 'Oi')
        wait_until(lambda: done(house) == number, 'the batch is done')
    assert len(crm.calls) == 2 and not house.redis().keys('lull:context:*')


def test_one_worker_at_a_time_looks_up_what_all_want(house):
    end = threading.Event()
    crm, bot, producer = looked_up(house, otherwise=value([1, 2], gate=end), path='/catalogue', workers=2)
    for number in range(8):
        say(producer, 'Oi', thread=f't{number}')
    wait_until(lambda: house.ask('stats')['threads']['running'] == 8, 'all of them run')
    assert len({house.why(f't{number}')['worker'] for number in range(8)}) == 2, 'on both workers'
    wait_until(lambda: crm.calls, 'somebody looks it up')
    # Longer than a worker that looks it up may be silent.
    assert stays(lambda: len(crm.calls) == 1, 3)
    end.set()
    wait_until(lambda: done(house) == 8, 'all batches are done')
    assert len(crm.calls) == 1 and [call.json['context'] for call in bot.calls] == [[1, 2]] * 8


def test_who_died_looking_it_up_is_not_waited_for(house):
    crm, bot, producer = looked_up(house)
    say(producer, 'Oi')
    wait_until(lambda: done(house) == 1, 'the batch is done')
    key = cached(house)
    house.redis().set(key + b':asked', 'somebody else', px=5000)
    house.redis().delete(key)
    say(producer, 'Oi')
    wait_until(lambda: house.state('ana') == 'running', 'the next batch is run')
    wait_until(lambda: len(crm.calls) == 2, 'it is looked up again')
    assert not house.redis().get(key + b':asked') == b'somebody else'
    wait_until(lambda: done(house) == 2, 'the batch is done')


def test_a_cache_that_fails_is_passed_by(house):
    crm, bot, producer = looked_up(house)
    redis = house.redis()
    say(producer, 'Oi')
    wait_until(lambda: done(house) == 1, 'the batch is done')
    key = cached(house)

    def is_passed_by(number):
        say(producer, 'Oi')
        wait_until(lambda: done(house) == number, 'the batch is done')
        assert len(crm.calls) == number and bot.calls[-1].json['context'] == {'name': 'Ana'}
        wait_until(lambda: redis.type(key) == b'string' and json.loads(redis.get(key)) == {'name': 'Ana'},
                   'it is whole again')

    redis.delete(key)
    redis.rpush(key, 'a list')
    is_passed_by(2)
    redis.set(key, b'{"name": \xff\x00')
    is_passed_by(3)
    redis.set(key, b'[' * 100_000)
    is_passed_by(4)
    redis.delete(key)
    redis.rpush(key + b':asked', 'a list')
    is_passed_by(5)


def test_a_source_that_fails_is_done_without(house):
    over = value({'x': 'y' * 70_000})
    crm, bot, producer = looked_up(house, status(500), value(b'<html>'), value(b''), over, timeout='1s',
                                   otherwise=value({'late': True}, delay=60))
    for number in range(1, 6):
        say(producer, 'Oi')
        wait_until(lambda: done(house) == number, 'it is answered without')
        assert bot.calls[-1].json['context'] is None and bot.calls[-1].json['context_missing'] is True
    assert len(crm.calls) == len(bot.calls) == 5
    assert [fields['code'] for fields in house.processes[-1].events('context_failed')] == [
        'context_http_500', 'context_bad_answer', 'context_bad_answer', 'context_too_large', 'context_timeout']
    assert not house.redis().keys('lull:context:*'), 'a failure is not kept, and nobody is waited for'


def test_a_source_that_has_gone_is_done_without(house):
    crm = Peer()
    crm.close()
    bot, producer = start(house, context={'url': crm.url + '/contacts/{thread}'})
    say(producer, 'Oi')
    wait_until(lambda: done(house) == 1, 'it is answered without')
    assert bot.calls[0].json['context_missing'] is True


def test_what_is_required_is_waited_for(house):
    crm, bot, producer = looked_up(house, status(500), status(404), required=True)
    say(producer, 'Oi')
    wait_until(lambda: done(house) == 1, 'the batch is done')
    assert len(crm.calls) == 3 and [call.json['context'] for call in bot.calls] == [{'name': 'Ana'}]
    assert bot.calls[0].json['attempt'] == 3
    assert [fields['code'] for fields in house.processes[-1].events('context_failed')] == [
        'context_http_500', 'context_http_404']
    assert [fields['code'] for fields in house.processes[-1].events('run_failed')] == ['context_failed'] * 2


def test_a_source_that_knows_nothing_says_so(house):
    crm, bot, producer = looked_up(house, otherwise=status(204))
    for number in (1, 2):
        say(producer, 'Oi')
        wait_until(lambda: done(house) == number, 'the batch is done')
    assert bot.calls[1].json['context'] is None and 'context_missing' not in bot.calls[1].json
    assert len(crm.calls) == 1


def test_a_name_cannot_lead_elsewhere(house):
    crm, bot, producer = looked_up(house, path='/contacts/{thread}?of={tenant}&from={from}')
    say(producer, 'Oi', thread='a/b?c#d&e é', sender='x&y=z')
    wait_until(lambda: done(house) == 1, 'the batch is done')
    assert crm.calls[0].path == '/contacts/a%2Fb%3Fc%23d%26e%20%C3%A9?of=acme&from=x%26y%3Dz'
    say(producer, 'Oi', thread='..')
    wait_until(lambda: done(house) == 2, 'the batch is done')
    assert len(crm.calls) == 1 and bot.calls[1].json['context_missing'] is True


def test_a_run_that_is_cancelled_stops_looking_up(house):
    crm, bot, producer = looked_up(house, otherwise=value({}, delay=60), timeout='60s')
    say(producer, 'Oi')
    wait_until(lambda: crm.calls, 'it is being looked up')
    stats = house.stats()
    # Of itself it would end anyhow.
    assert [house.redis().persist(key) for key in house.redis().keys('lull:context:*')] == [1]
    assert stats.ask('cancel', tenant='acme', thread='ana')['cancelled'] == 1
    wait_until(lambda: crm.calls[0].is_aborted, 'the lookup is aborted')
    wait_until(lambda: not house.redis().keys('lull:context:*'), 'others need not wait')
    assert not bot.calls


# -- the history and the conversation ------------------------------------------------------------------------------

HISTORY, CONVERSATION = 'lull:{acme/ana}:history', 'lull:{acme/ana}:conversation'


def said(call):
    """(role, text) of each message that a model was sent."""
    return [(entry['role'], entry['content']) for entry in call.json['messages']]


def chat(text='A reply.', **keys):
    return value({'id': 'chatcmpl-1', 'object': 'chat.completion', 'model': 'm', 'choices': [
        {'index': 0, 'message': {'role': 'assistant', 'content': text}, 'finish_reason': 'stop'}]}, **keys)


def model(house, *script, otherwise=chat(), channels=None, **handler):
    """A model behind `api: chat`, and a producer."""
    peer = house.peer(*script, otherwise=otherwise)
    house.add_tenant(quiet='100ms', retry=RETRY, channels=channels,
                     handler={'kind': 'openai', 'url': peer.url + '/v1', 'model': 'm', 'key': 'k', **handler})
    house.start_broker()
    house.start_worker()
    return peer, house.producer()


def test_a_model_is_told_what_was_said_before(house):
    peer, producer = model(house, chat('One.'), chat('Two.'), chat('Three.'), history={'turns': 2, 'ttl': '1h'})
    for number in range(1, 5):
        say(producer, f'question {number}')
        wait_until(lambda: done(house) == number, 'the batch is done')
    assert said(peer.calls[0])[-1:] == [('user', 'question 1')]
    assert said(peer.calls[3])[-5:] == [('user', 'question 2'), ('assistant', 'Two.'), ('user', 'question 3'),
                                        ('assistant', 'Three.'), ('user', 'question 4')]
    assert 'question 1' not in str(said(peer.calls[3]))
    redis = house.redis()
    wait_until(lambda: b'question 4' in redis.lindex(HISTORY, -1), 'it is remembered')
    assert redis.llen(HISTORY) == 2 and 0 < redis.pttl(HISTORY) <= 3600_000
    batch, _, turn = redis.lindex(HISTORY, -1).partition(b' ')
    assert len(batch) == 26 and json.loads(turn) == {'user': 'question 4', 'assistant': 'A reply.'}


def test_threads_do_not_hear_of_one_another(house):
    peer, producer = model(house)
    for number, thread in enumerate(['ana', 'bia'], 1):
        say(producer, f'I am {thread}', thread=thread)
        wait_until(lambda: done(house) == number, 'the batch is done')
    assert 'ana' not in str(said(peer.calls[1]))


def test_the_history_is_bounded(house):
    peer, producer = model(house, otherwise=lambda call: chat('á' * 100_000), history={'turns': 100, 'ttl': '1h'})
    redis = house.redis()
    for number in range(1, 13):
        say(producer, '\x01' * 20_000)
        wait_until(lambda: done(house) == number, 'the batch is done')
        turns = redis.lrange(HISTORY, 0, -1)
        assert sum(len(turn) + 1 for turn in turns) <= 256 * 1024
    assert 0 < len(turns) < 12
    assert {key: len(text.encode()) for key, text in json.loads(turns[-1].partition(b' ')[2]).items()} == {
        'user': 16 * 1024, 'assistant': 16 * 1024}


def test_a_history_that_is_none_is_done_without(house):
    peer, producer = model(house)
    redis = house.redis()
    redis.set(HISTORY, 'a text')
    say(producer, 'Oi')
    wait_until(lambda: done(house) == 1, 'it is answered without a history')
    redis.rpush(HISTORY.replace('ana', 'bia'), b'\xff\x00', b'', b'x {"user": 1}',
                b'x {"user": "before", "assistant": "then"}', b'[' * 9000)
    say(producer, 'Oi', thread='bia')
    wait_until(lambda: done(house) == 2, 'what can be read is read')
    assert said(peer.calls[1])[-3:] == [('user', 'before'), ('assistant', 'then'), ('user', 'Oi')]


def test_a_batch_is_remembered_once_and_only_when_its_reply_is_out(house):
    third = threading.Event()
    wall = house.peer(status(500), status(500), status(204, gate=third), otherwise=status(204))
    peer, producer = model(house, channels={'wall': {'kind': 'generic', 'unsigned': True,
                                                     'reply_url': wall.url + '/replies'}})
    redis = house.redis()
    say(producer, 'Oi', channel='wall')
    wait_until(lambda: len(wall.calls) == 3, 'the reply is refused twice')
    assert not redis.exists(HISTORY)
    third.set()
    wait_until(lambda: done(house) == 1, 'the batch is done')
    assert len(wall.calls) == 3 and len(peer.calls) == 1
    say(producer, 'E agora?', channel='wall')
    wait_until(lambda: done(house) == 2, 'the next one is done')
    assert said(peer.calls[1])[-3:] == [('user', 'Oi'), ('assistant', 'A reply.'), ('user', 'E agora?')]
    assert redis.llen(HISTORY) == 2


def test_what_the_broker_does_not_take_is_not_remembered(house):
    peer = house.peer(otherwise=chat())
    broker = house.keep(FakeBroker(house.config['broker']['workers']))
    house.add_tenant(handler={'kind': 'openai', 'url': peer.url + '/v1', 'model': 'm', 'key': 'k'})
    house.start_redis()
    worker = house.start('worker', [PROGRAMS['lull-worker'], house.write_config()])
    wait_until(lambda: broker.alives and worker.events('redis_connected'), 'the worker is ready')
    broker.settles, redis = False, house.redis()
    for is_accepted in (0, 1):
        fence = broker.run()
        wait_until(lambda: broker.results_of(fence), 'the run has ended')
        assert not redis.exists(HISTORY)
        broker.send(SETTLED, [fence, is_accepted])
        wait_until(lambda: len(worker.events('run_stale')) == 1, 'the first one is stale')
    wait_until(lambda: redis.llen(HISTORY) == 1, 'the second one is remembered')


def test_a_conversation_is_made_once_and_forgotten_when_the_provider_has(house):
    def answer(call):
        if call.path.endswith('/conversations'):
            made.append(f'conv_{len(made) + 1}')
            return value({'id': made[-1], 'object': 'conversation'})
        if call.json['conversation'] in lost:
            return Answer(status=404, value={'error': {'message': 'Conversation not found', 'code': None,
                                                       'type': 'invalid_request_error', 'param': None}})
        return value({'id': 'resp_1', 'object': 'response', 'status': 'completed', 'output': [
            {'type': 'message', 'role': 'assistant', 'status': 'completed', 'content': [
                {'type': 'output_text', 'text': 'A reply.', 'annotations': []}]}]})

    made, lost = [], []
    peer, producer = model(house, otherwise=answer, api='responses', conversation={'ttl': '1h'})
    redis = house.redis()
    for number in (1, 2):
        say(producer, 'Oi')
        wait_until(lambda: done(house) == number, 'the batch is done')
    assert made == ['conv_1'] and redis.get(CONVERSATION) == b'conv_1' and 0 < redis.pttl(CONVERSATION) <= 3600_000
    lost.append('conv_1')
    say(producer, 'Oi')
    wait_until(lambda: done(house) == 3, 'the batch is done')
    assert made == ['conv_1', 'conv_2'] and redis.get(CONVERSATION) == b'conv_2'
    for odd in (b'', b'x' * 1000):
        redis.set(CONVERSATION, odd)
        say(producer, 'Oi')
        wait_until(lambda: redis.get(CONVERSATION) == made[-1].encode() != odd, 'one that is none is made anew')
