"""--storm N: N kills at random among many other faults, and then the books."""

import collections
import json
import random
import subprocess

import measure
from checker import CHECKS, Facts
from director import Director
from ledger import Counter
from report import Progress, Report
from town import PROGRAMS, Town

# Bytes of memory that no program may ever hold: the load is small and constant.
RSS_MAX = 256 * 1024 * 1024


def dead_letters(town):
    """batch -> its ids, as `lull dead` shows them, and how many there are for each reason."""
    def lull(*arguments):
        path = town.write_config(town.broker)
        said = subprocess.run([PROGRAMS['lull'], *arguments, '--json'], cwd=town.folder, capture_output=True, text=True,
                              env={**town.environment, 'LULL_CONFIG': str(path)}, timeout=60, check=True)
        return json.loads(said.stdout)
    listed = lull('dead', 'list', '--limit', '1000')
    letters = [row['batch'] for row in listed['dead']]
    if listed['total'] != len(letters):
        raise RuntimeError(f'{listed["total"]} dead letters, of which {len(letters)} are listed')
    ids = {batch: [message['id'] for message in lull('dead', 'show', batch)['messages']] for batch in letters}
    return ids, collections.Counter(f'{row.get("code")}' for row in listed['dead'])


def settle(town, report, progress):
    """Faults are over: drains, takes the books of the broker, and ends the town. The facts."""
    town.calm()
    is_drained = town.drain(lambda text: progress.show(text))
    report.check('drained by itself', [] if is_drained else [str(town.ask('stats'))[:600]])
    dead, reasons = dead_letters(town)
    report.figures([(f'dead letters: {reason}', n) for reason, n in reasons.items()])
    complaints = town.end()
    ledger = town.ledger()
    ledger.dead = dead
    progress.end()
    report.check('programs that ended by themselves, or not when asked', complaints)
    return Facts(ledger.sort())


def judge(facts, report, town):
    for what, check in CHECKS:
        report.check(what, check(facts))
    for service in town.services:
        service.measure()
    large = [f'{s.name} held {s.rss_max >> 20} MiB' for s in town.services if s.rss_max > RSS_MAX]
    report.check(f'programs over {RSS_MAX >> 20} MiB', large)


def progress_line(town, director, acks, posts):
    up = sum(service.is_up() and not service.is_stopped for service in town.services)
    return (f'{director.kills}/{director.n_kills} kills, {acks.count():,} acknowledgements, {posts.count():,} posts, '
            f'{up}/{len(town.services)} programs up')


def main(arguments):
    seed = arguments.seed if arguments.seed is not None else random.randrange(1, 10**6)
    report = Report('storm', f'tests/storm/run --storm {arguments.storm} --seed {seed}')
    progress = Progress()
    print(f'seed {seed}', flush=True)
    town = Town(seed)
    try:
        town.add_producers(n_wire=3, n_http=3)
        town.start()
        director = Director(town, seed, arguments.storm)
        acks, posts = Counter(town.folder, 'ack'), Counter(town.folder, 'post')

        def show():
            if progress.is_due():
                town.measure()
                progress.show(progress_line(town, director, acks, posts))

        director.run(show)
        facts = settle(town, report, progress)
    finally:
        town.kill_all()
    report.figures([('faults', ', '.join(f'{name} {n}' for name, n in director.counts.items() if n)),
                    ('messages a second', f'{measure.per_second(facts):.0f}'), *measure.figures(facts),
                    ('largest memory', ', '.join(f'{name} {size >> 20} MiB' for name, size in memory(town)))])
    judge(facts, report, town)
    failed = report.end(town.folder)
    if not failed:
        town.remove()
    return failed


def memory(town):
    sizes = {}
    for service in town.services:
        kind = service.name.rstrip('0123456789')
        sizes[kind] = max(sizes.get(kind, 0), service.rss_max)
    names = {'w': 'worker', 'p': 'producer', 'h': 'producer (HTTP)'}
    return [(names.get(kind, kind), size) for kind, size in sizes.items()]
