"""What happens around messages, from the door to the reply: somebody is writing, a person answers, a message is
changed, one person goes by several names, a voice message waits for its words."""

import json
import threading
import time

import pytest

from lull import PAYLOADS, stays, wait_until
from peers import Answer, chatwoot_headers, reply
from scenes import done, start


def say(house, what='message', thread='ana', **keys):
    """One item through the message API."""
    status, _, body = house.post('/v1/messages', {'tenant': 'acme', 'thread': thread, 'what': what, **keys})
    assert status == 202, body
    return body


def door(house, *script, **settings):
    bot, _ = start(house, *script, **settings)
    house.start_ingest()
    return bot


# -- typing


def test_typing_holds_the_batch_until_it_ends_by_itself(house):
    bot = door(house, quiet='1500ms', typing_hold='4s')
    say(house, text='Oi', id='1')
    began = time.monotonic()
    say(house, 'typing')
    wait_until(lambda: bot.calls, 'the batch has run')
    assert time.monotonic() - began >= 3.9  # the message API answers before we look at the clock


def test_what_is_written_meanwhile_is_in_the_same_batch(house):
    bot = door(house, quiet='1500ms', typing_hold='60s', max_wait='60s')
    say(house, text='Oi', id='1')
    say(house, 'typing')
    assert stays(lambda: not bot.calls, 2.0)
    say(house, text='Quanto custa?', id='2')
    say(house, 'paused')
    wait_until(lambda: done(house) == 1, 'the batch is done')
    assert [call.texts for call in bot.calls] == [['Oi', 'Quanto custa?']]


def test_who_never_stops_typing_is_answered_by_max_wait(house):
    bot = door(house, quiet='100ms', typing_hold='60s', max_wait='1s')
    say(house, text='Oi', id='1')
    say(house, 'typing')
    wait_until(lambda: bot.calls, 'the cap makes it due')


def test_typing_alone_is_nothing(house):
    bot = door(house, quiet='100ms')
    say(house, 'typing')
    assert house.state('ana') == 'unknown' and not bot.calls


# -- a person took over


@pytest.fixture
def office(house):
    """A Chatwoot with a person of the team beside the bot, whose first answer waits for `gate`."""
    class Office:
        def __init__(self):
            self.gate = threading.Event()
            self.server = house.peer(otherwise=Answer(value={'id': 435, 'content': '', 'message_type': 1}))
            channel = {'kind': 'chatwoot', 'url': self.server.url, 'account': 2, 'token': 't', 'secret': 's',
                       'typing': 'false'}
            self.bot = door(house, reply('of the bot', gate=self.gate), quiet='200ms', channels={'support': channel})

        def hear(self, name, **changes):
            body = json.loads((PAYLOADS / 'chatwoot' / f'{name}.json').read_text())
            # The team's word of long ago would be over.
            body = json.dumps({**body, 'created_at': int(time.time()), 'updated_at': time.time(), **changes}).encode()
            status, _, answer = house.post('/hooks/acme/support', body, chatwoot_headers(body, 's'))
            assert status == 200, answer
            return answer

        def posts(self):
            return [call.json['content'] for call in self.server.calls
                    if call.path.endswith('/messages') and call.method == 'POST']

    scene = Office()
    yield scene
    scene.gate.set()


def thread_of(name):
    return str(json.loads((PAYLOADS / 'chatwoot' / f'{name}.json').read_text())['conversation']['id'])


def test_a_person_who_answers_stops_the_run_and_the_bot_stays_silent(house, office):
    thread = thread_of('message_created_incoming_api')
    office.hear('message_created_incoming_api')
    call = wait_until(lambda: office.bot.running(), 'the bot is asked')[0]
    office.hear('message_created_outgoing_human_agent')
    wait_until(lambda: call.is_aborted, 'the call is broken off')
    assert house.state(thread) == 'held'
    office.hear('message_created_incoming_api_burst2')
    assert stays(lambda: house.state(thread) == 'held' and not office.posts(), 1.0)
    office.gate.set()
    assert house.ask('resume', tenant='acme', thread=thread)['resumed'] == 1
    wait_until(lambda: done(house) == 2, 'what came since is answered')
    assert len(office.posts()) == 1
    assert [(len(call.texts), call.json.get('record', False)) for call in office.bot.calls[1:]] == [
        (1, True), (1, False)]


def test_the_platform_gives_the_thread_back(house, office):
    thread = thread_of('message_created_incoming_api')
    office.gate.set()
    office.hear('message_created_outgoing_human_agent')
    office.hear('message_created_incoming_api')
    assert house.state(thread) == 'held'
    office.hear('conversation_status_changed_pending')
    wait_until(lambda: done(house) == 1, 'it is answered')


def test_our_own_reply_that_comes_back_holds_nothing(house, office):
    office.gate.set()
    office.hear('message_created_incoming_api')
    wait_until(lambda: done(house) == 1, 'it is answered')
    # As an older Chatwoot sends it: without the attributes that we gave it, in the name of the token's user.
    office.hear('message_created_outgoing_human_agent', content='of the bot')
    assert house.ask('holds')['total'] == 0


def test_what_a_person_has_answered_is_only_recorded(house):
    bot = door(house, quiet='200ms', on_resume='record')
    say(house, 'person')
    say(house, text='Oi', id='1')
    say(house, text='Ainda aí?', id='2')
    say(house, 'resume')
    wait_until(lambda: done(house) == 1, 'it is recorded')
    say(house, text='Outra coisa', id='3')
    wait_until(lambda: done(house) == 2, 'the next one is answered')
    assert [(call.texts, call.json.get('record', False)) for call in bot.calls] == [
        (['Oi', 'Ainda aí?'], True), (['Outra coisa'], False)]


def test_a_takeover_ends_by_itself(house):
    bot = door(house, quiet='100ms', hold_for='3s')
    say(house, 'person')
    say(house, text='Oi', id='1')
    assert house.state('ana') == 'held' or bot.calls
    wait_until(lambda: bot.calls, 'the hold is over')


# -- edits and deletions


def test_an_edit_inside_the_window_is_what_is_answered(house):
    bot = door(house, quiet='60s', max_wait='60s')
    say(house, text='Quanto custa o bano?', id='1')
    say(house, text='Amanhã', id='2')
    say(house, 'edit', text='Quanto custa o banho?', id='1')
    say(house, 'delete', id='2')
    house.broker.kill()
    house.start_broker()
    house.ask('flush', tenant='acme', thread='ana')
    wait_until(lambda: done(house) == 1, 'the batch is done')
    assert [(m['id'], m['kind'], m.get('text')) for m in bot.calls[0].json['messages']] == [
        ('1', 'text', 'Quanto custa o banho?'), ('2', 'deleted', None)]
    assert bot.calls[0].json['text'] == 'Quanto custa o banho?'


def test_a_batch_of_which_everything_was_taken_back_asks_nobody(house):
    bot = door(house, quiet='2s')
    say(house, text='Oi', id='1')
    say(house, 'delete', id='1')
    wait_until(lambda: done(house) == 1, 'the batch is done')
    assert not bot.calls


# -- names


def test_one_person_by_several_names_is_one_thread(house):
    bot = door(house, quiet='60s', max_wait='60s')
    say(house, thread='BR.1502', text='Oi', id='1')
    say(house, thread='BR.1502', aliases=['5511'], text='Tudo bem?', id='2')
    house.broker.kill()
    house.start_broker()
    say(house, thread='5511', text='Quanto custa?', id='3')
    assert house.ask('flush', tenant='acme', thread='5511')['flushed'] == 1
    wait_until(lambda: done(house) == 1, 'the batch is done')
    assert [call.texts for call in bot.calls] == [['Oi', 'Tudo bem?', 'Quanto custa?']]
    assert house.why('5511')['thread'] == 'BR.1502'


def test_typing_under_one_name_holds_what_came_under_another(house):
    bot = door(house, quiet='1500ms', typing_hold='60s', max_wait='60s')
    say(house, thread='77@lid', aliases=['5511'], text='Oi', id='1')
    say(house, 'typing', thread='5511')
    assert stays(lambda: not bot.calls, 2.0)
    say(house, 'paused', thread='5511')
    wait_until(lambda: bot.calls, 'it goes')


# -- voice


def test_a_voice_message_waits_for_its_words(house):
    bot = door(house, quiet='200ms', transcription_wait='60s', max_wait='60s')
    say(house, kind='audio', url='https://files.example.com/1.ogg', id='1')
    assert stays(lambda: not bot.calls, 1.0)
    say(house, 'edit', kind='audio', url='https://files.example.com/1.ogg', text='Quanto custa?', id='1')
    wait_until(lambda: done(house) == 1, 'it goes')
    heard = bot.calls[0].json['messages'][0]
    assert (heard['kind'], heard['text'], heard['url']) == ('audio', 'Quanto custa?', 'https://files.example.com/1.ogg')


def test_a_voice_message_whose_words_never_come_goes_without(house):
    bot = door(house, quiet='100ms', transcription_wait='1s', max_wait='60s')
    say(house, kind='audio', url='https://files.example.com/1.ogg', id='1')
    wait_until(lambda: done(house) == 1, 'it goes')
    assert bot.calls[0].json['messages'][0]['kind'] == 'audio'
