"""Settings changed while the broker runs: at once, for good, and by the rules of the file."""

import json
import re
import signal

from lull import wait_until
from protocol import Worker, message


def setting(house, key, tenant='acme'):
    return house.ask('settings', tenant=tenant)['settings'][key]


def change(house, key, value):
    answer = house.ask('settings_set', tenant='acme', key=key, value=value)
    assert 'error' not in answer, answer
    return answer['settings'][key]


def refusal(house, key, value, tenant='acme'):
    return house.ask('settings_set', tenant=tenant, key=key, value=value)['error']


def reload(house):
    house.write_config()
    known = len(house.broker.events('reloaded'))
    house.broker.popen.send_signal(signal.SIGHUP)
    wait_until(lambda: len(house.broker.events('reloaded')) > known, 'the file was read again')


def test_each_setting_is_shown_with_where_it_comes_from(house):
    house.add_tenant(quiet='300ms')
    house.start_broker()
    assert setting(house, 'max_messages') == {'value': '20', 'source': 'default'}
    quiet = setting(house, 'quiet')
    assert quiet['value'] == '300ms'
    path, line = quiet['source'].rsplit(':', 1)
    assert 'quiet' in (house.folder / 'lull.yaml').read_text().splitlines()[int(line) - 1]
    assert path == str(house.folder / 'lull.yaml')
    assert re.fullmatch(r'set \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z', change(house, 'quiet', '4s')['source'])
    assert house.ask('settings', tenant='nobody')['error']['code'] == 'unknown_tenant'


def test_a_change_applies_to_a_thread_that_is_still_collecting(house):
    house.add_tenant(quiet='60s', max_wait='60s')
    house.start_broker()
    worker = house.worker(on_run=Worker.result)
    house.producer().say(message('acme', 'ana', 'Oi', id='1'))
    assert house.state('ana') == 'collecting'
    change(house, 'quiet', '200ms')
    run = wait_until(lambda: worker.runs, 'the batch is due by the new quiet')[0]
    assert run.ids == ['1']


def test_a_bound_that_is_set_is_in_force_for_the_next_message(house):
    house.add_tenant(quiet='60s', max_wait='60s')
    house.start_broker()
    producer = house.producer()
    assert producer.say(message('acme', 'ana', 'Oi', id='1')).accepted == 1
    change(house, 'max_pending', '1')
    assert producer.say(message('acme', 'ana', 'Oi', id='2')).refused == {0: 'tenant_full'}
    house.ask('settings_unset', tenant='acme', key='max_pending')
    assert producer.say(message('acme', 'ana', 'Oi', id='2')).accepted == 1


def test_a_change_survives_kill_9_and_sighup_until_it_is_unset(house):
    house.add_tenant(quiet='60s', max_wait='60s')
    house.start_broker()
    change(house, 'quiet', '4s')
    change(house, 'retry.attempts', '3')
    change(house, 'quiet', '5s')
    house.broker.kill()
    house.start_broker()
    assert setting(house, 'quiet')['value'] == '5s'
    assert setting(house, 'retry.attempts')['value'] == '3'
    house.configure(tenants={'acme': {'quiet': '50s', 'max_messages': 7}})
    reload(house)
    assert setting(house, 'quiet')['value'] == '5s', 'what was set goes before the file'
    assert setting(house, 'max_messages')['value'] == '7', 'and the rest is the file'
    answer = house.ask('settings_unset', tenant='acme', key='quiet')
    assert answer['settings']['quiet']['value'] == '50s'
    house.broker.kill()
    house.start_broker()
    assert setting(house, 'quiet')['value'] == '50s'
    assert setting(house, 'retry.attempts')['value'] == '3'


def test_messages_of_before_a_start_are_judged_by_what_was_set(house):
    house.add_tenant(quiet='60s', max_wait='60s')
    house.start_broker()
    house.producer().say(message('acme', 'ana', 'Oi', id='1'))
    change(house, 'quiet', '100ms')
    house.broker.kill()
    house.start_broker()
    wait_until(lambda: house.state('ana') == 'ready', 'it is due by what was set')


def test_a_value_that_the_file_would_not_take_is_refused_in_its_words(house):
    house.add_tenant(quiet='300ms', max_wait='10s')
    house.start_broker()
    assert refusal(house, 'quiet', '8') == {
        'code': 'bad_value', 'why': "quiet: '8' has no unit; write '8s', '500ms' or '2m'"}
    assert refusal(house, 'quiet', '1m') == {
        'code': 'bad_value', 'why': 'max_wait: 10s is shorter than quiet, which is 1m; make it 1m or more'}
    assert refusal(house, 'max_messages', '0')['code'] == 'bad_value'
    assert refusal(house, 'quite', '1s') == {
        'code': 'unknown_setting', 'why': "there is no setting 'quite'; did you mean 'quiet'?"}
    assert 'lull.yaml' in refusal(house, 'handler', 'echo')['why']
    assert refusal(house, 'quiet', '1s', tenant='nobody')['code'] == 'unknown_tenant'
    assert house.ask('settings_set', tenant='acme', key='quiet')['error']['code'] == 'bad_request'
    assert house.ask('settings_set', tenant='acme', key='quiet', value=4)['error']['code'] == 'bad_request'
    assert setting(house, 'quiet')['value'] == '300ms'


def test_what_does_not_go_together_with_a_new_file_is_not_in_force_and_said_so(house):
    house.add_tenant(quiet='300ms', max_wait='60s')
    house.start_broker()
    change(house, 'quiet', '40s')
    rate = change(house, 'rate', '2/m')
    house.configure(tenants={'acme': {'max_wait': '10s'}})
    reload(house)
    assert setting(house, 'quiet')['value'] == '300ms'
    assert setting(house, 'quiet')['set_but_not_in_force'] == '40s'
    event = house.broker.events('setting_not_in_force')[0]
    assert (event['tenant'], event['key'], event['value']) == ('acme', 'quiet', '40s')
    assert setting(house, 'rate') == rate, 'it has nothing to do with it'
    assert change(house, 'max_messages', '9')['value'] == '9'
    assert 'error' not in house.ask('settings_unset', tenant='acme', key='rate')
    assert '10s is shorter than quiet' in event['why']


def test_the_command_line_gets_sets_and_unsets(house):
    house.add_tenant(quiet='300ms', max_wait='10s')
    house.start_broker()
    done = house.run('settings', 'set', 'acme', 'quiet', '2s')
    assert done.returncode == 0, done.stderr
    assert re.search(r'^quiet +2s +set 2', done.stdout, re.M)
    done = house.run('settings', 'get', 'acme')
    assert re.search(r'^quiet +2s +set 2', done.stdout, re.M)
    assert re.search(r'^max_messages +20 +default$', done.stdout, re.M)
    done = house.run('settings', 'get', 'acme', 'quiet', '--json')
    assert json.loads(done.stdout)['settings']['quiet']['value'] == '2s'
    assert list(json.loads(done.stdout)['settings']) == ['quiet']
    done = house.run('settings', 'unset', 'acme', 'quiet')
    assert re.search(r'^quiet +300ms ', done.stdout, re.M)

    done = house.run('settings', 'set', 'acme', 'quiet', '1h')
    assert done.returncode == 1 and 'max_wait: 10s is shorter than quiet' in done.stderr
    done = house.run('settings', 'get', 'acme', 'quite')
    assert done.returncode == 1 and 'quite' in done.stderr
    assert house.run('settings', 'set', 'acme', 'quiet').returncode == 2
    assert house.run('settings', 'get', 'nobody').returncode == 1
