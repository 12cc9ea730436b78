"""lull as an entrant: `lull bench` with a broker of its own, or the real programs in a house of the end-to-end
tests."""

import json
import os
import re
import subprocess
import sys
import tempfile
import time

from stage import FOLDER, TOP, Failed, compile_client, cpu_s, free_port, memory_bytes, wait_until

tempfile.tempdir = FOLDER  # a house keeps its store in its folder

from lull import PROGRAMS, House  # noqa: E402
from protocol import DONE  # noqa: E402

DURABLE = 'lull: fsync before every ack (its default)'
PROFILE_S = 180


def bench(profile, *arguments, **counts):
    """run(stage, size) of `lull bench PROFILE --self`: its figures, flat. `counts` are options with a number that a
    quick run makes smaller."""
    def run(stage, size):
        numbers = [word for name, n in counts.items() for word in (f'--{name.replace("_", "-")}', size.n(n))]
        text = stage.run_text(PROGRAMS['lull'], 'bench', profile, '--self', '--json', '--folder', stage.folder,
                              *arguments, *numbers, deadline_s=PROFILE_S)
        return figures(json.loads(text))
    return run


def figures(report):
    """What the tables want of a report. A report that is not good is none: `lull bench` ends with 1 then."""
    late, batches, broker = report['late_ms'], report['batches'], report.get('broker', {})
    return {
        'per_s': report['messages']['per_s'], 'through_per_s': report['messages'].get('through_per_s'),
        'ack_p50_ms': report['ack_ms']['p50'], 'ack_p99_ms': report['ack_ms']['p99'],
        'p50_ms': late['p50'], 'p99_ms': late['p99'], 'p999_ms': late['p999'], 'max_ms': late['max'],
        'sent_p50_ms': report['run_ms']['p50'], 'sent_p99_ms': report['run_ms']['p99'],
        'sent_p999_ms': report['run_ms']['p999'],
        'seconds': batches.get('dispatching_ms', 0) / 1000, 'calls': batches['out'],
        'exact': batches.get('whole_bursts'), 'wanted': batches.get('bursts'),
        'overlaps': report['check'].get('overlaps'), 'lost': report['check']['lost'],
        'early': report['check'].get('early'),
        'cpu_us': broker.get('cpu_us_per_message'), 'written': broker.get('written_bytes_per_message'),
    }


def latency(stage, size):
    """From handed over to started, which is what the peers' rows count."""
    found = bench('latency', messages=1500)(stage, size)
    return {f'{quantile}_ms': found[f'sent_{quantile}_ms'] for quantile in ('p50', 'p99', 'p999')}


# -- the real programs ---------------------------------------------------------------------------------------------


class Live:
    """A house with what a user would have: tcp on the loopback, the default lease. A context."""

    def __init__(self, **tenant):
        self.house = House()
        self.house.configure(broker={'lease': None, **{name: f'tcp://127.0.0.1:{free_port()}'
                                                      for name in ('ingest', 'workers', 'stats')}},
                             worker={'slots': 1000, 'drain': None})
        self.house.add_tenant('acme', max_wait=None, concurrency=100_000, **tenant)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for complaint in self.house.close():
            print(f'at the end: {complaint}', file=sys.stderr)
        self.house.remove()

    def fill(self, stage, n, threads, burst=1, in_flight=4000, deadline_s=600):
        return stage.run(compile_client('lull'), self.house.config['broker']['ingest'], 'acme', n, threads, burst,
                         in_flight, deadline_s=deadline_s)

    def await_finished(self, n):
        """Asks often enough for the time, and seldom enough not to be in the way."""
        stats = self.house.stats()
        wait_until(lambda: stats.ask('stats')['messages']['finished_total'] == n, f'all {n} are handled', 120, 0.01)


def two_workers(count, burst=5, **house):
    """W2: a producer of its own, two lull-workers whose handler is `echo`."""
    def run(stage, size):
        n = size.n(count)
        with Live(quiet='0s') as live:
            live.house.configure(**house)
            live.house.start_broker()
            live.house.start_worker()
            live.house.start_worker()
            begin = time.monotonic()
            live.fill(stage, n, min(20_000, n // burst), burst)
            live.await_finished(n)
            seconds = time.monotonic() - begin
            batches = live.house.ask('stats')['batches']
        return {'per_s': n / seconds, 'batches_per_s': batches['done_total'] / seconds,
                'size': n / batches['done_total'], 'seconds': seconds}
    return run


def idle_cpu(pids, seconds):
    """The share of a core that each of the processes takes while nothing happens, in percent."""
    before = [cpu_s(pid) for pid in pids]
    time.sleep(seconds)
    return [(cpu_s(pid) - cpu) / seconds * 100 for pid, cpu in zip(pids, before)]


def pending(count, threads=None):
    """W7 and W8: messages that wait; then nothing happens; then kill -9, and the first one out again."""
    def run(stage, size):
        n = size.n(count)
        with Live(quiet='1s') as live:
            broker = live.house.start_broker().popen.pid
            empty = memory_bytes(broker)
            filled = live.fill(stage, n, threads or n)
            wait_until(lambda: live.house.ask('stats')['threads']['ready'] == (threads or n), 'all are due', 120)
            memory = (memory_bytes(broker) - empty) / n
            idle = idle_cpu([broker], 2 if size.is_quick else 10)
            live.house.broker.kill()
            begin = time.monotonic()
            live.house.start('broker', [PROGRAMS['lull-broker'], live.house.write_config()])
            worker = live.house.worker(slots=1, on_run=lambda worker, run: worker.result(run, DONE))
            wait_until(lambda: worker.runs, 'the first run is out', 120)
            seconds = worker.runs[0].at - begin
            worker.close()
        return {'seconds': seconds, 'bytes': memory, 'idle_percent': idle[0], 'fill_s': filled['seconds']}
    return run


def idle(stage, size):
    """W8: broker, worker and ingest that have nothing to do."""
    with Live(quiet='1s') as live:
        live.house.start_all()
        time.sleep(1)
        pids = [live.house.broker.popen.pid, live.house.processes[-2].popen.pid, live.house.ingest.popen.pid]
        shares = idle_cpu(pids, 3 if size.is_quick else 10)
    return {'idle_percent': max(shares), **dict(zip(('broker', 'worker', 'ingest'), shares))}


# -- other benchmarks of the tree, by what they print ----------------------------------------------------------------


def script(name, *arguments, deadline_s=300):
    done = subprocess.run([sys.executable, TOP / 'tests/bench' / name, *map(str, arguments)], capture_output=True,
                          text=True, timeout=deadline_s, env={**os.environ, 'TMPDIR': FOLDER})
    if done.returncode != 0:
        raise Failed(f'tests/bench/{name}: {done.stderr.strip()[-400:]}')
    return done.stdout


def one_thread(stage, size):
    """W6, by tests/bench/seeds."""
    found = re.search(r'200 ms each: ([\d.]+) s, .*, (in order|OUT OF ORDER)', script('seeds', 0.2, 0.2))
    if not found:
        raise Failed('tests/bench/seeds says nothing of twenty messages')
    return {'seconds': float(found[1]), 'handled': 20, 'dead': 0, 'swaps': 0 if found[2] == 'in order' else 1}


def calls(who):
    """W10, by tests/bench/calls, which has both sides; what the other side took is kept for its own row."""
    def run(stage, size):
        n, seconds = (500, 5) if size.is_quick else (5000, 20)
        key = (n, seconds, calls.round.get(who, 0))
        calls.round[who] = key[2] + 1
        if key not in calls.found:
            calls.found[key] = script('calls', n, seconds)
        return calls_figures(calls.found[key], who)
    return run


calls.round, calls.found = {}, {}


def calls_figures(text, who):
    """What tests/bench/calls printed of one side: its headings have two blanks between them, its row has a number under
    each, and the line below says how many were under way at once."""
    lines = text.splitlines()
    at = next((i for i, line in enumerate(lines) if line.startswith(who)), None)
    headings = re.split(r'\s{2,}', next((line for line in lines if 'CPU s' in line), '').strip())
    if at is None or at + 1 == len(lines) or 'peak MiB' not in headings:
        raise Failed(f'tests/bench/calls says nothing of {who}')
    row = dict(zip(headings, map(float, lines[at].split()[-len(headings):])))
    return {'calls': int(lines[at + 1].rpartition(':')[2].replace(',', '')), 'mib': row['peak MiB'],
            'core_percent': row['CPU s'] / row['took s'] * 100, 'seconds': row['took s']}


def version():
    try:
        told = subprocess.run([PROGRAMS['lull'], '--version'], capture_output=True, text=True, timeout=10).stdout
    except OSError as error:
        raise SystemExit(f'{PROGRAMS["lull"]} is not there; deploy/demo builds it, or name a build in $LULL_BUILD') \
            from error
    commit = subprocess.run(['git', '-C', TOP, 'describe', '--always', '--dirty'], capture_output=True, text=True)
    return f'{told.strip()} ({commit.stdout.strip() or "no git"})'
