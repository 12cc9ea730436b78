"""The broker is away, and the ingest takes in nevertheless: what it acknowledged is handled once, and in order."""

import json
import os
import signal
import subprocess
import threading

import pytest

from lull import stays, wait_until
from scenes import start

N_THREADS = 4


class Talk:
    """Numbered messages for some threads, and what came of them."""

    def __init__(self, house, bot, tenant='acme'):
        self.house, self.bot, self.tenant, self.n, self.statuses = house, bot, tenant, 0, []

    def say(self, n=1, url=None):
        """`n` webhooks, one after the other; their statuses."""
        statuses = []
        for _ in range(n):
            self.n += 1
            body = {'thread': f't{self.n % N_THREADS}', 'id': f'{self.tenant}-{self.n}', 'text': str(self.n)}
            statuses.append(post(self.house, f'/hooks/{self.tenant}/own', body, url)[0])
        self.statuses += statuses
        return statuses

    def handled(self):
        """thread -> the texts that the bot was given, in its order."""
        said = {}
        for call in self.bot.calls:
            if call.json['tenant'] == self.tenant:
                said.setdefault(call.json['thread'], []).extend(call.texts)
        return said

    def is_handled(self):
        said = self.handled()
        return sum(len(texts) for texts in said.values()) >= self.n

    def check(self):
        """Everything was handled, once, and in the order in which it was said."""
        wait_until(self.is_handled, f'all {self.n} are handled')
        numbers = range(1, self.n + 1)
        assert self.handled() == {f't{at}': [str(n) for n in numbers if n % N_THREADS == at]
                                  for at in range(N_THREADS) if any(n % N_THREADS == at for n in numbers)}


def post(house, path, body, url=None):
    """(status, headers, what the body says)"""
    old, house.url = house.url, url or house.url
    try:
        status, headers, answer = house.post(path, body)
    finally:
        house.url = old
    return status, headers, json.loads(answer)


def own():
    return {'own': {'kind': 'generic', 'unsigned': True}}


@pytest.fixture
def town(house):
    """Everything runs, and the ingest has a spool."""
    house.configure(ingest={'spool': 'spool', 'ack_timeout': '3s'})
    house.bot, _ = start(house, channels=own(), quiet='150ms')
    house.start_ingest()
    return house


def start_again(house):
    """The ingest as a supervisor would after kill -9."""
    house.ingest.kill()
    return house.start_ingest()


def test_what_comes_while_the_broker_stands_still_is_acknowledged_and_handled(town):
    talk = Talk(town, town.bot)
    assert talk.say(3) == [200] * 3
    town.broker.pause()
    assert talk.say(20) == [200] * 20
    assert town.ingest.events('spooling')
    assert stays(lambda: not town.ingest.events('forwarded'), 0.2)
    town.broker.resume()
    wait_until(lambda: town.ingest.events('forwarded'), 'the spool is empty')
    assert talk.say(3) == [200] * 3
    talk.check()
    wait_until(lambda: town.ask('stats')['messages']['pending'] == 0, 'nothing is left')


def test_what_comes_while_the_broker_is_dead_is_handled_after_its_start(town):
    talk = Talk(town, town.bot)
    assert talk.say(2) == [200] * 2
    town.broker.kill()
    status, _, body = post(town, '/v1/messages', {'tenant': 'acme', 'thread': 'x', 'text': 'no id'})
    assert (status, body['accepted'], body['refused']) == (202, 1, [])
    assert talk.say(10) == [200] * 10
    town.start_broker()
    wait_until(lambda: town.ingest.events('forwarded'), 'the spool is empty')
    wait_until(lambda: 'x' in talk.handled(), 'the message without an id is handled')
    assert talk.say(2) == [200] * 2
    town.bot.calls[:] = [call for call in town.bot.calls if call.json['thread'] != 'x']
    talk.check()


def test_requests_under_way_when_the_broker_stops_keep_their_order(town):
    """Ten senders, each with a thread of its own, while the broker comes and goes."""
    over, wrong, counts = threading.Event(), [], {}

    def talk(thread):
        n = 0
        while not over.is_set() or n < 5:
            n += 1
            status = post(town, '/hooks/acme/own', {'thread': thread, 'id': f'{thread}-{n}', 'text': str(n)})[0]
            if status != 200:
                wrong.append((thread, n, status))
        counts[thread] = n

    threads = [threading.Thread(target=talk, args=(f's{n}',)) for n in range(10)]
    for thread in threads:
        thread.start()
    for _ in range(3):
        n = len(town.ingest.events('spooling'))
        town.broker.pause()
        wait_until(lambda: len(town.ingest.events('spooling')) > n, 'it is spooled')
        town.broker.resume()
        wait_until(lambda: len(town.ingest.events('forwarded')) > n, 'the spool is empty')
    over.set()
    for thread in threads:
        thread.join(60)
    assert wrong == []

    def handled():
        said = {}
        for call in town.bot.calls:
            said.setdefault(call.json['thread'], []).extend(call.texts)
        return said
    wait_until(lambda: sum(map(len, handled().values())) >= sum(counts.values()), 'all are handled', 60)
    assert handled() == {thread: [str(n) for n in range(1, last + 1)] for thread, last in counts.items()}


def test_kill_9_of_the_ingest_loses_nothing_that_it_acknowledged(town):
    talk = Talk(town, town.bot)
    town.broker.kill()
    for _ in range(3):
        assert talk.say(7) == [200] * 7
        start_again(town)
        assert town.ingest.events('spool_found')
    town.start_broker()
    assert talk.say(5) == [200] * 5
    talk.check()


def test_sigterm_leaves_the_spool_for_the_next_start_and_says_how_much_that_is(town):
    talk = Talk(town, town.bot)
    town.broker.kill()
    assert talk.say(9) == [200] * 9
    assert town.ingest.stop() == 0
    assert [event['messages'] for event in town.ingest.events('spool_kept')] == ['9']
    town.start_ingest()
    assert [event['messages'] for event in town.ingest.events('spool_found')] == ['9']
    town.start_broker()
    talk.check()


def test_an_empty_spool_leaves_no_database_behind(town):
    talk = Talk(town, town.bot)
    town.broker.kill()
    assert talk.say(3) == [200] * 3
    town.start_broker()
    wait_until(lambda: town.ingest.events('forwarded'), 'the spool is empty')
    assert town.ingest.stop() == 0
    assert not town.ingest.events('spool_kept')
    assert not (town.folder / 'spool' / '0' / 'data.mdb').exists()
    talk.check()


def test_without_a_spool_a_broker_that_is_away_is_503(house):
    house.configure(ingest={'ack_timeout': '500ms'})
    start(house, channels=own())
    house.start_ingest()
    house.broker.pause()
    status, headers, body = post(house, '/hooks/acme/own', {'thread': 't', 'id': '1', 'text': 'Oi'})
    assert (status, body['code']) == (503, 'broker_away')
    assert headers['Retry-After']


def test_a_full_spool_is_503_and_what_it_holds_is_handled(town):
    town.configure(ingest={'spool_bytes': '2MiB'}, limits={'message_bytes': '1MiB'})
    start_again(town)
    talk = Talk(town, town.bot)
    town.broker.pause()
    assert talk.say(1) == [200]
    large = {'thread': 'large', 'text': 'x' * 500_000}
    statuses = [post(town, '/hooks/acme/own', {**large, 'id': f'large-{n}'})[0] for n in range(8)]
    assert statuses[0] == 200 and statuses[-1] == 503
    status, headers, body = post(town, '/hooks/acme/own', {**large, 'id': 'again'})
    assert (status, body['code']) == (503, 'spool_full')
    assert headers['Retry-After'] and 'ingest.spool_bytes' in body['detail']
    assert len(town.ingest.events('spool_full')) == 1
    assert post_status(town, '/readyz') == 503
    town.broker.resume()
    wait_until(lambda: town.ingest.events('spool_has_room'), 'there is room')
    wait_until(lambda: town.ingest.events('forwarded'), 'the spool is empty')
    assert talk.say(4) == [200] * 4


def post_status(house, path):
    return house.post(path, None, method='GET')[0]


def test_an_ingest_with_room_in_its_spool_is_ready(town):
    assert post_status(town, '/readyz') == 200
    town.broker.pause()
    assert post_status(town, '/readyz') == 200
    assert not town.ingest.events('spooling')


def test_a_process_takes_over_what_a_dead_one_has_left(town):
    talk = Talk(town, town.bot)
    first, first_url = town.ingest, town.url
    second = town.start_ingest()
    town.broker.kill()
    assert talk.say(8, first_url) == [200] * 8
    first.kill()
    wait_until(lambda: second.events('spool_taken_over'), 'the other takes it over')
    assert second.events('spool_taken_over')[0]['messages'] == '8'
    assert talk.say(8) == [200] * 8
    town.start_broker()
    wait_until(lambda: second.events('forwarded'), 'the spools are empty')
    talk.check()
    wait_until(lambda: not (town.folder / 'spool' / '0' / 'data.mdb').exists(), 'the slot is free')


def test_what_the_broker_refuses_for_good_is_kept_to_be_sent_again(town):
    town.broker.kill()
    whole = {'tenant': 'acme', 'thread': 'ana', 'channel': 'gone', 'id': 'm1', 'text': 'Oi "ç"', 'from': 'Ana',
             'kind': 'text', 'data': {'n': [1]}, 'to': {'chat': '-100'}, 'aliases': ['5511'], 'at': 1795255200000}
    assert post(town, '/v1/messages', whole)[0] == 202
    assert post(town, '/v1/messages', {'tenant': 'acme', 'thread': 'bia', 'id': 'm2', 'text': 'Tudo?'})[0] == 202
    town.start_broker()
    wait_until(lambda: town.ingest.events('forwarded'), 'the spool is empty')
    path = town.folder / 'spool' / 'refused.ndjson'
    assert [json.loads(line) for line in path.read_text().splitlines()] == [whole]
    event, = town.ingest.events('spooled_message_refused')
    assert (event['level'], event['code'], event['id']) == ('error', 'unknown_channel', 'm1')
    assert 'Oi' not in town.ingest.log
    town.configure(tenants={'acme': {'channels': {'gone': {'kind': 'generic', 'unsigned': True}}}})
    town.write_config()
    for process in town.processes:
        if process.is_running() and process is not town.redis_process:
            process.popen.send_signal(signal.SIGHUP)
    wait_until(lambda: town.broker.events('reloaded'), 'the broker has read it')
    said = town.run('send', input=path.read_text())
    assert said.returncode == 0, said.stderr
    wait_until(lambda: any(call.json['thread'] == 'ana' for call in town.bot.calls), 'it is handled after all')


def test_a_full_tenant_waits_alone(house):
    house.configure(ingest={'spool': 'spool'})
    bot, _ = start(house, channels=own(), quiet='150ms', workers=0, max_pending=2)
    house.add_tenant('other', channels=own(), quiet='150ms',
                     handler={'kind': 'http', 'url': bot.url + '/answer'})
    house.broker.stop()
    house.start_broker()
    house.start_ingest()
    full, other = Talk(house, bot), Talk(house, bot, 'other')
    house.broker.pause()
    assert full.say(6) + other.say(6) == [200] * 12
    house.broker.resume()
    wait_until(lambda: house.ingest.events('spool_waits'), 'one is full')
    wait_until(lambda: house.ask('stats')['messages']['pending'] >= 8, 'the other goes on')
    house.start_worker()
    full.check()
    other.check()
    assert [event['code'] for event in house.ingest.events('spool_waits')] == ['tenant_full']


def test_a_damaged_spool_is_kept_aside_and_what_is_whole_in_it_is_handled(town):
    talk = Talk(town, town.bot)
    town.broker.kill()
    assert talk.say(12) == [200] * 12
    town.ingest.kill()
    path = town.folder / 'spool' / '0' / 'data.mdb'
    path.write_bytes(path.read_bytes().replace(b'acme-7', b'acme-X'))
    town.start_ingest()
    event, = town.ingest.events('spool_damaged')
    assert (event['level'], event['slot']) == ('error', '0')
    assert os.listdir(event['kept_in']) and town.ingest.events('spool_mended')[0]['messages'] == '11'
    town.start_broker()
    wait_until(lambda: sum(map(len, talk.handled().values())) >= 11, 'what was whole is handled')
    assert sorted(int(n) for texts in talk.handled().values() for n in texts) == [*range(1, 7), *range(8, 13)]


@pytest.mark.parametrize('damage', ['cut off', 'nothing left', 'no database'])
def test_a_spool_that_is_not_whole_is_said_and_not_fatal(town, damage):
    talk = Talk(town, town.bot)
    town.broker.kill()
    assert talk.say(30) == [200] * 30
    town.ingest.kill()
    path = town.folder / 'spool' / '0' / 'data.mdb'
    if damage == 'no database':
        path.write_bytes(b'x' * len(path.read_bytes()))
    else:
        os.truncate(path, 3 * 4096 if damage == 'cut off' else 0)
    town.start_ingest()
    assert town.ingest.events('spool_damaged')
    assert talk.say(1) == [200]


def break_leaves(data):
    """Each leaf page of an LMDB database says that it has more entries than it has room for."""
    for page in range(2 * 4096, len(data), 4096):
        if data[page + 10] & 2:
            data[page + 12:page + 14] = b'\xf0\x0f'
    return data


def test_a_page_that_ends_its_reader_ends_no_ingest(town):
    talk = Talk(town, town.bot)
    town.broker.kill()
    assert talk.say(30) == [200] * 30
    town.ingest.kill()
    path = town.folder / 'spool' / '0' / 'data.mdb'
    path.write_bytes(break_leaves(bytearray(path.read_bytes())))
    town.start_ingest()
    event, = town.ingest.events('spool_damaged')
    assert 'signal' in event['why'], event
    assert os.listdir(event['kept_in']) and talk.say(1) == [200]


@pytest.mark.skipif(os.geteuid() != 0, reason='needs root, to mount a small disk')
def test_a_full_disk_is_503_and_nothing_acknowledged_is_lost(house):
    disk = house.folder / 'disk'
    disk.mkdir()
    if subprocess.run(['mount', '-t', 'tmpfs', '-o', 'size=1m', 'lull-test', disk], capture_output=True).returncode:
        pytest.skip('mounting is not allowed here')
    try:
        house.configure(ingest={'spool': str(disk / 'spool'), 'ack_timeout': '1s'})
        bot, _ = start(house, channels=own(), quiet='150ms')
        house.start_ingest()
        house.broker.pause()
        sent, status = 0, 200
        while status == 200 and sent < 200:
            sent += 1
            status, headers, body = post(house, '/hooks/acme/own',
                                         {'thread': 't', 'id': str(sent), 'text': 'x' * 30_000})
        assert (status, body['code']) == (503, 'spool_failed') and headers['Retry-After']
        assert [event['level'] for event in house.ingest.events('spool_failed')] == ['error']
        assert [post_status(house, '/readyz') for _ in range(2)] == [503, 503]
        start_again(house)
        house.broker.resume()
        wait_until(lambda: house.ingest.events('forwarded'), 'the spool is empty')
        ids = lambda: [id for call in bot.calls for id in call.ids]
        wait_until(lambda: len(ids()) >= sent - 1, 'all that were acknowledged are handled')
        assert ids()[:sent - 1] == [str(n) for n in range(1, sent)]
    finally:
        for process in house.processes:
            if process.is_running():
                process.popen.send_signal(signal.SIGCONT)
        house.ingest and house.ingest.is_running() and house.ingest.stop()
        subprocess.run(['umount', '-l', disk], check=False)


def test_a_folder_that_cannot_be_used_is_said_at_the_start(house):
    (house.folder / 'spool').write_text('a file')
    house.configure(ingest={'spool': 'spool'})
    house.add_tenant()
    said = house.start_refused('lull-ingest')
    assert 'ingest.spool: cannot use the folder' in said and 'give lull-ingest a folder' in said
