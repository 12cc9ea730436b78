"""lull-worker against a broker in the test's hands: what it says, how often, and what it does when that misbehaves."""

import os
import signal
import socket
import threading
import time

import pytest

from fake_run_broker import EPOCH, FakeBroker
from lull import PROGRAMS, free_port, stays, wait_until
from peers import Answer, reply, status
from protocol import BUSY, DONE, FAILED, FAILED_FOR_GOOD, HANDED_BACK, WELCOME

KEY = 'lull:{acme/ana}:lock'


@pytest.fixture
def scene(house):
    return Scene(house)


class Scene:
    """A fake broker, and a worker that it has welcomed."""

    def __init__(self, house):
        self.house = house
        self.broker = house.keep(FakeBroker(house.config['broker']['workers']))

    def start(self, *script, kind='http', redis=True, keep_redis=False, channel=False, wait=True,
              **settings):
        house = self.house
        self.bot = house.peer(*script)
        handler = {'kind': kind, **({'url': self.bot.url + '/answer'} if kind == 'http' else {})}
        if channel:
            self.shop = house.peer(otherwise=status(200))
            settings['channels'] = {'shop': {'kind': 'generic', 'unsigned': 'true', 'reply_url': self.shop.url + '/in'}}
        house.add_tenant(**{'handler': handler, **settings})
        if redis:
            house.start_redis()
        elif not keep_redis:
            house.configure(redis='none')
        self.worker = house.start('worker', [PROGRAMS['lull-worker'], house.write_config()])
        if wait:
            wait_until(lambda: self.broker.alives, 'the worker is welcome and proves life')
        if redis and wait:
            wait_until(lambda: self.worker.events('redis_connected'), 'the worker has reached Redis')
        return self.broker

    def result(self, fence):
        """Its one RESULT."""
        wait_until(lambda: self.broker.results_of(fence), 'the result is there')
        return self.broker.results_of(fence)[-1]


# -- being there


def test_a_worker_says_hello_and_then_proves_life_in_time(scene):
    broker = scene.start(redis=False)
    uuid, incarnation, slots, version, held = broker.hellos[0][:5]
    assert (len(uuid), slots, held) == (16, 256, []) and incarnation > 1700000000000 and version
    wait_until(lambda: len(broker.alives) >= 6, 'it proves life again and again')
    gaps = [later[0] - sooner[0] for sooner, later in zip(broker.alives, broker.alives[1:])]
    assert sorted(gaps)[len(gaps) // 2] < 1.0, 'a third of the lease'


def test_a_worker_that_is_not_heard_says_hello_before_it_goes_on(scene):
    scene.broker.lease = 2000
    broker = scene.start(redis=False)
    assert stays(lambda: len(broker.hellos) == 1, 3)
    broker.hears = False
    wait_until(lambda: len(broker.hellos) >= 2, 'it asks whether its leases stand')
    wait_until(lambda: len(broker.hellos) >= 3, 'and again, a lease later')
    broker.hears = True
    known = len(broker.alives)
    wait_until(lambda: len(broker.alives) > known + 1, 'it is heard')
    known = len(broker.hellos)
    assert stays(lambda: len(broker.hellos) == known, 3)


def test_a_worker_says_hello_each_second_until_it_is_welcome(scene):
    scene.broker.is_silent = True
    scene.start(redis=False, wait=False)
    wait_until(lambda: len(scene.broker.hellos) >= 3, 'it says hello again')
    assert scene.broker.alives == []
    scene.broker.is_silent = False
    wait_until(lambda: scene.broker.alives, 'it is welcome')


def test_a_worker_that_starts_before_its_broker_finds_it(scene):
    scene.broker.close()
    scene.start(redis=False, wait=False)
    wait_until(lambda: scene.worker.events('started'), 'the worker has started')
    broker = scene.house.keep(FakeBroker(scene.house.config['broker']['workers']))
    wait_until(lambda: broker.alives, 'the worker is welcome')


def test_hello_first_is_answered_with_the_leases_held(scene):
    gate = threading.Event()
    broker = scene.start(reply('ok', gate=gate), redis=False)
    fence = broker.run()
    wait_until(lambda: scene.bot.running(), 'the call is under way')
    broker.complain('hello_first')
    wait_until(lambda: len(broker.hellos) == 2, 'it says hello')
    assert [held[0] for held in broker.hellos[1][4]] == [fence]
    gate.set()
    assert scene.result(fence).outcome == DONE


def test_each_lease_is_named_until_its_result_is_settled(scene):
    gate = threading.Event()
    broker = scene.start(reply('ok', gate=gate), redis=False)
    broker.settles = False
    fence = broker.run()
    wait_until(lambda: fence in broker.alives[-1][2], 'the lease is named')
    gate.set()
    wait_until(lambda: len(broker.results_of(fence)) >= 3, 'the result is said again each second')
    first, _, third = broker.results_of(fence)[:3]
    assert third.at - first.at > 1.0, 'not at once'
    assert fence in broker.alives[-1][2]
    broker.settles = True
    wait_until(lambda: broker.alives[-1][2] == [], 'the lease is over')
    assert len(scene.bot.calls) == 1


# -- a run


def test_an_answer_is_committed_before_it_is_posted(scene):
    broker = scene.start(reply('one', 'two'), channel=True)
    broker.says_go = False
    fence = broker.run(channel='shop')
    wait_until(lambda: len(broker.answered) >= 2, 'ANSWERED is said again each second')
    assert broker.answered[0] == (fence, ['one', 'two'])
    assert scene.shop.calls == []
    broker.go(fence)
    result = scene.result(fence)
    assert (result.outcome, result.posted) == (DONE, 2)
    assert result.lock_wait_us > 0 and result.answering_us > 0
    assert [call.json['reply'] for call in scene.shop.calls] == ['one', 'two']
    assert len(scene.bot.calls) == 1


def test_stop_ends_a_run_without_a_result(scene):
    broker = scene.start(channel=True)
    broker.says_go = False
    fence = broker.run(channel='shop')
    wait_until(lambda: broker.answered, 'the answer is handed over')
    broker.stop(fence)
    wait_until(lambda: broker.alives[-1][2] == [], 'the lease is over')
    assert stays(lambda: broker.results == [] and scene.shop.calls == [], 1.2)
    assert scene.house.redis().get(KEY) is None


def test_cancel_aborts_the_call_and_gives_no_result(scene):
    broker = scene.start(reply('late', delay=60))
    fence = broker.run()
    wait_until(lambda: scene.bot.running(), 'the call is under way')
    told = time.monotonic()
    broker.cancel(fence)
    wait_until(lambda: scene.bot.calls[0].is_aborted, 'the call is aborted')
    assert scene.bot.calls[0].ended - told < 20, 'long before its answer'
    wait_until(lambda: broker.alives[-1][2] == [], 'the lease is over')
    assert broker.results == []
    assert scene.house.redis().get(KEY) is None


def test_a_stored_answer_is_posted_from_where_it_stands_without_asking(scene):
    broker = scene.start(channel=True)
    fence = broker.run(channel='shop', answer=['one', 'two', 'three'], posted=1)
    assert scene.result(fence).posted == 3
    assert [call.json['reply'] for call in scene.shop.calls] == ['two', 'three']
    assert [call.json['index'] for call in scene.shop.calls] == [1, 2]
    assert scene.bot.calls == [] and broker.answered == []


def test_a_channel_that_refuses_keeps_what_is_out(scene):
    broker = scene.start(reply('one', 'two'), channel=True)
    scene.shop.script += [status(200), status(503)]
    fence = broker.run(channel='shop')
    result = scene.result(fence)
    assert (result.outcome, result.posted) == (FAILED, 1)


def test_a_tenant_and_a_channel_of_another_file_are_said_to_be_unknown(scene):
    broker = scene.start(redis=False)
    result = scene.result(broker.run(tenant='other'))
    assert (result.outcome, result.code) == (FAILED, 'unknown_tenant') and 'lull.yaml' in result.why
    result = scene.result(broker.run(channel='nowhere'))
    assert (result.outcome, result.code) == (FAILED, 'unknown_channel') and 'nowhere' in result.why
    assert scene.bot.calls == []


def test_the_same_frame_twice_is_one_run(scene):
    broker = scene.start(reply('ok', delay=0.5), redis=False)
    fence = broker.run()
    broker.run(fence=fence)
    assert scene.result(fence).outcome == DONE
    assert stays(lambda: len(scene.bot.calls) == 1 and len(broker.results) == 1, 0.5)


def test_more_runs_than_slots_are_handed_back(scene):
    gate = threading.Event()
    scene.house.configure(worker={'slots': 2})
    broker = scene.start(*[reply('ok', gate=gate)] * 2, redis=False)
    fences = [broker.run(thread=f't{n}') for n in range(3)]
    assert scene.result(fences[2]).outcome == HANDED_BACK
    gate.set()
    assert [scene.result(fence).outcome for fence in fences[:2]] == [DONE, DONE]


def test_cancel_aborts_a_post_under_way(scene):
    broker = scene.start(reply('one'), channel=True)
    scene.shop.script.append(reply('', delay=60))
    posting = broker.run(channel='shop')
    wait_until(lambda: scene.shop.running(), 'the post is under way')
    broker.cancel(posting)
    wait_until(lambda: scene.shop.calls[0].is_aborted, 'the post is aborted')
    wait_until(lambda: broker.alives[-1][2] == [], 'the lease is over')
    assert broker.results == []


def test_broken_frames_harm_nobody(scene):
    broker = scene.start(redis=False)
    for frame in (b'', b'\x00', b'\x26', b'\x26\xc1', b'\x26\x98' + b'\x01' * 8, b'\x28\x90', b'\xff' * 100,
                  b'\x2b\x92\x01', b'\x23\x90'):
        broker.send_raw(frame)
    assert scene.result(broker.run()).outcome == DONE


def test_three_hundred_calls_run_at_once(scene):
    scene.house.configure(worker={'slots': 1000})
    gate = threading.Event()
    broker = scene.start()
    scene.bot.otherwise = lambda call: reply('ok', gate=gate)
    fences = [broker.run(thread=f't{n}') for n in range(300)]
    wait_until(lambda: len(scene.bot.running()) == 300, 'all calls are under way', 60)
    asked = len(broker.alives)
    wait_until(lambda: len(broker.alives) >= asked + 3, 'it still proves life')
    assert len(broker.alives[-1][2]) == 300
    gate.set()
    wait_until(lambda: all(broker.results_of(fence) for fence in fences), 'all are done', 60)
    assert {result.outcome for result in broker.results} == {DONE}
    wait_until(lambda: not scene.house.redis().keys('lull:*:lock'), 'all locks are released')


# -- stopped, cut off, told to leave


def test_a_go_that_waited_while_the_worker_was_stopped_posts_nothing(scene):
    """Its lock would still be good for long; its lease is not."""
    scene.broker.lease = 1500
    broker = scene.start(channel=True, lock={'ttl': '60s'})
    broker.says_go = False
    fence = broker.run(channel='shop')
    wait_until(lambda: broker.answered, 'the answer is handed over')
    scene.worker.pause()
    stopped = time.monotonic()
    broker.is_silent = True
    broker.go(fence)
    wait_until(lambda: time.monotonic() - stopped > 2, 'the lease is over by any clock')
    scene.worker.resume()
    wait_until(lambda: len(broker.hellos) >= 2, 'it asks whether its lease stands')
    assert [held[0] for held in broker.hellos[1][4]] == [fence]
    assert stays(lambda: scene.shop.calls == [], 0.5)
    broker.is_silent = False
    wait_until(lambda: broker.alives[-1][0] > stopped + 2, 'it is welcome again')
    broker.go(fence)
    assert scene.result(fence).posted == 1


def test_a_run_that_waited_while_the_worker_was_stopped_is_not_begun(scene):
    scene.broker.lease = 1500
    broker = scene.start()
    scene.worker.pause()
    stopped = time.monotonic()
    fence = broker.run()
    wait_until(lambda: time.monotonic() - stopped > 2, 'the lease is over by any clock')
    scene.worker.resume()
    wait_until(lambda: broker.alives[-1][0] > stopped + 2, 'it is welcome again')
    assert stays(lambda: scene.bot.calls == [] and not broker.results_of(fence), 0.5)


def test_a_welcome_and_a_go_that_waited_while_the_worker_was_stopped_post_nothing(scene):
    """It had asked before it was stopped, and was answered in time: that proves nothing when it is read."""
    scene.broker.lease = 2000
    broker = scene.start(channel=True, lock={'ttl': '60s'})
    broker.says_go = False
    fence = broker.run(channel='shop')
    wait_until(lambda: broker.answered, 'the answer is handed over')
    broker.is_silent = True
    known = len(broker.hellos)
    broker.complain('hello_first')
    wait_until(lambda: len(broker.hellos) == known + 2, 'it says hello, and again')
    scene.worker.pause()
    stopped = time.monotonic()
    for _ in range(2):
        broker.send(WELCOME, [EPOCH, broker.lease, broker.alive, 'fake'])
    broker.go(fence)
    wait_until(lambda: time.monotonic() - stopped > 3, 'the lease is over by any clock')
    known = len(broker.hellos)
    scene.worker.resume()
    wait_until(lambda: len(broker.hellos) > known, 'it asks again')
    assert stays(lambda: scene.shop.calls == [], 0.5)
    broker.is_silent = False
    wait_until(lambda: broker.alives[-1][0] > stopped + 3, 'it is welcome again')
    broker.go(fence)
    assert scene.result(fence).posted == 1


class SlowDoor:
    """A server that nobody gets into until it opens; then what each caller sends is kept in `requests`."""

    def __init__(self):
        self.requests = []
        self._server = socket.socket()
        self._server.bind(('127.0.0.1', 0))
        self._server.listen(0)
        self.port = self._server.getsockname()[1]
        self.url = f'http://127.0.0.1:{self.port}/in'
        self._first = socket.create_connection(('127.0.0.1', self.port))  # takes the only place

    def is_knocked_at(self):
        """Does somebody connect, and is not let in?"""
        with open('/proc/net/tcp') as table:
            rows = [line.split() for line in table.readlines()[1:]]
        return any(row[2].endswith(f':{self.port:04X}') and row[3] == '02' for row in rows)

    def open(self):
        """Lets the second caller in, who then is connected although nobody has read from it."""
        self._server.accept()[0].close()
        self.caller = self._server.accept()[0]
        self.caller.settimeout(20)

    def sent(self):
        """All that the caller sends until it hangs up."""
        data = b''
        try:
            while more := self.caller.recv(65536):
                data += more
        except ConnectionResetError:
            pass
        return data

    def close(self):
        self._first.close()
        self._server.close()


@pytest.mark.parametrize('whom', ['handler', 'channel'])
def test_a_call_that_was_connecting_while_the_worker_was_stopped_is_not_sent(scene, whom):
    door = scene.house.keep(SlowDoor())
    scene.broker.lease = 1500
    settings = {'handler': {'handler': {'kind': 'http', 'url': door.url}},
                'channel': {'channels': {'shop': {'kind': 'generic', 'unsigned': True, 'reply_url': door.url}}}}[whom]
    broker = scene.start(lock={'ttl': '60s'}, **settings)
    fence = broker.run(channel='shop' if whom == 'channel' else None)
    wait_until(door.is_knocked_at, 'the worker connects')
    scene.worker.pause()
    stopped = time.monotonic()
    door.open()
    wait_until(lambda: time.monotonic() - stopped > 2, 'the lease is over by any clock')
    scene.worker.resume()
    assert door.sent() == b''
    result = scene.result(fence)
    assert (result.outcome, result.code, result.posted) == (HANDED_BACK, 'lease_unsure', 0)


def test_a_large_batch_arrives_whole_over_a_connection_that_is_reused(scene):
    broker = scene.start(reply('ok'), reply('ok'), redis=False)
    texts = ['x' * 60000] * 20
    for _ in range(2):
        assert scene.result(broker.run(texts=texts)).outcome == DONE
    assert [call.texts for call in scene.bot.calls] == [texts, texts]


def test_a_worker_stopped_for_longer_than_its_lock_aborts_and_reports(scene):
    scene.broker.lease = 60000
    broker = scene.start(reply('late', delay=60), lock={'ttl': '1s'})
    fence = broker.run()
    wait_until(lambda: scene.bot.running(), 'the call is under way')
    scene.worker.pause()
    wait_until(lambda: not scene.house.redis().exists(KEY), 'the lock is over')
    scene.worker.resume()
    result = scene.result(fence)
    assert (result.outcome, result.code) == (FAILED, 'lock_lost')
    wait_until(lambda: scene.bot.calls[0].is_aborted, 'the call is aborted')


def test_a_broker_that_is_gone_for_a_while_gets_its_result(scene):
    gate = threading.Event()
    broker = scene.start(reply('ok', gate=gate))
    fence = broker.run()
    wait_until(lambda: scene.bot.running(), 'the call is under way')
    broker.close()
    gate.set()
    wait_until(lambda: scene.worker.events('run_done'), 'the call is answered')
    again = scene.house.keep(FakeBroker(scene.house.config['broker']['workers']))
    wait_until(lambda: again.results_of(fence), 'the result arrives')
    assert len(scene.bot.calls) == 1


def test_a_worker_told_to_leave_takes_nothing_and_hands_back_the_rest(scene):
    scene.house.configure(worker={'drain': '4s'})
    broker = scene.start(reply('late', delay=60))
    fence = broker.run()
    wait_until(lambda: scene.bot.running(), 'the call is under way')
    told = time.monotonic()
    scene.worker.terminate()
    wait_until(lambda: broker.alives[-1][1] == 0, 'it offers no slots')
    assert time.monotonic() - told < 3.9
    refused = broker.run(thread='bia')
    assert scene.result(refused).outcome == HANDED_BACK
    assert scene.result(fence).outcome == HANDED_BACK
    assert scene.worker.await_exit() == 0
    assert scene.house.redis().get(KEY) is None


def test_a_run_that_crosses_the_farewell_is_handed_back(scene):
    broker = scene.start(redis=False)
    fences = []
    broker.on_alive = lambda slots: fences.append(broker.run()) if slots == 0 and not fences else None
    scene.worker.terminate()
    assert scene.worker.await_exit() == 0
    assert [(result.fence, result.outcome, result.code) for result in broker.results] == [
        (fences[0], HANDED_BACK, 'draining')]
    assert scene.bot.calls == []


def test_a_worker_told_twice_leaves_at_once(scene):
    scene.house.configure(worker={'drain': '60s'})
    broker = scene.start(reply('late', delay=60))
    fence = broker.run()
    wait_until(lambda: scene.bot.running(), 'the call is under way')
    scene.worker.terminate()
    wait_until(lambda: broker.alives[-1][1] == 0, 'it drains')
    scene.worker.terminate()
    assert scene.worker.await_exit() == 0
    assert broker.results_of(fence)[0].outcome == HANDED_BACK


def test_a_worker_without_work_leaves_at_once(scene):
    scene.house.configure(worker={'drain': '60s'})
    scene.start(redis=False)
    assert scene.worker.stop() == 0


def test_the_file_read_again_changes_the_tenants(scene):
    broker = scene.start(redis=False)
    assert scene.result(broker.run(tenant='late')).code == 'unknown_tenant'
    scene.house.add_tenant('late')
    scene.house.write_config()
    scene.worker.popen.send_signal(signal.SIGHUP)
    wait_until(lambda: scene.worker.events('reloaded'), 'the file is read')
    assert scene.result(broker.run(tenant='late')).outcome == DONE


def test_a_file_that_is_wrong_leaves_the_old_tenants(scene):
    broker = scene.start(redis=False)
    (scene.house.folder / 'lull.yaml').write_text('tenants: nonsense\n')
    scene.worker.popen.send_signal(signal.SIGHUP)
    wait_until(lambda: scene.worker.events('reload_failed'), 'the file is refused')
    assert scene.result(broker.run()).outcome == DONE


# -- the lock


def test_the_scripts_survive_that_redis_forgets_them(scene):
    broker = scene.start()
    assert scene.result(broker.run()).outcome == DONE
    scene.house.redis().script_flush()
    assert scene.result(broker.run()).outcome == DONE
    assert len(scene.bot.calls) == 2


@pytest.mark.parametrize('login, code', [(':p%40ss@', None), ('default:p%40ss@', None), (':wrong@', 'lock_unreachable'),
                                         ('', 'lock_unreachable')])
def test_redis_behind_a_name_and_a_password(scene, login, code):
    try:
        socket.getaddrinfo('localhost', None)
    except OSError:
        pytest.skip('this machine does not know the name localhost')
    house, port = scene.house, free_port()
    house.start('redis', ['redis-server', '--port', port, '--bind', '127.0.0.1', '--requirepass', 'p@ss', '--save', '',
                          '--dir', house.folder])
    house.configure(redis=f'redis://{login}localhost:{port}/3')
    broker = scene.start(redis=False, keep_redis=True)
    spoken = 'redis_refused' if code else 'redis_connected'
    wait_until(lambda: scene.worker.events(spoken), f'the worker says {spoken}')
    assert scene.result(broker.run()).code == code
    assert 'p@ss' not in scene.worker.log and 'wrong' not in scene.worker.log.replace('WRONGPASS', '')


def test_a_redis_that_was_away_and_then_refuses_is_complained_of_twice(scene):
    house, port = scene.house, free_port()
    house.configure(redis=f'redis://:wrong@127.0.0.1:{port}')
    scene.start(redis=False, keep_redis=True)
    wait_until(lambda: scene.worker.events('redis_unreachable'), 'nobody is there')
    house.start('redis', ['redis-server', '--port', port, '--bind', '127.0.0.1', '--requirepass', 'p@ss', '--save', '',
                          '--dir', house.folder])
    wait_until(lambda: scene.worker.events('redis_refused'), 'the password is wrong')
    assert len(scene.worker.events('redis_unreachable')) == len(scene.worker.events('redis_refused')) == 1


def test_a_redis_that_quotes_the_password_is_not_quoted(scene):
    """It does not know AUTH, and says which words came with it."""
    house, port = scene.house, free_port()
    house.start('redis', ['redis-server', '--port', port, '--bind', '127.0.0.1', '--rename-command', 'AUTH', '',
                          '--save', '', '--dir', house.folder])
    house.configure(redis=f'redis://:p%40ss@127.0.0.1:{port}')
    scene.start(redis=False, keep_redis=True)
    wait_until(lambda: scene.worker.events('redis_refused'), 'Redis does not understand')
    assert scene.worker.events('redis_refused')[0]['why'] == 'ERR unknown command '
    assert 'p@ss' not in scene.worker.log


def test_without_redis_nothing_runs_and_nothing_is_lost(scene):
    broker = scene.start()
    scene.house.redis_process.kill()
    wait_until(lambda: scene.worker.events('redis_lost'), 'Redis is gone')
    result = scene.result(broker.run())
    assert (result.outcome, result.code) == (BUSY, 'lock_unreachable')
    scene.house.start_redis()
    wait_until(lambda: len(scene.worker.events('redis_connected')) == 2, 'Redis is back')
    assert scene.result(broker.run()).outcome == DONE
    assert len(scene.bot.calls) == 1


def test_a_refused_batch_says_what_the_handler_said(scene):
    broker = scene.start(status(422), redis=False)
    result = scene.result(broker.run())
    assert (result.outcome, result.code) == (FAILED_FOR_GOOD, 'http_422')
    assert result.why == 'the handler refused the batch: it answered 422: status 422'


def test_the_log_holds_no_text_of_a_message(scene):
    broker = scene.start(reply('the secret answer'), channel=True)
    scene.result(broker.run(texts=['the secret question'], channel='shop'))
    assert scene.worker.events('run_done')[0]['fence'] == str(EPOCH * 2**32 + 1)
    assert 'secret' not in scene.worker.log


@pytest.mark.parametrize('answer, code, status, is_quoted', [
    (Answer(status=422, value={'error': {'message': 'no: "the secret question"'}}), 'http_422', '422', True),
    (Answer(value=b'{"reply": "the secret\nanswer"}'), 'bad_answer', '0', False),
])
def test_the_log_of_a_failed_run_holds_no_text_of_others(scene, answer, code, status, is_quoted):
    """The dead letter keeps a service's own sentence; the log, which goes elsewhere, has its code and status."""
    broker = scene.start(answer, redis=False)
    result = scene.result(broker.run())
    assert result.code == code and ('secret' in result.why) == is_quoted
    line = (scene.worker.events('run_failed') + scene.worker.events('run_failed_for_good'))[0]
    assert (line['code'], line['status']) == (code, status) and 'why' not in line
    assert 'secret' not in scene.worker.log


def test_a_worker_started_without_standard_descriptors_writes_its_log_into_no_other_file(scene):
    house = scene.house
    house.add_tenant()
    house.configure(redis='none')
    worker = house.start('worker', ['sh', '-c', 'exec "$0" "$1" 0<&- 1>&- 2>&-', PROGRAMS['lull-worker'],
                                    house.write_config()])
    wait_until(lambda: scene.broker.alives, 'the worker is welcome')
    assert [os.readlink(f'/proc/{worker.popen.pid}/fd/{fd}') for fd in range(3)] == ['/dev/null'] * 3
