"""What is measured: the workloads, who takes part in each, and the columns of its table."""

import lull_rows as lull
import servers
from entrants import Column, Entrant, Workload
from servers import BEANSTALKD, JETSTREAM, POSTGRESQL, QUORUM, REDIS

CEILING = 'append, one fdatasync for all that has come, ack: the ceiling, no broker'
MEMORY = 'memory only (its default)'
DEDUPLICATION = {'ttl_extend_replace': 'ttl, extend, replace', 'replace': 'replace, no ttl',
                 'reschedule_keep_last': 'reschedule, keepLastIfActive'}
RETRIES = {'exponential3': '2 s doubling, 3 retries', 'exponential20': '2 s doubling, 20 retries',
           'jitter20': '2 s doubling, jitter 0.5, 20 retries', 'fixed20': 'each 2 s, 20 retries'}
BULLMQ = {'needs': ('redis-server', 'node'), 'packages': ('bullmq', 'ioredis')}
BEEQUEUE = {'needs': ('redis-server', 'node'), 'packages': ('bee-queue',), 'is_other': True, 'repetitions': 3}
GRAPHILE = {'needs': ('initdb', 'node'), 'packages': ('graphile-worker', 'pg'), 'is_other': True, 'repetitions': 3}
SIDEKIQ = {'needs': ('redis-server', 'ruby', 'sidekiq'), 'is_other': True, 'repetitions': 3}
RABBITMQ = {'needs': ('rabbitmq-server', 'node', 'epmd'), 'packages': ('amqplib',), 'is_other': True, 'repetitions': 3}
NATS = {'needs': ('nats-server',), 'is_other': True, 'repetitions': 3}
GEARMAND = {'needs': ('gearmand',), 'is_other': True, 'repetitions': 3}
BURSTS = ['--burst', 5, '--in-flight', 4000, '--threads', 20_000]
IN_FLIGHT = {1: 3_000, 16: 40_000, 256: 400_000, 4096: 1_000_000}
PER_S, LATE = Column('per_s', 'messages/s', True), [Column('p50_ms', 'p50 ms', True), Column('p99_ms', 'p99 ms', True)]


def enqueue():
    rows = []
    for in_flight, n in IN_FLIGHT.items():
        run = lull.bench('in', '--in-flight', in_flight, messages=n)
        rows += [Entrant(f'lull, {in_flight:,} in flight', lull.DURABLE, 'lull bench in', run),
                 Entrant(f'ceiling, {in_flight:,} in flight', CEILING, 'DEALER to ROUTER over tcp',
                         servers.durable(n, in_flight)),
                 Entrant(f'Redis Streams, {in_flight:,} in flight', REDIS['always'], 'XADD, pipelined',
                         servers.redis_streams('W1', min(n, 300_000), in_flight), ('redis-server',))]
    return rows + [
        Entrant('beanstalkd', BEANSTALKD['-f0'], '200 to 400 in flight', servers.beanstalkd('W1', 10_000, '-f0'),
                ('beanstalkd',)),
        Entrant('BullMQ', REDIS['always'], 'addBulk of 500, 4 under way',
                servers.on_redis('bullmq.js', 'W1', 60_000), **BULLMQ),
        Entrant('Sidekiq', REDIS['always'], 'push_bulk of 1,000', servers.sidekiq('W1', 200_000), **SIDEKIQ),
        Entrant('graphile-worker', POSTGRESQL, 'addJobs of 1,000, 2 under way', servers.graphile('W1', 100_000),
                **GRAPHILE),
        Entrant('bee-queue', REDIS['always'], 'saveAll of 500, 4 under way',
                servers.on_redis('beequeue.js', 'W1', 100_000), **BEEQUEUE),
        Entrant('RabbitMQ', QUORUM, '2,000 in flight', servers.rabbitmq('W1', 60_000), **RABBITMQ),
        Entrant('NATS JetStream', JETSTREAM, '4,000 in flight', servers.nats('W1', 300_000), **NATS),
        Entrant('gearmand', MEMORY, 'run_tasks of 500', servers.gearmand('W1', 60_000), **GEARMAND),
    ]


def through():
    return [
        Entrant('lull', lull.DURABLE, '2 lull-worker, handler echo, bursts of 5, redis: none; 4,000 in flight',
                lull.two_workers(600_000, redis='none')),
        Entrant('lull, with the lock', lull.DURABLE, 'the same, a Redis lock for each batch (Redis without AOF)',
                lull.two_workers(300_000), ('redis-server',)),
        Entrant('lull, bare worker', lull.DURABLE, 'lull bench through: the broker alone, bursts of 5',
                lambda stage, size: through_bare(stage, size)),
        Entrant('ceiling of the lock', REDIS['none'], 'acquire and release, 64 pairs in a pipeline, nothing else',
                servers.lock(64_000), ('redis-server',)),
        Entrant('Redis Streams', REDIS['always'], '2 workers, XREADGROUP of 200, then XACK and XDEL of all of them',
                servers.redis_streams('W2', 300_000), ('redis-server',)),
        Entrant('beanstalkd', BEANSTALKD['-f0'], '2 workers of 32 connections', servers.beanstalkd('W2', 5_000, '-f0'),
                ('beanstalkd',)),
        Entrant('BullMQ', REDIS['always'], '2 workers, concurrency 300',
                servers.on_redis('bullmq.js', 'W2', 30_000), **BULLMQ),
        Entrant('graphile-worker', POSTGRESQL, '2 workers, concurrency 24, local queue 500',
                servers.graphile('W2', 60_000), **GRAPHILE),
        Entrant('RabbitMQ', QUORUM, '2 workers, prefetch 500', servers.rabbitmq('W2', 50_000), **RABBITMQ),
        Entrant('bee-queue', REDIS['always'], '2 workers, concurrency 100',
                servers.on_redis('beequeue.js', 'W2', 40_000), **BEEQUEUE),
        Entrant('Sidekiq', REDIS['always'], '2 workers of 10 threads; no ack: a worker that dies loses its jobs',
                servers.sidekiq('W2', 30_000), **SIDEKIQ),
        Entrant('NATS JetStream', JETSTREAM, '2 workers, Fetch of 500, each acked', servers.nats('W2', 150_000),
                **NATS),
        Entrant('gearmand', MEMORY, '2 workers of 4 threads', servers.gearmand('W2', 60_000),
                **GEARMAND),
    ]


def through_bare(stage, size):
    found = lull.bench('through', *BURSTS, messages=600_000)(stage, size)
    return {**found, 'per_s': found['through_per_s'], 'batches_per_s': found['through_per_s'] / 5, 'size': 5}


def latency():
    return [
        Entrant('lull', lull.DURABLE, 'lull bench latency: quiet 0, one bare worker', lull.latency),
        Entrant('Redis Streams', REDIS['always'], '2 workers', servers.redis_streams('W3', 1_500), ('redis-server',)),
        Entrant('beanstalkd', BEANSTALKD['-f0'], '2 workers', servers.beanstalkd('W3', 1_500, '-f0'), ('beanstalkd',)),
        Entrant('BullMQ', REDIS['always'], '2 workers, concurrency 50', servers.on_redis('bullmq.js', 'W3', 1_500),
                **BULLMQ),
        Entrant('graphile-worker', POSTGRESQL, '2 workers, concurrency 24', servers.graphile('W3', 1_500), **GRAPHILE),
        Entrant('RabbitMQ', QUORUM, '2 workers, prefetch 500', servers.rabbitmq('W3', 1_500), **RABBITMQ),
        Entrant('bee-queue', REDIS['always'], '2 workers, concurrency 50',
                servers.on_redis('beequeue.js', 'W3', 1_500), **BEEQUEUE),
        Entrant('Sidekiq', REDIS['always'], '2 workers of 10 threads', servers.sidekiq('W3', 1_500), **SIDEKIQ),
        Entrant('NATS JetStream', JETSTREAM, '2 workers, a queue group', servers.nats('W3', 1_500), **NATS),
        Entrant('gearmand', MEMORY, '2 workers of 4 threads', servers.gearmand('W3', 1_500),
                **GEARMAND),
    ]


def at_once():
    return [
        Entrant('lull', lull.DURABLE, 'lull bench timers: every thread due at one instant, one bare worker',
                lull.bench('timers', '--due-at-once', threads=100_000)),
        Entrant('beanstalkd', BEANSTALKD['-b'], 'a paused tube that is let go: none of its timers; 2 workers',
                servers.beanstalkd('W4', 100_000, '-b'), ('beanstalkd',)),
        Entrant('BullMQ', REDIS['everysec'], 'delayed to one instant; 2 workers, concurrency 100',
                servers.on_redis('bullmq.js', 'W4', 100_000, 'everysec'), repetitions=3, **BULLMQ),
    ]


def spread():
    rate = ['--rate', 500, '--quiet', '1s']
    return [
        Entrant('lull', lull.DURABLE, 'quiet 1 s', lull.bench('timers', *rate, threads=1_500)),
        Entrant('lull, 1,000,000 pending', lull.DURABLE, 'quiet 1 s; as many other threads wait',
                lull.bench('timers', *rate, threads=1_500, pending=1_000_000), repetitions=3),
        Entrant('beanstalkd', BEANSTALKD['-b'], 'delay 1 s', servers.beanstalkd('W4p', 1_500, '-b'), ('beanstalkd',)),
        Entrant('beanstalkd, 1,000,000 pending', BEANSTALKD['-b'], 'delay 1 s; as many jobs wait for an hour',
                servers.beanstalkd('W4p', 1_500, '-b', 1_000_000), ('beanstalkd',), repetitions=3),
        Entrant('BullMQ', REDIS['everysec'], 'delay 1 s', servers.on_redis('bullmq.js', 'W4p', 1_500, 'everysec'),
                repetitions=3, **BULLMQ),
    ]


def bursts(workload, profile, n, work, what):
    rows = [Entrant('lull', lull.DURABLE, f'lull bench {profile}: {what}',
                    lull.bench(profile, '--work', work, threads=n))]
    # What is timed is run alone; where the calls take 3 s the machine is idle, and the three run side by side.
    together = servers.side_by_side('bullmq_debounce.js', workload, n, list(DEDUPLICATION))
    for name, text in DEDUPLICATION.items():
        alone = servers.on_redis('bullmq_debounce.js', workload, n, 'everysec', name)
        run = together(name) if workload == 'W5b' else alone
        rows.append(Entrant(f'BullMQ, {text}', REDIS['everysec'], 'beginnings spread over 5 s; 2 workers', run,
                            repetitions=3, is_slow=workload == 'W5b' or name != 'reschedule_keep_last', **BULLMQ))
    return rows


def one_thread():
    together = servers.side_by_side('bullmq_lock.js', 'W6', 20, list(RETRIES))
    return [Entrant('lull', lull.DURABLE, 'tests/bench/seeds: openai handler, real worker', lull.one_thread)] + [
        Entrant(f'BullMQ and a lock, {text}', REDIS['everysec'], '2 workers; stopped after 60 s', together(name),
                repetitions=1, is_slow=True, **BULLMQ) for name, text in RETRIES.items()]


def beanstalkd_pending(count):
    def run(stage, size):
        port, server = servers.start_beanstalkd(stage, '-b')
        fill = [servers.compile_client('beanstalkd'), 'W1', port, size.n(count)]
        return servers.pending(stage, size, server, fill, lambda: servers.start_beanstalkd(stage, '-b'),
                               b'reserve-with-timeout 10\r\n', b'RESERVED')
    return run


def redis_pending(count):
    def run(stage, size):
        port, server = servers.start_redis(stage, 'everysec')
        fill = [servers.compile_client('redis_streams'), 'W1', port, size.n(count)]
        return servers.pending(stage, size, server, fill, lambda: servers.start_redis(stage, 'everysec'),
                               b'XREADGROUP GROUP g w COUNT 1 STREAMS q >\r\n', b'*1')
    return run


def bullmq_pending(count):
    def run(stage, size):
        port, server = servers.start_redis(stage, 'everysec')
        fill = ['node', servers.HERE / 'bullmq.js', 'W1', port, size.n(count)]
        return servers.pending(stage, size, server, fill, lambda: servers.start_redis(stage, 'everysec'),
                               b'LMOVE bull:q:wait other RIGHT LEFT\r\n', b'$')
    return run


def waiting():
    return [
        Entrant('lull, 1,000,000 threads of 1 message', lull.DURABLE, 'fsync on', lull.pending(1_000_000),
                repetitions=3),
        Entrant('lull, 10,000 threads of 100', lull.DURABLE, 'the same number of messages',
                lull.pending(1_000_000, 10_000), repetitions=3),
        Entrant('lull, 10,000,000 threads of 1 message', lull.DURABLE, 'fsync on', lull.pending(10_000_000),
                repetitions=1, is_large=True),
        Entrant('beanstalkd, 1,000,000 jobs', BEANSTALKD['-b'], 'the messages are in its memory',
                beanstalkd_pending(1_000_000), ('beanstalkd',), repetitions=2),
        Entrant('Redis Streams, 1,000,000 entries', REDIS['everysec'], 'the messages are in its memory; AOF load',
                redis_pending(1_000_000), ('redis-server',), repetitions=2),
        Entrant('BullMQ, 200,000 jobs', REDIS['everysec'], 'the messages are in the memory of Redis; AOF load',
                bullmq_pending(200_000), repetitions=2, **BULLMQ),
    ]


def idle():
    return [Entrant('lull: broker, worker, ingest', lull.DURABLE, 'the busiest of the three', lull.idle,
                    repetitions=2),
            Entrant('BullMQ: worker and its Redis', REDIS['everysec'], 'both together', servers.idle_bullmq,
                    repetitions=2, **BULLMQ)]


def growth():
    def run(pending):  # so many that most meet a full memory of ids, however few wait: each then has one forgotten
        return lull.bench('through', *BURSTS, messages=3_000_000, pending=pending)
    return [Entrant(f'lull, {pending:,} threads pending', lull.DURABLE, 'lull bench through, bursts of 5', run(pending),
                    repetitions=3, is_large=pending > 1_000_000) for pending in (1_000, 1_000_000, 10_000_000)]


def concurrent():
    return [Entrant('lull-worker', lull.DURABLE, 'openai handler, streamed', lull.calls('lull-worker'), repetitions=1),
            Entrant('BullMQ worker', 'none of a worker', 'the same with fetch, one process of Node.js',
                    lull.calls('BullMQ'), repetitions=1, **BULLMQ)]


COUNTS = [Column('calls', 'calls'), Column('wanted', 'bursts'), Column('exact', 'exactly right'),
          Column('overlaps', 'overlaps'), Column('lost', 'messages never handled'), *LATE]
WHAT = {
    'W1': ('enqueue',
           'One producer; messages acknowledged a second.'),
    'W2': ('end to end',
           'One producer, two worker processes whose handlers do nothing; messages a second from the first enqueued '
           'to the last acknowledged.'),
    'W3': ('latency at 500 messages a second',
           'One message at a time; from handing it over to the start of its handler.'),
    'W4': ('100,000 due at one instant',
           'All are in before; until the last handler has started.'),
    'W4p': ('timers spread: 500 a second',
            'Each to wait for 1 s; how late its handler starts.'),
    'W5': ('bursts',
           '2,000 conversations of 5 messages, 100 ms apart, quiet 2 s, handler 50 ms: one call each is wanted, '
           'with all five; how late past the quiet it starts.'),
    'W5b': ('bursts that meet a running handler',
            '300 conversations, a handler of 3 s, a second burst that begins 0.3 s into the first call: two calls '
            'each are wanted, one after the other; how late past both the quiet and the end of the call before.'),
    'W6': ('one busy thread',
           '20 messages in a row on one thread, a handler of 200 ms, each by itself: 4.0 s are ideal.'),
    'W7': ('what waits, and a restart',
           "Messages that wait; memory of each (the server's own, over that of an empty one); the processor's time "
           'meanwhile; then kill -9, and from the start of the server until the first is out.'),
    'W8': ('idle',
           'Nothing to do for 10 s.'),
    'W9': ('growth',
           'What a message costs the broker while others wait for their quiet.'),
    'W10': ('calls at once',
            '5,000 calls of 20 s at once in one worker, each streamed from one model server.'),
}


def workload(id, order, entrants, *columns):
    return Workload(id, *WHAT[id], list(columns), order, entrants)


def all_workloads():
    p999 = Column('p999_ms', 'p99.9 ms')
    return [
        workload('W1', '-per_s', enqueue(), PER_S),
        workload('W2', '-per_s', through(), PER_S, Column('batches_per_s', 'batches/s'),
                 Column('size', 'messages a batch')),
        workload('W3', 'p50_ms', latency(), *LATE, p999),
        workload('W4', 'max_ms', at_once(), Column('max_ms', 'all after ms', True), Column('p50_ms', 'half after ms')),
        workload('W4p', 'p99_ms', spread(), *LATE, p999),
        workload('W5', '-exact', bursts('W5', 'bursts', 2_000, '50ms', 'all within 0.5 s; one bare worker'), *COUNTS),
        workload('W5b', '-exact', bursts('W5b', 'busy', 300, '3s', 'all within 0.1 s; one bare worker'), *COUNTS),
        workload('W6', '-handled', one_thread(), Column('seconds', 's', True), Column('handled', 'handled of 20'),
                 Column('dead', 'given up'), Column('swaps', 'steps back in order')),
        workload('W7', 'seconds', waiting(), Column('bytes', 'bytes of memory each'),
                 Column('idle_percent', '% of a core meanwhile'), Column('seconds', 'restart s', True)),
        workload('W8', 'idle_percent', idle(), Column('idle_percent', '% of a core', True)),
        workload('W9', 'cpu_us', growth(), Column('cpu_us', 'microseconds of CPU', True),
                 Column('per_s', 'messages/s')),
        workload('W10', 'mib', concurrent(), Column('calls', 'under way at once'), Column('mib', 'MiB at the peak'),
                 Column('core_percent', '% of a core'), Column('seconds', 's')),
    ]


def versions():
    """What takes part, as far as it is there, in words."""
    packages = {'redis-server': 'Redis', 'beanstalkd': 'beanstalkd', 'nats-server': 'nats-server',
                'rabbitmq-server': 'RabbitMQ', 'gearman-job-server': 'gearmand', 'ruby-sidekiq': 'Sidekiq',
                'libzmq5': 'libzmq', 'liblmdb0': 'LMDB', 'nodejs': 'Node.js', 'gcc': 'gcc'}
    installed = servers.package_versions()
    names = {name: version for package, name in packages.items() if (version := installed.get(package))}
    names |= {package: version for package in servers.PACKAGES if (version := servers.installed_version(package))}
    return [lull.version(), *[f'{name} {version}' for name, version in names.items()]]
