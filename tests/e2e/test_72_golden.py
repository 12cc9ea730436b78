"""What every known delivery of every platform becomes, through the real door: signed as the platform signs, and read by
a broker in the test's hands. The tables are in golden/KIND.txt, for people to read; to write them anew:

    LULL_GOLDEN=write tests/run --e2e tests/e2e/test_72_golden.py

and read the difference before it is believed."""

import datetime
import json
import os
import pathlib
import re
import textwrap

import pytest

from fake_ingest_broker import FakeBroker
from lull import PAYLOADS
from platforms import FORM, JSON, PLATFORMS, evolution_headers

GOLDEN = pathlib.Path(__file__).resolve().parent / 'golden'
# No deliveries: questions that a platform asks with a GET, and the fields of a form once more.
NO_DELIVERY = {'whatsapp/verify_get_request.json', 'twilio/whatsapp_text.json'}
KINDS = sorted(PLATFORMS)


def deliveries(kind):
    """The bodies of a platform, by name."""
    return {path.name: path.read_bytes() for path in sorted((PAYLOADS / kind).iterdir())
            if f'{kind}/{path.name}' not in NO_DELIVERY}


class Door:
    """An ingest with one channel, and a broker of the test behind it."""

    def __init__(self, house, kind, **settings):
        self.house, self.platform = house, PLATFORMS[kind]
        self.broker = house.keep(FakeBroker(house.config['broker']['ingest']))
        house.add_tenant(channels={'support': self.platform.channel(**settings)})
        house.start_ingest()

    def deliver(self, body, headers=None):
        """(status, type, answer, what the broker was given)."""
        before = len(self.broker.frames)
        status, headers, answer = self.house.post('/hooks/acme/support', body, headers or self.platform.sign(body))
        said = [item for _, items in self.broker.frames[before:] for item in items]
        return status, headers['content-type'].split(';')[0], answer, said


# -- the tables ---------------------------------------------------------------------------------------------------


def shown(value):
    """As it is, where it is one word or JSON; else between quotes."""
    is_plain = value.startswith('{') or not any(sign in value for sign in ' "\n')
    return value if is_plain else json.dumps(value, ensure_ascii=False)


def line(what, fields):
    said = ' '.join(f'{name}={shown(value)}' for name, value in fields.items() if value is not None)
    return textwrap.fill(f'{what:9}{said}', 118, initial_indent='    ', subsequent_indent=' ' * 13,
                         break_on_hyphens=False)


def item_line(item):
    at = item.at and datetime.datetime.fromtimestamp(item.at / 1000, datetime.timezone.utc)
    # An event without a time of its own may have that of its receipt.
    age = at and datetime.datetime.now(datetime.timezone.utc) - at
    is_now = at and item.what != 'message' and abs(age) < datetime.timedelta(minutes=1)
    # What has no id is given one by the door.
    is_made = item.id and re.fullmatch(r'[0-9a-f]{32}-\d+', item.id)
    fields = {'thread': item.thread, 'alias': ','.join(item.aliases) or None, 'id': 'made' if is_made else item.id}
    if item.what == 'shown':
        fields['number'] = str(item.number)
    is_kind_why = item.what in ('person', 'closed') and item.kind != 'text'
    fields |= {'from': item.sender, 'why' if is_kind_why else 'kind': item.kind, 'text': item.text, 'to': item.to,
               'url': item.url, 'at': None if at is None else 'receipt' if is_now else f'{at:%Y-%m-%dT%H:%M:%SZ}'}
    if item.what in ('typing', 'paused', 'resume', 'shown', 'alias') and item.kind == 'text':
        del fields['kind']
    return line(item.what, fields)


def answer_lines(status, kind, answer):
    """What the door said beside the counts: all that was ignored, and why."""
    if kind != 'application/json' and kind != 'application/problem+json':
        return [line('answer', {'status': str(status), 'type': kind, 'body': answer.decode()})]
    told = json.loads(answer)
    lines = [line('ignored', {'why': why}) for why in told.get('ignored', [])]
    if status != 200:
        lines.append(line('refused', {'status': str(status), 'why': told.get('detail', '')}))
    return lines + [line('refused', {'why': refusal['why']}) for refusal in told.get('refused', [])]


def table(door):
    blocks = []
    for name, body in deliveries(door.platform.kind).items():
        status, kind, answer, said = door.deliver(body)
        blocks.append('\n'.join([name, *map(item_line, said), *answer_lines(status, kind, answer)]))
    return '\n'.join(blocks) + '\n'


@pytest.mark.parametrize('kind', KINDS)
def test_every_delivery_becomes_what_the_table_says(house, kind):
    found, path = table(Door(house, kind)), GOLDEN / f'{kind}.txt'
    if os.environ.get('LULL_GOLDEN') == 'write':
        path.write_text(found)
    assert found.splitlines() == path.read_text().splitlines()


def test_every_table_belongs_to_a_platform():
    assert sorted(path.stem for path in GOLDEN.iterdir()) == KINDS


# -- who sent it --------------------------------------------------------------------------------------------------


def changed(octets, spot):
    """The body with one bit of one byte the other way round."""
    return octets[:spot] + bytes([octets[spot] ^ 1]) + octets[spot + 1:]


def assert_refused(door, body, headers, code):
    status, _, answer, said = door.deliver(body, headers)
    assert (status, json.loads(answer)['code'], said) == (401, code, [])


@pytest.mark.parametrize('kind', ['twilio', 'slack'])
def test_where_the_address_is_signed_too_it_is_named_when_the_signature_is_wrong(house, kind):
    """Twilio's token is mostly right; its address has a slash too many, http, or another host."""
    door = Door(house, kind)
    body = next(iter(deliveries(kind).values()))
    _, _, answer, _ = door.deliver(changed(body, 0), door.platform.sign(body))
    assert ('public_url' in json.loads(answer)['detail']) == (kind == 'twilio')
    assert ('public_url' in house.ingest.events('webhook_refused')[0]['why']) == (kind == 'twilio')


@pytest.mark.parametrize('kind', [kind for kind in KINDS if PLATFORMS[kind].is_over_body])
def test_a_body_with_one_byte_changed_is_refused(house, kind):
    door = Door(house, kind)
    for body in deliveries(kind).values():
        for spot in (0, len(body) // 2, len(body) - 1):
            assert_refused(door, changed(body, spot), door.platform.sign(body), 'forged')


@pytest.mark.parametrize('kind', [kind for kind in KINDS if not PLATFORMS[kind].is_over_body])
def test_a_wrong_token_is_refused(house, kind):
    door = Door(house, kind)
    for body in deliveries(kind).values():
        assert_refused(door, body, door.platform.forged, 'forged')


@pytest.mark.parametrize('kind', KINDS)
def test_what_shows_no_proof_is_refused(house, kind):
    door = Door(house, kind)
    for body in deliveries(kind).values():
        assert_refused(door, body, FORM if kind == 'twilio' else JSON, 'unsigned')


@pytest.mark.parametrize('kind', [kind for kind in KINDS if PLATFORMS[kind].is_timed])
def test_what_was_signed_long_ago_or_will_be_is_refused(house, kind):
    door, now = Door(house, kind), datetime.datetime.now().timestamp()
    for body in deliveries(kind).values():
        assert_refused(door, body, door.platform.sign(body, now - 720), 'stale')
        assert_refused(door, body, door.platform.sign(body, now + 720), 'stale')


def test_a_token_of_evolution_that_names_another_algorithm_is_refused(house):
    door = Door(house, 'evolution')
    body = deliveries('evolution')['messages_upsert_text.json']
    for algorithm in ('none', 'HS512', 'RS256'):
        assert_refused(door, body, evolution_headers('the jwt key', algorithm=algorithm), 'forged')
    # One that never ends is a password that travels.
    assert_refused(door, body, evolution_headers('the jwt key', exp=None), 'stale')


def test_the_question_of_slack_must_be_signed_too(house):
    door, question = Door(house, 'slack'), deliveries('slack')['url_verification.json']
    assert_refused(door, question, JSON, 'unsigned')
    assert door.deliver(question)[:3] == (200, 'text/plain', json.loads(question)['challenge'].encode())


# -- what an operator hears ---------------------------------------------------------------------------------------

UNDELIVERED = {'whatsapp/statuses_failed_of_our_reply.json':
               'our reply lull:01K9FAKEBATCH0000000000001:1 was not delivered: error 131047',
               'twilio/status_callback_undelivered.form':
               'message SM00000000000000000000000000000009 was not delivered: error 63016',
               'chatwoot/message_updated_our_reply_failed.json':
               'our reply 01K9FAKEBATCH0000000000001 was not delivered; Chatwoot shows the error beside it'}


@pytest.mark.parametrize('name', sorted(UNDELIVERED))
def test_a_reply_that_was_not_delivered_stands_in_the_log(house, name):
    kind, _, name_of_body = name.partition('/')
    door = Door(house, kind)
    for other, body in deliveries(kind).items():
        if other not in (name_of_body, 'statuses_of_our_reply.json'):
            door.deliver(body)
    assert house.ingest.events('webhook_tells') == []
    door.deliver(deliveries(kind)[name_of_body])
    told, = house.ingest.events('webhook_tells')
    assert (told['level'], told['tenant'], told['channel']) == ('warning', 'acme', 'support')
    assert told['why'].strip('"') == UNDELIVERED[name]
    assert '24 hours' not in house.ingest.log


def test_the_first_warnings_of_a_webhook_stand_in_the_log(house):
    door, body = Door(house, 'whatsapp'), json.loads(deliveries('whatsapp')['statuses_failed_of_our_reply.json'])
    value = body['entry'][0]['changes'][0]['value']
    value['statuses'] *= 500
    assert door.deliver(json.dumps(body).encode())[0] == 200
    assert len(house.ingest.events('webhook_tells')) == 10


def test_evolution_may_append_the_event_to_the_address(house):
    door = Door(house, 'evolution')
    body = deliveries('evolution')['messages_upsert_text.json']
    for path, status, n in (('/messages-upsert', 200, 1), ('/send-message', 200, 2), ('/Messages', 404, 2),
                            ('/messages-upsert/x', 404, 2), ('/', 404, 2)):
        assert house.post(f'/hooks/acme/support{path}', body, door.platform.sign(body))[0] == status
        assert len(door.broker.frames) == n
    assert house.post('/hooks/acme/support/messages-upsert', body, JSON)[0] == 401


# -- with the real broker -----------------------------------------------------------------------------------------

ONE_MESSAGE = {'chatwoot': 'message_created_incoming_api.json', 'whatsapp': 'messages_text.json',
               'zapi': 'received_text.json', 'evolution': 'messages_upsert_text.json',
               'telegram': 'message_text.json', 'twilio': 'whatsapp_text.form', 'slack': 'event_message_im.json',
               'generic': 'message.json'}


class Accepted:
    """The door with the real broker behind it, in which nothing ever becomes due."""

    def __init__(self, house, kind):
        self.house, self.platform = house, PLATFORMS[kind]
        house.add_tenant(quiet='10m', max_wait='10m', channels={'support': self.platform.channel()})
        house.start_broker()
        house.start_ingest()

    def deliver(self, name):
        body = deliveries(self.platform.kind)[name]
        return self.house.post('/hooks/acme/support', body, self.platform.sign(body))[0]

    def count(self):
        messages = self.house.ask('stats')['messages']
        return messages['accepted_total'], messages['duplicate_total']


@pytest.mark.parametrize('kind', KINDS)
def test_a_webhook_that_is_sent_again_is_accepted_once(house, kind):
    door = Accepted(house, kind)
    assert [door.deliver(ONE_MESSAGE[kind]) for _ in range(3)] == [200] * 3
    assert door.count() == (1, 2)


def test_a_mention_in_slack_is_one_message_though_it_is_two_events(house):
    door = Accepted(house, 'slack')
    assert [door.deliver(f'event_{name}.json') for name in ('app_mention', 'message_of_the_mention')] == [200, 200]
    assert door.count() == (1, 1)


def test_a_message_of_zapi_that_waits_for_its_content_does_not_keep_it_out(house):
    door = Accepted(house, 'zapi')
    for name in ('received_waiting_message', 'received_content_after_waiting', 'received_content_after_waiting'):
        assert door.deliver(f'{name}.json') == 200
    assert door.count() == (1, 1)


def test_two_messages_and_a_status_of_whatsapp_are_two_messages(house):
    door = Accepted(house, 'whatsapp')
    assert door.deliver('messages_batch_two_messages_and_status.json') == 200
    assert door.count() == (2, 0)
    assert house.why('BR.10000000000000101')['messages'] == 2


def test_all_of_whatsapp_s_bodies_together(house):
    """Each delivered twice, as Meta does it when an answer was late."""
    door = Accepted(house, 'whatsapp')
    names = list(deliveries('whatsapp'))
    assert {door.deliver(name) for name in names + names} == {200}
    told = re.findall(r'(?<=\n    )(message|edit|delete|person|alias) ', (GOLDEN / 'whatsapp.txt').read_text())
    assert door.count() == (told.count('message'), len(told))
