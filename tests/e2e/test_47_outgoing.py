"""Outgoing safety: where a worker's calls go, and what they take in from there."""

import socket
import ssl
import subprocess
import threading
import time

import pytest

from lull import wait_until
from peers import Answer, Peer, reply, status
from protocol import message
from scenes import done, start

# libcurl itself says that every name in .localhost is this machine: a name, and no DNS is needed for it.
NAME = 'lull.localhost'


class Raw:
    """A TCP server that answers each connection with the same bytes, drip by drip, and notes when it is hung up on;
    or, `is_closing`, hangs up itself."""

    def __init__(self, answer=b'', more=b'', wrap=None, is_closing=False):
        self.answer, self.more, self.wrap, self.is_closing = answer, more, wrap, is_closing
        self.requests, self.hung_up = [], []
        self._is_over = threading.Event()
        self.listener = socket.create_server(('127.0.0.1', 0), backlog=128)
        self.url = f'http://127.0.0.1:{self.listener.getsockname()[1]}'
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while not self._is_over.is_set():
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        try:
            if self.wrap:
                connection = self.wrap(connection)
            self.requests.append(connection.recv(65536))
            connection.sendall(self.answer)
            while self.more and not self._is_over.is_set():
                connection.sendall(self.more)
            while not self.is_closing and connection.recv(65536):
                pass
        except OSError:
            pass
        self.hung_up.append(time.monotonic())
        connection.close()

    def close(self):
        self._is_over.set()
        self.listener.close()


@pytest.fixture
def raw(request):
    servers = []

    def make(*arguments, **keys):
        servers.append(Raw(*arguments, **keys))
        return servers[-1]

    yield make
    for server in servers:
        server.close()


@pytest.fixture
def elsewhere():
    peer = Peer()
    yield peer
    peer.close()


def say_one(house, bot_url, **handler):
    """One message for a handler at `bot_url`."""
    bot, producer = start(house, handler={'url': bot_url, **handler})
    producer.say(message('acme', 'ana', 'Oi', id='1'))
    return bot


def last_failure(house):
    wait_until(lambda: house.state('ana') in ('backoff', 'dead'), 'the attempt has failed')
    return house.state('ana'), house.why('ana').get('last_failure') or house.ask('dead')['dead'][0]


@pytest.mark.parametrize('code', [301, 302, 303, 307, 308])
def test_a_redirect_goes_nowhere(house, elsewhere, code):
    bot, producer = start(house, status(code, headers={'Location': elsewhere.url + '/keys'}))
    producer.say(message('acme', 'ana', 'Oi', id='1'))
    wait_until(lambda: house.state('ana') == 'dead', 'the batch is dead')
    assert f'answered {code}, a redirect, which is not followed' in house.ask('dead')['dead'][0]['why']
    assert len(bot.calls) == 1 and not elsewhere.calls


def test_a_name_with_a_private_address_is_refused_and_says_how_to_allow_it(house, elsewhere):
    say_one(house, elsewhere.url.replace('127.0.0.1', NAME) + '/answer')
    wait_until(lambda: house.state('ana') == 'dead', 'the batch is dead')
    why = house.ask('dead')['dead'][0]['why']
    assert NAME in why and '`private: true`' in why
    assert not elsewhere.calls


def test_a_name_with_a_private_address_is_called_when_the_operator_allows_it(house, elsewhere):
    say_one(house, elsewhere.url.replace('127.0.0.1', NAME) + '/answer', private=True)
    wait_until(lambda: done(house) == 1, 'the batch is done')
    assert len(elsewhere.calls) == 1 and elsewhere.calls[0].headers['host'].startswith(NAME)


@pytest.mark.parametrize('host', ['localhost', '127.1', '0x7f.1', '2130706433', '[::ffff:127.0.0.1]'])
def test_an_address_is_called_as_it_is_written(house, elsewhere, host):
    say_one(house, elsewhere.url.replace('127.0.0.1', host) + '/answer')
    wait_until(lambda: done(house) == 1, 'the batch is done')
    assert len(elsewhere.calls) == 1


def test_the_environments_proxy_is_not_used(house, elsewhere):
    for name in ('http_proxy', 'HTTP_PROXY', 'https_proxy', 'ALL_PROXY'):
        house.environment[name] = elsewhere.url
    bot, producer = start(house)
    producer.say(message('acme', 'ana', 'Oi', id='1'))
    wait_until(lambda: done(house) == 1, 'the batch is done')
    assert len(bot.calls) == 1 and not elsewhere.calls


def test_a_proxy_of_the_config_is_used_whatever_the_environment_exempts(house, elsewhere):
    house.environment['no_proxy'] = '*'
    bot = say_one(house, 'http://model.invalid/answer', proxy=elsewhere.url)
    wait_until(lambda: done(house) == 1, 'the batch is done')
    assert elsewhere.calls[0].path == 'http://model.invalid/answer' and not bot.calls


def test_headers_without_end_are_cut_off(house, raw):
    server = raw(b'HTTP/1.1 200 OK\r\n', b'X-More: ' + b'x' * 1000 + b'\r\n')
    say_one(house, server.url)
    state, failure = last_failure(house)
    assert state == 'backoff' and failure['code'] == 'too_large', failure
    wait_until(lambda: server.hung_up, 'the worker has hung up')


def test_a_body_without_end_is_cut_off(house, raw):
    server = raw(b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n', b'400\r\n' + b' ' * 1024 + b'\r\n')
    say_one(house, server.url)
    state, failure = last_failure(house)
    assert state == 'backoff' and failure['code'] == 'too_large', failure
    wait_until(lambda: server.hung_up, 'the worker has hung up')


def test_an_error_without_end_counts_by_its_status(house, raw):
    server = raw(b'HTTP/1.1 500 No\r\nTransfer-Encoding: chunked\r\n\r\n', b'400\r\n' + b' ' * 1024 + b'\r\n')
    say_one(house, server.url)
    state, failure = last_failure(house)
    assert state == 'backoff' and failure['code'] == 'http_500', failure
    wait_until(lambda: server.hung_up, 'the worker has hung up')


def test_a_post_that_was_taken_is_done_though_the_answer_breaks_off(house, raw):
    shop = raw(b'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"ok":', is_closing=True)
    bot, producer = start(house, channels={'shop': {'kind': 'generic', 'unsigned': 'true', 'reply_url': shop.url}})
    producer.say(message('acme', 'ana', 'Oi', id='1', channel='shop'))
    wait_until(lambda: done(house) == 1, 'the batch is done')
    assert len(shop.requests) == 1 and house.ask('stats')['batches']['failed_total'] == 0


def test_a_certificate_that_nobody_vouches_for_is_not_trusted(house, raw, tmp_path):
    subprocess.run(['openssl', 'req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '1', '-subj', '/CN=127.0.0.1',
                    '-addext', 'subjectAltName=IP:127.0.0.1', '-keyout', tmp_path / 'key', '-out', tmp_path / 'cert'],
                   check=True, capture_output=True, timeout=60)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / 'cert', tmp_path / 'key')
    body = b'{"reply": "trusted"}'
    answer = b'HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s' % (len(body), body)
    server = raw(answer, wrap=lambda connection: context.wrap_socket(connection, server_side=True))
    say_one(house, server.url.replace('http:', 'https:'))
    _, failure = last_failure(house)
    assert failure['code'] == 'unreachable' and 'certificate' in failure['why'], failure
    assert not server.requests


def test_a_provider_that_refuses_for_money_is_not_asked_again(house):
    refusal = Answer(429, {'error': {'message': 'no credit', 'type': 'insufficient_quota',
                                     'code': 'insufficient_quota'}})
    bot, producer = start(house, refusal)
    producer.say(message('acme', 'ana', 'Oi', id='1'))
    wait_until(lambda: house.state('ana') == 'dead', 'the batch is dead')
    assert 'refuses for money' in house.ask('dead')['dead'][0]['why']
    assert len(bot.calls) == 1


def test_a_call_that_is_given_up_hangs_up(house):
    gate = threading.Event()
    bot, producer = start(house, otherwise=lambda call: reply('late', gate=gate), run_timeout='1s')
    producer.say(message('acme', 'ana', 'Oi', id='1'))
    wait_until(lambda: bot.calls and bot.calls[0].is_aborted, 'the worker has hung up')


def test_the_secrets_of_a_call_are_not_logged(house):
    house.environment['LULL_LOG'] = 'debug'
    secret = 'whsec_aHVudGVyaHVudGVyaHVudGVyaHVudGVy'
    handler = {'url': 'http://127.0.0.1:1/answer?token=hunter1', 'secret': secret}
    start(house, handler=handler)[1].say(message('acme', 'ana', 'Oi', id='1'))
    wait_until(lambda: house.state('ana') == 'backoff', 'the attempt has failed')
    logs = '\n'.join(log for _, log in house.logs())
    assert 'event=run_why' in logs and 'hunter' not in logs and secret not in logs
    assert 'hunter' not in str(house.why('ana'))
