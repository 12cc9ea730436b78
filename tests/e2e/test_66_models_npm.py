"""lull against what others wrote, from npm: @copilotkit/aimock as the model, whose journal says what was asked; and the
official client `openai`, for a second opinion on the shape of what is asked.

They are run by `tests/run --models`, which installs both packages; $LULL_NPM is where."""

import json
import os
import pathlib
import re
import shutil
import subprocess
import urllib.request

import pytest

from lull import wait_until
from models import Model
from test_65_models import BOTH, CHAT, RESPONSES, Scene
from scenes import RETRY, done

PACKAGES = pathlib.Path(os.environ.get('LULL_NPM') or '/nonexistent')
pytestmark = pytest.mark.skipif(
    not (PACKAGES / 'node_modules' / 'openai').is_dir() or not shutil.which('node'),
    reason='the packages of npm are not there; `tests/run --models` installs them')


class Aimock:
    """The model server, with these fixtures."""

    def __init__(self, house, fixtures):
        path = house.folder / 'fixtures.json'
        path.write_text(json.dumps({'fixtures': fixtures}))
        self.log = house.folder / 'aimock.log'
        with open(self.log, 'wb') as log:
            self.popen = subprocess.Popen(
                ['setpriv', '--pdeathsig', 'KILL', 'node', PACKAGES / 'node_modules' / '.bin' / 'llmock', '--port', '0',
                 '--fixtures', path, '--strict', '--chunk-size', '8', '--journal-max', '0',
                 '--fixture-counts-max', '0'],
                stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        found = wait_until(lambda: re.search(r'listening on (http://\S+)', self.log.read_text()), 'aimock listens')
        self.url = found[1]

    def journal(self):
        with urllib.request.urlopen(self.url + '/__aimock/journal?limit=100000') as answer:
            return json.load(answer)

    def close(self):
        self.popen.kill()
        self.popen.wait()


class AimockScene(Scene):
    """As Scene, with aimock behind the handler."""

    def __init__(self, house, handler, fixtures, **settings):
        if handler.get('api') == 'responses':
            handler = {**handler, 'conversation': {'ttl': '0s'}}  # aimock has none
        mock = Aimock(house, fixtures)
        super().__init__(house, mock, handler={**handler, 'url': mock.url + '/v1'}, **settings)


def said_in(entry):
    return entry['body']['messages'][-1]['content']


def is_completed(entry):
    return entry['response']['status'] == 200 and not entry['response'].get('interrupted')


def answers(name, *first):
    """Fixtures for the messages with this name in them: what comes first, and then a reply."""
    match = {'userMessage': f'[{name}]'}
    return [*({'match': {**match, 'sequenceIndex': number}, **fixture} for number, fixture in enumerate(first)),
            {'match': match, 'response': {'content': f'This is the whole of the reply to [{name}], olá.'}}]


SLOW_DOWN = {'response': {'error': {'message': 'slow down', 'type': 'rate_limit_error', 'code': 'rate_limit_exceeded'},
                          'status': 429, 'retryAfter': 1}}
OUT_OF_ORDER = {'response': {'error': {'message': 'oh', 'type': 'server_error'}, 'status': 500}}
CUT = {'response': {'content': 'This one is cut off in the middle of a sentence.'}, 'truncateAfterChunks': 4}
DROPPED = {'response': {'content': 'This one is dropped in the middle of a sentence.'}, 'latency': 30,
           'disconnectAfterMs': 100}


@BOTH
def test_each_batch_has_one_completed_call(house, handler):
    threads, faults = range(1, 61), [(), (SLOW_DOWN,), (OUT_OF_ORDER,), (CUT,), (DROPPED,), (CUT, DROPPED)]
    fixtures = [fixture for thread in threads for fixture in answers(thread, *faults[thread % len(faults)])]
    house.configure(provider={'failures': 0})  # as many faults would open the breaker
    scene = AimockScene(house, handler, fixtures, concurrency=1000, workers=2, retry={**RETRY, 'attempts': 20})
    for words in ('Oi', 'Tudo bem?', 'Quanto custa?'):
        for thread in threads:
            scene.say(f'{words} [{thread}]', thread=thread)
    wait_until(lambda: not house.ask('stats')['messages']['pending'], 'all are done', 120)
    completed = sorted(said_in(entry) for entry in scene.model.journal() if is_completed(entry))
    n_batches = done(house)
    assert len(completed) == len(set(completed)) == n_batches, 'one completed call for each batch'
    for thread in threads:
        of_thread = [said for said in completed if f'[{thread}]' in said]
        assert sorted('\n'.join(of_thread).split('\n')) == sorted(
            f'{words} [{thread}]' for words in ('Oi', 'Tudo bem?', 'Quanto custa?')), 'each message was asked once'
        whole = f'This is the whole of the reply to [{thread}], olá.'
        assert scene.chatwoot.replies(thread) == [whole] * len(of_thread)
    statuses = [entry['response']['status'] for entry in scene.model.journal()]
    broken = [entry for entry in scene.model.journal() if entry['response'].get('interrupted')]
    print(f'{n_batches} batches, {len(completed)} completed calls, {statuses.count(429)} answered 429, '
          f'{statuses.count(500)} answered 500, {len(broken)} broke off')
    assert statuses.count(429) >= 10 and statuses.count(500) >= 10 and len(broken) >= 30


@BOTH
def test_a_429_is_heeded(house, handler):
    scene = AimockScene(house, handler, answers('a', {'response': {**SLOW_DOWN['response'], 'retryAfter': 2}}))
    scene.say_and_wait('Oi [a]')
    first, second = scene.model.journal()
    assert first['response']['status'] == 429 and is_completed(second)
    assert second['timestamp'] - first['timestamp'] >= 2000


@BOTH
def test_the_tokens_are_those_that_aimock_says(house, handler):
    scene = AimockScene(house, handler, [{'match': {'userMessage': '[a]'}, 'response': {
        'content': 'A reply.', 'usage': {'prompt_tokens': 123, 'completion_tokens': 45, 'total_tokens': 168,
                                         'input_tokens': 123, 'output_tokens': 45}}}])
    assert scene.say_and_wait('Oi [a]') == ['A reply.']
    scene.await_saved('tokens_in_total', 123)
    assert scene.saved('tokens_out_total') == 45


@BOTH
def test_an_interrupted_call_is_not_completed(house, handler):
    long = {'response': {'content': 'word ' * 200}, 'latency': 100}
    scene = AimockScene(house, handler, answers('a', long), on_new_message='interrupt')
    scene.say('one [a]')
    wait_until(lambda: scene.model.journal(), 'the model is asked')
    scene.say('two [a]')
    wait_until(lambda: done(house) == 1, 'the batch is done')
    assert scene.chatwoot.replies(4) == ['This is the whole of the reply to [a], olá.']
    wait_until(lambda: len(scene.model.journal()) == 2, 'both calls are in the journal')
    second = next(entry for entry in scene.model.journal() if 'two' in said_in(entry))
    assert said_in(second) == 'one [a]\ntwo [a]' and is_completed(second)


# -- the official client -------------------------------------------------------------------------------------------


def shape(call):
    """Method, path, what both must say in headers, and the JSON without what names the batch."""
    body = call.json if call.body else None
    if body and 'metadata' in body:
        body = {**body, 'metadata': {name: re.sub('[0-9A-Z]{26}', 'BATCH', text)
                                     for name, text in body['metadata'].items()}}
    return (call.method, call.path, call.headers['authorization'],
            call.headers['content-type'].split(';')[0] if body is not None else None, body)


def test_what_is_sent_is_what_the_official_client_sends(house):
    theirs = house.keep(Model())
    heard = subprocess.run(['node', pathlib.Path(__file__).parent / 'openai_client.mjs', PACKAGES, theirs.url + '/v1'],
                           capture_output=True, text=True, timeout=60)
    assert heard.returncode == 0, heard.stderr
    heard = json.loads(heard.stdout)
    common = {'system': 'Be brief.', 'temperature': 0.5, 'max_tokens': 99}
    scene = Scene(house, Model(), handler={**CHAT, **common})
    scene.say_and_wait('Oi')
    scene.say('one')
    scene.say('two')
    wait_until(lambda: done(house) == 2, 'the batch is done')
    assert shape(scene.model.calls[1]) == shape(theirs.calls[0])
    assert scene.chatwoot.replies(4)[-1] == heard['chat']['text'] and heard['chat']['tokens'] == [11, 7]


def test_what_is_sent_to_responses_is_what_the_official_client_sends(house):
    theirs = house.keep(Model())
    heard = subprocess.run(['node', pathlib.Path(__file__).parent / 'openai_client.mjs', PACKAGES, theirs.url + '/v1'],
                           capture_output=True, text=True, timeout=60)
    assert heard.returncode == 0, heard.stderr
    heard = json.loads(heard.stdout)
    model = Model()
    next(model._ids)  # theirs has given out one before, so that the conversations have the same name
    scene = Scene(house, model, handler={**RESPONSES, 'system': 'Be brief.', 'temperature': 0.5, 'max_tokens': 99})
    scene.say_and_wait('Oi')
    assert [shape(call) for call in model.calls] == [shape(call) for call in theirs.calls[1:3]]
    assert scene.chatwoot.replies(4) == [heard['responses']['text']] and heard['responses']['tokens'] == [11, 7]
