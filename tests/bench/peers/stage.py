"""What a benchmark beside others stands on: a folder on disk, servers that end with it, clients with a deadline, and
the clients' programs, which are compiled and fetched once into build-bench."""

import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
TOP = HERE.parents[2]
os.environ.setdefault('LULL_BUILD', str(TOP / 'build-demo'))
sys.dont_write_bytecode = True
sys.path[:0] = [str(TOP / 'tests/e2e'), str(HERE.parent)]

BUILD = TOP / 'build-bench'
# On disk: /tmp is memory on many machines, and what fsync costs is what this is about.
FOLDER = os.environ.get('TMPDIR') or '/var/tmp'
CLIENT_S, START_S, LEAVE_S = 120, 30, 8
POSTGRES = sorted(pathlib.Path('/usr/lib/postgresql').glob('*/bin'))[-1:]
RABBITMQ = pathlib.Path('/usr/lib/rabbitmq/bin/rabbitmq-server')
PATH = os.pathsep.join([os.environ.get('PATH', ''), '/usr/sbin', *map(str, POSTGRES), str(RABBITMQ.parent)])

LIBRARIES = {'beanstalkd': [], 'redis_streams': ['-lhiredis'], 'durable': ['-lzmq'], 'lock': ['-lhiredis'],
             'lull': ['-lzmq'], 'nats': ['-lnats'], 'gearmand': ['-lgearman', '-pthread']}
PACKAGES = {'bullmq': '6.7.0', 'ioredis': '6.0.0', 'bee-queue': '2.0.0', 'amqplib': '2.3.1',
            'graphile-worker': '0.17.3', 'pg': '8.23.1'}


class Failed(Exception):
    """A client or server did not do what it was started for; the text says what it said."""


# -- the clients' programs -----------------------------------------------------------------------------------------


def find(program):
    return shutil.which(program, path=PATH)


def compile_client(name):
    """The program of NAME.c, compiled anew when its source is newer; raises Failed when that cannot be done."""
    target, source = BUILD / 'bin' / name, HERE / f'{name}.c'
    newest = max(source.stat().st_mtime, (HERE / 'bench.h').stat().st_mtime)
    if target.exists() and target.stat().st_mtime > newest:
        return str(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    command = ['cc', '-O2', '-Wall', '-Wextra', '-std=gnu11', '-o', target, source, *LIBRARIES[name]]
    made = subprocess.run(command, capture_output=True, text=True)
    if made.returncode != 0:
        raise Failed(f'{name}.c does not compile (its library is missing?): {made.stderr.strip().splitlines()[0]}')
    return str(target)


def installed_version(package):
    try:
        return json.loads((BUILD / 'node/node_modules' / package / 'package.json').read_text())['version']
    except OSError:
        return None


def install_packages():
    """From npm, in the versions above; no script of theirs is run. False when there is no npm, or no registry."""
    wanted = [f'{name}@{version}' for name, version in PACKAGES.items() if installed_version(name) != version]
    if not wanted:
        return True
    if not find('npm'):
        return False
    folder = BUILD / 'node'
    folder.mkdir(parents=True, exist_ok=True)
    print(f'installing from npm: {" ".join(wanted)}', file=sys.stderr)
    command = ['npm', 'install', '--prefix', folder, '--no-audit', '--no-fund', '--ignore-scripts', '--loglevel=error',
               *wanted]
    return subprocess.run(command, stdout=subprocess.DEVNULL, timeout=300).returncode == 0


# -- what a process costs ------------------------------------------------------------------------------------------


def cpu_s(pid):
    """Processor time of all its threads so far, to the microsecond."""
    threads = pathlib.Path(f'/proc/{pid}/task').iterdir()
    return sum(int((thread / 'schedstat').read_text().split()[0]) for thread in threads) / 1e9


def memory_bytes(pid):
    """Its own memory; what it has mapped of files is cache and is not counted."""
    status = pathlib.Path(f'/proc/{pid}/status').read_text()
    return int(status.split('RssAnon:')[1].split()[0]) * 1024


# -- a scene -------------------------------------------------------------------------------------------------------


def free_port():
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        return probe.getsockname()[1]


def is_open(port):
    try:
        socket.create_connection(('127.0.0.1', port), 1).close()
        return True
    except OSError:
        return False


def wait_until(condition, what, deadline_s=START_S, pause_s=0.005):
    end = time.monotonic() + deadline_s
    while not (value := condition()):
        if time.monotonic() > end:
            raise Failed(f'after {deadline_s} s still not so: {what}')
        time.sleep(pause_s)
    return value


class Stage:
    """One run of one entrant. Use as a context: everything it started ends with it, and its folder goes."""

    def __init__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix='lull-bench-', dir=FOLDER))
        self.folder.chmod(0o755)
        self.servers = []
        self.environment = {**os.environ, 'PATH': PATH, 'NODE_PATH': str(BUILD / 'node/node_modules')}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for server in reversed(self.servers):  # what they have stored goes with the folder: no need to ask them
            end_group(server)
        shutil.rmtree(self.folder, ignore_errors=True)

    def data(self):
        path = self.folder / 'data'
        path.mkdir(exist_ok=True)
        return path

    def start(self, *command, port=None, **environment):
        """A server in a process group of its own; with `port`, once it listens there."""
        # Should this program be killed, so is what it has started.
        command = ['setpriv', '--pdeathsig', 'KILL', *map(str, command)]
        log_path = self.folder / f'server-{len(self.servers)}.log'
        with open(log_path, 'ab') as log:
            server = subprocess.Popen(command, cwd=self.folder, env={**self.environment, **environment}, stdout=log,
                                      stdin=subprocess.DEVNULL, stderr=log, start_new_session=True)
        self.servers.append(server)
        if port:
            wait_until(lambda: is_open(port) or server.poll() is not None, f'{command[3]} listens at {port}')
        if server.poll() is not None:
            raise Failed(f'{command[3]} ended: {log_path.read_text(errors="replace")[-400:]}')
        return server

    def run(self, *command, deadline_s=CLIENT_S):
        """A client to its end; its last line of JSON."""
        output = self.run_text(*command, deadline_s=deadline_s)
        lines = [line for line in output.splitlines() if line.startswith('{')]
        if not lines:
            raise Failed(f'{pathlib.Path(command[0]).name} printed no figures: {output[-400:]}')
        return json.loads(lines[-1])

    def run_text(self, *command, deadline_s=CLIENT_S):
        """A client to its end, with all the processes it has; what it printed."""
        command = [str(word) for word in command]
        with tempfile.TemporaryFile('w+', dir=self.folder) as errors:
            client = subprocess.Popen(command, cwd=self.folder, env=self.environment, stdin=subprocess.DEVNULL,
                                      stdout=subprocess.PIPE, stderr=errors, text=True, start_new_session=True)
            try:
                output, _ = client.communicate(timeout=deadline_s)
            except subprocess.TimeoutExpired:
                raise Failed(f'not done after {deadline_s} s') from None
            finally:
                end_client(client)
            errors.seek(0)
            said = errors.read().strip()
        if client.returncode != 0:
            raise Failed(f'ended with {client.returncode}: {gist(said) or output[-400:]}')
        return output

    def node(self, script, *arguments, **keys):
        return self.run('node', HERE / script, *arguments, **keys)


def gist(said):
    """Of what a program wrote before it failed: its first error where it names one, as Node.js does above a stack."""
    named = [line.strip() for line in said.splitlines() if re.match(r'\s*\w*Error\b.*: ', line)]
    return named[0] if named else said[-400:]


def end_client(client):
    """Asks first: `lull bench` stops its broker, which is in a group of its own."""
    if client.poll() is None:
        client.terminate()
        try:
            client.wait(LEAVE_S)
        except subprocess.TimeoutExpired:
            pass
    end_group(client)


def end_group(process):
    """Kills what is left of a process group, which start_new_session made."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    process.wait()
