"""The exec handler: a program for each batch, JSON on its stdin, the reply on its stdout."""

import json
import os
import resource
import stat

from lull import wait_until
from protocol import message
from scenes import RETRY, done


def start(house, script, **settings):
    """A broker and a worker whose handler is `script`, a Python program that runs in the house's folder."""
    path = house.folder / 'bot'
    path.write_text(f'#!/usr/bin/python3\nimport json, os, sys, time\nos.chdir({str(house.folder)!r})\n{script}\n')
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    handler = {'kind': 'exec', 'command': [str(path), 'an argument']}
    house.add_tenant(**{'quiet': '200ms', 'retry': RETRY, 'handler': handler, **settings})
    house.start_broker()
    house.start_worker()
    return house.producer()


def test_a_program_gets_the_batch_and_its_output_is_the_reply(house):
    producer = start(house, 'batch = json.load(sys.stdin)\njson.dump([sys.argv[1:], batch], open("seen", "w"))\n'
                            'print("You wrote: " + batch["text"])')
    producer.say(message('acme', 'ana', 'Oi', id='1'), message('acme', 'ana', 'Tudo bem?', id='2'))
    wait_until(lambda: done(house) == 1, 'the batch is done')
    arguments, batch = json.loads((house.folder / 'seen').read_text())
    assert arguments == ['an argument']
    assert [said['text'] for said in batch['messages']] == ['Oi', 'Tudo bem?']
    assert batch['text'] == 'Oi\nTudo bem?' and batch['attempt'] == 1


def test_a_program_that_fails_is_run_again(house):
    producer = start(house, 'with open("runs", "a") as runs:\n    runs.write("x")\n    n = runs.tell()\n'
                            'sys.exit("no luck" if n < 3 else 0)', retry={**RETRY, 'base': '3s', 'factor': 1})
    producer.say(message('acme', 'ana', 'Oi', id='1'))
    wait_until(lambda: house.state('ana') == 'backoff', 'the first attempt has failed')
    failure = house.why('ana')['last_failure']
    assert failure['code'] == 'exit_1' and 'no luck' in failure['why']
    wait_until(lambda: done(house) == 1, 'the third attempt succeeds')


def test_a_program_that_refuses_its_input_is_not_run_again(house):
    producer = start(house, 'sys.exit(65)')
    producer.say(message('acme', 'ana', 'Oi', id='1'))
    wait_until(lambda: house.state('ana') == 'dead', 'the batch is dead')


def test_a_program_that_takes_too_long_is_killed_with_all_it_started(house):
    producer = start(house, 'import subprocess\nchild = subprocess.Popen(["sleep", "600"])\n'
                            'open("pids", "w").write(f"{os.getpid()} {child.pid}\\n")\ntime.sleep(600)',
                     run_timeout='5s', retry={**RETRY, 'attempts': 1})
    producer.say(message('acme', 'ana', 'Oi', id='1'))
    wait_until(lambda: house.state('ana') == 'dead', 'the attempt has failed')
    pids = (house.folder / 'pids').read_text().split()
    assert len(pids) == 2
    wait_until(lambda: not any(is_alive(pid) for pid in pids), 'both are gone')


def is_alive(pid):
    try:
        with open(f'/proc/{pid}/stat') as file:
            return file.read().rpartition(')')[2].split()[0] != 'Z'
    except OSError:
        return False


def test_a_program_that_reads_little_and_one_that_writes_without_end_harm_nobody(house):
    producer = start(house, 'if "endless" in sys.stdin.readline(200):\n    while True:\n        print("x" * 65536)')
    producer.say(message('acme', 'endless', 'y' * 60000, id='1'))
    wait_until(lambda: house.state('endless') == 'backoff', 'the endless one has failed')
    producer.say(message('acme', 'bia', 'z' * 60000, id='2'))
    wait_until(lambda: done(house) == 1, 'the other is done')


def test_a_program_inherits_no_socket_of_the_worker(house):
    producer = start(house, 'fds = {int(n): os.readlink(f"/proc/self/fd/{n}") for n in os.listdir("/proc/self/fd")\n'
                            '       if os.path.exists(f"/proc/self/fd/{n}")}\n'
                            'json.dump({n: name for n, name in fds.items() if n > 2}, open("fds", "w"))')
    producer.say(message('acme', 'ana', 'Oi', id='1'))
    wait_until(lambda: done(house) == 1, 'the batch is done')
    assert json.loads((house.folder / 'fds').read_text()) == {}


def test_a_program_gets_none_of_the_workers_secrets(house):
    house.environment.update(SHOP_TOKEN='secret', TZ='UTC')
    producer = start(house, 'json.dump(dict(os.environ), open("seen", "w"))')
    producer.say(message('acme', 'ana', 'Oi', id='1'))
    wait_until(lambda: done(house) == 1, 'the batch is done')
    seen = json.loads((house.folder / 'seen').read_text())
    # Python itself adds LC_CTYPE where no language is set.
    assert set(seen) <= {'PATH', 'HOME', 'USER', 'LANG', 'LC_ALL', 'TZ', 'TMPDIR', 'LC_CTYPE'}
    assert (seen['TZ'], seen['PATH']) == ('UTC', house.environment['PATH'])


def test_a_program_may_open_as_many_files_as_the_worker_was_started_with(house):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (500, hard))
    try:
        producer = start(house, 'import resource\nsys.stdin.read()\n'
                                'json.dump(resource.getrlimit(resource.RLIMIT_NOFILE), open("seen", "w"))')
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    producer.say(message('acme', 'ana', 'Oi', id='1'))
    wait_until(lambda: done(house) == 1, 'the batch is done')
    assert json.loads((house.folder / 'seen').read_text()) == [500, hard]


def test_a_program_whose_run_is_over_does_nothing_more(house):
    """The thread's lock is let go with the run: a program that lingers would work beside the next one."""
    producer = start(house, 'import signal\nsignal.signal(signal.SIGTERM, lambda *_: open("told", "w").close())\n'
                            'open("pid", "w").write(f"{os.getpid()}\\n")\ntime.sleep(600)',
                     run_timeout='5s', retry={**RETRY, 'attempts': 1})
    producer.say(message('acme', 'ana', 'Oi', id='1'))
    wait_until(lambda: house.state('ana') == 'dead', 'the attempt has failed')
    pid = (house.folder / 'pid').read_text().strip()
    assert pid
    wait_until(lambda: not is_alive(pid), 'it is gone')
    assert not (house.folder / 'told').exists()
