"""The doors: what a webhook brings through them, and raw sockets of those who are slow, many, or hard to understand."""

import contextlib
import hashlib
import hmac
import http.client
import json
import pathlib
import select
import socket
import time
import urllib.parse

import pytest

from fake_ingest_broker import FakeBroker
from lull import stays, wait_until
from protocol import ERROR, EVENTS, decode, encode


@pytest.fixture
def ingest(house):
    house.add_tenant(channels={'open': {'kind': 'generic', 'unsigned': True}})
    house.configure(ingest={'ack_timeout': '20s'})
    house.fake = house.keep(FakeBroker(house.config['broker']['ingest']))
    house.restart = lambda **settings: (house.configure(ingest=settings), house.start_ingest())
    return house


@pytest.fixture
def narrow(ingest):
    """Eight connections may be open at once, four from one address."""
    ingest.restart(connections=8, connections_per_address=4)
    return ingest


def connect(house, source='127.0.0.1'):
    address = urllib.parse.urlsplit(house.url)
    raw = socket.create_connection((address.hostname, address.port), timeout=20, source_address=(source, 0))
    raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return house.keep(raw)


def ask(house, path, source='127.0.0.1'):
    """The status of a GET on a connection of its own; None when there is no place for it."""
    raw = connect(house, source)
    try:
        raw.sendall(f'GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n'.encode())
        return status_of(raw)
    except OSError:
        return None


def head(*lines, path='/hooks/acme/open', version='1.1'):
    return '\r\n'.join([f'POST {path} HTTP/{version}', 'Host: x', *lines, '', '']).encode()


def webhook(name, *lines, **keys):
    body = json.dumps({'thread': 'ana', 'id': name, 'text': name}).encode()
    return head(f'Content-Length: {len(body)}', *lines, **keys) + body


def is_open(raw):
    """Has the other side neither closed nor said anything?"""
    return not select.select([raw], [], [], 0)[0]


def is_closed(raw):
    try:
        return not is_open(raw) and raw.recv(1, socket.MSG_PEEK) == b''
    except ConnectionResetError:
        return True


def status_of(raw):
    """Of the next answer; None when the other side hangs up without one."""
    answer = http.client.HTTPResponse(raw)
    try:
        answer.begin()
    except (http.client.HTTPException, ConnectionError):
        return None
    answer.read()
    return answer.status


class Reader:
    """Answers that come one behind the other; http.client reads ahead, and so they share what has been read."""

    def __init__(self, raw):
        self.file = raw.makefile('rb')
        self.file.close = lambda: None

    def makefile(self, _):
        return self.file


def until_closed(house, data):
    """All that comes back before the other side closes."""
    raw, answer = connect(house), b''
    try:
        raw.sendall(data)
        while part := raw.recv(65536):
            answer += part
    except ConnectionResetError:
        pass
    return answer


# -- what a webhook brings

KIND = """
settings:
  secret: {required: true, secret: true, what: "what the platform signs with"}
proof:
  - {scheme: hmac-sha256, setting: secret, header: X-Signature, content: "{body}"}
challenge:
  when: {at: /type, is: hello}
  answer: /word
respond: {status: 201, type: text/xml, body: "<Response/>"}
each: /items/*
read:
  - what:
      - {what: typing, when: {at: /is, is: typing}}
      - {what: paused, when: {at: /is, is: paused}}
      - {what: person, when: {at: /is, is: person}, why: "{/who} has answered"}
      - {what: edit, when: {at: /is, is: edit}}
      - {what: shown, when: {at: /is, is: shown}}
      - {what: alias, when: {at: /is, is: alias}}
      - {what: message, when: {at: /is, is: message}}
    otherwise: "something else"
    thread: /thread
    id: /id
    at: /at
    text: /text
    to: {chat: /chat, topic: /topic}
    url: /url
    aliases: [/alias, /other]
    number: /number
"""


@pytest.fixture
def platform(ingest):
    """A kind of channel that says all there is; with respond= left out it is answered in our own words."""
    def start(kind=KIND):
        folder = ingest.folder / 'kinds'
        folder.mkdir()
        (folder / 'own.yaml').write_text(kind)
        ingest.configure(channel_files='kinds')
        ingest.config['tenants']['acme']['channels']['own'] = {'kind': 'own', 'secret': 'secret'}
        ingest.start_ingest()
        return ingest
    return start


PLAIN = '\n'.join(line for line in KIND.splitlines() if not line.startswith('respond'))


def bring(house, *items, secret=b'secret', **keys):
    """(status, content type, body) of a signed webhook."""
    body = json.dumps({'items': items, **keys}).encode()
    signature = hmac.new(secret, body, hashlib.sha256).hexdigest()
    status, headers, answer = house.post('/hooks/acme/own', body, {'X-Signature': signature})
    return status, headers['content-type'], answer


def test_what_a_message_says_of_its_thread_goes_along(platform):
    house = platform(PLAIN)
    item = {'is': 'message', 'thread': 'ana', 'id': '1', 'text': 'Oi', 'chat': -100, 'topic': '42', 'alias': 'ana b',
            'other': '5511', 'url': 'https://example.com/a.ogg'}
    assert json.loads(bring(house, item)[2]) == {'accepted': 1, 'duplicate': 0}
    there = house.fake.accepted[0]
    assert (there.what, there.thread, there.aliases) == ('message', 'ana', ['ana b', '5511'])
    assert json.loads(there.to) == {'chat': '-100', 'topic': '42'} and there.url == 'https://example.com/a.ogg'


def test_events_are_counted_apart_and_keep_their_order(platform):
    house = platform(PLAIN)
    items = [{'is': 'message', 'thread': 'ana', 'id': '1', 'text': 'Oi'}, {'is': 'typing', 'thread': 'ana'},
             {'is': 'edit', 'thread': 'ana', 'id': '1', 'text': 'Olá'},
             {'is': 'shown', 'thread': 'ana', 'id': 'batch', 'number': 2},
             {'is': 'alias', 'thread': 'ana', 'alias': 'bea'}, {'is': 'song', 'thread': 'ana'},
             {'is': 'message', 'thread': 'ana', 'id': '2', 'text': 'Tudo bem?'}]
    assert json.loads(bring(house, *items)[2]) == {
        'accepted': 2, 'duplicate': 0, 'events': 4, 'ignored': ['something else'], 'ignored_total': 1}
    assert [said.what for said in house.fake.accepted] == ['message', 'typing', 'edit', 'shown', 'alias', 'message']
    assert [said.text for said in house.fake.accepted][2] == 'Olá' and house.fake.accepted[3].number == 2
    again = json.loads(bring(house, *items)[2])
    assert (again['accepted'], again['duplicate'], again['events']) == (0, 2, 4)
    assert json.loads(bring(house, items[1])[2]) == {'accepted': 0, 'duplicate': 0, 'events': 1}


def test_typing_without_a_time_has_that_of_its_receipt(platform):
    house = platform(PLAIN)
    before = int(time.time() * 1000)
    bring(house, {'is': 'typing', 'thread': 'a'}, {'is': 'paused', 'thread': 'a'},
          {'is': 'typing', 'thread': 'a', 'at': 1795255200}, {'is': 'message', 'thread': 'a', 'text': 'Oi'})
    now, paused, told, message = [said.at for said in house.fake.accepted]
    assert all(before <= at <= time.time() * 1000 for at in (now, paused))
    assert told == 1795255200000 and message is None


def test_why_a_person_has_taken_over_is_cut_between_two_characters(platform):
    house = platform(PLAIN)
    for who in 'Ana', 'é' * 100, 'x' * 63 + 'é', 'x' * 100:
        assert json.loads(bring(house, {'is': 'person', 'thread': 'a', 'who': who, 'text': 'Oi'})[2])['events'] == 1
    assert [said.kind for said in house.fake.accepted] == ['Ana has answered', 'é' * 32, 'x' * 63, 'x' * 64]
    assert [said.text for said in house.fake.accepted] == ['Oi'] * 4


def test_an_event_that_cannot_be_is_refused_as_a_message_is(platform):
    house = platform(PLAIN)
    status, _, answer = bring(house, {'is': 'typing', 'thread': 'x' * 300})
    assert status == 200 and json.loads(answer)['refused'][0]['code'] == 'bad_thread'
    house.fake.refuse = {'9': ('store_full', 'no room')}
    status, _, answer = bring(house, {'is': 'edit', 'thread': 'a', 'id': '9', 'text': 'Oi'},
                              {'is': 'typing', 'thread': 'a'})
    assert status == 507


def test_a_platform_hears_what_it_wants_to_hear_when_all_is_well(platform):
    house = platform()
    for item in ({'is': 'message', 'thread': 'a', 'id': '1'}, {'is': 'song'}, {'is': 'typing', 'thread': 'a'},
                 {'is': 'message', 'thread': 'x' * 300}):
        assert bring(house, item) == (201, 'text/xml', b'<Response/>')
    assert bring(house, secret=b'another')[0] == 401
    house.fake.is_silent = True
    house.configure(ingest={'ack_timeout': '200ms'})
    house.start_ingest()
    assert bring(house, {'is': 'message', 'thread': 'a', 'id': '2'})[0] == 503


def test_its_words_are_kept_while_the_file_is_read_again(platform):
    house = platform()
    house.fake.is_silent = True
    raw = connect(house)
    body = json.dumps({'items': [{'is': 'message', 'thread': 'a', 'id': '1'}]}).encode()
    signature = hmac.new(b'secret', body, hashlib.sha256).hexdigest()
    raw.sendall(head(f'Content-Length: {len(body)}', f'X-Signature: {signature}', path='/hooks/acme/own') + body)
    wait_until(lambda: house.fake.frames, 'it is with the broker')
    house.ingest.popen.send_signal(1)
    wait_until(lambda: house.ingest.events('config_read'), 'the file is read')
    assert stays(lambda: is_open(raw), 0.1)
    house.fake.is_silent = False
    assert status_of(raw) == 201


def test_a_question_in_a_body_is_answered_only_when_it_is_proven(platform):
    house = platform()
    assert bring(house, type='hello', word='3eZb-Rx.1_') == (200, 'text/plain; charset=utf-8', b'3eZb-Rx.1_')
    assert bring(house, type='hello', word='3eZb', secret=b'another')[0] == 401
    assert b'<script>' not in bring(house, type='hello', word='<script>')[2]
    assert house.fake.frames == []


# -- the slow

def test_whatever_trickles_in_a_head_and_a_body_have_their_time(ingest):
    """The connection that has its head in time gets more of it than the one that has not; neither goes on for ever."""
    ingest.start_ingest()
    kept = connect(ingest)
    kept.sendall(webhook('first'))
    assert status_of(kept) == 200
    slow = {'head': connect(ingest), 'body': connect(ingest), 'second head': kept}
    slow['body'].sendall(head('Content-Length: 1000'))
    closed = []
    end = time.monotonic() + 60
    while slow and time.monotonic() < end:
        for name, raw in list(slow.items()):
            try:
                raw.sendall(b'P' if 'head' in name else b' ')
            except OSError:
                pass
            if is_closed(raw):
                closed.append(name)
                del slow[name]
        select.select([], [], [], 0.2)
    assert closed == ['head', 'second head', 'body']
    assert ingest.fake.texts == ['first']


def test_a_connection_that_says_nothing_is_closed(ingest):
    ingest.start_ingest()
    new, kept = connect(ingest), connect(ingest)
    kept.sendall(webhook('first'))
    assert status_of(kept) == 200
    wait_until(lambda: is_closed(new) and is_closed(kept), 'both are closed', 45)


# -- the many

def test_the_oldest_unfinished_of_an_address_makes_room_for_its_next_one(narrow):
    others = [connect(narrow, '127.0.0.2') for _ in range(4)]
    slow = [connect(narrow) for _ in range(4)]
    for raw in others + slow:
        raw.sendall(b'POST /hooks')
    raw = connect(narrow)
    for n in range(3):
        raw.sendall(webhook(f'{n}'))
        assert status_of(raw) == 200
    wait_until(lambda: is_closed(slow[0]), 'the oldest of that address is closed')
    assert all(map(is_open, others)) and all(map(is_open, slow[1:]))
    assert narrow.fake.texts == ['0', '1', '2']


def test_the_oldest_of_all_makes_room_when_all_places_are_taken(narrow):
    slow = [connect(narrow, f'127.0.0.{2 + n // 2}') for n in range(8)]
    raw = connect(narrow)
    raw.sendall(webhook('one'))
    assert status_of(raw) == 200
    wait_until(lambda: is_closed(slow[0]), 'the oldest is closed')
    assert all(map(is_open, slow[1:]))
    another = connect(narrow, '127.0.0.2')
    wait_until(lambda: is_closed(slow[1]), 'now the next one is the oldest')
    another.sendall(webhook('two'))
    assert status_of(another) == 200


def test_a_flood_of_slow_ones_does_not_keep_a_webhook_out(narrow):
    for n in range(200):
        connect(narrow, f'127.0.{n % 7}.1').sendall(b'POST /hooks/acme/open HTTP/1.1\r\nHo')
        if n % 10 == 0:
            raw = connect(narrow)
            raw.sendall(webhook(f'{n}'))
            assert status_of(raw) == 200
    assert len(narrow.fake.texts) == 20


def test_who_waits_for_an_answer_stays_and_who_comes_then_is_refused(narrow):
    narrow.fake.is_silent = True
    waiting = [connect(narrow) for _ in range(4)]
    for n, raw in enumerate(waiting):
        raw.sendall(webhook(f'{n}'))
    wait_until(lambda: narrow.fake.frames, 'the first is with the broker')
    for _ in range(2):  # whoever is answered now came after them: by then they have been read
        assert ask(narrow, '/healthz', '127.0.0.3') == 200
    for _ in range(3):
        late = connect(narrow)
        wait_until(lambda: is_closed(late), 'there is no place')
    elsewhere = connect(narrow, '127.0.0.2')
    elsewhere.sendall(webhook('elsewhere'))
    assert all(map(is_open, waiting))
    narrow.fake.is_silent = False
    assert [status_of(raw) for raw in [*waiting, elsewhere]] == [200] * 5
    wait_until(lambda: ask(narrow, '/healthz') == 200, 'there is a place again')
    wait_until(lambda: any(map(is_closed, waiting)), 'one who was answered made room')


def test_who_keeps_a_connection_that_he_does_not_use_gives_it_up_first(narrow):
    kept = [connect(narrow) for _ in range(4)]
    for raw in reversed(kept):
        raw.sendall(webhook('same', 'Connection: keep-alive'))
        assert status_of(raw) == 200
    raw = connect(narrow)
    raw.sendall(webhook('other'))
    assert status_of(raw) == 200
    wait_until(lambda: is_closed(kept[3]), 'the one whose last request is oldest is closed')
    assert all(map(is_open, kept[:3]))


def memory_of(process, key):
    """In bytes, as the kernel counts them."""
    status = pathlib.Path(f'/proc/{process.popen.pid}/status').read_text()
    return 1024 * int(status.split(f'{key}:')[1].split()[0])


def test_bodies_that_never_end_make_room_for_those_that_do(ingest):
    """Ninety bodies of three megabytes are more than are held at once."""
    ingest.start_ingest()
    size = 3 << 20
    slow = []
    for _ in range(90):
        raw = connect(ingest)
        raw.sendall(head(f'Content-Length: {size}') + b' ' * (size - 1))
        slow.append(raw)
    raw = connect(ingest)
    raw.sendall(webhook('one'))
    assert status_of(raw) == 200
    wait_until(lambda: is_closed(slow[0]), 'the oldest is closed')
    slow[-1].sendall(b' ')
    assert status_of(slow[-1]) == 400, 'it was read to its end, and is no JSON'
    space, peak = (memory_of(ingest.ingest, key) for key in ('VmPeak', 'VmHWM'))
    if space < 1 << 40:  # a sanitizer takes more address space, and holds back what was freed
        assert peak < 1.5 * (256 << 20)


def test_the_limits_are_those_of_the_start(narrow):
    narrow.configure(ingest={'connections': 2})
    narrow.write_config()
    narrow.ingest.popen.send_signal(1)
    warned = wait_until(lambda: narrow.ingest.events('config_needs_restart'), 'it is said')
    assert [fields['key'] for fields in warned] == ['ingest.connections']
    slow = [connect(narrow) for _ in range(4)]
    raw = connect(narrow, '127.0.0.2')
    raw.sendall(webhook('one'))
    assert status_of(raw) == 200 and all(map(is_open, slow))


# -- the unclear

def is_refused(answer):
    """Nothing but refusals. (Before 1.0, libmicrohttpd says one of its own twice.)"""
    refused = answer.count(b'HTTP/1.1 400 ') + answer.count(b'HTTP/1.1 413 ')
    return refused > 0 and answer.count(b'HTTP/1.1 ') == refused


@pytest.mark.parametrize('lines', [
    ('Content-Length: 5', 'Transfer-Encoding: chunked'), ('Transfer-Encoding: chunked', 'Content-Length: 5'),
    ('Content-Length: 5', 'Content-Length: 6'), ('Content-Length: 5', 'Content-Length: 5'),
    ('Content-Length: 5, 6',), ('Content-Length: -5',), ('Content-Length: +5',), ('Content-Length: 0x5',),
    ('Content-Length: 5 5',), ('Content-Length: 99999999999999999999',), ('Content-Length:',),
    ('Transfer-Encoding: chunked, chunked',), ('Transfer-Encoding: identity',), ('Transfer-Encoding: chunked;x=y',),
    ('Content-Length : 5',), (' Content-Length: 5',), ('X: y', ' Content-Length: 5')])
def test_a_length_that_can_be_read_in_two_ways_is_400_and_the_end(ingest, lines):
    ingest.start_ingest()
    answer = until_closed(ingest, head(*lines) + b'0\r\n\r\n' + webhook('smuggled'))
    assert is_refused(answer), answer
    assert ingest.fake.frames == []


@pytest.mark.parametrize('chunks', [
    b'g\r\nabc\r\n0\r\n\r\n', b'-1\r\n\r\n0\r\n\r\n', b'0x2\r\n{}\r\n0\r\n\r\n',
    b'fffffffffffffffff\r\n{}\r\n0\r\n\r\n', b'2\r\n{}garbage\r\n0\r\n\r\n', b'2{}\r\n0\r\n\r\n',
    b' 2\r\n{}\r\n0\r\n\r\n', b'\r\n{}\r\n0\r\n\r\n', b'2;\0\r\n{}\r\nz\r\n\r\n'])
def test_a_chunk_of_a_bad_size_is_400_and_the_end(ingest, chunks):
    ingest.start_ingest()
    answer = until_closed(ingest, head('Transfer-Encoding: chunked') + chunks + webhook('smuggled'))
    assert is_refused(answer), answer
    assert ingest.fake.frames == []


def in_chunks(extension=b''):
    """A webhook in two chunks, with a trailer, and another one behind it."""
    body = json.dumps({'thread': 'a', 'id': '1', 'text': 'Oi'}).encode()
    return (head('Transfer-Encoding: Chunked') + b'%X' % 3 + extension + b'\r\n' + body[:3] + b'\r\n'
            + b'00%x\r\n' % (len(body) - 3) + body[3:] + b'\r\n0\r\nX: y\r\n\r\n' + webhook('2'))


def test_a_body_in_chunks_with_trailers_is_read(ingest):
    ingest.start_ingest()
    raw = connect(ingest)
    raw.sendall(in_chunks())
    reader = Reader(raw)
    assert (status_of(reader), status_of(reader)) == (200, 200)
    assert ingest.fake.texts == ['Oi', '2']


@pytest.mark.parametrize('extension', [b';a=b', b';a'])
def test_a_chunk_with_an_extension_is_read_as_it_was_meant_or_not_at_all(ingest, extension):
    """libmicrohttpd 1.0.1 takes the end of such a line for the first byte of the chunk, and then refuses the whole."""
    ingest.start_ingest()
    raw = connect(ingest)
    raw.sendall(in_chunks(extension))
    reader = Reader(raw)
    statuses = status_of(reader), status_of(reader)
    assert (statuses, ingest.fake.texts) in [((200, 200), ['Oi', '2']), ((400, None), [])]


# -- names that nobody has

@pytest.mark.parametrize('path', ['/hooks/{}/own', '/hooks/acme/{}'])
def test_a_name_that_nobody_has_is_not_repeated_in_its_whole_length(ingest, path):
    ingest.start_ingest()
    name = 'é' * 500
    status, _, body = ingest.post(path.format(urllib.parse.quote(name)), {})
    assert status == 404 and len(body.decode()) < 600 and 'éé' in json.loads(body)['detail']
    event, = ingest.ingest.events('webhook_refused')
    assert 'é' * 32 in ingest.ingest.log and 'é' * 33 not in ingest.ingest.log and event['status'] == '404'


# -- a broker that is older

def test_an_old_broker_gets_the_messages_and_the_events_are_503(ingest):
    old = ingest.fake.acknowledge
    ingest.fake.answer = lambda request, items: (
        encode(ERROR, ['bad_frame', 'not a frame of this protocol'])
        if decode(ingest.fake.raw[-1][1])[0] == EVENTS else old(request, items))
    ingest.start_ingest()
    typing = {'tenant': 'acme', 'thread': 'ana', 'what': 'typing'}
    status, headers, body = ingest.post('/v1/messages', typing)
    assert (status, json.loads(body)['code']) == (503, 'broker_old') and headers['Retry-After']
    said = {'tenant': 'acme', 'thread': 'ana', 'id': 'm1', 'text': 'Oi', 'aliases': ['5511']}
    status, _, body = ingest.post('/v1/messages', [said, typing, {**said, 'id': 'm2', 'text': 'Tudo?'}])
    body = json.loads(body)
    assert (status, body['accepted'], [(refused['index'], refused['code']) for refused in body['refused']]) == (
        202, 2, [(1, 'broker_old')])
    assert ingest.fake.texts == ['Oi', 'Tudo?'] and not any(said.aliases for said in ingest.fake.accepted)
    event, = ingest.ingest.events('broker_too_old')
    assert event['level'] == 'error' and 'upgrade the broker first' in event['next']


def test_too_many_fields_and_too_long_a_head(ingest):
    ingest.start_ingest()
    raw = connect(ingest)
    raw.sendall(webhook('fits', *['X: y'] * 98))
    assert status_of(raw) == 200
    assert until_closed(ingest, webhook('many', *['X: y'] * 99)).startswith(b'HTTP/1.1 431')
    for data in (webhook('long', 'X: ' + 'y' * 40_000), webhook('long', *['X: ' + 'y' * 500] * 80)):
        assert until_closed(ingest, data).startswith((b'HTTP/1.1 431', b'HTTP/1.1 413'))
    assert until_closed(ingest, webhook('long', path='/' + 'x' * 40_000)).startswith(b'HTTP/1.1 414')
    assert ingest.fake.texts == ['fits']


def query(n, length=1):
    target = '/healthz?' + '&'.join(['a' * length] * n)
    return f'GET {target} HTTP/1.1\r\nHost: x\r\n\r\n'.encode()


@pytest.mark.parametrize('status, n, lengths', [
    (200, 256, [1, 30]), (200, 1, [8183]), (431, 257, [1, 30]), (414, 1, [8184, 20_000, 31_000, 32_000]),
    (414, 100, [300]), (431, 4000, [1]), (414, 14_000, [1])])
def test_a_target_is_short_and_has_few_arguments(ingest, status, n, lengths):
    """Of more of them than the library can hold it would say nothing at all."""
    ingest.start_ingest()
    for length in lengths:
        raw = connect(ingest)
        raw.sendall(query(1) + query(n, length))
        answer = Reader(raw)
        assert (status_of(answer), status_of(answer)) == (200, status), length
        assert status == 200 or answer.file.read() == b''


@pytest.mark.parametrize('data, code', [(query(300), 'too_many_arguments'), (query(1, 9000), 'too_long')])
def test_what_is_wrong_with_a_target_is_told(ingest, data, code):
    ingest.start_ingest()
    head, _, body = until_closed(ingest, data).partition(b'\r\n\r\n')
    assert b'Content-Type: application/problem+json' in head and json.loads(body)['code'] == code


def test_of_a_request_that_is_given_up_nothing_is_kept(ingest):
    """Those that the library refuses by itself, before anybody is asked, too: a stop would wait for them."""
    ingest.start_ingest()
    for _ in range(20):
        for data in (query(14_000), query(400), webhook('long', *['X: ' + 'y' * 500] * 80),
                     webhook('two', 'Content-Length: 2, 2'), webhook('no host').replace(b'Host: x\r\n', b''),
                     b'GET /' + b'x' * 40_000):
            raw = connect(ingest)
            with contextlib.suppress(OSError):  # it may be closed already
                raw.sendall(data)
                raw.shutdown(socket.SHUT_WR)
            wait_until(lambda raw=raw: not is_open(raw), 'it is answered, or closed')
            raw.close()
    assert ingest.post('/healthz', None, method='GET')[0] == 200
    assert ingest.ingest.stop() == 0
    assert ingest.ingest.events('stopping')[0]['requests'] == '0'


def test_an_old_client_is_answered_and_hung_up_on_unless_it_asks_to_stay(ingest):
    ingest.start_ingest()
    answer = until_closed(ingest, webhook('one', version='1.0'))
    assert answer.startswith(b'HTTP/1.0 200') or answer.startswith(b'HTTP/1.1 200')
    raw = connect(ingest)
    for n in 'two', 'three':
        raw.sendall(webhook(n, 'Connection: Keep-Alive', version='1.0'))
        assert status_of(raw) == 200
    assert ingest.fake.texts == ['one', 'two', 'three']


@pytest.mark.parametrize('version', ['0.9', '2.0', '1.', 'x'])
def test_what_is_no_http_1_is_refused(ingest, version):
    ingest.start_ingest()
    answer = until_closed(ingest, webhook('one', 'Connection: close', version=version))
    assert b' 200 ' not in answer and ingest.fake.frames == []


def test_requests_in_one_go_are_answered_in_their_order(ingest):
    """The broker says nothing until all were sent; the ones that need no broker do not overtake."""
    ingest.start_ingest()
    ingest.fake.is_silent = True
    raw = connect(ingest)
    health = b'GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n'
    raw.sendall(webhook('0') + health + webhook('1') + head('Content-Length: 0', path='/nothing') + webhook('2'))
    wait_until(lambda: ingest.fake.frames, 'the first is with the broker')
    assert is_open(raw)
    ingest.fake.is_silent = False
    reader = Reader(raw)
    assert [status_of(reader) for _ in range(5)] == [200, 200, 200, 404, 200]
    assert ingest.fake.texts == ['0', '1', '2']


def test_half_a_second_request_behind_a_first_one_waits_for_its_rest(ingest):
    ingest.start_ingest()
    raw = connect(ingest)
    second = webhook('1')
    raw.sendall(webhook('0') + second[:20])
    assert status_of(raw) == 200
    raw.sendall(second[20:])
    assert status_of(raw) == 200
    assert ingest.fake.texts == ['0', '1']
