"""What several tests begin with, and ask."""

from peers import echo

SECRET = 'whsec_bHVsbC1lbmQtdG8tZW5kLXRlc3Qtc2VjcmV0LTAwMQ=='
RETRY = {'attempts': 6, 'base': '200ms', 'cap': '5s', 'factor': 2, 'jitter': 0}


def start(house, *script, otherwise=echo, workers=1, handler=None, **settings):
    """A broker, workers, and a handler over HTTP that answers as `script` says; the handler and a producer."""
    bot = house.peer(*script, otherwise=otherwise)
    handler = {'kind': 'http', 'url': bot.url + '/answer', 'secret': SECRET, **(handler or {})}
    house.add_tenant(**{'quiet': '200ms', 'retry': RETRY, 'handler': handler, **settings})
    house.start_broker()
    for _ in range(workers):
        house.start_worker()
    return bot, house.producer()


def done(house):
    """How many batches are finished."""
    return house.ask('stats')['batches']['done_total']
