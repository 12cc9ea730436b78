"""The lock in Redis: held for as long as the run takes, and a run that has lost it stops."""

import threading

from lull import wait_until
from peers import reply
from protocol import message
from scenes import done, start

KEY = 'lull:{acme/ana}:lock'


def test_a_run_longer_than_its_lock_keeps_the_lock(house):
    end = threading.Event()
    bot, producer = start(house, lambda call: reply('slow', gate=end), lock={'ttl': '2s'})
    redis = house.redis()
    producer.say(message('acme', 'ana', 'Oi', id='1'))
    wait_until(lambda: bot.calls, 'the call is under way')
    call, value, left, extensions = bot.calls[0], redis.get(KEY), [2000], []
    fence, uuid = value.decode().split()
    assert (len(fence), int(fence)) == (20, int(call.json['fence']))
    assert [uuid] == [worker['id'] for worker in house.ask('stats')['workers']]

    def is_extended_for_long():
        """Time left that grows is an extension. They come every third of the ttl: eight are more than two of it."""
        assert redis.get(KEY) == value
        left.append(redis.pttl(KEY))
        assert 0 < left[-1] <= 2000
        if left[-1] > left[-2]:
            extensions.append(left[-1])
        return len(extensions) == 8

    wait_until(is_extended_for_long, 'the lock is extended again and again')
    end.set()
    wait_until(lambda: done(house) == 1, 'the batch is done')
    assert len(bot.calls) == 1 and not call.is_aborted
    wait_until(lambda: redis.get(KEY) is None, 'the lock is released')


def test_a_run_whose_lock_is_deleted_is_aborted_and_comes_again(house):
    bot, producer = start(house, lambda call: reply('slow', delay=60), lock={'ttl': '1s'})
    producer.say(message('acme', 'ana', 'Oi', id='1'))
    wait_until(lambda: bot.running(), 'the call is under way')
    house.redis().delete(KEY)
    wait_until(lambda: bot.calls[0].is_aborted, 'the call is aborted')
    wait_until(lambda: done(house) == 1, 'the batch is done')
    assert len(bot.calls) == 2 and bot.calls[1].json['batch'] == bot.calls[0].json['batch']
    assert bot.calls[1].at >= bot.calls[0].ended
    assert int(bot.calls[1].json['fence']) > int(bot.calls[0].json['fence'])
    assert house.ask('stats')['lock']['lost_total'] >= 1


def test_a_run_whose_lock_another_took_is_aborted_and_leaves_it_to_him(house):
    bot, producer = start(house, lambda call: reply('slow', delay=60), lock={'ttl': '1s'})
    redis = house.redis()
    producer.say(message('acme', 'ana', 'Oi', id='1'))
    wait_until(lambda: bot.running(), 'the call is under way')
    redis.set(KEY, '99999999999999999999 ' + 'f' * 32)
    wait_until(lambda: bot.calls[0].is_aborted, 'the call is aborted')
    assert redis.get(KEY).startswith(b'99999999999999999999')
    redis.delete(KEY)
    wait_until(lambda: done(house) == 1, 'the batch is done')


def test_a_lock_that_another_holds_is_waited_for(house):
    bot, producer = start(house)
    redis = house.redis()
    redis.set(KEY, '99999999999999999999 ' + 'f' * 32)
    producer.say(message('acme', 'ana', 'Oi', id='1'), message('acme', 'bia', 'Oi', id='2'))
    wait_until(lambda: done(house) == 1, 'another thread does not wait')
    wait_until(lambda: house.ask('stats')['lock']['busy_total'] >= 2, 'it was found busy, more than once')
    assert house.why('ana')['last_failure']['code'] == 'lock_busy'
    redis.delete(KEY)
    wait_until(lambda: done(house) == 2, 'the batch is done')
    assert [call.json['attempt'] for call in bot.calls] == [1, 1]


def test_a_lock_under_a_lower_fence_is_taken_over(house):
    bot, producer = start(house)
    house.redis().set(KEY, '00000000000000000001 ' + 'f' * 32)
    producer.say(message('acme', 'ana', 'Oi', id='1'))
    wait_until(lambda: done(house) == 1, 'the batch is done')


def test_a_run_that_cannot_reach_redis_is_aborted_before_its_lock_could_end(house):
    gate = threading.Event()
    bot, producer = start(house, lambda call: reply('slow', gate=gate), lock={'ttl': '2s'})
    producer.say(message('acme', 'ana', 'Oi', id='1'))
    wait_until(lambda: bot.running(), 'the call is under way')
    house.redis_process.pause()
    wait_until(lambda: bot.calls[0].is_aborted, 'the call is aborted')
    house.redis_process.resume()
    wait_until(lambda: done(house) == 1, 'the batch is done')
    assert len(bot.calls) == 2


def test_a_redis_that_comes_back_empty_costs_at_most_one_more_run(house):
    bot, producer = start(house)
    house.redis_process.kill()
    producer.say(message('acme', 'ana', 'Oi', id='1'))
    wait_until(lambda: house.state('ana') in ('waiting', 'backoff'), 'without a lock nothing runs')
    assert bot.calls == []
    house.start_redis()
    wait_until(lambda: done(house) == 1, 'the batch is done')
    assert len(bot.calls) == 1
