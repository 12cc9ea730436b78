"""lull, the CLI: what a person at a terminal sees, and what a script gets."""

import json
import re

import pytest

from lull import wait_until
from peers import status
from protocol import message
from scenes import start


def run(house, *arguments, **keys):
    """What a command printed, which must have gone well."""
    result = house.run(*arguments, **keys)
    assert result.returncode == 0, result.stderr
    assert result.stderr == ''
    return result.stdout


def as_json(house, *arguments, **keys):
    return json.loads(run(house, *arguments, '--json', **keys))


def test_a_good_file_is_said_to_be_good(house):
    house.add_tenant()
    assert 'good' in run(house, 'check', house.write_config())


@pytest.mark.parametrize('wrong, right', [
    ('    quite: 8s', 'quiet'), ('    quiet: 8', '8s'), ('    quiet: 8 parsecs', 's'),
    ('    max_messages: many', 'number'), ('    quiet: 60s\n    max_wait: 5s', 'max_wait'),
    ('    channels: {support: {kind: chatwood}}', 'chatwoot'), ('    quiet: ${NO_SUCH_VARIABLE}', 'NO_SUCH_VARIABLE')])
def test_a_wrong_file_is_refused_with_the_line_and_what_would_be_right(house, wrong, right):
    path = house.folder / 'wrong.yaml'
    path.write_text(f'# a comment\ntenants:\n  acme:\n    handler: {{kind: echo}}\n{wrong}\n')
    result = house.run('check', path)
    assert result.returncode == 1
    line = 6 if '\n' in wrong else 5
    assert f'wrong.yaml:{line}: ' in result.stdout + result.stderr
    assert right in result.stdout + result.stderr


def test_the_programs_refuse_a_wrong_file_too(house):
    house.add_tenant(quite='8s')
    for program in ('lull-broker', 'lull-worker', 'lull-ingest'):
        said = house.start_refused(program)
        assert 'lull.yaml:' in said and "'quite'" in said and 'quiet' in said


def test_wrong_usage_is_told_from_failure(house):
    house.add_tenant()
    assert house.run().returncode == 2
    assert house.run('wye').returncode == 2 and 'why' in house.run('wye').stderr
    assert house.run('why', 'acme').returncode == 2
    assert house.run('stats', '--jsn').returncode == 2
    assert run(house, '--help') and run(house, 'why', '--help')
    assert run(house, '--version').strip()


def test_without_a_broker_it_says_what_to_do(house):
    house.add_tenant()
    result = house.run('stats', '--timeout', '300ms')
    assert result.returncode == 1 and result.stdout == ''
    assert 'lull-broker' in result.stderr


def test_stats_threads_and_why_for_people_and_for_programs(house):
    house.add_tenant(quiet='60s', max_wait='60s')
    house.start_broker()
    house.producer().say(message('acme', 'ana', 'Oi', id='1'))
    assert as_json(house, 'stats')['messages']['pending'] == 1
    assert 'pending' in run(house, 'stats')
    assert [row['thread'] for row in as_json(house, 'threads', '--state', 'collecting')['threads']] == ['ana']
    assert 'ana' in run(house, 'threads') and 'ana' not in run(house, 'threads', '--state', 'running')
    assert as_json(house, 'why', 'acme', 'ana')['state'] == 'collecting'
    told = run(house, 'why', 'acme', 'ana')
    assert 'collecting' in told and 'waits for' in told and 'next' in told and 'since' in told
    assert 'Oi' not in told, "a message's text is nobody's business here"


def test_dead_letters_are_listed_shown_run_again_and_dropped(house):
    bot, producer = start(house, status(400), status(400))
    producer.say(message('acme', 'ana', 'Oi', id='1'))
    producer.say(message('acme', 'bia', 'Oi', id='2'))
    wait_until(lambda: house.ask('dead')['total'] == 2, 'both are dead')
    listed = as_json(house, 'dead', 'list')
    letters = {letter['thread']: letter['batch'] for letter in listed['dead']}
    assert 'ana' in run(house, 'dead', 'list')
    assert '400' in run(house, 'dead', 'show', letters['ana'])
    run(house, 'dead', 'retry', letters['ana'])
    wait_until(lambda: house.state('ana') == 'done', 'it was run again')
    run(house, 'dead', 'drop', letters['bia'])
    assert as_json(house, 'dead', 'list')['total'] == 0
    again = house.run('dead', 'drop', letters['bia'])
    assert again.returncode == 1 and again.stderr


def test_lines_are_sent(house):
    house.add_tenant(quiet='60s', max_wait='60s')
    house.start_broker()
    lines = ''.join(json.dumps({'tenant': 'acme', 'thread': f't{n % 7}', 'id': str(n), 'text': 'Oi'}) + '\n'
                    for n in range(500))
    run(house, 'send', input=lines)
    assert house.ask('stats')['messages']['pending'] == 500
    result = house.run('send', input=lines.splitlines()[0] + '\n{"tenant": "acme"\n')
    assert result.returncode == 1 and 'line 2' in result.stderr


def test_a_bench_measures_messages_in_and_batches_out(house):
    house.add_tenant('bench', quiet='100ms', concurrency=10000)
    house.start_broker()
    help_text = run(house, 'bench', '--help')
    result = house.run('bench', '--tenant', 'bench', '--messages', '2000')
    assert result.returncode == 0, result.stderr + help_text
    assert 'p99' in result.stdout
    assert house.ask('stats')['messages']['finished_total'] == 2000


def test_every_state_that_threads_offers_is_one_the_broker_knows(house):
    start(house)
    offered = re.search(r'only those in it: (.*)', run(house, 'threads', '--help')).group(1).split(', ')
    assert len(offered) > 1
    for state in offered:
        assert as_json(house, 'threads', '--state', state)['total'] == 0
