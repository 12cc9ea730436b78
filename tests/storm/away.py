"""--away N: the broker is away for N seconds under a steady stream of webhooks. Its ingest answers 200 nevertheless:
what comes in lies in its spool. It is killed with -9 meanwhile, and its disk fails now and then, which is answered 503.
Whatever was acknowledged is handled, once and in order."""

import random
import sys
import time

import measure
import preload
from report import Progress, Report
from storm import judge, settle
from ledger import Counter
from town import Town

N_SENDERS = 4
# Before the broker leaves, and after the spool has been emptied.
CALM_S = 3.0
# The ingest is killed so often while the broker is away, and once while the spool goes to the broker.
N_KILLS = 4
# So often a write or a sync of the ingest fails, one of the first few from then on.
N_STRIKES, N_CALLS = 8, 6
STRIKES = (('write', 'EIO'), ('write', 'ENOSPC'), ('sync', 'EIO'))
# What a strike does is over after this: a spool that LMDB has given up is opened anew within a second.
STRUCK_S = 2.0
# From the broker's start to the spool being empty; what comes in meanwhile goes through the spool, too.
PATIENCE_S = 120.0


class Away:
    def __init__(self, town, seed, seconds, show):
        self.town, self.seconds, self.show = town, seconds, show
        self.controls = preload.Controls(town.ingest, preload.build(town.folder))
        self.controls.attach()
        self.dice = random.Random(f'{seed} away')
        self.left = self.back = self.empty = None
        self.n_kills, self.strikes = 0, []

    def wait(self, until, condition=lambda: False):
        while time.monotonic() < until and not condition():
            self.town.watch()
            self.show()
            time.sleep(0.02)

    def kill(self, service, again_in):
        self.town.fault('kill', service, time.monotonic() + (again_in or 0))
        service.kill(again_in)

    def kill_ingest(self):
        if self.town.ingest.is_up():
            self.kill(self.town.ingest, self.dice.choice((0.0, 0.1, 0.3)))
            self.n_kills += 1

    def strike(self):
        kind, error = self.dice.choice(STRIKES)
        self.controls.arm(kind, error, self.dice.randint(1, N_CALLS))
        armed = time.monotonic()
        self.wait(armed + 0.5, lambda: self.controls.n_failed)
        if self.controls.n_failed:
            self.strikes.append(armed)
        self.controls.disarm()

    def is_empty(self):
        """Has the ingest, as it lives now, nothing in its spool any more?"""
        ingest = self.town.ingest
        if not ingest.is_up() or not ingest.process.events('listening'):
            return False
        return len(ingest.process.events('spooling')) == len(ingest.process.events('forwarded'))

    def run(self):
        self.wait(time.monotonic() + CALM_S)
        self.left = time.monotonic()
        self.kill(self.town.broker, None)
        blows = [self.kill_ingest] * N_KILLS + [self.strike] * N_STRIKES
        self.dice.shuffle(blows)
        for at, blow in zip(sorted(self.dice.uniform(0.05, 0.95) for _ in blows), blows):
            self.wait(self.left + at * self.seconds)
            blow()
        self.wait(self.left + self.seconds)
        self.town.broker.start()
        self.back = time.monotonic()
        self.wait(self.back + self.dice.uniform(0.2, 1.0))
        self.kill_ingest()
        self.wait(self.back + PATIENCE_S, self.is_empty)
        self.empty = time.monotonic() if self.is_empty() else None
        self.wait(time.monotonic() + CALM_S)


def milliseconds(values):
    if not values:
        return 'none'
    return ', '.join(f'{1000 * measure.quantile(values, share):.1f}' for share in (0.5, 0.99, 1.0)) + ' ms'


def figures(report, away, facts):
    meanwhile = [took for took in facts.ledger.tooks if away.left <= took.at < away.back]
    before = [took.seconds for took in facts.ledger.tooks if took.at < away.left and took.status == 200]
    answered = [took.seconds for took in meanwhile if took.status == 200]
    report.figure('seconds without a broker', f'{away.back - away.left:.1f}')
    report.figure('kills of the ingest', away.n_kills)
    report.figure('writes and syncs of the ingest that failed', len(away.strikes))
    report.figure('webhooks answered 200 meanwhile', f'{len(answered):,}')
    report.figure('  a second', f'{len(answered) / (away.back - away.left):.0f}')
    report.figure('  answered 503', f'{sum(took.status == 503 for took in meanwhile):,}')
    report.figure('  not answered, and sent again', f'{sum(took.status == 0 for took in meanwhile):,}')
    report.figure('  time to the answer, p50, p99, longest', milliseconds(answered))
    report.figure('time to the answer before, p50, p99, longest', milliseconds(before))
    report.figure('from the broker\'s start to an empty spool',
                  'never' if away.empty is None else f'{away.empty - away.back:.2f} s')
    report.figure('messages acknowledged in all', f'{len(facts.order):,}')


def refused_for_nothing(away, facts):
    return [f'503 at {took.at - away.left:.2f} s' for took in facts.ledger.tooks if took.status == 503
            and not any(strike <= took.at + took.seconds <= strike + STRUCK_S for strike in away.strikes)]


def main(arguments):
    seed = arguments.seed if arguments.seed is not None else random.randrange(1, 10**6)
    report = Report('away', f'tests/storm/run --away {arguments.away} --rate {arguments.rate} --seed {seed}')
    progress = Progress()
    print(f'seed {seed}', flush=True)
    town = Town(seed, n_workers=2, mood='calm', settings={'ingest': {'spool': 'spool'}})
    try:
        town.add_producers(n_wire=0, n_http=N_SENDERS, rate=arguments.rate / N_SENDERS, http_kind='hook')
        acks, posts = Counter(town.folder, 'ack'), Counter(town.folder, 'post')

        def show():
            if progress.is_due():
                town.measure()
                progress.show(f'broker {"up" if town.broker.is_up() else "away"}, {acks.count():,} acknowledged '
                              f'webhooks, {posts.count():,} posts')

        away = Away(town, seed, arguments.away, show)
        town.start()
        away.run()
        facts = settle(town, report, progress)
    finally:
        town.kill_all()
    figures(report, away, facts)
    report.check('the spool was emptied', [] if away.empty else [f'not within {PATIENCE_S:g} s'])
    report.check('webhooks refused without a reason', refused_for_nothing(away, facts))
    report.check('faults that never struck', [] if away.strikes else ['no call was made'])
    judge(facts, report, town)
    failed = report.end(town.folder)
    if not failed:
        town.remove()
    return failed


if __name__ == '__main__':
    sys.exit('tests/storm/run --away N')
