"""The real programs in a folder of their own: `House` writes lull.yaml, starts them, and ends them by their id."""

import json
import os
import pathlib
import re
import shlex
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request

import redis

from peers import Peer
from protocol import PATIENCE, Producer, Stats, Worker

TOP = pathlib.Path(__file__).resolve().parent.parent.parent
BUILD = pathlib.Path(os.environ.get('LULL_BUILD', TOP / 'build')).resolve()
PAYLOADS = pathlib.Path(__file__).resolve().parent / 'payloads'
PROGRAMS = {
    'lull-broker': BUILD / 'broker' / 'lull-broker',
    'lull-worker': BUILD / 'worker' / 'lull-worker',
    'lull-ingest': BUILD / 'ingest' / 'lull-ingest',
    'lull': BUILD / 'broker' / 'ctl' / 'lull',
}
ENVIRONMENT = {
    'ASAN_OPTIONS': 'detect_stack_use_after_return=1:strict_string_checks=1',
    'UBSAN_OPTIONS': 'halt_on_error=1:print_stacktrace=1',
    **{name: value for name, value in os.environ.items() if not name.startswith('LULL_')},
}
SANITIZED = re.compile(r'ERROR: (Address|Leak|UndefinedBehavior)Sanitizer|: runtime error: ')


def wait_until(condition, what, deadline=PATIENCE):
    """What `condition` gives once it is true; fails after `deadline` seconds, naming `what` was waited for."""
    end = time.monotonic() + deadline
    while not (value := condition()):
        assert time.monotonic() < end, f'after {deadline:g} seconds still not so: {what}'
        time.sleep(0.01)
    return value


def stays(condition, seconds):
    """Does `condition` hold for as long as that?"""
    end = time.monotonic() + seconds
    while (value := condition()) and time.monotonic() < end:
        time.sleep(0.01)
    return bool(value)


def each(seconds, items):
    """The items one after the other, that far apart."""
    start = time.monotonic()
    for number, item in enumerate(items):
        wait_until(lambda: time.monotonic() >= start + number * seconds, 'the next one is to be sent')
        yield item


GIVEN_PORTS = set()


def free_port():
    """One that nobody listens on, and that was not given before: the kernel may offer the same one twice."""
    while True:
        with socket.socket() as probe:
            probe.bind(('127.0.0.1', 0))
            port = probe.getsockname()[1]
        if port not in GIVEN_PORTS:
            GIVEN_PORTS.add(port)
            return port


def yaml(value, indent=0):
    """Block-style YAML of dicts, with lists and scalars as JSON writes them."""
    lines = []
    for key, inner in value.items():
        if isinstance(inner, dict):
            lines += [' ' * indent + f'{key}:', yaml(inner, indent + 2)]
        else:
            lines.append(' ' * indent + f'{key}: {json.dumps(inner)}')
    return '\n'.join(lines)


def merge(base, change):
    """`base` with the keys of `change`, dict by dict; None takes a key away."""
    result = dict(base)
    for key, value in change.items():
        if isinstance(value, dict) and isinstance(base.get(key), dict):
            result[key] = merge(base[key], value)
        elif value is None:
            result.pop(key, None)
        else:
            result[key] = value
    return result


class Process:
    """A program of ours, or Redis. Its log goes to a file that is shown when the test fails."""

    def __init__(self, house, name, command, stdin=subprocess.DEVNULL):
        self.name, self.is_killed = name, False
        self.log_path = house.folder / f'{name}.log'
        with open(self.log_path, 'ab') as log:
            # Should pytest itself be killed, so is what it has started.
            command = ['setpriv', '--pdeathsig', 'KILL', *map(str, command)]
            self.popen = subprocess.Popen(command, cwd=house.folder, env=house.environment, stdin=stdin, stdout=log,
                                          stderr=log, start_new_session=True)

    @property
    def log(self):
        return self.log_path.read_text(errors='replace')

    def events(self, name):
        """The fields of the log lines with event=name, in order."""
        lines = [dict(field.partition('=')[::2] for field in split_logfmt(line)) for line in self.log.splitlines()]
        return [fields for fields in lines if fields.get('event') == name]

    def is_running(self):
        return self.popen.poll() is None

    def kill(self):
        """As a crash: kill -9, without a word before."""
        self.is_killed = True
        self.popen.kill()
        self.popen.wait()

    def terminate(self):
        self.popen.send_signal(signal.SIGTERM)

    def await_exit(self, deadline=PATIENCE):
        """The exit code."""
        wait_until(lambda: not self.is_running(), f'{self.name} has ended', deadline)
        return self.popen.returncode

    def stop(self, deadline=PATIENCE):
        self.terminate()
        return self.await_exit(deadline)

    def pause(self):
        self.popen.send_signal(signal.SIGSTOP)

    def resume(self):
        self.popen.send_signal(signal.SIGCONT)


def split_logfmt(line):
    try:
        return shlex.split(line)
    except ValueError:
        return []


class House:
    """Broker, workers, ingest and Redis of one test; peers and clients too. close() ends all of it."""

    def __init__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix='lull-'))
        self.environment = dict(ENVIRONMENT)
        self.processes, self.clients = [], []
        self.broker = self.ingest = self.redis_process = None
        self.config = {
            'broker': {
                'ingest': f'ipc://{self.folder}/ingest.ipc',
                'workers': f'ipc://{self.folder}/workers.ipc',
                'stats': f'ipc://{self.folder}/stats.ipc',
                'store': f'lmdb:{self.folder}/store',
                'lease': '3s',
            },
            'redis': f'redis+unix://{self.folder}/redis.sock?db=0',
            'ingest': {'http': '127.0.0.1:0'},
            'worker': {'slots': 256, 'drain': '5s'},
            'tenants': {},
        }

    # -- configuration

    def add_tenant(self, name='acme', **settings):
        """A tenant that answers fast; `settings` as in lull.yaml. None takes a default away."""
        defaults = {'quiet': '300ms', 'max_wait': '10s', 'handler': {'kind': 'echo'}}
        self.config['tenants'][name] = merge(defaults, settings)
        return name

    def configure(self, **changes):
        self.config = merge(self.config, changes)

    def write_config(self):
        path = self.folder / 'lull.yaml'
        path.write_text(yaml(self.config) + '\n')
        return path

    # -- programs

    def start(self, name, command, **keys):
        process = Process(self, f'{name}-{len(self.processes)}', command, **keys)
        self.processes.append(process)
        return process

    def start_broker(self):
        self.broker = self.start('broker', [PROGRAMS['lull-broker'], self.write_config()])
        wait_until(lambda: not self.broker.is_running() or self.broker.events('started'), 'the broker has started')
        assert self.broker.is_running(), f'the broker did not start:\n{self.broker.log}'
        return self.broker

    def start_refused(self, program):
        """The log of a program that will not start, and says so."""
        process = self.start(program, [PROGRAMS[program], self.write_config()])
        assert process.await_exit() > 0
        process.is_killed = True  # it was right to end with an error
        return process.log

    def start_redis(self):
        path = self.folder / 'redis.sock'
        self.redis_process = self.start('redis', [
            'redis-server', '--port', '0', '--unixsocket', path, '--save', '', '--appendonly', 'no',
            '--dir', self.folder])
        wait_until(self.is_redis_there, 'Redis answers')

    def is_redis_there(self):
        try:
            return self.redis().ping()
        except redis.ConnectionError:
            return False

    def redis(self):
        return redis.Redis(unix_socket_path=str(self.folder / 'redis.sock'))

    def start_worker(self):
        """A lull-worker; returns once the broker knows it: that there is one more could be one that has come back."""
        if not self.redis_process and self.config['redis'] not in (None, 'none'):
            self.start_redis()
        worker = self.start('worker', [PROGRAMS['lull-worker'], self.write_config()])

        def is_known():
            ids = [event['worker'] for event in worker.events('started')]
            return ids and ids[0] in [known['id'] for known in self.ask('stats')['workers']]
        wait_until(lambda: not worker.is_running() or is_known(), 'the worker is known')
        assert worker.is_running(), f'the worker did not start:\n{worker.log}'
        return worker

    def start_ingest(self):
        self.ingest = self.start('ingest', [PROGRAMS['lull-ingest'], self.write_config()])
        wait_until(lambda: not self.ingest.is_running() or self.ingest.events('listening'), 'the ingest listens')
        assert self.ingest.is_running(), f'the ingest did not start:\n{self.ingest.log}'
        self.url = 'http://' + self.ingest.events('listening')[0]['address']
        return self.ingest

    def start_all(self, workers=1):
        self.start_broker()
        for _ in range(workers):
            self.start_worker()
        self.start_ingest()

    def run(self, *arguments, input=None):
        """The CLI, to its end."""
        return subprocess.run([PROGRAMS['lull'], *map(str, arguments)], cwd=self.folder, input=input, text=True,
                              env={**self.environment, 'LULL_CONFIG': str(self.write_config())},
                              capture_output=True, timeout=60)

    # -- clients and peers

    def keep(self, client):
        self.clients.append(client)
        return client

    def peer(self, *script, **keys):
        return self.keep(Peer(script, **keys))

    def producer(self):
        return self.keep(Producer(self.config['broker']['ingest']))

    def stats(self):
        return self.keep(Stats(self.config['broker']['stats']))

    def worker(self, **keys):
        """A worker in Python; returns once it is welcome."""
        worker = self.keep(Worker(self.config['broker']['workers'], **keys))
        wait_until(lambda: worker.welcome, 'the broker welcomes the worker')
        return worker

    def ask(self, cmd, **keys):
        stats = self.stats()
        try:
            return stats.ask(cmd, **keys)
        finally:
            stats.close()
            self.clients.remove(stats)

    def why(self, thread, tenant='acme'):
        return self.ask('why', tenant=tenant, thread=thread)

    def state(self, thread, tenant='acme'):
        return self.why(thread, tenant)['state']

    def post(self, path, body, headers=None, method='POST'):
        """(status, headers, body) of a request to the ingest."""
        if not isinstance(body, (bytes, type(None))):
            body = json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, body, headers or {'Content-Type': 'application/json'},
                                         method=method)
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
                return answer.status, answer.headers, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.headers, error.read()

    # -- the end

    def close(self):
        """Ends everything; the complaints about how it ended."""
        complaints = []
        for client in self.clients:
            client.close()
        ours = [process for process in self.processes if process is not self.redis_process]
        for process in reversed(ours):
            if process.is_running():
                process.resume()
                process.terminate()
        for process in reversed(ours):
            complaints += self._end(process)
        for process in self.processes:
            if process.is_running():
                process.kill()
        return complaints

    def _end(self, process):
        try:
            code = process.await_exit(15)
        except AssertionError as error:
            process.kill()
            return [str(error)]
        if SANITIZED.search(process.log):
            return [f'{process.name}: a sanitizer spoke']
        if code != 0 and not process.is_killed:
            return [f'{process.name} ended with {code}']
        return []

    def logs(self):
        """(name, the end of its log) of every process."""
        return [(process.name, '\n'.join(process.log.splitlines()[-80:])) for process in self.processes]

    def remove(self):
        shutil.rmtree(self.folder, ignore_errors=True)
