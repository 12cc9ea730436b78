"""Producers: what is acknowledged is stored, what is refused is named. No worker is needed."""

from lull import free_port, wait_until
from protocol import ERROR, PATIENCE, Producer, decode, encode, message, MESSAGES


def test_a_message_is_acknowledged_and_waits(house):
    house.add_tenant(quiet='5s')
    house.start_broker()
    ack = house.producer().say(message('acme', 'ana', 'Oi', id='1'))
    assert ack == (1, [], {})
    assert house.ask('stats')['messages']['pending'] == 1
    assert house.state('ana') == 'collecting'


def test_a_frame_of_ten_thousand_messages_is_one_acknowledgement(house):
    house.add_tenant(quiet='60s', max_wait='60s')
    house.start_broker()
    ack = house.producer().say(*[message('acme', f't{n % 500}', 'Oi', id=str(n)) for n in range(10000)])
    assert ack == (10000, [], {})
    assert house.ask('threads', limit=1)['total'] == 500


def test_every_refusal_names_its_message_and_its_reason(house):
    house.add_tenant(quiet='60s', max_wait='60s')
    house.configure(limits={'message_bytes': '4KiB'})
    house.start_broker()
    broken_body = ['acme', 'ana', 'b', None, b'\xc1']
    ack = house.producer().say(
        message('nobody', 'ana', 'Oi', id='1'),
        message('acme', 'ana', 'Oi', id='2'),
        message('acme', 'ana', 'Oi', id='3', channel='nowhere'),
        message('acme', '', 'Oi', id='4'),
        message('acme', 'a\nb', 'Oi', id='5'),
        message('acme', 'x' * 257, 'Oi', id='6'),
        message('acme', b'\xff\xfe', 'Oi', id='7'),
        message('acme', 'ana', 'Oi', id='x' * 257),
        message('acme', 'ana', 'Oi', id='a\x00b'),
        broken_body,
        message('acme', 'ana', 'x' * 5000, id='11'))
    assert ack.accepted == 1 and ack.duplicates == []
    assert ack.refused == {
        0: 'unknown_tenant', 2: 'unknown_channel', 3: 'bad_thread', 4: 'bad_thread', 5: 'bad_thread', 6: 'bad_thread',
        7: 'bad_id', 8: 'bad_id', 9: 'bad_body', 10: 'too_large'}


def test_the_same_id_is_taken_in_once(house):
    house.add_tenant(quiet='60s', max_wait='60s')
    house.add_tenant('other', quiet='60s', max_wait='60s')
    house.start_broker()
    producer = house.producer()
    assert producer.say(message('acme', 'ana', 'Oi', id='1'), message('acme', 'ana', 'Oi', id='1')) == (1, [1], {})
    assert producer.say(message('acme', 'ana', 'Oi', id='2'), message('acme', 'bia', 'Oi', id='1')) == (1, [1], {})
    assert producer.say(message('other', 'ana', 'Oi', id='1')) == (1, [], {})
    assert house.ask('stats')['messages']['duplicate_total'] == 2


def test_the_same_id_is_known_after_a_crash(house):
    house.add_tenant(quiet='60s', max_wait='60s')
    house.start_broker()
    house.producer().say(message('acme', 'ana', 'Oi', id='1'))
    house.broker.kill()
    house.start_broker()
    assert house.producer().say(message('acme', 'ana', 'Oi', id='1')) == (0, [0], {})


def test_messages_without_an_id_are_all_taken_in(house):
    house.add_tenant(quiet='60s', max_wait='60s')
    house.start_broker()
    assert house.producer().say(message('acme', 'ana', 'Oi'), message('acme', 'ana', 'Oi')) == (2, [], {})


def test_a_frame_that_is_none_is_answered_with_an_error(house):
    house.add_tenant()
    house.start_broker()
    for frame, code in [(b'\x21\xc1', 'bad_frame'), (b'\x41\x92\x01\x90', 'bad_version'), (b'\x3f\x90', 'bad_frame'),
                        (encode(MESSAGES, ['x', []]), 'bad_frame'), (encode(MESSAGES, [1]), 'bad_frame')]:
        producer = house.producer()
        producer.send(frame)
        answer = producer.receive(PATIENCE)
        assert answer is not None, f'no answer to {frame!r}'
        kind, (said, _) = decode(answer)
        assert (kind, said) == (ERROR, code), frame


def test_elements_beyond_those_known_are_passed_over(house):
    house.add_tenant(quiet='60s', max_wait='60s')
    house.start_broker()
    producer = house.producer()
    producer.send(encode(MESSAGES, [7, [message('acme', 'ana', 'Oi', id='1') + ['later', {}]], 'later']))
    assert producer.await_ack(7) == (1, [], {})


def test_what_is_sent_before_the_broker_is_there_is_sent_again(house):
    house.add_tenant(quiet='60s', max_wait='60s')
    producer = house.producer()
    assert producer.await_ack(producer.send_messages([message('acme', 'ana', 'Oi', id='1')]), 0.2) is None
    house.start_broker()
    ack = producer.say_again([message('acme', 'ana', 'Oi', id='1')])
    assert ack.accepted + len(ack.duplicates) == 1
    assert house.ask('stats')['messages']['pending'] == 1


def test_a_second_broker_leaves_the_store_alone(house):
    house.add_tenant()
    house.start_broker()
    house.configure(broker={name: f'ipc://{house.folder}/second-{name}.ipc' for name in ('ingest', 'workers', 'stats')})
    assert 'store' in house.start_refused('lull-broker')
    assert house.broker.is_running()


def test_the_broker_listens_on_tcp(house):
    house.add_tenant(quiet='60s', max_wait='60s')
    house.configure(broker={name: f'tcp://127.0.0.1:{free_port()}' for name in ('ingest', 'workers', 'stats')})
    house.start_broker()
    assert house.producer().say(message('acme', 'ana', 'Oi', id='1')).accepted == 1


def test_a_slow_producer_delays_no_other(house):
    """One that never reads its acknowledgements."""
    house.add_tenant(quiet='60s', max_wait='60s')
    house.start_broker()
    deaf, other = house.keep(Producer(house.config['broker']['ingest'])), house.producer()
    for n in range(2000):
        deaf.send_messages([message('acme', 'ana', 'Oi', id=f'deaf-{n}')])
    assert other.say(message('acme', 'bia', 'Oi', id='other')).accepted == 1
    wait_until(lambda: house.ask('stats')['messages']['pending'] == 2001, 'all are taken in')
