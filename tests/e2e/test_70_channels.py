"""Chatwoot and WhatsApp, from their real webhook bodies to the reply that they receive."""

import json

import pytest

from lull import PAYLOADS, each, stays, wait_until
from peers import Answer, chatwoot_headers, is_signed, reply, standard_headers, status, whatsapp_headers
from scenes import SECRET, done, start

BURST = ['message_created_incoming_api', 'message_created_incoming_api_burst2', 'message_created_incoming_api_burst3']


def chatwoot_answer(call):
    if call.method == 'GET':
        return Answer(value={'meta': {}, 'payload': []})
    return Answer(value={'id': 435, 'content': call.json['content'], 'message_type': 1, 'status': 'sent'})


def whatsapp_answer(call):
    return Answer(value={'messaging_product': 'whatsapp', 'messages': [{'id': 'wamid.reply'}]})


class Platform:
    """A tenant with one channel, its handler, and a server that plays the platform."""

    def __init__(self, house, kind, *script, handler=(), **settings):
        self.house = house
        answer = chatwoot_answer if kind == 'chatwoot' else whatsapp_answer
        self.server = house.peer(*script, otherwise=answer)
        if kind == 'chatwoot':
            channel = {'url': self.server.url, 'account': 2, 'token': 'the token', 'secret': 'the secret'}
        else:
            channel = {'url': self.server.url, 'phone_number_id': '106540352242922', 'token': 'the token',
                       'secret': 'the secret', 'verify_token': 'FAKE_VERIFY_TOKEN'}
        self.kind = kind
        self.bot, _ = start(house, *handler, quiet='1500ms', channels={'support': {'kind': kind, **channel}},
                            **settings)
        house.start_ingest()

    @property
    def posts(self):
        """What was to be shown in the conversation."""
        return [call for call in list(self.server.calls) if call.method == 'POST'
                and call.path.endswith('/messages') and b'typing_indicator' not in call.body]

    def deliver(self, name):
        body = (PAYLOADS / self.kind / f'{name}.json').read_bytes()
        sign = chatwoot_headers if self.kind == 'chatwoot' else whatsapp_headers
        return self.house.post('/hooks/acme/support', body, sign(body, 'the secret'))[0]


def contents(name):
    return json.loads((PAYLOADS / 'chatwoot' / f'{name}.json').read_text())['content']


def test_a_chatwoot_burst_gets_one_reply_that_holds_it_all(house):
    scene = Platform(house, 'chatwoot')
    for name in each(0.3, BURST):
        assert scene.deliver(name) == 200
    wait_until(lambda: done(house) == 1, 'the batch is done')
    texts = [contents(name) for name in BURST]
    assert scene.bot.calls[0].texts == texts
    assert len(scene.posts) == 1
    post = scene.posts[0]
    assert (post.method, post.path) == ('POST', '/api/v1/accounts/2/conversations/4/messages')
    assert post.headers['api_access_token'] == 'the token'
    assert post.json['content'] == 'You wrote: ' + ' | '.join(texts)
    assert post.json['message_type'] == 'outgoing' and post.json['private'] is False


def test_a_delivery_that_comes_twice_counts_once(house):
    scene = Platform(house, 'chatwoot')
    assert [scene.deliver(name) for name in (BURST[0], BURST[0], BURST[1], BURST[0])] == [200] * 4
    wait_until(lambda: done(house) == 1, 'the batch is done')
    assert scene.bot.calls[0].texts == [contents(BURST[0]), contents(BURST[1])]


def test_what_is_no_message_of_a_customer_is_passed_over(house):
    scene = Platform(house, 'chatwoot')
    for name in ('message_created_outgoing_agent_bot', 'message_created_outgoing_human_agent',
                 'conversation_typing_on_agent', 'conversation_status_changed_resolved',
                 'conversation_updated_assignee'):
        assert scene.deliver(name) == 200
    assert house.ask('stats')['messages']['accepted_total'] == 0


def test_a_voice_note_without_text_reaches_the_handler(house):
    scene = Platform(house, 'chatwoot')
    assert scene.deliver('message_created_incoming_audio') == 200
    wait_until(lambda: done(house) == 1, 'the batch is done')
    told = scene.bot.calls[0].json['messages'][0]
    assert told['kind'] == 'audio' and told['text'] is None


def test_a_platform_that_is_down_gets_its_reply_later_and_the_model_is_not_asked_again(house):
    """The 503 is for the post, the 502 for the look whether it is there nevertheless."""
    scene = Platform(house, 'chatwoot', status(503), status(502))
    scene.deliver(BURST[0])
    wait_until(lambda: done(house) == 1, 'the batch is done')
    assert len(scene.bot.calls) == 1
    assert len(scene.posts) == 2
    assert len({call.body for call in scene.posts}) == 1


def test_several_replies_are_posted_in_order_each_once(house):
    """The second post fails once: the first reply is not posted again."""
    scene = Platform(house, 'chatwoot', chatwoot_answer, status(500), handler=[reply('one', 'two', 'three')])
    scene.deliver(BURST[0])
    wait_until(lambda: done(house) == 1, 'the batch is done')
    assert [call.json['content'] for call in scene.posts] == ['one', 'two', 'two', 'three']
    assert len(scene.bot.calls) == 1


def test_a_reply_that_the_platform_refuses_is_a_dead_letter(house):
    scene = Platform(house, 'chatwoot', status(404))
    scene.deliver(BURST[0])
    wait_until(lambda: house.ask('dead')['total'] == 1, 'the batch is dead')
    assert stays(lambda: len(scene.posts) == 1, 0.5)
    letter = house.ask('dead')['dead'][0]
    assert '404' in house.ask('dead_show', batch=letter['batch'])['why']


def test_nothing_to_say_posts_nothing(house):
    scene = Platform(house, 'chatwoot', handler=[status(204)])
    scene.deliver(BURST[0])
    wait_until(lambda: done(house) == 1, 'the batch is done')
    assert scene.posts == []


def test_a_whatsapp_burst_gets_one_reply(house):
    scene = Platform(house, 'whatsapp')
    for name in ('messages_text', 'messages_batch_two_messages_and_status', 'statuses_sent'):
        assert scene.deliver(name) == 200
    wait_until(lambda: done(house) == 1, 'the batch is done')
    assert scene.bot.calls[0].texts == ['Oi', 'Oi', 'tudo bem?']
    post = wait_until(lambda: scene.posts, 'the reply')[0]
    assert post.path.endswith('/106540352242922/messages')
    assert post.headers['authorization'] == 'Bearer the token'
    assert post.json['messaging_product'] == 'whatsapp' and post.json['type'] == 'text'
    assert post.json['text']['body'] == 'You wrote: Oi | Oi | tudo bem?'
    assert len(scene.posts) == 1


@pytest.mark.parametrize('name, kind', [('messages_audio_voice', 'audio'), ('messages_image', 'image'),
                                        ('messages_interactive_button_reply', 'button'),
                                        ('messages_text_username_no_phone', 'text')])
def test_every_kind_of_whatsapp_message_reaches_the_handler(house, name, kind):
    scene = Platform(house, 'whatsapp')
    assert scene.deliver(name) == 200
    wait_until(lambda: done(house) == 1, 'the batch is done')
    assert [told['kind'] for told in scene.bot.calls[0].json['messages']] == [kind]
    assert len(scene.posts) == 1


def test_whatsapp_statuses_are_passed_over(house):
    scene = Platform(house, 'whatsapp')
    assert scene.deliver('statuses_sent') == scene.deliver('statuses_failed') == 200
    assert house.ask('stats')['messages']['accepted_total'] == 0


def test_whatsapp_asks_whether_the_address_is_ours(house):
    scene = Platform(house, 'whatsapp')
    question = '/hooks/acme/support?hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token='
    code, headers, body = house.post(question + 'FAKE_VERIFY_TOKEN', None, method='GET')
    assert (code, body) == (200, b'1158201444') and headers['content-type'].startswith('text/plain')
    assert house.post(question + 'another', None, method='GET')[0] == 403
    assert scene.deliver('statuses_sent') == 200


def test_a_program_of_ones_own_sends_and_receives_through_the_generic_channel(house):
    replies = house.peer(otherwise=Answer(status=204))
    channel = {'kind': 'generic', 'secret': SECRET, 'reply_url': replies.url + '/replies'}
    bot, _ = start(house, channels={'own': channel})
    house.start_ingest()
    body = b'[{"thread": "ana", "id": "1", "text": "Oi"}, {"thread": "ana", "id": "2", "text": "Tudo bem?"}]'
    assert house.post('/hooks/acme/own', body)[0] == 401
    assert house.post('/hooks/acme/own', body + b' ', standard_headers(body, SECRET))[0] == 401
    assert house.post('/hooks/acme/own', body, standard_headers(body, SECRET))[0] == 200
    wait_until(lambda: done(house) == 1, 'the batch is done')
    assert len(replies.calls) == 1
    call = replies.calls[0]
    assert call.path == '/replies' and is_signed(call, SECRET)
    assert call.json == {'tenant': 'acme', 'thread': 'ana', 'channel': 'own', 'batch': bot.calls[0].json['batch'],
                         'index': 0, 'to': 'ana', 'reply': 'You wrote: Oi | Tudo bem?'}
