"""Interrupts with real workers: the call is broken off, one reply covers all, and it comes."""

from lull import each, wait_until
from peers import reply
from protocol import message
from scenes import done, start


def test_a_new_message_breaks_the_call_off_and_one_reply_covers_both(house):
    bot, producer = start(house, lambda call: reply('never', delay=60), quiet='200ms', on_new_message='interrupt')
    producer.say(message('acme', 'ana', 'Oi'))
    first = wait_until(bot.running, 'the call is under way')[0]
    producer.say(message('acme', 'ana', 'Quanto custa?'))
    wait_until(lambda: done(house) == 1, 'the batch is done')
    assert first.is_aborted
    assert [call.texts for call in bot.calls] == [['Oi'], ['Oi', 'Quanto custa?']]
    wait_until(lambda: house.ask('stats')['savings']['calls_wasted_total'] == 1, 'the waste is counted')


def test_who_never_stops_writing_is_answered_by_the_cap(house):
    bot, producer = start(house, otherwise=lambda call: reply('Já vai', delay=0.8), quiet='200ms', max_wait='3s',
                          max_messages=100, on_new_message='interrupt', max_interrupts=100)
    for n in each(0.3, range(60)):
        if done(house) > 0:
            break
        producer.say(message('acme', 'ana', f'{n}'))
    assert done(house) >= 1, 'eighteen seconds of writing, and no answer'
    answered = next(call for call in bot.calls if not call.is_aborted)
    assert answered.texts == [str(n) for n in range(len(answered.texts))]
    assert any(call.is_aborted for call in bot.calls)


def test_interrupts_have_an_end(house):
    never = [lambda call: reply('never', delay=60)] * 2
    bot, producer = start(house, *never, otherwise=lambda call: reply('Já vai', delay=1.0), quiet='100ms',
                          max_wait='60s', max_messages=100, on_new_message='interrupt', max_interrupts=2)
    for n in range(3):
        producer.say(message('acme', 'ana', f'{n}'))
        wait_until(lambda: len(bot.calls) == n + 1, f'call number {n + 1} is under way')
    producer.say(message('acme', 'ana', '3'))
    wait_until(lambda: done(house) >= 1, 'the third call is answered')
    wait_until(lambda: bot.calls[0].ended and bot.calls[1].ended, 'the others have been hung up on')
    assert [call.is_aborted for call in bot.calls[:3]] == [True, True, False]
