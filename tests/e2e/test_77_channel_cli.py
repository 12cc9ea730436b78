"""lull channel: a channel is tried out with nothing running; and each command of the how-to in deploy/CHANNELS.md."""

import json
import os
import re
import subprocess

import pytest

from lull import PAYLOADS, PROGRAMS, TOP, free_port
from peers import chatwoot_headers, standard_headers
from platforms import twilio_headers
from scenes import SECRET

INCOMING = PAYLOADS / 'chatwoot' / 'message_created_incoming_api.json'
OUTGOING = PAYLOADS / 'chatwoot' / 'message_created_outgoing_lull.json'
WHATSAPP = PAYLOADS / 'whatsapp' / 'messages_batch_two_messages_and_status.json'
NUMBER = ('--set', 'phone_number_id=106540352242922')

# A platform that lull does not know.
PAPO = '''# Papo: a chat for shops.
settings:
  url: {form: url, default: "https://api.papo.example", what: "the address of the API"}
  token: {required: true, secret: true, what: "API token"}
  login: {secret: true, what: "the password of the API's older half"}
  secret: {required: true, secret: true, what: "signs webhooks"}
proof:
  - {scheme: hmac-sha256, setting: secret, header: X-Papo, content: "{body}"}
read:
  - thread: /room
    id: /id
    text: /text
    to: {room: /room, door: /door}
post:
  url: "{url}/bot{token}/rooms/{to.room}"
  headers:
    Authorization: {basic: ["papo", "{login}"]}
    X-Token: "{token}"
  form: true
  body: {text: "{reply}", door: "{to.door}"}
'''


@pytest.fixture
def channels(house):
    """A house with a chatwoot, and a kind of its own."""
    (house.folder / 'channels').mkdir()
    (house.folder / 'channels' / 'papo.yaml').write_text(PAPO)
    house.configure(channel_files='channels')
    house.add_tenant(channels={
        'support': {'kind': 'chatwoot', 'url': 'https://chat.example', 'account': 2, 'token': 'T0P',
                    'secret': 'S3CRET'},
        'own': {'kind': 'generic', 'secret': SECRET, 'reply_url': 'https://own.example/replies'},
        'papo': {'kind': 'papo', 'token': 'T0P', 'login': 'L0GIN', 'secret': 'S3CRET'}})
    return house


def told(result):
    """What a command printed, which must have gone well."""
    assert (result.returncode, result.stderr) == (0, '')
    return result.stdout


def as_json(house, *words, **keys):
    return json.loads(told(house.run('channel', *words, '--json', **keys)))


def options(headers):
    """As words of the command line."""
    return [word for name, value in headers.items() for word in ('--header', f'{name}: {value}')]


# -- what lull makes of a webhook ----------------------------------------------------------------------------------


def test_a_message_is_shown_with_all_that_lull_takes_of_it(channels):
    out = told(channels.run('channel', 'test', 'acme/support', INCOMING))
    body = json.loads(INCOMING.read_text())
    assert out.startswith('acme/support, a chatwoot channel\n') and '\n1. message\n' in out
    for key, value in {'thread': body['conversation']['id'], 'text': body['content'], 'kind': 'text'}.items():
        assert re.search(rf'^  {key} +{re.escape(str(value))}$', out, re.M), key
    shown, = as_json(channels, 'test', 'acme/support', INCOMING)['events']
    assert (shown['what'], shown['text']) == ('message', body['content'])


def test_several_things_in_one_body_are_numbered_and_what_is_ignored_says_why(channels):
    out = told(channels.run('channel', 'test', 'whatsapp', WHATSAPP, *NUMBER))
    assert re.findall(r'^(\d)\. (\w+)', out, re.M) == [('1', 'message'), ('2', 'message'), ('3', 'ignored')]
    assert '3. ignored: ' in out
    out = told(channels.run('channel', 'test', 'whatsapp', WHATSAPP, '--set', 'phone_number_id=5'))
    assert out.count('ignored: a message for another number') == 2


@pytest.mark.parametrize('kind, name', [
    ('chatwoot', 'message_created_incoming_api.json'), ('whatsapp', WHATSAPP.name),
    ('zapi', 'received_text.json'), ('evolution', 'messages_upsert_text.json'),
    ('twilio', 'whatsapp_text.form')])
def test_a_stand_in_never_makes_a_webhook_one_of_somebody_else(channels, kind, name):
    out = told(channels.run('channel', 'test', kind, PAYLOADS / kind / name))
    assert '1. message' in out and 'nother' not in out.split('1. message')[0], out
    given = {'chatwoot': 'account=77', 'whatsapp': 'phone_number_id=5', 'zapi': 'instance=x', 'evolution': 'instance=x',
             'twilio': 'account_sid=x'}
    out = told(channels.run('channel', 'test', kind, PAYLOADS / kind / name, '--set', given[kind]))
    assert '1. ignored: ' in out, out


def test_a_body_may_come_from_stdin_and_a_wrong_one_is_told_with_its_place(channels):
    said = '{"thread": "ana", "text": "Oi"}'
    assert '1. message' in told(channels.run('channel', 'test', 'generic', '-', input=said))
    result = channels.run('channel', 'test', 'generic', '-', input='{"thread": ana}')
    assert result.returncode == 1 and 'line 1, column' in result.stderr and result.stdout == ''


def test_a_strangers_text_cannot_steer_the_terminal(channels):
    body = json.dumps({'thread': 'a\u202eb', 'text': 'Oi\x1b[2J\ntudo', 'from': '\x9b31m'})
    out = told(channels.run('channel', 'test', 'generic', '-', input=body))
    assert not set(out) & {'\x1b', '\x9b', '\u202e'} and r'Oi\x1b[2J\ntudo' in out


# -- signatures ----------------------------------------------------------------------------------------------------


def test_a_signature_is_checked_with_the_headers_that_came_with_it(channels):
    body = INCOMING.read_bytes()
    words = ('channel', 'test', 'acme/support', INCOMING)
    assert 'The signature holds.' in told(channels.run(*words, *options(chatwoot_headers(body, 'S3CRET'))))
    wrong = channels.run(*words, *options(chatwoot_headers(body, 'another')))
    assert wrong.returncode == 1 and 'The signature is wrong' in wrong.stdout and '1. message' in wrong.stdout
    old = told(channels.run(*words, *options(chatwoot_headers(body, 'S3CRET', at=1700000000))))
    assert 'The signature holds, but is too old' in old
    forged = channels.run(*words, *options(chatwoot_headers(body, 'another', at=1700000000)))
    assert forged.returncode == 1
    missing = channels.run(*words, '--header', 'X-Chatwoot-Event: message_created')
    assert missing.returncode == 1 and 'The signature is missing' in missing.stdout
    assert 'The signature is not checked' in told(channels.run(*words))


def test_where_the_address_is_signed_too_it_is_named_when_the_signature_is_wrong(channels):
    body = (PAYLOADS / 'twilio' / 'sms_text.form').read_bytes()
    url = 'https://x.example/hooks/other/sms/'
    channels.add_tenant('other', channels={
        'sms': {'kind': 'twilio', 'account_sid': 'AC1', 'auth_token': 'T0K', 'public_url': url}})
    words = ('channel', 'test', 'other/sms', PAYLOADS / 'twilio' / 'sms_text.form')
    wrong = channels.run(*words, *options(twilio_headers(body, 'T0K', url.rstrip('/'))))
    assert wrong.returncode == 1 and 'public_url' in wrong.stdout
    assert 'The signature holds.' in channels.run(*words, *options(twilio_headers(body, 'T0K', url))).stdout


def test_a_kind_without_its_secret_checks_no_signature_and_one_with_it_does(channels):
    body = '{"thread": "ana"}'
    headers = options(standard_headers(body.encode(), SECRET))
    assert as_json(channels, 'test', 'generic', '-', *headers, input=body)['signature'] == 'unchecked'
    words = ('test', 'generic', '-', '--set', f'secret={SECRET}')
    assert as_json(channels, *words, *headers, input=body)['signature'] == 'genuine'
    assert as_json(channels, 'test', 'generic', '-', '--set', 'unsigned=true', input=body)['signature'] == 'genuine'


def test_the_platforms_question_is_shown_with_its_answer(channels):
    question = ['--query', 'hub.mode=subscribe', '--query', 'hub.challenge=1158', '--query', 'hub.verify_token=mine']
    given = ['--set', 'verify_token=mine', '--set', 'secret=x']
    assert as_json(channels, 'test', 'whatsapp', '/dev/null', *question, *given) == {'challenge': '1158'}
    other = ['--set', 'verify_token=other', '--set', 'secret=x']
    refused = channels.run('channel', 'test', 'whatsapp', '/dev/null', *question, *other)
    assert refused.returncode == 1 and '403' in refused.stderr


# -- replies -------------------------------------------------------------------------------------------------------


def test_a_reply_is_shown_as_it_would_be_posted_without_a_secret(channels):
    out = told(channels.run('channel', 'reply', 'acme/support', INCOMING, 'Olá "Ana"'))
    assert out.startswith('POST https://chat.example/api/v1/accounts/2/conversations/4/messages\n')
    assert re.search(r'^api_access_token: \*\*\*$', out, re.M) and r'"content": "Olá \"Ana\""' in out
    assert 'T0P' not in out and 'S3CRET' not in out
    shown = as_json(channels, 'reply', 'acme/support', INCOMING, 'Olá')
    assert shown['method'] == 'POST' and shown['body']['content'] == 'Olá'


def test_what_is_made_of_a_secret_is_not_shown_either(channels):
    body = '{"room": "r 1", "id": "m1", "text": "Oi", "door": 7}'
    shown = as_json(channels, 'reply', 'acme/papo', '-', 'Olá & até', input=body)
    assert shown['url'] == 'https://api.papo.example/bot***/rooms/r%201'
    assert {'Authorization: Basic ***', 'X-Token: ***'} <= set(shown['headers'])
    assert shown['body'] == 'text=Ol%C3%A1%20%26%20at%C3%A9&door=7'
    signed = told(channels.run('channel', 'reply', 'acme/own', '-', 'Olá', input='{"thread": "ana"}'))
    assert re.search(r'^webhook-signature: \*\*\*$', signed, re.M) and 'whsec' not in signed


def test_what_cannot_be_answered_is_told(channels):
    ignored = channels.run('channel', 'reply', 'acme/support', OUTGOING, 'Olá')
    assert ignored.returncode == 1 and 'no message' in ignored.stderr
    long = channels.run('channel', 'reply', 'whatsapp', WHATSAPP, 'x' * 5000, *NUMBER)
    assert long.returncode == 1 and '4096' in long.stderr and 'parts' in long.stderr


# -- files ---------------------------------------------------------------------------------------------------------


def test_kinds_are_listed_with_where_they_come_from_and_shown(channels):
    out = told(channels.run('channel', 'list'))
    for kind in ('chatwoot', 'whatsapp', 'zapi', 'evolution', 'telegram', 'twilio', 'slack', 'generic'):
        assert re.search(rf'^{kind} +built in ', out, re.M), kind
    assert re.search(r'^papo +\S*channels/papo\.yaml +Papo: a chat for shops', out, re.M)
    assert told(channels.run('channel', 'show', 'papo')) == PAPO
    source = (TOP / 'common' / 'channels' / 'whatsapp.yaml').read_text()
    assert told(channels.run('channel', 'show', 'whatsapp')) == source
    wrong = channels.run('channel', 'show', 'whatsap')
    assert wrong.returncode == 1 and "'whatsapp'" in wrong.stderr


def test_every_built_in_file_is_good_and_can_be_tried_out(channels):
    for kind in [line['kind'] for line in as_json(channels, 'list')['kinds'] if line['source'] == 'built in']:
        path = channels.folder / f'my-{kind}.yaml'
        path.write_text(told(channels.run('channel', 'show', kind)))
        assert told(channels.run('channel', 'check', path)).endswith(': good\n')
        tried = channels.run('channel', 'test', path, '-', input='{}')
        assert tried.returncode == 0 or 'that is no webhook' in tried.stderr, tried.stderr


def test_a_fault_in_a_file_is_told_with_its_line_and_what_would_be_right(channels):
    path = channels.folder / 'mine.yaml'
    path.write_text(PAPO.replace('scheme: hmac-sha256', 'scheme: hmac-sha265'))
    for words in (('check', path), ('test', path, '-'), ('reply', path, '-', 'Olá')):
        result = channels.run('channel', *words, input='{}')
        assert result.returncode == 1 and result.stdout == ''
        assert f'{path}:8: ' in result.stderr and 'hmac-sha256' in result.stderr
    shown = json.loads(channels.run('channel', 'check', path, '--json').stdout)
    assert shown['good'] is False and len(shown['errors']) == 1


@pytest.mark.parametrize('settings, said', [
    ({'kind': 'zapi', 'instance': 'x', 'token': ' ', 'hook_token': 't'}, 'token: is a secret, and blank'),
    ({'kind': 'generic', 'token': '   '}, 'token: is a secret, and blank'),
    ({'public_url': 'https://YOUR-HOST/hooks/acme/sms'}, 'public_url: is the example as it stands'),
    ({'public_url': 'https://h.example/hooks/TENANT/twilio'}, 'public_url: is the example as it stands'),
    ({'public_url': 'https://h.example/hooks/acme/CHANNEL'}, 'public_url: is the example as it stands'),
    ({'public_url': 'https://h.example/hooks/acme/sms'}, None)])
def test_a_blank_secret_and_an_address_out_of_the_how_to_are_refused(house, settings, said):
    twilio = {'kind': 'twilio', 'account_sid': 'AC1', 'auth_token': 'T0P'}
    house.add_tenant(channels={'sms': settings if 'kind' in settings else {**twilio, **settings}})
    house.write_config()
    result = house.run('check', house.folder / 'lull.yaml')
    assert (result.returncode == 0) == (said is None), result.stderr
    assert said is None or f'channels.sms.{said}' in result.stderr


def test_a_channel_that_is_none_is_told(channels):
    for name, right in [('acme/supprt', 'support'), ('nobody/support', 'acme'), ('whatsap', 'whatsapp'),
                        ('./nowhere.yaml', 'No such file')]:
        result = channels.run('channel', 'test', name, INCOMING)
        assert result.returncode == 1 and right in result.stderr and result.stdout == '', name
    missing = channels.run('channel', 'test', 'generic', channels.folder / 'nothing.json')
    assert missing.returncode == 1 and 'nothing.json' in missing.stderr


@pytest.mark.parametrize('words', [
    ['channel'], ['channel', 'try'], ['channel', 'test', 'generic'], ['channel', 'reply', 'generic', '-'],
    ['channel', 'show'], ['channel', 'check'], ['channel', 'list', 'all'],
    ['channel', 'test', 'generic', '-', '--header', 'no colon'], ['channel', 'test', 'generic', '-', '--query', 'x'],
    ['channel', 'test', 'generic', '-', '--set', 'secret']])
def test_wrong_usage_says_so(channels, words):
    result = channels.run(*words, input='{"thread": "ana"}')
    assert (result.returncode, result.stdout) == (2, '') and result.stderr.startswith('lull: ')


# -- the how-to ----------------------------------------------------------------------------------------------------

BLOCK = re.compile(r'^```(\w+)(?: (\S+))?\n(.*?)^```$', re.M | re.S)


def how_to():
    """The part of deploy/CHANNELS.md, as (language, file name or '', text) of each block."""
    page = (TOP / 'deploy' / 'CHANNELS.md').read_text()
    return BLOCK.findall(page[page.index('\n## Add a channel of your own'):])


def script_of(blocks):
    """All commands in one shell, a line `== N` before those of each block."""
    lines = ['set -e', 'trap \'kill $(jobs -p) || true; wait || true\' EXIT']
    for number, (language, _, text) in enumerate(blocks):
        if language == 'sh':
            lines += [f'echo "== {number}"', text]
    return '\n'.join(lines)


def test_the_how_to_does_what_it_says(house):
    """Only the ports are others: the two that it names may be in use."""
    ports = {name: str(free_port()) for name in ('8600', '9000')}
    blocks = [(language, name, re.sub(r'\b(8600|9000)\b', lambda port: ports[port.group()], text))
              for language, name, text in how_to()]
    folder = house.folder / 'try'
    (folder / 'channels').mkdir(parents=True)
    for _, name, text in blocks:
        if name:
            (folder / name).write_text(text)
    path = ':'.join(sorted({str(program.parent) for program in PROGRAMS.values()}) + [os.environ['PATH']])
    environment = {**house.environment, 'PATH': path}
    environment.pop('LULL_CONFIG', None)
    result = subprocess.run(['setpriv', '--pdeathsig', 'KILL', 'bash', '-c', script_of(blocks)], cwd=folder,
                            env=environment, text=True, capture_output=True, timeout=120)
    logs = '\n'.join(log.read_text() for log in folder.glob('*.log'))
    assert result.returncode == 0, result.stdout + result.stderr + logs
    assert 'Sanitizer' not in logs and 'runtime error' not in logs, logs
    outputs = dict(re.findall(r'^== (\d+)\n(.*?)(?=^== |\Z)', result.stdout, re.M | re.S))
    shown = [number for number, (language, _, _) in enumerate(blocks) if language == 'text']
    assert len(shown) >= 6
    for number in shown:
        for line in blocks[number][2].splitlines():
            assert line in outputs[str(number - 1)], f'block {number}: {line!r} is not in\n{outputs[str(number - 1)]}'
