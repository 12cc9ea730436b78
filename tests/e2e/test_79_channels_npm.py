"""The channels against the platforms' own libraries, from npm: what they sign our door accepts, what we sign they
accept, and what their clients send is what lull sends.

They are run by `tests/run --channels`, which installs the packages; $LULL_NPM is where."""

import json
import os
import pathlib
import shutil
import subprocess
import time
import urllib.parse

import pytest

from lull import wait_until
from peers import Answer, reply
from platforms import FORM, JSON, PUBLIC_URL, PLATFORMS, SECRET, slack_headers, twilio_headers
from scenes import done
from test_72_golden import Door, deliveries
from test_73_replies import Scene

PACKAGES = pathlib.Path(os.environ.get('LULL_NPM') or '/nonexistent')
pytestmark = pytest.mark.skipif(
    not (PACKAGES / 'node_modules' / 'standardwebhooks').is_dir() or not shutil.which('node'),
    reason='the packages of npm are not there; `tests/run --channels` installs them')
TOKEN = 'fake-twilio-auth-token'
SIGNING_SECRET = PLATFORMS['slack'].settings['signing_secret']


def theirs(*tasks):
    """What the libraries make of the tasks."""
    ended = subprocess.run(['node', pathlib.Path(__file__).parent / 'platforms.mjs', PACKAGES],
                           input=json.dumps(tasks), capture_output=True, text=True, timeout=60)
    assert ended.returncode == 0, ended.stderr
    return json.loads(ended.stdout)


def changed(text):
    return text[:-1] + ('A' if text[-1] != 'A' else 'B')


# -- what they sign -----------------------------------------------------------------------------------------------


def test_our_door_accepts_what_standardwebhooks_signs(house):
    door, stamp = Door(house, 'generic'), int(time.time())
    bodies = [deliveries('generic')[name] for name in ('message.json', 'messages_and_events.json')]
    task = {'do': 'standard_sign', 'secret': SECRET, 'at': stamp}
    signed = theirs(*[{**task, 'id': f'msg_{number}', 'body': body.decode()} for number, body in enumerate(bodies)])
    for number, (body, signature) in enumerate(zip(bodies, signed)):
        headers = {**JSON, 'webhook-id': f'msg_{number}', 'webhook-timestamp': str(stamp),
                   'webhook-signature': signature}
        assert door.deliver(body, headers)[0] == 200
        assert door.deliver(body + b' ', headers)[0] == 401


def test_our_door_accepts_what_twilio_signs(house):
    door, bodies = Door(house, 'twilio'), list(deliveries('twilio').values())
    signed = theirs(*[{'do': 'twilio_sign', 'token': TOKEN, 'url': PUBLIC_URL, 'body': body.decode()}
                      for body in bodies])
    for body, signature in zip(bodies, signed):
        assert door.deliver(body, {**FORM, 'X-Twilio-Signature': signature})[0] == 200
        assert door.deliver(body + b'&More=1', {**FORM, 'X-Twilio-Signature': signature})[0] == 401


def test_our_door_accepts_a_body_that_twilio_signs_by_its_hash(house):
    """The hash of the body is in the query of the address."""
    door = Door(house, 'twilio')
    body = deliveries('twilio')['sms_text.form'].decode()
    signed, = theirs({'do': 'twilio_sign_json', 'token': TOKEN, 'url': PUBLIC_URL, 'body': body})
    path = urllib.parse.urlsplit(signed['url'])
    headers = {**FORM, 'X-Twilio-Signature': signed['signature']}
    assert house.post(f'/hooks/acme/support?{path.query}', body.encode(), headers)[0] == 200
    assert [said.text for said in door.broker.accepted] == ['Oi & até = logo +1']
    assert house.post(f'/hooks/acme/support?{path.query}', body.encode() + b' ', headers)[0] == 401
    assert house.post('/hooks/acme/support', body.encode(), headers)[0] == 401


def test_our_door_accepts_the_tokens_that_jsonwebtoken_signs(house):
    """Which is what Evolution signs with."""
    door, body = Door(house, 'evolution'), deliveries('evolution')['messages_upsert_text.json']
    task = {'do': 'jwt_sign', 'secret': 'the jwt key', 'claims': {'app': 'evolution', 'action': 'webhook'}}
    good, old, other = theirs({**task, 'expires': '10m'}, {**task, 'expires': '-10m'},
                              {**task, 'secret': 'another key', 'expires': '10m'})
    assert [door.deliver(body, {**JSON, 'Authorization': f'Bearer {token}'})[0]
            for token in (good, old, other)] == [200, 401, 401]


# -- what we sign, and what the tests of the door sign with -------------------------------------------------------


def test_standardwebhooks_accepts_what_we_sign(house):
    """The call of the handler, and the reply of a generic channel."""
    scene = Scene(house, 'generic', reply('Olá 😀'))
    scene.deliver('message.json')
    wait_until(lambda: done(house) == 1, 'the batch is done')
    calls = scene.bot.calls + scene.server.calls
    tasks = [{'do': 'standard_verify', 'secret': SECRET, 'headers': call.headers, 'body': call.body.decode()}
             for call in calls]
    assert theirs(*tasks, *[{**task, 'body': task['body'] + ' '} for task in tasks]) == [True, True, False, False]


def test_twilio_and_slack_accept_the_signatures_that_our_door_accepts():
    """Those that the tests of the door make by hand."""
    form, event = deliveries('twilio')['whatsapp_text.form'], deliveries('slack')['event_message_im.json']
    signature = twilio_headers(form, TOKEN)['X-Twilio-Signature']
    task = {'do': 'twilio_verify', 'token': TOKEN, 'url': PUBLIC_URL, 'body': form.decode(), 'signature': signature}
    headers = {name.lower(): value for name, value in slack_headers(event, SIGNING_SECRET).items()}
    other = {'do': 'slack_verify', 'secret': SIGNING_SECRET, 'headers': headers, 'body': event.decode()}
    old = {name.lower(): value for name, value in slack_headers(event, SIGNING_SECRET, time.time() - 400).items()}
    assert theirs(task, {**task, 'signature': changed(signature[:-1]) + '='}) == [True, False]
    assert theirs(other, {**other, 'body': other['body'] + ' '}, {**other, 'headers': old}) == [True, False, False]


# -- what their clients send --------------------------------------------------------------------------------------


def ours(house, kind, name, **settings):
    """The typing sign and the reply, as a worker sends them; without a sign, the reply."""
    scene = Scene(house, kind, reply('Olá & 😀', delay=0.8), **settings)
    scene.deliver(name)
    wait_until(lambda: done(house) == 1, 'the batch is done')
    return scene.server.calls


def test_what_is_sent_to_twilio_is_what_its_client_sends(house):
    typing, message = ours(house, 'twilio', 'whatsapp_text.form', typing=True)
    said, = theirs({'do': 'twilio_send', 'account': 'AC00000000000000000000000000000001', 'token': TOKEN,
                    'message': {'to': 'whatsapp:+15550100101', 'from': 'whatsapp:+15550100999', 'body': 'Olá & 😀'},
                    'typing': {'messageId': 'SM00000000000000000000000000000001', 'channel': 'whatsapp'}})
    for call, theirs_ in zip((message, typing), said):
        assert (call.method, call.path, call.headers['content-type']) == tuple(
            theirs_[name] for name in ('method', 'path', 'type'))
        assert dict(urllib.parse.parse_qsl(call.body.decode(), strict_parsing=True)) == theirs_['fields']


def test_what_is_sent_to_telegram_is_what_grammy_sends(house):
    typing, message = ours(house, 'telegram', 'message_topic.json')
    peer = house.peer(otherwise=Answer(value={'ok': True, 'result': {'message_id': 1}}))
    theirs({'do': 'telegram_send', 'token': '100000900:FAKE', 'url': peer.url, 'chat': -1001234567890123,
            'text': 'Olá & 😀', 'topic': 7})
    for call, expected in zip((message, typing), peer.calls):
        assert (call.method, call.path, call.json) == (expected.method, expected.path, expected.json)


def test_what_is_sent_to_slack_is_what_its_client_sends(house):
    """The client sends a form, lull JSON: Slack takes both. To escape the text is left to whoever calls the client."""
    message, = ours(house, 'slack', 'event_message_in_thread.json')
    peer = house.peer(otherwise=Answer(value={'ok': True, 'ts': '1.2'}))
    theirs({'do': 'slack_send', 'token': 'xoxb-FAKE', 'url': peer.url,
            'message': {'channel': 'C00000001', 'text': 'Olá &amp; 😀', 'thread_ts': '1700000050.000100'}})
    expected, = peer.calls
    assert (message.method, message.path, message.headers['authorization']) == (
        expected.method, expected.path, expected.headers['authorization'])
    assert message.json == dict(urllib.parse.parse_qsl(expected.body.decode()))
