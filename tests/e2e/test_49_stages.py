"""A run, stage by stage, on a worker that is killed, stopped, or loses its lock in the middle: the model is asked
once, and one reply is shown."""

import signal
import threading

from fake_run_broker import FakeBroker
from lull import PROGRAMS, stays, wait_until
from peers import Answer, Chatwoot, reply
from protocol import message
from scenes import RETRY, done, start

ROUNDS = 4
LOCK = {'ttl': '2s'}


class Scene:
    """A tenant that posts to a Chatwoot of ours. While `open` is not set, posts wait for their answer, having been kept
    or not."""

    def __init__(self, house, script=(), **settings):
        self.house, self.is_kept = house, True
        self.chatwoot = house.keep(Chatwoot(self._on_post))
        self.bot, self.producer = start(house, *script, channels={'support': self.chatwoot.channel()},
                                        **{'lock': LOCK, **settings})
        self.open = threading.Event()
        self.chatwoot.post_gate = self.open
        self.open.set()

    def _on_post(self, call, number):
        return Chatwoot.KEEP if self.is_kept else Answer(status=500, gate=self.open)

    @property
    def worker(self):
        """The newest."""
        return [process for process in self.house.processes if process.name.startswith('worker')][-1]

    def say(self, thread, words='Oi'):
        told = self.chatwoot.person_says(thread, words)
        self.producer.say(message('acme', str(thread), words, id=f'{Chatwoot.ACCOUNT}-{told["id"]}', channel='support'))

    def events(self, name):
        """Of all workers."""
        return [event for process in self.house.processes if process.name.startswith('worker')
                for event in process.events(name)]

    def is_failure(self, code, thread='4'):
        return self.house.why(thread).get('last_failure', {}).get('code') == code

    def await_post(self, number):
        wait_until(lambda: len(self.chatwoot.posts) == number, f'post number {number} has come')

    def replies(self, thread):
        return self.chatwoot.replies(thread)

    def await_savings(self, **wanted):
        """Counters of the tenant; they are told each second."""
        def are_there():
            savings = self.house.ask('stats')['tenants']['acme']['savings']
            return {what: savings[what] for what in wanted} == wanted
        wait_until(are_there, f'the savings are {wanted}')


# -- after the commit point ---------------------------------------------------------------------------------------


def test_who_is_killed_after_the_answer_is_stored_costs_no_second_call(house):
    """Half of the posts are seen by people before the worker dies, half are not."""
    scene = Scene(house)
    for thread in range(ROUNDS):
        posts = len(scene.chatwoot.posts)
        scene.is_kept = thread % 2 == 0
        scene.open.clear()
        scene.say(thread, f'Oi {thread}')
        scene.await_post(posts + 1)
        scene.worker.kill()
        scene.is_kept = True
        scene.open.set()
        house.start_worker()
        wait_until(lambda: done(house) == thread + 1, 'another worker has finished it')
    assert {thread: scene.replies(thread) for thread in range(ROUNDS)} == {
        thread: [f'You wrote: Oi {thread}'] for thread in range(ROUNDS)}
    assert len(scene.bot.calls) == ROUNDS
    scene.await_savings(answers_reused_total=ROUNDS, posts_repeated_total=0)
    assert len(scene.events('post_found')) == ROUNDS // 2


def test_who_loses_the_lock_while_it_posts_leaves_a_doubt_that_is_cleared(house):
    scene = Scene(house, retry={**RETRY, 'base': '4s'})
    scene.open.clear()
    scene.say(4)
    scene.await_post(1)
    house.redis().delete('lull:{acme/4}:lock')
    wait_until(lambda: scene.is_failure('lock_lost'), 'the run has failed')
    assert house.why('4')['answer'] == {'replies': 1, 'posted': 0, 'doubt': True}
    scene.open.set()
    wait_until(lambda: done(house) == 1, 'the next run has finished it')
    assert scene.replies(4) == ['You wrote: Oi'] and len(scene.chatwoot.posts) == len(scene.bot.calls) == 1
    assert [event['in_doubt'] for event in scene.worker.events('lock_lost')] == ['yes']
    scene.await_savings(posts_found_total=1)


def test_who_leaves_waits_for_the_post_under_way_and_leaves_no_doubt(house):
    scene = Scene(house)
    scene.open.clear()
    scene.say(4)
    scene.await_post(1)
    leaving = scene.worker
    house.start_worker()
    leaving.terminate()
    wait_until(lambda: leaving.events('draining'), 'it drains')
    leaving.terminate()
    wait_until(lambda: leaving.events('handing_back'), 'it hands back what it can')
    scene.open.set()
    wait_until(lambda: done(house) == 1, 'the batch is done')
    assert leaving.await_exit() == 0
    assert scene.replies(4) == ['You wrote: Oi'] and len(scene.chatwoot.posts) == 1 and not scene.chatwoot.lists


def test_the_reply_of_a_channel_that_is_gone_for_a_while_is_not_forgotten(house):
    scene = Scene(house)
    scene.open.clear()
    scene.say(4)
    scene.await_post(1)
    scene.worker.kill()
    scene.open.set()
    channels = house.config['tenants']['acme'].pop('channels')
    house.start_worker()
    wait_until(lambda: scene.is_failure('unknown_channel'), 'it cannot be run there')
    assert house.why('4')['answer'] == {'replies': 1, 'posted': 0, 'doubt': True}
    house.config['tenants']['acme']['channels'] = channels
    house.write_config()
    scene.worker.popen.send_signal(signal.SIGHUP)
    wait_until(lambda: done(house) == 1, 'it can be again')
    assert scene.replies(4) == ['You wrote: Oi'] and len(scene.chatwoot.posts) == len(scene.bot.calls) == 1


def test_of_several_replies_none_is_shown_again_by_who_takes_over(house):
    scene = Scene(house, otherwise=lambda call: reply('one', 'two', 'three'))
    third = threading.Event()
    scene.chatwoot.on_post = lambda call, number: Answer(gate=third) if number == 3 else Chatwoot.KEEP
    scene.say(4)
    scene.await_post(3)
    wait_until(lambda: house.why('4')['answer']['posted'] == 2, 'the broker knows of two')
    scene.worker.kill()
    third.set()
    house.start_worker()
    wait_until(lambda: done(house) == 1, 'another worker has finished it')
    assert scene.replies(4) == ['one', 'two', 'three'] and len(scene.bot.calls) == 1
    assert len(scene.chatwoot.posts) == 4 and len(scene.chatwoot.lists) == 1


# -- before it ----------------------------------------------------------------------------------------------------


def test_who_leaves_while_it_looks_up_hands_back_at_once(house):
    gate = threading.Event()
    crm = house.peer(otherwise=lambda call: Answer(value={'name': 'Ana'}, gate=gate))
    scene = Scene(house, context={'url': crm.url + '/{thread}', 'cache': '0s'})
    scene.say(4)
    wait_until(lambda: crm.running(), 'it looks something up')
    leaving = scene.worker
    leaving.terminate()
    wait_until(lambda: leaving.events('draining'), 'it drains')
    leaving.terminate()
    assert leaving.await_exit() == 0
    gate.set()
    house.start_worker()
    wait_until(lambda: done(house) == 1, 'another worker has done it')
    (call,) = scene.bot.calls
    assert call.json['context'] == {'name': 'Ana'} and call.json['attempt'] == 1
    assert [event['code'] for event in leaving.events('run_handed_back')] == ['draining']


def test_who_leaves_with_an_answer_waits_until_it_is_stored(house):
    bot, chatwoot = house.peer(), house.keep(Chatwoot())
    broker = house.keep(FakeBroker(house.config['broker']['workers']))
    broker.says_go = False
    house.add_tenant(handler={'kind': 'http', 'url': bot.url}, channels={'support': chatwoot.channel()})
    house.configure(redis='none')
    worker = house.start('worker', [PROGRAMS['lull-worker'], house.write_config()])
    wait_until(lambda: broker.alives, 'the worker is welcomed')
    fence = broker.run(thread='4', channel='support')
    wait_until(lambda: broker.answered, 'the answer is handed over')
    worker.terminate()
    wait_until(lambda: worker.events('draining'), 'it drains')
    worker.terminate()
    wait_until(lambda: worker.events('handing_back'), 'it leaves')
    assert stays(lambda: not broker.results, 0.3)
    broker.go(fence)
    assert worker.await_exit() == 0
    (result,) = broker.results_of(fence)
    assert (result.code, result.posted) == ('draining', 0) and not chatwoot.posts


def test_a_lookup_that_outlasts_the_run_ends_with_it(house):
    gate = threading.Event()
    crm = house.peer(Answer(value={}, gate=gate), otherwise=lambda call: Answer(value={'name': 'Ana'}))
    scene = Scene(house, run_timeout='1s', context={'url': crm.url + '/{thread}', 'cache': '0s', 'timeout': '1s'})
    scene.say(4)
    wait_until(lambda: done(house) == 1, 'the second run has done it')
    assert [event['code'] for event in scene.worker.events('run_failed')] == ['timeout']
    assert [call.json['context'] for call in scene.bot.calls] == [{'name': 'Ana'}]
    assert crm.calls[0].is_aborted


# -- what is counted ----------------------------------------------------------------------------------------------


def test_calls_that_are_aborted_are_counted_as_wasted(house):
    gate = threading.Event()
    scene = Scene(house, [reply('too late', gate=gate)], on_new_message='interrupt')
    scene.say(4, 'Oi')
    wait_until(lambda: scene.bot.running(), 'the handler is asked')
    scene.say(4, 'Tudo bem?')
    wait_until(lambda: done(house) == 1, 'both are answered')
    assert scene.bot.calls[0].is_aborted and scene.bot.calls[1].texts == ['Oi', 'Tudo bem?']
    assert scene.replies(4) == ['You wrote: Oi | Tudo bem?']
    scene.await_savings(calls_total=2, calls_wasted_total=1, interrupted_total=1)


def test_what_a_worker_has_counted_is_told_before_it_leaves(house):
    scene = Scene(house)
    scene.say(4)
    wait_until(lambda: done(house) == 1, 'the batch is done')
    scene.worker.terminate()
    assert scene.worker.await_exit() == 0
    scene.await_savings(calls_total=1, calls_wasted_total=0)
