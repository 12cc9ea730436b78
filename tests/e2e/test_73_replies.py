"""What every platform is sent, byte for byte: a delivery through the door, a real worker, and a server that records the
reply and the typing sign; and what each of the platforms' answers does to the batch."""

import base64
import json
import threading
import urllib.parse

import pytest

from lull import PAYLOADS, wait_until
from peers import Answer, reply
from platforms import PLATFORMS
from protocol import message
from scenes import done, start

# All that an encoding can go wrong with: quotes, a line break, brackets, what is no ASCII, a surrogate pair.
WORDS = 'Olá & <tudo> "bem"?\n100% + 😀'
# What the HTTP library adds, and what has a time in it.
OF_HTTP = {'host', 'content-length', 'user-agent', 'accept-encoding', 'accept', 'connection', 'traceparent'}
OF_SIGNING = {'webhook-timestamp', 'webhook-signature'}
JSON = 'application/json'
FORM = 'application/x-www-form-urlencoded'
TWILIO = 'Basic ' + base64.b64encode(b'AC00000000000000000000000000000001:fake-twilio-auth-token').decode()


def post(path, headers, body, kind=JSON):
    """A request as it is expected: method, path, headers, body."""
    text = urllib.parse.urlencode(body, quote_via=urllib.parse.quote) if kind == FORM else \
        json.dumps(body, ensure_ascii=False, separators=(',', ':'))
    return 'POST', path, {'content-type': kind, **headers}, text


def heard(call):
    """A request as it came, in the same form."""
    headers = {name: value for name, value in call.headers.items() if name not in OF_HTTP | OF_SIGNING}
    return call.method, call.path, headers, call.body.decode()


CHATWOOT = '/api/v1/accounts/2/conversations/4'
WHATSAPP = {'authorization': 'Bearer the token'}
SLACK = {'authorization': 'Bearer xoxb-FAKE'}
TELEGRAM = '/bot100000900:FAKE'


def chatwoot_reply(batch):
    return post(f'{CHATWOOT}/messages', {'api_access_token': 'the token'}, {
        'content': WORDS, 'message_type': 'outgoing', 'private': False, 'content_type': 'text',
        'content_attributes': {'lull_batch': batch, 'lull_index': 0}})


def whatsapp_reply(**to):
    return lambda batch: post('/v26.0/106540352242922/messages', WHATSAPP, {
        'messaging_product': 'whatsapp', 'recipient_type': 'individual', 'type': 'text',
        'text': {'body': WORDS, 'preview_url': False}, 'biz_opaque_callback_data': f'lull:{batch}:0', **to})


def zapi_reply(phone, **more):
    return lambda batch: post('/instances/FAKEINSTANCE00000000000000000001/token/FAKEINSTANCETOKEN/send-text',
                              {'client-token': 'FAKECLIENTTOKEN'}, {'phone': phone, 'message': WORDS, **more})


def evolution_reply(number):
    return lambda batch: post('/message/sendText/inst-teste', {'apikey': 'the key'}, {'number': number, 'text': WORDS})


def telegram_reply(chat, **more):
    return lambda batch: post(f'{TELEGRAM}/sendMessage', {}, {'chat_id': chat, **more, 'text': WORDS})


def twilio_reply(to, sender, headers=TWILIO, **more):
    return lambda batch: post('/2010-04-01/Accounts/AC00000000000000000000000000000001/Messages.json',
                              {'authorization': headers}, {'To': to, 'From': sender, **more, 'Body': WORDS}, FORM)


def slack_reply(channel, **more):
    words = WORDS.replace('&', '&amp;').replace('<', '&lt;').replace('>', '&gt;')
    return lambda batch: post('/api/chat.postMessage', SLACK, {'channel': channel, 'text': words, **more})


def generic_reply(batch):
    return post('/replies', {'idempotency-key': f'{batch}-0', 'webhook-id': f'{batch}-0'}, {
        'tenant': 'acme', 'thread': 'ana', 'channel': 'support', 'batch': batch, 'index': 0, 'to': 'ana@example.com',
        'reply': WORDS})


# (delivery, further settings, the reply that the platform gets)
REPLIES = [
    ('chatwoot/message_created_incoming_api.json', {}, chatwoot_reply),
    ('whatsapp/messages_text.json', {}, whatsapp_reply(to='15550100101')),
    ('whatsapp/messages_text_username_no_phone.json', {}, whatsapp_reply(recipient='US.10000000000000202')),
    ('whatsapp/messages_text_user_id_only.json', {'user_id_field': 'to'}, whatsapp_reply(to='BR.10000000000000101')),
    ('zapi/received_text.json', {}, zapi_reply('15550100101')),
    ('zapi/received_text.json', {'delay_typing': 3}, zapi_reply('15550100101', delayTyping=3)),
    ('zapi/received_lid_without_number.json', {}, zapi_reply('100000000000101@lid')),
    ('zapi/received_group_text.json', {}, zapi_reply('120363000000000001-group')),
    ('evolution/messages_upsert_text.json', {}, evolution_reply('15550100101')),
    ('evolution/messages_upsert_lid_with_number.json', {}, evolution_reply('15550100101')),
    ('evolution/messages_upsert_lid_alone.json', {}, evolution_reply('100000000000101@lid')),
    ('evolution/messages_upsert_group.json', {}, evolution_reply('120363000000000001@g.us')),
    ('telegram/message_text.json', {}, telegram_reply(100000101)),
    ('telegram/message_topic.json', {'bot': 100000900},
     telegram_reply(-1001234567890123, message_thread_id=7)),
    ('telegram/callback_query_topic.json', {}, telegram_reply(-1001234567890123, message_thread_id=7)),
    ('telegram/business_message.json', {}, telegram_reply(100000101, business_connection_id='FAKE_CONNECTION')),
    ('twilio/whatsapp_text.form', {}, twilio_reply('whatsapp:+15550100101', 'whatsapp:+15550100999')),
    ('twilio/sms_text.form', {'sender': '+15550100777', 'messaging_service': 'MG1'},
     twilio_reply('+15550100101', '+15550100777', MessagingServiceSid='MG1')),
    ('twilio/whatsapp_text.form', {'api_key': 'SK1', 'api_secret': 'the api secret'},
     twilio_reply('whatsapp:+15550100101', 'whatsapp:+15550100999',
                  'Basic ' + base64.b64encode(b'SK1:the api secret').decode())),
    ('slack/event_message_im.json', {}, slack_reply('D00000001')),
    ('slack/event_message_in_thread.json', {}, slack_reply('C00000001', thread_ts='1700000050.000100')),
    ('generic/message_with_names.json', {}, generic_reply),
]

# (delivery, further settings, the sign)
SIGNS = [
    ('chatwoot/message_created_incoming_api.json', {},
     post(f'{CHATWOOT}/toggle_typing_status', {'api_access_token': 'the token'},
          {'typing_status': 'on', 'is_private': False})),
    ('whatsapp/messages_text.json', {},
     post('/v26.0/106540352242922/messages', WHATSAPP,
          {'messaging_product': 'whatsapp', 'status': 'read',
           'message_id': 'wamid.HBgLMTU1NTAxMDAxMDEVAgASGBQzRUIwMTAwMDAwMDAwMDAwMDAwMQA=',
           'typing_indicator': {'type': 'text'}})),
    ('evolution/messages_upsert_text.json', {},
     post('/chat/sendPresence/inst-teste', {'apikey': 'the key'},
          {'number': '15550100101', 'presence': 'composing', 'delay': 4000})),
    ('telegram/message_topic.json', {},
     post(f'{TELEGRAM}/sendChatAction', {},
          {'chat_id': -1001234567890123, 'message_thread_id': 7, 'action': 'typing'})),
    ('twilio/whatsapp_text.form', {'typing': True},
     post('/v2/Indicators/Typing.json', {'authorization': TWILIO},
          {'messageId': 'SM00000000000000000000000000000001', 'channel': 'whatsapp'}, FORM)),
    ('slack/event_assistant_message.json', {'typing': True, 'typing_text': 'pensando...'},
     post('/api/assistant.threads.setStatus', SLACK,
          {'channel_id': 'D00000001', 'thread_ts': '1700000200.000100', 'status': 'pensando...'})),
]
# What has none: Z-API announces a reply only with the reply itself, and these are not on, or not possible.
WITHOUT_SIGN = [
    ('zapi/received_text.json', {'delay_typing': 3}),
    ('twilio/whatsapp_text.form', {}),
    ('twilio/sms_text.form', {'typing': True}),
    ('slack/event_message_im.json', {'typing': True}),
    ('generic/message.json', {}),
]


def taken(call):
    """What each platform answers when all is well."""
    if call.path.startswith('/v26'):
        return Answer(value={'messaging_product': 'whatsapp', 'messages': [{'id': 'wamid.reply'}]})
    if call.path.startswith('/2010-04-01') or call.path.startswith('/message/sendText'):
        return Answer(status=201, value={'sid': 'SM1', 'status': 'queued', 'error_code': None})
    return Answer(value={'ok': True, 'success': True, 'id': 435, 'payload': []})


class Scene:
    """A tenant with one channel, and a server in the place of the platform."""

    def __init__(self, house, kind, *handler, platform=taken, otherwise=reply(WORDS), tenant=None, **settings):
        self.house, self.platform = house, PLATFORMS[kind]
        self.server = house.peer(otherwise=platform)
        if kind == 'generic':
            settings = {'reply_url': self.server.url + '/replies', **settings}
        if kind == 'twilio':
            settings = {'messaging_url': self.server.url, **settings}
        channel = self.platform.channel(self.server.url, **settings)
        self.bot, self.producer = start(house, *handler, otherwise=otherwise, channels={'support': channel},
                                        **(tenant or {}))

    def deliver(self, name):
        if not self.house.ingest:
            self.house.start_ingest()
        body = (PAYLOADS / self.platform.kind / name).read_bytes()
        assert self.house.post('/hooks/acme/support', body, self.platform.sign(body))[0] == 200

    @property
    def heard(self):
        return [heard(call) for call in list(self.server.calls)]


def without_sign(kind):
    """The setting that makes sure of it, however slow the machine is."""
    return {} if kind in ('zapi', 'generic') else {'typing': False}


def is_case(value):
    return value.replace('/', '-') if isinstance(value, str) else '-'.join(value) if isinstance(value, dict) else ''


@pytest.mark.parametrize('name, settings, expected', REPLIES, ids=is_case)
def test_a_reply_is_sent_as_the_platform_documents_it(house, name, settings, expected):
    kind, _, name = name.partition('/')
    scene = Scene(house, kind, **without_sign(kind), **settings)
    scene.deliver(name)
    wait_until(lambda: done(house) == 1, 'the batch is done')
    assert scene.heard == [expected(scene.bot.calls[0].json['batch'])]


@pytest.mark.parametrize('name, settings, expected', SIGNS, ids=is_case)
def test_the_typing_sign_is_sent_as_the_platform_documents_it(house, name, settings, expected):
    gate = threading.Event()
    kind, _, name = name.partition('/')
    scene = Scene(house, kind, reply(WORDS, gate=gate), **settings)
    scene.deliver(name)
    wait_until(lambda: scene.heard, 'the sign is shown')
    assert scene.heard[0] == expected
    gate.set()
    wait_until(lambda: done(house) == 1, 'the batch is done')


@pytest.mark.parametrize('name, settings', WITHOUT_SIGN, ids=is_case)
def test_where_there_is_no_sign_only_the_reply_is_sent(house, name, settings):
    """The handler takes longer than any sign would wait."""
    kind, _, name = name.partition('/')
    scene = Scene(house, kind, reply(WORDS, delay=0.8), **settings)
    scene.deliver(name)
    wait_until(lambda: done(house) == 1, 'the batch is done')
    assert len(scene.heard) == 1
    assert 'Olá' in urllib.parse.unquote_plus(scene.heard[0][3])


def test_the_status_of_slack_is_taken_away_when_there_is_nothing_to_say(house):
    gate = threading.Event()
    scene = Scene(house, 'slack', Answer(status=204, gate=gate), typing=True)
    scene.deliver('event_assistant_message.json')
    wait_until(lambda: scene.heard, 'the status is shown')
    gate.set()
    wait_until(lambda: len(scene.heard) == 2, 'it is taken away')
    assert json.loads(scene.heard[1][3]) == {'channel_id': 'D00000001', 'thread_ts': '1700000200.000100', 'status': ''}


def characters(text):
    return len(text)


def utf16(text):
    return len(text.encode('utf-16-le')) // 2


LONG = [('whatsapp/messages_text.json', 4096, characters, lambda call: call.json['text']['body']),
        ('telegram/message_text.json', 4096, utf16, lambda call: call.json['text']),
        ('twilio/whatsapp_text.form', 1600, characters,
         lambda call: urllib.parse.parse_qs(call.body.decode())['Body'][0]),
        ('slack/event_message_im.json', 4000, characters, lambda call: call.json['text'])]


@pytest.mark.parametrize('name, longest, length, text_of', LONG, ids=is_case)
def test_a_reply_that_is_too_long_comes_in_parts_each_as_long_as_may_be(house, name, longest, length, text_of):
    """No word, and no character, is broken."""
    kind, _, name = name.partition('/')
    words = ' '.join(f'😀{number:04}' for number in range(1200))
    scene = Scene(house, kind, otherwise=reply(words), **without_sign(kind))
    scene.deliver(name)
    wait_until(lambda: done(house) == 1, 'the batch is done')
    parts = [text_of(call) for call in scene.server.calls]
    assert len(parts) == -(-length(words) // longest)
    assert all(length(part) <= longest for part in parts)
    assert ' '.join(part.strip() for part in parts) == words


def test_in_slack_nobody_is_notified_by_what_a_model_writes(house):
    scene = Scene(house, 'slack', otherwise=reply('<!channel> & <@U1>'), **without_sign('slack'))
    scene.deliver('event_message_im.json')
    wait_until(lambda: done(house) == 1, 'the batch is done')
    assert scene.server.calls[0].json['text'] == '&lt;!channel&gt; &amp; &lt;@U1&gt;'


def test_in_slack_there_is_room_for_what_the_escapes_add(house):
    """Five characters for each of 4,000 are fewer than the 40,000 at which it cuts; no escape is parted."""
    scene = Scene(house, 'slack', otherwise=reply('&' * 5000), **without_sign('slack'))
    scene.deliver('event_message_im.json')
    wait_until(lambda: done(house) == 1, 'the batch is done')
    assert [call.json['text'] for call in scene.server.calls] == ['&amp;' * 4000, '&amp;' * 1000]


# -- answers ------------------------------------------------------------------------------------------------------


def meta(code, details='no'):
    return {'error': {'message': f'(#{code}) no', 'type': 'OAuthException', 'code': code,
                      'error_data': {'messaging_product': 'whatsapp', 'details': details}, 'fbtrace_id': 'F'}}


def bot_api(code, description, **parameters):
    return {'ok': False, 'error_code': code, 'description': description,
            **({'parameters': parameters} if parameters else {})}


def twilio(code, text='no', status=400):
    return {'code': code, 'message': text, 'more_info': f'https://www.twilio.com/docs/errors/{code}', 'status': status}


def evolution(status, *texts):
    return {'status': status, 'error': 'Error', 'response': {'message': list(texts)}}


POSTED, AGAIN, NEVER, UNKNOWN = 'posted', 'again', 'never', 'unknown'
TO = {'chatwoot': None, 'whatsapp': None, 'zapi': '15550100101', 'evolution': '15550100101', 'generic': None,
      'telegram': {'chat': '100000101'}, 'slack': {'channel': 'D1'},
      'twilio': {'to': '+15550100101', 'from': '+15550100999'}}
# (what it means, status, body, what is said of it)
ANSWERS = {
    'whatsapp': [
        (POSTED, 200, {'messaging_product': 'whatsapp', 'messages': [{'id': 'wamid.1'}]}, None),
        (AGAIN, 400, meta(130429, 'too many'), None), (AGAIN, 400, meta(131056), None),
        (AGAIN, 500, meta(131000), None), (AGAIN, 503, meta(131016), None), (AGAIN, 429, meta(80007), None),
        (NEVER, 400, meta(131047, 'more than 24 hours'), 'more than 24 hours'), (NEVER, 400, meta(131026), 'no'),
        (NEVER, 401, meta(190), 'no'), (NEVER, 400, meta(100), 'no'), (UNKNOWN, 502, {}, None)],
    'zapi': [
        (POSTED, 200, {'zaapId': 'Z1', 'messageId': 'M1', 'id': 'M1'}, None), (AGAIN, 429, {}, None),
        (NEVER, 200, {'error': 'Phone not exists'}, 'Phone not exists'), (NEVER, 415, {}, 'HTTP 415'),
        (NEVER, 403, {'error': 'Client-Token not allowed'}, 'Client-Token'), (UNKNOWN, 500, {'error': 'oh'}, None)],
    'evolution': [
        (POSTED, 201, {'key': {'remoteJid': '1@s.whatsapp.net', 'fromMe': True, 'id': 'M1'}, 'status': 'PENDING'},
         None),
        (AGAIN, 400, evolution(400, 'Error: Connection Closed'), None), (AGAIN, 429, {}, None),
        (NEVER, 400, {'status': 400, 'error': 'Bad Request', 'response': {'message': [{'exists': False}]}}, '400'),
        (NEVER, 401, evolution(401, 'Unauthorized'), 'Unauthorized'),
        (NEVER, 404, evolution(404, 'The "inst" instance does not exist'), 'does not exist'),
        (UNKNOWN, 500, evolution(500, 'oh'), None)],
    'telegram': [
        (POSTED, 200, {'ok': True, 'result': {'message_id': 45}}, None),
        (AGAIN, 429, bot_api(429, 'Too Many Requests: retry after 1', retry_after=1), None),
        (NEVER, 403, bot_api(403, 'Forbidden: bot was blocked by the user'), 'blocked by the user'),
        (NEVER, 400, bot_api(400, 'Bad Request: chat not found'), 'chat not found'),
        (NEVER, 401, bot_api(401, 'Unauthorized'), 'Unauthorized'), (UNKNOWN, 502, bot_api(502, 'Bad Gateway'), None)],
    'twilio': [
        (POSTED, 201, {'sid': 'SM1', 'status': 'queued', 'error_code': None}, None),
        (AGAIN, 429, twilio(20429, 'Too Many Requests', 429), None), (AGAIN, 400, twilio(21611), None),
        (NEVER, 400, twilio(21610, 'Attempt to send to unsubscribed recipient'), 'unsubscribed'),
        (NEVER, 400, twilio(63016, 'outside the window'), 'outside the window'),
        (NEVER, 401, twilio(20003, 'Authenticate', 401), 'Authenticate'), (UNKNOWN, 500, twilio(20500), None)],
    'slack': [
        (POSTED, 200, {'ok': True, 'ts': '1.2'}, None), (AGAIN, 200, {'ok': False, 'error': 'ratelimited'}, None),
        (AGAIN, 429, {'ok': False, 'error': 'ratelimited'}, None),
        (NEVER, 200, {'ok': False, 'error': 'channel_not_found'}, 'channel_not_found'),
        (NEVER, 200, {'ok': False, 'error': 'invalid_auth'}, 'invalid_auth'),
        (UNKNOWN, 200, {'ok': False, 'error': 'fatal_error'}, None), (UNKNOWN, 504, {}, None)],
    'generic': [
        (POSTED, 204, None, None), (AGAIN, 429, {}, None), (AGAIN, 503, {}, None),
        (NEVER, 410, {'error': 'gone'}, 'gone'), (UNKNOWN, 500, {}, None)],
}


class Answers(Scene):
    """Each thread has an answer of its own, which comes once; then all is well. What is in doubt is not repeated."""

    def __init__(self, house, kind):
        self.posts, self.lock = {}, threading.Lock()
        super().__init__(house, kind, platform=self.answer, otherwise=lambda call: reply(call.json['thread']),
                         tenant={'on_unknown': 'silence', 'concurrency': 100}, **without_sign(kind))

    def answer(self, call):
        number = int(urllib.parse.unquote_plus(call.body.decode()).split('thread-')[-1][:2])
        with self.lock:
            self.posts[number] = self.posts.get(number, 0) + 1
        _, status, body, _ = ANSWERS[self.platform.kind][number]
        return Answer(status=status, value=body) if self.posts[number] == 1 else taken(call)


@pytest.mark.parametrize('kind', sorted(ANSWERS))
def test_the_answers_of_each_platform_mean_what_it_says(house, kind):
    scene, cases = Answers(house, kind), list(enumerate(ANSWERS[kind]))
    scene.producer.say(*[message('acme', f'thread-{number:02}', 'Oi', id=f'M{number}', channel='support', to=TO[kind])
                         for number, _ in cases])
    n_never = sum(meaning == NEVER for _, (meaning, *_) in cases)
    wait_until(lambda: done(house) == len(cases) - n_never and house.ask('dead')['total'] == n_never,
               'each batch is done or dead')
    assert scene.posts == {number: 2 if meaning == AGAIN else 1 for number, (meaning, *_) in cases}
    why = {letter['thread']: house.ask('dead_show', batch=letter['batch'])['why']
           for letter in house.ask('dead')['dead']}
    assert set(why) == {f'thread-{number:02}' for number, (meaning, *_) in cases if meaning == NEVER}
    for number, (meaning, _, _, said) in cases:
        if meaning == NEVER:
            assert said in why[f'thread-{number:02}']
    n_unknown = sum(meaning == UNKNOWN for _, (meaning, *_) in cases)
    wait_until(lambda: house.ask('stats')['savings']['posts_silenced_total'] == n_unknown, 'the doubts are counted')
