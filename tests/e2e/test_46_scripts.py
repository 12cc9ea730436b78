"""The scripts inside Redis, one by one, as they stand in worker/scripts.c: what a run gets to see only by bad luck."""

import ast
import re

import pytest
import redis as redis_client

from lull import TOP

ANA = '{acme/ana}'
LOCK, RUN, HISTORY, CONVERSATION = (f'lull:{ANA}:{what}' for what in ('lock', 'run', 'history', 'conversation'))
CACHED, ASKED = 'lull:context:{0}', 'lull:context:{0}:asked'


class Scripts:
    """Each script of the file is a function: script(keys, arguments)."""

    def __init__(self, redis):
        source = (TOP / 'worker' / 'scripts.c').read_text()
        for name, text in re.findall(r'static const char (\w+)\[\]\s*=\s*((?:"(?:[^"\\]|\\.)*"\s*)+);', source):
            setattr(self, name, self.bind(redis, ast.literal_eval('(' + text + ')')))

    @staticmethod
    def bind(redis, text):
        return lambda keys, *arguments: redis.eval(text, len(keys), *keys, *arguments)


@pytest.fixture
def store(house):
    house.start_redis()
    return house.redis()


@pytest.fixture
def scripts(store):
    return Scripts(store)


def value(fence, worker='w1'):
    return f'{fence:020} {worker}'


def near(store, key, ms):
    return ms - 5000 < store.pttl(key) <= ms


# -- the lock and the record ---------------------------------------------------------------------------------------


def test_the_lock_and_the_record_come_and_go_together(store, scripts):
    keys = [LOCK, RUN]
    assert scripts.lock_acquire(keys, value(5), 60_000, 'record 5') == 1
    assert store.get(LOCK).decode() == value(5) and store.get(RUN) == b'record 5'
    assert near(store, LOCK, 60_000) and near(store, RUN, 60_000)
    assert scripts.lock_extend(keys, value(5), 90_000) == 1
    assert near(store, LOCK, 90_000) and near(store, RUN, 90_000)
    assert scripts.lock_note(keys, value(5), 'noted') == 1
    assert store.get(RUN) == b'noted' and near(store, RUN, 90_000)
    assert scripts.lock_release(keys, value(5)) == 1
    assert not store.exists(*keys)


def test_only_a_higher_fence_takes_a_lock_that_is_held(store, scripts):
    keys = [LOCK, RUN]
    top = 2**64 - 1
    assert scripts.lock_acquire(keys, value(top - 1), 60_000, 'first') == 1
    for fence, worker in ((top - 1, 'w2'), (top - 2, 'w1'), (1, 'w1')):
        assert scripts.lock_acquire(keys, value(fence, worker), 60_000, 'other') == 0
    assert store.get(RUN) == b'first'
    assert scripts.lock_acquire(keys, value(top - 1), 60_000, 'again') == 1
    assert scripts.lock_acquire(keys, value(top, 'w2'), 60_000, 'next') == 1
    assert store.get(RUN) == b'next'


def test_who_has_lost_the_lock_changes_nothing(store, scripts):
    keys = [LOCK, RUN]
    scripts.lock_acquire(keys, value(6, 'w2'), 60_000, 'record 6')
    assert scripts.lock_extend(keys, value(5), 90_000) == 0
    assert scripts.lock_note(keys, value(5), 'noted') == 0
    assert scripts.lock_release(keys, value(5)) == 0
    assert store.get(RUN) == b'record 6' and near(store, RUN, 60_000) and near(store, LOCK, 60_000)
    store.delete(*keys)
    assert scripts.lock_extend(keys, value(5), 90_000) == 0 and scripts.lock_note(keys, value(5), 'noted') == 0
    assert not store.exists(*keys)


# -- the history ---------------------------------------------------------------------------------------------------


def push(scripts, batch, text='{}', turns=3, size=1000, ttl=60_000):
    return scripts.history_push([HISTORY], f'{batch} {text}', len(batch) + 1, turns, size, ttl)


def get(scripts, turns=3, size=1000):
    return scripts.history_get([HISTORY], turns, size)


def test_a_batch_is_remembered_once_however_often_it_is_said(store, scripts):
    assert push(scripts, 'b1', ttl=30_000) == 1
    assert push(scripts, 'b1', 'otherwise') == 0
    assert get(scripts) == b'b1 {}' and near(store, HISTORY, 60_000)
    assert push(scripts, 'b2') == 1 and push(scripts, 'b1') == 0 and push(scripts, 'b2') == 0
    assert get(scripts) == b'b1 {}\nb2 {}'


def test_the_oldest_turns_go_first(store, scripts):
    for number in range(1, 6):
        push(scripts, f'b{number}')
    assert get(scripts) == b'b3 {}\nb4 {}\nb5 {}' and store.llen(HISTORY) == 3
    assert get(scripts, turns=2) == b'b4 {}\nb5 {}'
    push(scripts, 'b6', turns=1)
    assert get(scripts) == b'b6 {}'


def test_bytes_are_bounded_where_they_are_kept_and_where_they_are_read(store, scripts):
    """Each turn is 6 bytes with its end."""
    for number in range(1, 6):
        push(scripts, f'b{number}', size=17)
    assert store.lrange(HISTORY, 0, -1) == [b'b4 {}', b'b5 {}']
    assert get(scripts, size=12) == b'b4 {}\nb5 {}'
    assert get(scripts, size=11) == b'b5 {}'
    push(scripts, 'b6', size=1)
    assert store.lrange(HISTORY, 0, -1) == [b'b6 {}'], 'the newest is always kept'


def test_no_history_is_an_empty_one(scripts):
    assert get(scripts) == b''


# -- the conversation ----------------------------------------------------------------------------------------------


def test_of_two_conversations_the_first_counts(store, scripts):
    assert scripts.conversation_get([CONVERSATION], 1000) is None
    assert scripts.conversation_keep([CONVERSATION], 'conv_1', 30_000, 256) == b'conv_1'
    assert scripts.conversation_keep([CONVERSATION], 'conv_2', 60_000, 256) == b'conv_1'
    assert near(store, CONVERSATION, 60_000)
    assert scripts.conversation_get([CONVERSATION], 90_000) == b'conv_1' and near(store, CONVERSATION, 90_000)


@pytest.mark.parametrize('odd', [b'', b'x' * 257])
def test_one_that_is_none_is_written_over(store, scripts, odd):
    store.set(CONVERSATION, odd)
    assert scripts.conversation_keep([CONVERSATION], 'conv_1', 60_000, 256) == b'conv_1'
    assert store.get(CONVERSATION) == b'conv_1'


def test_only_the_one_that_is_gone_is_forgotten(store, scripts):
    scripts.conversation_keep([CONVERSATION], 'conv_2', 60_000, 256)
    assert scripts.conversation_forget([CONVERSATION], 'conv_1') == 0 and store.exists(CONVERSATION)
    assert scripts.conversation_forget([CONVERSATION], 'conv_2') == 1 and not store.exists(CONVERSATION)


# -- the context ---------------------------------------------------------------------------------------------------


def test_one_looks_it_up_and_the_others_wait(store, scripts):
    keys = [CACHED, ASKED]
    assert scripts.context_find(keys, 'one', 30_000) == 1
    assert scripts.context_find(keys, 'two', 60_000) == 0
    assert scripts.context_find(keys, 'one', 60_000) == 1 and near(store, ASKED, 60_000)
    scripts.context_keep(keys, 'two', '', 60_000)
    assert store.get(ASKED) == b'one', 'only his own'
    scripts.context_keep(keys, 'one', '', 60_000)
    assert not store.exists(*keys) and scripts.context_find(keys, 'two', 60_000) == 1
    scripts.context_keep(keys, 'two', b'{"a": "\xff\x00"}', 60_000)
    assert scripts.context_find(keys, 'three', 60_000) == b'{"a": "\xff\x00"}'
    assert near(store, CACHED, 60_000) and not store.exists(ASKED)


def test_every_script_bears_a_key_of_another_type(store, scripts):
    calls = [
        (scripts.lock_acquire, [LOCK, RUN], (value(5), 1000, 'r')),
        (scripts.lock_extend, [LOCK, RUN], (value(5), 1000)),
        (scripts.lock_note, [LOCK, RUN], (value(5), 'r')),
        (scripts.lock_release, [LOCK, RUN], (value(5),)),
        (scripts.conversation_get, [CONVERSATION], (1000,)),
        (scripts.conversation_keep, [CONVERSATION], ('c', 1000, 9)),
        (scripts.conversation_forget, [CONVERSATION], ('c',)),
        (scripts.context_find, [CACHED, ASKED], ('one', 1000)),
    ]
    for script, keys, arguments in calls:
        store.delete(*keys)
        store.rpush(keys[0], 'a list')
        with pytest.raises(redis_client.ResponseError, match='WRONGTYPE'):
            script(keys, *arguments)
        assert store.lrange(keys[0], 0, -1) == [b'a list']
    store.set(HISTORY, 'a text')
    for script in (lambda: push(scripts, 'b1'), lambda: get(scripts)):
        with pytest.raises(redis_client.ResponseError, match='WRONGTYPE'):
            script()
    scripts.context_keep([CACHED, 'lull:context:{0}:none'], 'one', '{}', 1000)
    assert store.get(CACHED) == b'{}', 'what is kept heals it'
