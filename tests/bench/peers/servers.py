"""The peers' servers as their users start them, and the clients that drive them."""

import concurrent.futures
import pathlib
import socket
import time

from stage import (HERE, PACKAGES, POSTGRES, RABBITMQ, compile_client, cpu_s, free_port, installed_version,
                   memory_bytes, wait_until)

REDIS = {
    'always': 'Redis AOF, appendfsync always: fsync before every ack',
    'everysec': 'Redis AOF, appendfsync everysec: up to a second is lost',
    'none': 'Redis, memory only',
}
BEANSTALKD = {
    '-f0': 'binlog, -b -f0: fsync on every put and delete',
    '-b': 'binlog, -b: fsync at most every 50 ms, its default',
}
JETSTREAM = 'JetStream in files: acked from the page cache, fsync every 2 minutes (its default)'
POSTGRESQL = 'PostgreSQL, synchronous_commit=on: WAL fsync before every ack'
QUORUM = 'quorum queue of one member, publisher confirms: WAL fsync before the confirm'


def start_redis(stage, mode):
    """(port, process)"""
    port = free_port()
    aof = ['--appendonly', 'no'] if mode == 'none' else ['--appendonly', 'yes', '--appendfsync', mode]
    server = stage.start('redis-server', '--bind', '127.0.0.1', '--port', port, '--dir', stage.data(), '--unixsocket',
                         stage.data() / 'redis.sock', '--save', '', *aof, port=port)
    return port, server


def start_beanstalkd(stage, mode):
    port = free_port()
    flags = ['-b', stage.data()] + (['-f0'] if mode == '-f0' else [])
    return port, stage.start('beanstalkd', '-l', '127.0.0.1', '-p', port, *flags, port=port)


def start_gearmand(stage):
    port = free_port()
    stage.start('gearmand', '-L', '127.0.0.1', '-p', port, '-l', stage.folder / 'gearmand.txt', port=port)
    return port


def start_nats(stage):
    port = free_port()
    stage.start('nats-server', '-a', '127.0.0.1', '-p', port, '-js', '-sd', stage.data(), port=port)
    time.sleep(0.3)  # it listens before JetStream is ready, and says so nowhere but in its log
    return port


def start_postgres(stage):
    port, data = free_port(), stage.data()
    as_postgres = ['setpriv', '--reuid', 'postgres', '--regid', 'postgres', '--clear-groups', '--pdeathsig', 'KILL']
    stage.run_text('chown', 'postgres', data)
    stage.run_text(*as_postgres, POSTGRES[0] / 'initdb', '-D', data / 'db', '-A', 'trust', '-U', 'postgres')
    stage.start(*as_postgres, POSTGRES[0] / 'postgres', '-D', data / 'db', '-p', port, '-k', data, '-c',
                'listen_addresses=127.0.0.1', '-c', 'shared_buffers=256MB', port=port)
    time.sleep(0.3)  # it listens before it takes connections
    return port


def start_rabbitmq(stage):
    port, epmd = free_port(), free_port()
    stage.start('epmd', '-address', '127.0.0.1', '-port', epmd, port=epmd)
    (stage.folder / 'plugins').write_text('[].\n')
    data = stage.data()
    stage.start(RABBITMQ, port=port, HOME=str(data), ERL_EPMD_PORT=str(epmd), ERL_EPMD_ADDRESS='127.0.0.1',
                RABBITMQ_NODENAME='bench@localhost', RABBITMQ_NODE_IP_ADDRESS='127.0.0.1', RABBITMQ_NODE_PORT=str(port),
                RABBITMQ_DIST_PORT=str(free_port()), RABBITMQ_MNESIA_BASE=str(data), RABBITMQ_LOG_BASE=str(data),
                RABBITMQ_CONFIG_FILE=str(stage.folder / 'none'), RABBITMQ_PID_FILE=str(stage.folder / 'pid'),
                RABBITMQ_ENABLED_PLUGINS_FILE=str(stage.folder / 'plugins'), RABBITMQ_LOGS=str(stage.folder / 'log'),
                RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS='-kernel inet_dist_use_interface {127,0,0,1}')
    wait_until(lambda: (stage.folder / 'pid').exists(), 'RabbitMQ is up')
    time.sleep(1)  # the listener is there before the queues are
    return port


# -- one run of a client: each returns run(stage, size) ------------------------------------------------------------


def redis_streams(workload, count, in_flight=1000, mode='always'):
    def run(stage, size):
        port, _ = start_redis(stage, mode)
        return stage.run(compile_client('redis_streams'), workload, port, size.n(count), in_flight)
    return run


def beanstalkd(workload, count, mode, *more):
    def run(stage, size):
        port, _ = start_beanstalkd(stage, mode)
        return stage.run(compile_client('beanstalkd'), workload, port, size.n(count), *[size.n(n) for n in more])
    return run


def on_redis(script, workload, count, mode='always', *more):
    """A client on node whose server is Redis."""
    def run(stage, size):
        port, _ = start_redis(stage, mode)
        return stage.node(script, workload, port, size.n(count), *more)
    return run


def side_by_side(script, workload, count, names):
    """Of variants that leave the machine idle: each in a queue of its own on one Redis, all at the same time.
    run(name) is what hands out the figures of one; the first that is asked in each round lets all of them run."""
    found = {}

    def run_all(stage, size):
        port, _ = start_redis(stage, 'everysec')
        with concurrent.futures.ThreadPoolExecutor() as pool:
            tasks = {name: pool.submit(stage.node, script, workload, port, size.n(count), name) for name in names}
        found.update(tasks)

    def run(name):
        def once(stage, size):
            if name not in found:
                run_all(stage, size)
            return found.pop(name).result()
        return once
    return run


def sidekiq(workload, count):
    def run(stage, size):
        port, _ = start_redis(stage, 'always')
        return stage.run('ruby', '-W0', HERE / 'sidekiq.rb', workload, port, size.n(count), stage.folder)
    return run


def gearmand(workload, count):
    return lambda stage, size: stage.run(compile_client('gearmand'), workload, start_gearmand(stage), size.n(count))


def nats(workload, count):
    return lambda stage, size: stage.run(compile_client('nats'), workload, start_nats(stage), size.n(count))


def graphile(workload, count):
    return lambda stage, size: stage.node('graphile.js', workload, start_postgres(stage), size.n(count))


def rabbitmq(workload, count):
    return lambda stage, size: stage.node('rabbitmq.js', workload, start_rabbitmq(stage), size.n(count), 'quorum')


def durable(count, in_flight):
    """The ceiling: a broker that only appends, fsyncs and acks."""
    def run(stage, size):
        return stage.run(compile_client('durable'), stage.data(), size.n(count), in_flight)
    return run


def lock(count):
    def run(stage, size):
        start_redis(stage, 'none')
        return {'batches_per_s': stage.run(compile_client('lock'), stage.data() / 'redis.sock', size.n(count))['per_s']}
    return run


# -- restarts ------------------------------------------------------------------------------------------------------


def talk(port, text, answer, deadline_s=120):
    """Says `text` on a connection of its own, again and again, until what comes back begins with `answer`."""
    def ask():
        try:
            with socket.create_connection(('127.0.0.1', port), 1) as connection:
                connection.settimeout(deadline_s)
                connection.sendall(text)
                return connection.recv(4096).startswith(answer)
        except OSError:
            return False
    wait_until(ask, 'it answers after the restart', deadline_s)


def restart_seconds(stage, server, start, text, answer):
    """kill -9, and the time until the first message is out again."""
    server.kill()
    server.wait()
    begin = time.monotonic()
    port, server = start()
    talk(port, text, answer)
    return time.monotonic() - begin, server


def package_versions():
    """Of each package that dpkg has installed; empty where there is no dpkg."""
    status, versions = pathlib.Path('/var/lib/dpkg/status'), {}
    for paragraph in status.read_text(errors='replace').split('\n\n') if status.exists() else []:
        fields = dict(line.split(': ', 1) for line in paragraph.split('\n') if ': ' in line and line[0] != ' ')
        if fields.get('Status') == 'install ok installed':
            versions[fields['Package']] = fields['Version']
    return versions


def pending(stage, size, server, fill, start, text, answer):
    """What lull_rows.pending() does, with a peer's server: its figures."""
    empty, n = memory_bytes(server.pid), fill[-1]
    stage.run(*fill)
    memory = (memory_bytes(server.pid) - empty) / n
    busy, pause = cpu_s(server.pid), 2 if size.is_quick else 10
    time.sleep(pause)
    idle = (cpu_s(server.pid) - busy) / pause * 100
    seconds, _ = restart_seconds(stage, server, start, text, answer)
    return {'bytes': memory, 'idle_percent': idle, 'seconds': seconds}


def idle_bullmq(stage, size):
    port, server = start_redis(stage, 'everysec')
    worker = stage.start('node', HERE / 'bullmq.js', 'worker', port, 50)
    time.sleep(2)
    pause = 3 if size.is_quick else 10
    before = cpu_s(server.pid) + cpu_s(worker.pid)
    time.sleep(pause)
    return {'idle_percent': (cpu_s(server.pid) + cpu_s(worker.pid) - before) / pause * 100}
