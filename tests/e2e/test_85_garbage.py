"""Bytes of strangers, to every port: nobody falls over, and the others are served as before."""

import random
import socket
import struct
import urllib.parse

import msgpack
import pytest

from lull import free_port, wait_until
from protocol import ALIVE, ANSWERED, HELLO, MESSAGES, RESULT, Connection, Worker, encode, message

GREETING = b'\xff' + bytes(8) + b'\x7f\x03\x00' + b'NULL'.ljust(20, b'\0') + bytes(32)
READY = b'\x04\x26\x05READY\x0bSocket-Type\x00\x00\x00\x06DEALER\x08Identity\x00\x00\x00\x00'

RAW = {
    'nothing': b'',
    'a line': b'GET / HTTP/1.1\r\n\r\n',
    'zeros': bytes(10000),
    'noise': random.Random(1).randbytes(100_000),
    'half a greeting': GREETING[:20],
    'an old version': b'\x01\x00hello\x7f',
    'an unknown mechanism': GREETING.replace(b'NULL', b'EVIL'),
    'a greeting and noise': GREETING + random.Random(2).randbytes(100_000),
    'a command of a huge length': GREETING + b'\x06' + struct.pack('>Q', 1 << 62),
    'a frame of a huge length': GREETING + READY + b'\x02' + struct.pack('>Q', (1 << 63) - 1) + b'x' * 1000,
    'a frame over the limit': GREETING + READY + b'\x02' + struct.pack('>Q', 5 << 20) + b'x' * (5 << 20),
    'half a frame': GREETING + READY + b'\x00\xc8' + b'x' * 10,
    'many parts': GREETING + READY + b'\x01\x01x' * 10000 + b'\x00\x01x',
}


def send_raw(address, data):
    """Sends and hangs up; the other side may have done so first."""
    family = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET
    with socket.socket(family) as raw:
        raw.settimeout(1)
        raw.connect(address)
        try:
            raw.sendall(data)
            raw.shutdown(socket.SHUT_WR)
            while raw.recv(65536):
                pass
        except OSError:
            pass


def is_served(house):
    """A stranger's bytes have not stopped the broker from taking a message in and giving it to a worker."""
    producer, worker = house.producer(), house.worker(on_run=Worker.result)
    id = random.randbytes(8).hex()
    assert producer.say(message('acme', id, 'Oi', id=id)).accepted == 1
    wait_until(lambda: house.state(id) == 'done', 'the batch is done')
    worker.set_slots(0)
    return True


@pytest.mark.parametrize('door', ['ingest', 'workers', 'stats'])
def test_raw_bytes_to_a_socket_of_the_broker(house, door):
    house.add_tenant(quiet='0s')
    ports = {name: free_port() for name in ('ingest', 'workers', 'stats')}
    house.configure(broker={name: f'tcp://127.0.0.1:{port}' for name, port in ports.items()})
    house.start_broker()
    for what, data in RAW.items():
        send_raw(('127.0.0.1', ports[door]), data)
        assert house.broker.is_running(), f'the broker has died of {what}'
    assert is_served(house)


def frames(rng):
    """Frames of every type, whole ones with parts exchanged, cut, or bent."""
    batch = '0' * 26
    whole = [
        encode(MESSAGES, [1, [message('acme', 'ana', 'Oi', id='1')]]),
        encode(HELLO, [bytes(16), 1, 10, 'x', [[1, batch]]]),
        encode(ALIVE, [10, [[1, batch]]]),
        encode(ANSWERED, [1, batch, msgpack.packb(['hello'])]),
        encode(RESULT, [1, batch, 0, None, None, None, 0, 0, 0]),
    ]
    yield from whole
    for frame in whole:
        yield from (frame[:n] for n in range(len(frame)))
    for number in range(256):
        yield bytes([number])
        yield bytes([number]) + whole[number % len(whole)][1:]
    for bomb in (b'\xdd\xff\xff\xff\xff', b'\xdf\xff\xff\xff\xff', b'\xc6\xff\xff\xff\xff', b'\xdb\xff\xff\xff\xff',
                 b'\x91' * 100_000, b'\x92\x01\xdd\x00\xff\xff\xff', b'\x92\xcf' + b'\xff' * 8 + b'\x90'):
        for kind in range(1, 15):
            yield bytes([32 + kind]) + bomb
    values = [None, -1, 0, 1, 2**32, 2**64 - 1, 1.5, True, '', 'x', b'', 'x' * 300, [], [[]], {}, [1, batch], bytes(16)]
    for kind in range(1, 15):
        for length in range(12):
            yield encode(kind, [rng.choice(values) for _ in range(length)])
    for _ in range(1000):
        bent = bytearray(rng.choice(whole))
        for _ in range(rng.randint(1, 4)):
            bent[rng.randrange(len(bent))] = rng.randrange(256)
        yield bytes(bent)


@pytest.mark.parametrize('door', ['ingest', 'workers', 'stats'])
def test_bent_frames_to_a_socket_of_the_broker(house, door):
    house.add_tenant(quiet='0s')
    house.start_broker()
    stranger = house.keep(Connection(house.config['broker'][door]))
    for frame in frames(random.Random(3)):
        stranger.send(frame)
        while stranger.receive(0):
            pass
    for parts in ([b'', b'x'], [b'x'] * 100, [b''], [b'', b'', b'']):
        stranger.socket.send_multipart(parts)
    assert house.broker.is_running()
    assert is_served(house)


def test_questions_of_every_shape(house):
    house.add_tenant()
    house.start_broker()
    rng, stats = random.Random(4), house.stats()
    values = ['null', '1', '-1', '1e999', '"x"', '""', '[]', '{}', 'true', f'"{"x" * 5000}"', '"\\u0000"', '"\\ud800"']
    for command in ('stats', 'why', 'threads', 'dead', 'dead_show', 'dead_retry', 'dead_drop'):
        for _ in range(50):
            keys = {key: rng.choice(values) for key in ('tenant', 'thread', 'state', 'limit', 'batch', 'request')}
            text = ','.join(f'"{key}":{value}' for key, value in keys.items() if rng.random() < 0.7)
            stats.send(f'{{"cmd":"{command}"{"," if text else ""}{text}}}'.encode())
            assert stats.receive() is not None
    assert is_served(house)


def test_raw_bytes_to_the_ingest(house):
    house.add_tenant(quiet='0s')
    house.start_broker()
    house.start_ingest()
    address = urllib.parse.urlsplit(house.url)
    head = b'POST /v1/messages HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n'
    for data in [*RAW.values(),
                 head + b'Content-Length: 99999999999999999999\r\n\r\n{',
                 head + b'Content-Length: -1\r\n\r\n{',
                 head + b'Content-Length: 10\r\n\r\n{',
                 head + b'Transfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n{',
                 head + b'Transfer-Encoding: chunked\r\n\r\nzz\r\n{',
                 head + b'Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n',
                 b'POST /hooks/' + b'%' * 100 + b' HTTP/1.1\r\nHost: x\r\n\r\n',
                 b'POST /hooks/' + b'a/' * 3000 + b' HTTP/1.1\r\nHost: x\r\n\r\n',
                 b'POST /hooks/acme/%00%ff HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}',
                 b'BREW /v1/messages HTTP/1.1\r\nHost: x\r\n\r\n',
                 b'POST /v1/messages HTTP/9.9\r\n\r\n',
                 b'GET /' + b'x' * 100_000 + b' HTTP/1.1\r\n\r\n',
                 b'GET / HTTP/1.1\r\n' + b'X: y\r\n' * 50_000 + b'\r\n']:
        send_raw((address.hostname, address.port), data)
        assert house.ingest.is_running(), f'the ingest has died of {data[:60]!r}'
    status, _, _ = house.post('/v1/messages', {'tenant': 'acme', 'thread': 'ana', 'text': 'Oi'})
    assert status == 202


def test_json_of_every_shape_to_the_ingest(house):
    house.add_tenant(quiet='60s', max_wait='60s')
    house.start_broker()
    house.start_ingest()
    for body in [b'', b'null', b'7', b'""', b'[]', b'{}', b'[' * 100_000, b'{"a":' * 50_000, b'[{}]', b'[[]]',
                 b'\xff\xfe', b'\x00', b'{"tenant":"acme","thread":"ana","text":"\\ud800"}',
                 b'{"tenant":"acme","thread":7}',
                 b'{"tenant":"acme","thread":"ana","at":"yesterday"}', b'{"tenant":"acme","thread":"ana","at":1e300}',
                 b'{"tenant":"acme","thread":"\\u0000"}', b'\n\n\n', b'{}\n{}\n{']:
        status, _, _ = house.post('/v1/messages', body)
        assert status in (202, 400, 413, 422), f'{status} for {body[:60]!r}'
    assert house.ingest.is_running()


def test_a_slow_stranger_keeps_nobody_waiting(house):
    """Connections that send a byte and then nothing."""
    house.add_tenant(quiet='60s', max_wait='60s')
    house.start_broker()
    house.start_ingest()
    address = urllib.parse.urlsplit(house.url)
    idle = [socket.create_connection((address.hostname, address.port)) for _ in range(200)]
    for connection in idle:
        connection.send(b'P')
    assert house.post('/v1/messages', {'tenant': 'acme', 'thread': 'ana', 'text': 'Oi'})[0] == 202
    for connection in idle:
        connection.close()


def test_a_handler_that_answers_noise_harms_nobody(house):
    """Raw bytes where the worker expects HTTP."""
    rng = random.Random(5)
    listener = socket.create_server(('127.0.0.1', 0))
    house.add_tenant(quiet='0s', retry={'attempts': 1},
                     handler={'kind': 'http', 'url': f'http://127.0.0.1:{listener.getsockname()[1]}/'})
    house.configure(provider={'failures': 100})  # fewer in a row, and a run that is spared would call again
    house.start_broker()
    house.start_worker()
    answers = [b'', rng.randbytes(1000), b'HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n{',
               b'HTTP/1.1 999 x\r\n\r\n', b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffff\r\n',
               b'HTTP/1.1 100 Continue\r\n\r\n' * 1000, b'HTTP/1.1 301 x\r\nLocation: file:///etc/passwd\r\n\r\n',
               b'HTTP/1.1 429 x\r\nRetry-After: -99999999999999999999\r\nContent-Length: 0\r\n\r\n']
    producer = house.producer()
    for number, answer in enumerate(answers):
        producer.say(message('acme', f't{number}', 'Oi', id=str(number)))
        listener.settimeout(20)
        connection, _ = listener.accept()
        connection.recv(65536)
        connection.sendall(answer)
        connection.close()
    wait_until(lambda: house.ask('dead')['total'] == len(answers), 'each has failed')
    listener.close()
