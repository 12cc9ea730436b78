"""lull/1.2 on the wire: EVENTS and their acknowledgement; and what a worker does with records, with messages that were
taken back, and with replies that are too long."""

import json
import stat

import pytest

from fake_run_broker import FakeBroker
from lull import PROGRAMS, wait_until
from models import Model, Saying
from peers import Answer, Peer, reply
from protocol import DONE, ERROR, EVENTS, FAILED_FOR_GOOD, MESSAGES, decode, encode, event, message, text
from scenes import done, start

HISTORY = 'lull:{acme/ana}:history'
LONGEST = 4096  # of a WhatsApp text


@pytest.fixture
def scene(house):
    return Scene(house)


class Scene:
    """A fake broker, a worker that it has welcomed, and a WhatsApp that takes every post."""

    def __init__(self, house):
        self.house = house
        self.broker = house.keep(FakeBroker(house.config['broker']['workers']))
        self.platform = house.peer(
            otherwise=lambda call: Answer(value={'messaging_product': 'whatsapp', 'messages': [{'id': 'wamid.1'}]}))

    def start(self, handler, **settings):
        channel = {'kind': 'whatsapp', 'phone_number_id': '1', 'token': 't', 'secret': 's', 'verify_token': 'v',
                   'url': self.platform.url, 'typing': 'false'}
        self.house.add_tenant(**{'handler': handler, 'channels': {'wa': channel}, **settings})
        self.house.start_redis()
        worker = self.house.start('worker', [PROGRAMS['lull-worker'], self.house.write_config()])
        wait_until(lambda: self.broker.alives and worker.events('redis_connected'), 'the worker is there')

    def start_bot(self, *script):
        self.bot = self.house.peer(*script)
        self.start({'kind': 'http', 'url': self.bot.url + '/answer'})

    def run(self, *items, **keys):
        """The RESULT of a run of these."""
        fence = self.broker.run(items=[message('acme', 'ana', **item) for item in items], channel='wa', **keys)
        wait_until(lambda: self.broker.results_of(fence), 'the result is there')
        return self.broker.results_of(fence)[-1]

    @property
    def posted(self):
        return [call.json['text']['body'] for call in self.platform.calls]


# -- events and their acknowledgement

def test_messages_and_events_share_a_frame_and_its_acknowledgement(house):
    bot, producer = start(house)
    ack = producer.say(event('acme', 'ana', 'message', 'Oi', id='1', aliases=['5511']),
                       event('acme', 'ana', 'typing'),
                       event('acme', 'nobody', 'edit', 'Oi!', id='never said'),
                       event('acme', 'nobody', 'shown', id='0' * 26, number=3),
                       event('acme', '5511', 'alias', aliases=['', '5511', 'x' * 300]),
                       message('acme', '5511', 'Tudo bem?', id='2'),
                       event('acme', 'ana', 'message', 'Oi', id='1'),
                       event('other', 'ana', 'typing'))
    assert (ack.accepted, ack.duplicates, ack.refused) == (6, [6], {7: 'unknown_tenant'})
    wait_until(lambda: done(house) == 1, 'the batch is done')
    assert [call.ids for call in bot.calls] == [['1', '2']]


def test_an_event_that_the_broker_does_not_know_is_passed_over(house):
    bot, producer = start(house)
    later = [*event('acme', 'ana', 99, 'Oi', id='1'), 'of a later version']
    assert producer.say(later, message('acme', 'ana', 'Tudo bem?', id='1')).accepted == 2
    wait_until(lambda: done(house) == 1, 'the batch is done')
    assert [call.texts for call in bot.calls] == [['Tudo bem?']]


@pytest.mark.parametrize('item', [event('acme', 'ana', 'typing')[:6], event('acme', 'ana', 'typing')[:7],
                                  event('acme', 'ana', 'alias', aliases=['1', '2', '3', '4', '5']),
                                  [*message('acme', 'ana', 'Oi'), 'typing', [], 0]])
def test_an_item_that_is_none_spoils_its_frame_and_is_a_message_among_messages(house, item):
    house.add_tenant(quiet='60s', max_wait='60s')
    house.start_broker()
    producer = house.producer()
    producer.send(encode(EVENTS, [1, [item]]))
    kind, (code, _) = decode(producer.receive())
    assert (kind, text(code)) == (ERROR, 'bad_frame')
    producer.send(encode(MESSAGES, [2, [item]]))
    assert producer.await_ack(2) == (1, [], {})


@pytest.mark.parametrize('way', ['api', 'send'])
def test_events_come_by_the_message_api_and_by_the_command_line(house, way):
    lines = [{'text': 'Oi', 'id': '1'}, {'what': 'edit', 'id': '1', 'text': 'Oi!'}, {'what': 'typing'},
             {'what': 'paused'}, {'text': 'E ai?', 'id': '2', 'url': 'https://m/1', 'kind': 'image'}]
    lines = [{'tenant': 'acme', 'thread': 'ana', **line} for line in lines]
    bot, producer = start(house, quiet='2s')
    if way == 'api':
        house.start_ingest()
        status, _, answer = house.post('/v1/messages', lines)
        assert status == 202, answer
    else:
        sent = house.run('send', input='\n'.join(map(json.dumps, lines)) + '\n')
        assert sent.returncode == 0, sent.stderr
    wait_until(lambda: done(house) == 1, 'the batch is done')
    assert [call.texts for call in bot.calls] == [['Oi!', 'E ai?']]
    assert bot.calls[0].json['messages'][1]['url'] == 'https://m/1'


# -- records


def test_a_service_is_told_of_a_record_and_what_it_says_is_not_posted(scene):
    scene.start_bot()
    result = scene.run({'words': 'Oi', 'id': 'm1'}, record=True)
    assert (result.outcome, result.posted) == (DONE, 0)
    asked = scene.bot.calls[0].json
    assert asked['record'] is True and asked['text'] == 'Oi' and asked['messages'][0]['id'] == 'm1'
    assert scene.run({'words': 'E agora?'}).outcome == DONE
    assert 'record' not in scene.bot.calls[1].json
    assert not scene.broker.answered[:-1] and scene.posted == ['You wrote: E agora?']


def test_a_program_is_told_of_a_record_too(scene):
    path = scene.house.folder / 'bot'
    path.write_text('#!/bin/sh\ncat > "$(dirname "$0")/seen"\necho Hello\n')
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    scene.start({'kind': 'exec', 'command': [str(path)]})
    assert scene.run({'words': 'Oi'}, record=True).outcome == DONE
    assert json.loads((scene.house.folder / 'seen').read_text())['record'] is True
    assert not scene.broker.answered and not scene.posted


def test_nothing_is_looked_up_for_a_record(scene):
    known = scene.house.keep(Peer(otherwise=Answer(status=500)))
    bot = scene.house.peer()
    scene.start({'kind': 'http', 'url': bot.url}, context={'url': known.url, 'required': 'true'})
    assert scene.run({'words': 'Oi'}, record=True).outcome == DONE
    assert len(bot.calls) == 1 and not known.calls


def test_a_model_is_not_asked_for_a_record_but_knows_of_it_the_next_time(scene):
    model = scene.house.keep(Model(Saying('Hello'), Saying('Bye')))
    scene.start({'kind': 'openai', 'url': model.url + '/v1', 'key': 'k', 'model': 'm'})
    assert scene.run({'words': 'Oi'}).outcome == DONE
    assert scene.run({'words': 'Quero um bolo'}, {'words': 'de cenoura'}, record=True).outcome == DONE
    redis = scene.house.redis()
    wait_until(lambda: redis.llen(HISTORY) == 2, 'it is remembered')
    assert len(model.asked) == 1
    assert scene.run({'words': 'Obrigada'}).outcome == DONE
    said = [(one['role'], one['content']) for one in model.asked[1].json['messages']]
    assert said == [('user', 'Oi'), ('assistant', 'Hello'), ('user', 'Quero um bolo\nde cenoura\nObrigada')]
    assert scene.posted == ['Hello', 'Bye']


@pytest.mark.parametrize('handler', [{'kind': 'echo'}, {'kind': 'langgraph', 'assistant': 'a'},
                                     {'kind': 'openai', 'api': 'responses', 'key': 'k', 'model': 'm'}])
def test_who_only_answers_is_not_asked_for_a_record(scene, handler):
    asked = scene.house.peer()
    scene.start(handler if handler['kind'] == 'echo' else {**handler, 'url': asked.url})
    assert scene.run({'words': 'Oi'}, record=True).outcome == DONE
    assert not asked.calls and not scene.broker.answered and not scene.posted


# -- messages that were taken back


def test_what_was_taken_back_is_no_part_of_what_is_answered(scene):
    scene.start_bot()
    result = scene.run({'words': 'Oi', 'id': 'm1'}, {'kind': 'deleted', 'id': 'm2'}, {'words': 'E ai?', 'id': 'm3'})
    assert (result.outcome, result.posted) == (DONE, 1)
    asked = scene.bot.calls[0].json
    assert asked['text'] == 'Oi\nE ai?'
    assert [one['kind'] for one in asked['messages']] == ['text', 'deleted', 'text']
    assert asked['messages'][1]['text'] is None


def test_a_batch_of_which_nothing_is_left_is_done_without_a_call(scene):
    scene.start_bot()
    result = scene.run({'kind': 'deleted', 'id': 'm1'}, {'kind': 'deleted', 'id': 'm2'})
    assert (result.outcome, result.posted) == (DONE, 0)
    assert not scene.bot.calls and not scene.posted


def test_the_address_of_a_medium_reaches_the_handler(scene):
    scene.start_bot()
    assert scene.run({'kind': 'audio', 'url': 'https://media.example.com/1'}).outcome == DONE
    assert scene.bot.calls[0].json['messages'][0]['url'] == 'https://media.example.com/1'


# -- replies that are too long


def test_a_long_reply_is_cut_before_it_is_stored(scene):
    words = 'Era uma vez um bolo de cenoura. ' * 200
    scene.start_bot(reply(words))
    result = scene.run({'words': 'Conta'})
    (_, stored), = scene.broker.answered
    assert (result.outcome, result.posted) == (DONE, len(stored)) and len(stored) == 2
    assert ''.join(stored) == words and max(map(len, stored)) <= LONGEST
    assert stored[0].endswith('cenoura. ') and scene.posted == stored


def test_a_reply_that_is_too_long_for_any_cut_is_refused(scene):
    scene.start_bot(reply('x' * (16 * LONGEST + 1)))
    result = scene.run({'words': 'Conta'})
    assert (result.outcome, result.code) == (FAILED_FOR_GOOD, 'too_long')
    assert not scene.broker.answered and not scene.posted
