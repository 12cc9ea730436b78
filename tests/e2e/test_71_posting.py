"""One visible reply, whatever the channel does to the posts: a server shaped like Chatwoot that drops connections."""

import threading

import pytest

from lull import stays, wait_until
from peers import Answer, Chatwoot, reply, status
from protocol import message
from scenes import done, start

KEEP, KEEP_AND_DROP, DROP = Chatwoot.KEEP, Chatwoot.KEEP_AND_DROP, Chatwoot.DROP


def fates(*script):
    """What becomes of the first posts; the others are kept."""
    return lambda call, number: script[number - 1] if number <= len(script) else KEEP


def first_of_every_other(fate):
    """What becomes of the first post of every other batch; all else is kept."""
    seen = {}

    def decide(call, number):
        batch = call.json['content_attributes']['lull_batch']
        is_first = batch not in seen
        return fate if is_first and seen.setdefault(batch, len(seen)) % 2 == 0 else KEEP

    return decide


class Posting:
    """A tenant whose only channel is a Chatwoot of ours."""

    def __init__(self, house, *handler, on_post=None, channel=None, **settings):
        self.house = house
        self.chatwoot = house.keep(Chatwoot(on_post))
        self.bot, self.producer = start(house, *handler, channels={'support': self.chatwoot.channel(**channel or {})},
                                        **settings)

    def say(self, thread, words, **keys):
        """A person's message, as the ingest would hand it over."""
        told = self.chatwoot.person_says(thread, words)
        self.producer.say(message('acme', str(thread), words, id=f'{Chatwoot.ACCOUNT}-{told["id"]}',
                                  **{'channel': 'support', **keys}))

    def say_and_wait(self, *said):
        """One message for each of (thread, words), and until their batches are done."""
        before = done(self.house)
        for thread, words in said:
            self.say(thread, words)
        wait_until(lambda: done(self.house) == before + len(said), 'the batches are done')

    def replies(self, thread=4):
        return self.chatwoot.replies(thread)

    def saved(self, what):
        """A counter of the savings, of the tenant and of all; they are told each second."""
        stats = self.house.ask('stats')
        assert stats['savings'][what] == stats['tenants']['acme']['savings'][what]
        return stats['savings'][what]

    def await_saved(self, what, amount):
        wait_until(lambda: self.saved(what) == amount, f'{what} is {amount}')


# -- dropped connections ------------------------------------------------------------------------------------------


def test_a_reply_that_was_kept_before_the_connection_dropped_is_shown_once(house):
    scene = Posting(house, on_post=first_of_every_other(KEEP_AND_DROP))
    threads = range(1, 41)
    scene.say_and_wait(*[(thread, f'Oi {thread}') for thread in threads])
    assert {thread: scene.replies(thread) for thread in threads} == {
        thread: [f'You wrote: Oi {thread}'] for thread in threads}
    assert len(scene.chatwoot.posts) == len(scene.bot.calls) == 40
    scene.await_saved('posts_found_total', 20)
    assert scene.saved('posts_repeated_total') == 0


def test_a_reply_that_was_lost_with_the_connection_is_posted_again_once(house):
    scene = Posting(house, on_post=first_of_every_other(DROP))
    threads = range(1, 21)
    scene.say_and_wait(*[(thread, f'Oi {thread}') for thread in threads])
    assert all(scene.replies(thread) == [f'You wrote: Oi {thread}'] for thread in threads)
    assert len(scene.bot.calls) == 20 and len(scene.chatwoot.posts) == 30
    assert scene.saved('posts_found_total') == scene.saved('posts_repeated_total') == 0


@pytest.mark.parametrize('code', [500, 502, 503, 504])
def test_a_failure_after_the_reply_was_kept_is_seen_through(house, code):
    def keep_and_fail(call, number):
        if number > 1:
            return KEEP
        body = call.json
        scene.chatwoot.keep(4, body['content'], 1, body['content_attributes'])
        return status(code)

    scene = Posting(house, on_post=keep_and_fail)
    scene.say_and_wait((4, 'Oi'))
    assert scene.replies() == ['You wrote: Oi']
    assert len(scene.chatwoot.posts) == 1


def test_a_refusal_for_now_needs_no_reading(house):
    scene = Posting(house, on_post=fates(status(429)))
    scene.say_and_wait((4, 'Oi'))
    assert scene.replies() == ['You wrote: Oi']
    assert scene.chatwoot.lists == []


@pytest.mark.parametrize('fate', [KEEP_AND_DROP, DROP])
def test_of_several_replies_only_the_one_in_doubt_is_looked_for(house, fate):
    scene = Posting(house, reply('one', 'two', 'three'), on_post=fates(KEEP, fate))
    scene.say_and_wait((4, 'Oi'))
    assert scene.replies() == ['one', 'two', 'three']
    assert len(scene.bot.calls) == 1
    assert len(scene.chatwoot.posts) == (3 if fate == KEEP_AND_DROP else 4)


def test_a_worker_that_is_killed_while_it_posts_leaves_one_reply(house):
    scene = Posting(house, reply('one', 'two'))
    scene.chatwoot.post_gate = threading.Event()
    scene.say(4, 'Oi')
    wait_until(scene.replies, 'the first reply is kept')
    worker = next(process for process in house.processes if process.name.startswith('worker'))
    worker.kill()
    scene.chatwoot.post_gate = None
    house.start_worker()
    wait_until(lambda: done(house) == 1, 'the batch is done', 30)
    assert scene.replies() == ['one', 'two']
    assert len(scene.bot.calls) == 1


# -- the reading is not fooled ------------------------------------------------------------------------------------


def test_the_same_words_in_an_earlier_batch_are_not_the_reply(house):
    scene = Posting(house, otherwise=reply('Bom dia!'), on_post=fates(KEEP, DROP))
    scene.say_and_wait((4, 'Oi'))
    scene.say_and_wait((4, 'Oi'))
    assert scene.replies() == ['Bom dia!', 'Bom dia!']


def test_a_message_that_copies_our_marks_is_not_the_reply(house):
    """A person's, and a note that the team alone sees."""
    def copy_and_drop(call, number):
        if number > 1:
            return KEEP
        body = call.json
        scene.chatwoot.keep(4, body['content'], 0, body['content_attributes'])
        scene.chatwoot.keep(4, body['content'], 1, body['content_attributes'], is_private=True)
        return DROP

    scene = Posting(house, on_post=copy_and_drop)
    scene.say_and_wait((4, 'Oi'))
    assert scene.replies() == ['You wrote: Oi']
    assert len(scene.chatwoot.posts) == 2


@pytest.mark.parametrize('fate, posts', [(KEEP_AND_DROP, 1), (DROP, 2)])
def test_a_reply_is_looked_for_on_older_pages_back_to_the_batch(house, fate, posts):
    """Many have spoken since; and many had before, which need not be read."""
    def drown(call, number):
        if number > 1:
            return KEEP
        if fate == KEEP_AND_DROP:
            scene.chatwoot.keep(4, call.json['content'], 1, call.json['content_attributes'])
        for n in range(45):
            scene.chatwoot.keep(4, f'note {n}', 1, is_private=True)
        return DROP

    scene = Posting(house, on_post=drown)
    for n in range(200):
        scene.chatwoot.keep(4, f'long ago {n}')
    scene.say_and_wait((4, 'Oi'))
    assert scene.replies() == ['You wrote: Oi']
    assert len(scene.chatwoot.posts) == posts
    assert len(scene.chatwoot.lists) == 3


def test_a_channel_that_cannot_be_read_for_now_is_read_later(house):
    scene = Posting(house, on_post=fates(KEEP_AND_DROP))
    scene.chatwoot.on_list = status(500)
    scene.say(4, 'Oi')
    wait_until(lambda: len(scene.chatwoot.lists) >= 2, 'the channel was asked twice')
    assert done(house) == 0 and len(scene.chatwoot.posts) == 1
    scene.chatwoot.on_list = None
    wait_until(lambda: done(house) == 1, 'the batch is done')
    assert scene.replies() == ['You wrote: Oi']
    assert len(scene.chatwoot.posts) == len(scene.bot.calls) == 1


# -- a channel that may not be read -------------------------------------------------------------------------------


@pytest.mark.parametrize('policy, fate, shown', [('repeat', KEEP_AND_DROP, 2), ('repeat', DROP, 1),
                                                 ('silence', KEEP_AND_DROP, 1), ('silence', DROP, 0)])
def test_where_nobody_may_read_the_policy_decides_and_is_counted(house, policy, fate, shown):
    """An agent bot's token may not list messages."""
    scene = Posting(house, on_post=fates(fate), on_unknown=policy)
    scene.chatwoot.on_list = status(401)
    scene.say_and_wait((4, 'Oi'))
    assert scene.replies() == ['You wrote: Oi'] * shown
    assert len(scene.bot.calls) == 1
    scene.await_saved(f'posts_{"repeated" if policy == "repeat" else "silenced"}_total', 1)
    assert scene.saved('posts_found_total') == 0


def test_silence_passes_over_the_one_reply_in_doubt_and_no_other(house):
    scene = Posting(house, reply('one', 'two', 'three'), on_post=fates(KEEP, DROP), on_unknown='silence')
    scene.chatwoot.on_list = status(401)
    scene.say_and_wait((4, 'Oi'))
    assert scene.replies() == ['one', 'three']


def test_a_channel_that_keeps_and_breaks_off_each_time_shows_a_reply_twice_at_most(house):
    scene = Posting(house, on_post=lambda call, number: KEEP_AND_DROP, on_unknown='repeat')
    scene.chatwoot.on_list = status(401)
    scene.say_and_wait((4, 'Oi'))
    assert scene.replies() == ['You wrote: Oi'] * 2
    scene.await_saved('posts_repeated_total', 1)
    scene.await_saved('posts_silenced_total', 1)


def test_what_becomes_of_a_reply_in_doubt_can_be_changed_while_all_runs(house):
    scene = Posting(house, on_post=fates(DROP), on_unknown='repeat')
    scene.chatwoot.on_list = status(401)
    assert house.run('settings', 'set', 'acme', 'on_unknown', 'silence').returncode == 0
    scene.say_and_wait((4, 'Oi'))
    assert scene.replies() == []
    scene.await_saved('posts_silenced_total', 1)


def test_a_user_s_token_reads_where_the_bot_s_posts(house):
    scene = Posting(house, on_post=fates(KEEP_AND_DROP), channel={'read_token': 'a user\'s'})
    scene.say_and_wait((4, 'Oi'))
    assert [call.headers['api_access_token'] for call in scene.chatwoot.lists] == ['a user\'s']
    assert [call.headers['api_access_token'] for call in scene.chatwoot.posts] == ['the token']


# -- the typing sign ----------------------------------------------------------------------------------------------


def test_the_sign_is_shown_while_the_handler_works_and_goes_with_the_reply(house):
    gate = threading.Event()
    scene = Posting(house, reply('Olá', gate=gate))
    scene.say(4, 'Oi')
    wait_until(lambda: scene.chatwoot.typed(4), 'the sign is shown')
    assert scene.replies() == []
    gate.set()
    wait_until(lambda: done(house) == 1, 'the batch is done')
    assert scene.chatwoot.typed(4) == ['on'] and scene.replies() == ['Olá']


def test_the_sign_is_taken_away_when_the_run_fails(house):
    gate = threading.Event()
    scene = Posting(house, status(500, gate=gate), otherwise=status(204))
    scene.say(4, 'Oi')
    wait_until(lambda: scene.chatwoot.typed(4) == ['on'], 'the sign is shown')
    gate.set()
    wait_until(lambda: scene.chatwoot.typed(4)[:2] == ['on', 'off'], 'the sign is taken away')


def test_the_sign_is_taken_away_when_there_is_nothing_to_say(house):
    gate = threading.Event()
    scene = Posting(house, status(204, gate=gate))
    scene.say(4, 'Oi')
    wait_until(lambda: scene.chatwoot.typed(4) == ['on'], 'the sign is shown')
    gate.set()
    wait_until(lambda: scene.chatwoot.typed(4) == ['on', 'off'], 'the sign is taken away')
    assert scene.replies() == []


def test_the_sign_is_taken_away_when_the_thread_is_cancelled(house):
    scene = Posting(house, reply('Olá', gate=threading.Event()))
    scene.say(4, 'Oi')
    wait_until(lambda: scene.chatwoot.typed(4) == ['on'], 'the sign is shown')
    assert house.run('cancel', 'acme', '4').returncode == 0
    wait_until(lambda: scene.chatwoot.typed(4) == ['on', 'off'], 'the sign is taken away')
    assert scene.replies() == []


def test_the_sign_is_taken_away_by_a_worker_that_leaves(house):
    scene = Posting(house, reply('Olá', gate=threading.Event()))
    scene.chatwoot.on_typing = Answer(delay=0.8)
    scene.say(4, 'Oi')
    wait_until(lambda: scene.chatwoot.typed(4) == ['on'], 'the sign is shown')
    worker = house.processes[-1]
    worker.terminate()
    wait_until(lambda: worker.events('draining'), 'it drains')
    worker.terminate()
    assert worker.await_exit() == 0
    assert scene.chatwoot.typed(4) == ['on', 'off']


def test_a_quick_answer_has_no_sign(house):
    """On a machine that is busy one answer may be slow, but not each of five."""
    scene, threads = Posting(house), range(4, 9)
    for thread in threads:
        scene.say_and_wait((thread, 'Oi'))
    assert stays(lambda: not all(scene.chatwoot.typed(thread) for thread in threads), 0.5)


def test_who_does_not_want_the_sign_has_none(house):
    gate = threading.Event()
    scene = Posting(house, reply('Olá', gate=gate), channel={'typing': False})
    scene.say(4, 'Oi')
    wait_until(lambda: scene.bot.calls, 'the handler is asked')
    assert stays(lambda: not scene.chatwoot.typings, 1)
    gate.set()
    wait_until(lambda: done(house) == 1, 'the batch is done')


def test_where_nothing_can_be_posted_there_is_no_sign(house):
    gate = threading.Event()
    scene = Posting(house, reply('Olá', gate=gate))
    scene.say(4, 'Oi', channel=None)
    wait_until(lambda: scene.bot.calls, 'the handler is asked')
    assert stays(lambda: not scene.chatwoot.calls, 1)
    gate.set()
    wait_until(lambda: done(house) == 1, 'the batch is done')


def test_a_sign_that_is_refused_costs_nothing_but_a_line_and_a_count(house):
    """An older Chatwoot lets no agent bot show it."""
    scene = Posting(house, otherwise=lambda call: reply('Olá', delay=2.0))
    scene.chatwoot.on_typing = Answer(status=401, value={'error': 'no'})
    scene.say_and_wait((4, 'Oi'), (5, 'Oi'))
    assert scene.replies(4) == scene.replies(5) == ['Olá']
    scene.await_saved('typing_failed_total', 2)
    worker = next(process for process in house.processes if process.name.startswith('worker'))
    assert [line['channel'] for line in worker.events('typing_failed')] == ['support']
    assert set(scene.chatwoot.typed(4)) == {'on'}
