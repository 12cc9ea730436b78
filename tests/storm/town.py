"""A town of real processes: Redis, broker, workers, ingest, and the peers that are never killed. It starts again what
has ended, as systemd or compose would, and ends only what it has started."""

import collections
import json
import os
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / 'e2e'))
from lull import ENVIRONMENT, PROGRAMS, SANITIZED, Process, free_port, merge, yaml  # noqa: E402
from protocol import Stats  # noqa: E402

from ledger import TOKEN, Ledger, Log  # noqa: E402

# The log files of so many lives are kept of each service.
LIVES_KEPT = 60
LOCK_TTL_S, LEASE_S = 1.0, 3.0
ECHO = {'tenants': {'acme': {'handler': {'kind': 'echo'}}}}


class Service:
    """One program with its lives. `command` gives the command of a life."""

    def __init__(self, town, name, command, log_level='info'):
        self.town, self.name, self.command, self.log_level = town, name, command, log_level
        self.prefix, self.preload = [], {}
        self.life, self.process, self.start_at = 0, None, None
        self.is_stopped = self.is_ended = False
        self.rss_max, self.crashes = 0, []
        self.may_crash, self.n_expected = False, 0
        self.logs = collections.deque()

    @property
    def who(self):
        return f'{self.name}.{self.life}'

    def start(self):
        self.life += 1
        self.start_at, self.is_stopped, self.is_ended = None, False, False
        self.town.environment = {**ENVIRONMENT, 'LULL_LOG': self.log_level, **self.preload}
        self.process = Process(self.town, self.who, [*self.prefix, *self.command(self)])
        self.logs.append(self.process.log_path)
        if len(self.logs) > LIVES_KEPT and not self.town.keeps_logs:
            self.logs.popleft().unlink(missing_ok=True)

    def is_up(self):
        return self.process is not None and self.process.is_running()

    def kill(self, again_in=0.0):
        self.is_ended = True
        self.process.kill()
        self.start_at = None if again_in is None else time.monotonic() + again_in

    def terminate(self, again_in=0.0):
        """Asks; watch() starts it again when it has ended."""
        self.is_ended, self.again_in = 'asked', again_in
        self.process.terminate()

    def stop(self):
        self.is_stopped = True
        self.process.pause()

    def resume(self):
        self.is_stopped = False
        self.process.resume()

    def watch(self):
        """Starts it when it is due, and notes an end that nobody asked for."""
        if self.process is None:
            return
        if self.start_at is not None:
            if time.monotonic() >= self.start_at:
                self.start()
        elif not self.process.is_running() and self.is_ended is not True:
            self._note_end(self.process.popen.returncode)

    def _note_end(self, code):
        was_asked, self.is_ended = self.is_ended == 'asked', True
        self.town.fault('end', self)
        if self.may_crash:
            self.n_expected += 1
        elif not (was_asked and (code == 0 or self._was_not_ready(code))):
            self.crashes.append(f'{self.who} ended by itself with {code}: {self.last_words()}')
        again_in = self.again_in if was_asked else 0.5
        self.start_at = None if again_in is None else time.monotonic() + again_in

    def _was_not_ready(self, code):
        """Asked to end before its first line: SIGTERM did what it does to any program."""
        return code == -signal.SIGTERM and not self.process.log

    def last_words(self):
        lines = self.process.log.splitlines()
        spoken = [line for line in lines if SANITIZED.search(line) or 'level=error' in line or 'ENSURE' in line]
        return (spoken or lines or ['(no log)'])[-1][:300]

    def measure(self):
        try:
            pages = int(pathlib.Path(f'/proc/{self.process.popen.pid}/statm').read_text().split()[1])
        except (OSError, IndexError, AttributeError):
            return
        self.rss_max = max(self.rss_max, pages * os.sysconf('SC_PAGESIZE'))


class Town:
    """`places` names the address of each program; without it all live on 127.0.0.1."""

    def __init__(self, seed, n_workers=4, mood='wild', settings=None, places=None, folder=None):
        self.folder = pathlib.Path(folder or tempfile.mkdtemp(prefix='lull-storm-'))
        self.seed, self.mood, self.keeps_logs = seed, mood, False
        self.dice = random.Random(f'{seed} town')
        self.places = collections.defaultdict(lambda: '127.0.0.1', places or {})
        self.ports = {name: free_port() for name in ('ingest', 'workers', 'stats', 'redis', 'http', 'sink')}
        self.environment = dict(ENVIRONMENT)
        self.log = Log(self.folder / 'director.ledger')
        self.config = merge(self._config(), settings or {})
        self._make_services(n_workers)

    def _tcp(self, place, port):
        return f'tcp://{self.places[place]}:{self.ports[port]}'

    def _config(self):
        return {
            'broker': {'ingest': self._tcp('broker', 'ingest'), 'workers': self._tcp('broker', 'workers'),
                       'stats': self._tcp('broker', 'stats'), 'store': f'lmdb:{self.folder}/store', 'lease': '3s',
                       'insecure': True},
            'redis': f'redis://{self.places["redis"]}:{self.ports["redis"]}/0',
            'ingest': {'http': f'{self.places["ingest"]}:{self.ports["http"]}', 'ack_timeout': '3s',
                       'token': TOKEN},
            'worker': {'slots': 64, 'drain': '1s'},
            'tenants': {'acme': {
                'quiet': '100ms', 'max_wait': '1s', 'max_messages': 8, 'run_timeout': '4s', 'concurrency': 100000,
                # So many attempts that none is given up because of our faults alone.
                'retry': {'attempts': 100, 'base': '100ms', 'cap': '1s', 'factor': 2, 'jitter': 0.1},
                'busy': {'base': '50ms', 'cap': '500ms', 'give_up': '1h'}, 'lock': {'ttl': f'{LOCK_TTL_S:g}s'},
            }},
        }

    def _make_services(self, n_workers):
        self.redis = Service(self, 'redis', lambda _: [
            'redis-server', '--bind', self.places['redis'], '--port', self.ports['redis'], '--save', '',
            '--appendonly', 'no', '--dir', self.folder, '--enable-debug-command', 'yes', '--protected-mode', 'no',
            '--loglevel', 'warning'])
        self.broker = Service(self, 'broker', lambda s: [PROGRAMS['lull-broker'], self.write_config(s)])
        self.ingest = Service(self, 'ingest', lambda s: [PROGRAMS['lull-ingest'], self.write_config(s)])
        self.workers = [Service(self, f'w{n}', lambda s: [PROGRAMS['lull-worker'], self.write_config(s)])
                        for n in range(n_workers)]
        self.sink = Service(self, 'sink', lambda s: [
            sys.executable, '-B', HERE / 'sink.py', self.places['sink'], self.ports['sink'],
            self.folder / 'sink.ledger', self.seed, self.mood])
        self.producers = []
        self.services = [self.redis, self.broker, self.sink, *self.workers, self.ingest]

    def write_config(self, service):
        """Each life has its own file: the addresses of handler and channel say who calls."""
        peer = f'http://{self.places["sink"]}:{self.ports["sink"]}'
        config = merge(self.config, {'tenants': {'acme': {
            'handler': {'kind': 'http', 'url': f'{peer}/answer/{service.who}'},
            'channels': {'own': {'kind': 'generic', 'unsigned': True, 'reply_url': f'{peer}/reply/{service.who}'}}}}})
        path = self.folder / f'{service.name}.yaml'
        path.write_text(yaml(config) + '\n')
        return path

    def add_producers(self, n_wire, n_http, n_threads=40, rate=30, http_kind='http'):
        """Each is a process of its own with `n_threads` conversations and `rate` messages a second. `http_kind` is
        `http` for the message API, `hook` for webhooks."""
        for n in range(n_wire + n_http):
            kind, name = ('wire', f'p{n}') if n < n_wire else (http_kind, f'h{n}')
            address = (self.config['broker']['ingest'] if kind == 'wire' else self.config['ingest']['http'])
            self.producers.append(Service(self, name, lambda _, k=kind, a=address, m=name: [
                sys.executable, '-B', HERE / 'producers.py', k, a, self.folder / f'{m}.ledger', m, n_threads, rate,
                self.seed * 100 + int(m[1:])]))
        self.services += self.producers

    def start(self):
        for service in self.services:
            if service not in self.producers:
                service.start()
        self.await_stats()
        for producer in self.producers:
            producer.start()

    def watch(self):
        for service in self.services:
            service.watch()

    def measure(self):
        for service in self.services:
            service.measure()

    def fault(self, kind, service, until=0.0):
        self.log.write('fault', time.monotonic(), kind, service.name, service.life, until)
        self.log.flush()

    # -- questions

    def ask(self, cmd, deadline=1.0, **keys):
        """The broker's answer, or None."""
        stats = Stats(self.config['broker']['stats'])
        try:
            stats.send(json.dumps({'cmd': cmd, **keys}).encode())
            frame = stats.receive(deadline)
            return None if frame is None else json.loads(frame)
        finally:
            stats.close()

    def is_known(self, settings):
        """Do the programs know these settings?"""
        path = self.folder / 'asked.yaml'
        path.write_text(yaml(merge(self.config, merge(ECHO, settings))) + '\n')
        said = subprocess.run([PROGRAMS['lull'], 'check', path], env=ENVIRONMENT, capture_output=True, timeout=20)
        return said.returncode == 0

    def await_stats(self, deadline=30.0):
        end = time.monotonic() + deadline
        while (stats := self.ask('stats')) is None:
            self.watch()
            if time.monotonic() > end:
                raise RuntimeError(f'the broker does not answer: {self.broker.last_words()}; see {self.folder}')
        return stats

    # -- the end

    def calm(self):
        """No fault any more: all that is down or stopped comes back."""
        for service in self.services:
            if service.is_up() and service.is_stopped:
                service.resume()
            if service.start_at is not None:
                service.start()

    def drain(self, show, patience=60.0):
        """Producers end, and then everything is handled; fails after `patience` seconds without progress."""
        for producer in self.producers:
            producer.terminate(again_in=None)
        last, moved_at = None, time.monotonic()
        while time.monotonic() - moved_at < patience:
            self.watch()
            waiting = [p.name for p in self.producers if p.is_up()]
            stats = self.ask('stats')
            left = stats['messages']['pending'] if stats else None
            if left == 0 and not waiting:
                return True
            now = (waiting, left)
            if now != last:
                last, moved_at = now, time.monotonic()
                show(f'draining: {left} messages to be handled, {len(waiting)} producers')
            time.sleep(0.3)
        return False

    def end(self):
        """Ends all by SIGTERM, and by SIGKILL what does not; the complaints about it."""
        order = [*self.producers, self.ingest, *self.workers, self.broker, self.sink, self.redis]
        for service in order:
            if service.is_up():
                service.process.resume()
                service.terminate(again_in=None)
        complaints = []
        for service in order:
            complaints += self._await_end(service)
        for service in self.services:
            complaints += service.crashes
        return complaints

    def _await_end(self, service):
        if service.process is None:
            return []
        end = time.monotonic() + 15
        while service.is_up() and time.monotonic() < end:
            time.sleep(0.02)
        if service.is_up():
            service.process.kill()
            return [f'{service.who} did not end within 15 seconds of SIGTERM']
        service.watch()
        service.start_at = None
        return []

    def ledger(self):
        return Ledger().read(self.folder)

    def remove(self):
        shutil.rmtree(self.folder, ignore_errors=True)

    def kill_all(self):
        """Whatever happened: nothing of ours stays."""
        for service in self.services:
            if service.is_up():
                service.process.kill()
