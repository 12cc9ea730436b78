"""--stops N: workers are stopped past the time to live of their locks, at a random point of a run; then they go on."""

import random
import time

import checker
import diaries
import measure
from ledger import Counter
from report import Progress, Report
from storm import settle
from town import LEASE_S, LOCK_TTL_S, Town

N_WORKERS = 6
# So many at least go on working, so that what is taken over has somewhere to go.
AWAKE_MIN = 2
# A clock read to milliseconds in a log, beside one in the sink.
SLACK_S = 0.003


class Stopper:
    """Stops a worker at a random moment in which it has a run under way, and lets it go on."""

    def __init__(self, town, seed, n_stops):
        self.town, self.n_stops, self.dice = town, n_stops, random.Random(f'{seed} stops')
        self.stops = []         # (worker's life, stopped, went on)
        self.asleep = {}        # service -> (when it was stopped, when it is to go on)
        self.next_at = {worker: self._later(1.0) for worker in town.workers}

    def _later(self, least=0.0):
        return time.monotonic() + least + self.dice.uniform(0.2, 1.2)

    def _length(self):
        """Past the lock but within the lease, and past both."""
        return self.dice.choice((1.1 * LOCK_TTL_S, 2.0 * LOCK_TTL_S, LEASE_S + 0.4, 1.6 * LEASE_S))

    def turn(self):
        now = time.monotonic()
        for worker, (since, until) in list(self.asleep.items()):
            if now >= until:
                self._wake(worker, since)
        for worker, at in self.next_at.items():
            is_free = worker not in self.asleep and now >= at
            if is_free and len(self.asleep) < N_WORKERS - AWAKE_MIN and self.n_begun() < self.n_stops:
                self._put_to_sleep(worker)

    def n_begun(self):
        return len(self.stops) + len(self.asleep)

    def _put_to_sleep(self, worker):
        length = self._length()
        self.town.fault('stop', worker, time.monotonic() + length)
        worker.stop()
        self.asleep[worker] = (time.monotonic(), time.monotonic() + length)

    def _wake(self, worker, since):
        del self.asleep[worker]
        # Read before the signal: nothing the worker does later can seem to be earlier.
        self.stops.append((worker.who, since, time.monotonic()))
        worker.resume()
        self.next_at[worker] = self._later()

    def run(self, show):
        while len(self.stops) < self.n_stops:
            self.town.watch()
            self.turn()
            show()
            time.sleep(0.005)


class Stop:
    """A stop, with the runs that its worker had under way."""

    def __init__(self, stop, runs):
        self.worker, self.since, self.until = stop
        self.runs = [run for run in runs.get(self.worker, []) if run.is_under_way(self.since)]

    @property
    def fences(self):
        return {run.fence for run in self.runs}


def late_calls(facts, stops):
    """Asked the handler after waking, for a run from before."""
    held = {(stop.worker, fence): stop for stop in stops for fence in stop.fences}
    return [f'{call.worker} asked for {call.batch} under {call.fence} {call.began - stop.until:.3f} s after it went on'
            for call in facts.ledger.calls
            if (stop := held.get((call.worker, call.fence))) and call.began > stop.until]


def late_posts(facts, stops, runs):
    """Posted after waking, for a run from before: no run of that batch was begun in between."""
    findings = []
    for stop in stops:
        batches = {run.batch for run in stop.runs}
        begun = [run for run in runs[stop.worker] if run.began >= stop.until - SLACK_S and run.batch in batches]
        findings += [f'{post.worker} posted {post.batch} {post.began - stop.until:.3f} s after it went on, having been '
                     f'stopped for {stop.until - stop.since:.1f} s'
                     for post in facts.ledger.posts
                     if post.worker == stop.worker and post.batch in batches and post.began > stop.until
                     and not any(run.batch == post.batch and run.began <= post.began + SLACK_S for run in begun)]
    return findings


def late_results(runs):
    """Reported when the thread had been given to another run already, and not refused as stale."""
    by_thread = {}
    for run in (run for life in runs.values() for run in life):
        by_thread.setdefault(run.thread, []).append(run)
    findings = []
    for of_thread in by_thread.values():
        for run in of_thread:
            if run.reported is None or run.is_stale:
                continue
            findings += [f'{run.worker} reported {run.event} of {run.batch} under {run.fence} '
                         f'{run.reported - newer.began:.3f} s after {newer.worker} began {newer.fence}'
                         for newer in of_thread
                         if newer.fence > run.fence and newer.began < run.reported - SLACK_S]
    return findings


def repeats_beyond_doubt(facts, stops):
    """Visible twice although the run of the earlier post had ended before its worker was stopped."""
    findings = []
    for earlier, later, _ in checker.repeats(facts):
        in_doubt = not earlier.is_read or any(
            stop.worker == earlier.worker and stop.until >= earlier.began and stop.since <= later.began
            and any(run.batch == earlier.batch for run in stop.runs) for stop in stops)
        if not in_doubt:
            findings.append(f'{later.batch} reply {later.index}: by {earlier.worker} and then {later.worker}')
    return findings


def known_repeats(facts, stops):
    """How many were visible twice although their poster had read the answer before it was stopped: `posted` reaches the
    broker with the result only, so the first of several replies is in doubt for as long as the last."""
    return sum(earlier.is_read and not any(
        stop.worker == earlier.worker and earlier.began <= stop.until and earlier.ended + 0.02 >= stop.since
        for stop in stops) for earlier, _, _ in checker.repeats(facts))


def main(arguments):
    seed = arguments.seed if arguments.seed is not None else random.randrange(1, 10**6)
    report = Report('stops', f'tests/storm/run --stops {arguments.stops} --seed {seed}')
    progress = Progress()
    print(f'seed {seed}', flush=True)
    town = Town(seed, n_workers=N_WORKERS, mood='slow')
    town.keeps_logs = True
    offset = time.time() - time.monotonic()
    try:
        town.add_producers(n_wire=3, n_http=1, n_threads=60, rate=30)
        town.start()
        stopper, posts = Stopper(town, seed, arguments.stops), Counter(town.folder, 'post')
        stopper.run(lambda: progress.is_due() and progress.show(
            f'{len(stopper.stops)}/{arguments.stops} stops, {posts.count():,} posts, {len(stopper.asleep)} asleep'))
        facts = settle(town, report, progress)
    finally:
        town.kill_all()
    judge(facts, diaries.all_runs(town.folder, offset), stopper, report)
    failed = report.end(town.folder)
    if not failed:
        town.remove()
    return failed


def judge(facts, runs, stopper, report):
    stops = [Stop(stop, runs) for stop in stopper.stops]
    report.figures([
        ('stops', len(stops)),
        ('of them longer than the lease', sum(stop.until - stop.since > LEASE_S for stop in stops)),
        ('of them with a run under way', sum(bool(stop.runs) for stop in stops)),
        ('runs under way when their worker was stopped', sum(len(stop.runs) for stop in stops)),
        ('results refused as stale', sum(run.is_stale for life in runs.values() for run in life)),
        ('replies visible twice, the earlier post in doubt', len(checker.repeats(facts))),
        ('of them answered before the stop, of several replies', known_repeats(facts, stops)),
        *measure.figures(facts)[:7]])
    report.check('stops that hit no run at all', ['no stop did'] if not any(stop.runs for stop in stops) else [])
    report.check('calls of a stale run after it went on', late_calls(facts, stops))
    report.check('replies posted by a stale worker', late_posts(facts, stops, runs))
    report.check('late results accepted', late_results(runs))
    report.check('replies visible twice beyond doubt', repeats_beyond_doubt(facts, stops))
    for what, check in checker.CHECKS:
        if check is not checker.repeated_for_nothing:
            report.check(what, check(facts))
