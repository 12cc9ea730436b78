"""A provider that is down: it is left alone, that is told, and nobody loses by it."""

from lull import wait_until
from peers import echo, status
from protocol import message
from scenes import done, start

THREADS = [f't{n}' for n in range(6)]


class Bot:
    """Answers 503 until it is back."""

    def __init__(self):
        self.is_down = True

    def __call__(self, call):
        return status(503) if self.is_down else echo(call)


def begin(house, **settings):
    bot = Bot()
    house.configure(provider={'failures': 3, 'pause': '400ms', 'cap': '800ms', 'drain': 'none'})
    peer, producer = start(house, otherwise=bot, quiet='0s', retry={'attempts': 4, 'base': '200ms', 'cap': '400ms'},
                           **settings)
    return bot, peer, producer


def say(producer, words):
    producer.say(*[message('acme', thread, words) for thread in THREADS])


def test_a_provider_that_is_down_is_left_alone_and_costs_each_thread_one_call_afterwards(house):
    bot, peer, producer = begin(house)
    say(producer, 'Oi')
    wait_until(lambda: house.broker.events('provider_open'), 'the log tells that it is left alone')
    say(producer, 'Tudo bem?')
    wait_until(lambda: house.ask('stats')['batches']['spared_total'] >= 3, 'failures cost no attempt', 60)
    provider = house.ask('stats')['providers'][0]
    assert provider['endpoint'] == peer.url + '/answer' and provider['state'] in ('open', 'half_open')
    waiting = [view for view in map(house.why, THREADS) if view['state'] in ('ready', 'backoff')]
    assert any(peer.url in view['waits_for'] for view in waiting)
    bot.is_down, n_before = False, len(peer.calls)
    wait_until(lambda: done(house) == len(THREADS), 'all are answered')
    good = [call for call in peer.calls[n_before:] if len(call.texts) == 2]
    assert len(good) == len({call.json['thread'] for call in good}) == len(THREADS)
    assert house.ask('dead')['total'] == 0
    wait_until(lambda: house.broker.events('provider_closed'), 'the log tells that it is back')
    assert house.ask('stats')['providers'][0]['state'] == 'closed'


def test_one_conversation_that_always_fails_does_not_open_it(house):
    bot, peer, producer = begin(house)
    bot.is_down = False
    peer.otherwise = lambda call: status(500) if call.json['thread'] == 'bad' else echo(call)
    producer.say(message('acme', 'bad', 'Oi'))
    wait_until(lambda: house.ask('dead')['total'] == 1, 'it is a dead letter')
    producer.say(message('acme', 'good', 'Oi'))
    wait_until(lambda: done(house) == 1, 'the other one is answered')
    assert house.broker.events('provider_open') == []
