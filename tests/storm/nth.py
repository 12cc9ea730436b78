"""--nth CALL: call number 1, 2, 3, ... of a kind fails in broker, ingest and a worker, from its start and under load.
Each time the program may end, as it is built to; then it starts without the fault, and goes on."""

import random
import time

import checker
import measure
import preload
from probe import Probe
from report import Progress, Report
from storm import settle
from town import Town

# CALL -> (kind, error)
CALLS = {'write-eio': ('write', 'EIO'), 'write-enospc': ('write', 'ENOSPC'), 'fsync': ('sync', 'EIO'),
         'malloc': ('memory', 'ENOMEM')}
# Every number up to the first, from there on each a tenth larger: a start alone asks for memory ten thousand times.
DENSE, GROWTH, N_MAX = 12, 1.35, 20000
LOAD_S = 1.2        # how long a fault is waited for under load
RECOVERY_S = 20.0


def numbers():
    n = 1
    while n <= N_MAX:
        yield n
        n = n + 1 if n < DENSE else int(n * GROWTH)


class Walk:
    """One program, one kind of call."""

    def __init__(self, town, service, library, kind, error, show):
        self.town, self.service, self.kind, self.error, self.show = town, service, kind, error, show
        self.controls = preload.Controls(service, library)
        self.n_struck = self.n_ended = self.n_survived = 0
        self.stuck = []

    def run(self, probe, at_start):
        """Until the call does not come any more."""
        for n in numbers():
            self.show(f'{self.service.name}: {self.kind} number {n} {"from its start" if at_start else "under load"}')
            if not self.once(n, at_start):
                return
            self.recover(probe, n)

    def once(self, n, at_start):
        """Did it come to that?"""
        service, controls = self.service, self.controls
        controls.attach()
        controls.disarm()
        if at_start:
            controls.arm(self.kind, self.error, n)
        self.restart()
        if not at_start:
            self.wait(0.7, lambda: not service.is_up())
            controls.arm(self.kind, self.error, n)
        self.wait(LOAD_S, lambda: controls.n_failed or not service.is_up())
        is_struck = bool(controls.n_failed)
        if is_struck:
            self.town.fault('struck', service, time.monotonic() + LOAD_S)
            # What it does about it, it does soon.
            self.wait(0.3, lambda: not service.is_up())
            self.n_struck += 1
            self.n_ended += not service.is_up()
            self.n_survived += service.is_up()
        controls.detach()
        controls.disarm()
        self.restart()
        return is_struck

    def restart(self):
        if self.service.is_up():
            self.town.fault('kill', self.service)
            self.service.kill()
        else:
            self.town.fault('end', self.service)
            self.service.is_ended = True
        self.service.start()

    def wait(self, seconds, condition):
        end = time.monotonic() + seconds
        while time.monotonic() < end and not condition():
            time.sleep(0.01)

    def recover(self, probe, n):
        """Without the fault it goes on at once."""
        if probe.next_ack(time.monotonic(), RECOVERY_S) is None:
            self.stuck.append(f'{self.service.name} after {self.kind} number {n}: no acknowledgement for '
                              f'{RECOVERY_S:g} seconds; {self.service.last_words()}')


def main(arguments):
    kind, error = CALLS[arguments.nth]
    seed = arguments.seed if arguments.seed is not None else random.randrange(1, 10**6)
    report = Report('nth', f'tests/storm/run --nth {arguments.nth} --seed {seed}')
    progress = Progress()
    print(f'seed {seed}', flush=True)
    town = Town(seed, n_workers=2, mood='calm')
    library = preload.build(town.folder)
    try:
        town.add_producers(n_wire=1, n_http=1, rate=50)
        town.start()
        probe, walks = Probe(town), []
        probe.next_ack(0)
        for service in (town.broker, town.ingest, town.workers[0]):
            walk = Walk(town, service, library, kind, error, lambda text: progress.is_due() and progress.show(text))
            walks.append(walk)
            for at_start in (True, False):
                walk.run(probe, at_start)
        probe.close()
        facts = settle(town, report, progress)
    finally:
        town.kill_all()
    tell(walks, facts, report)
    failed = report.end(town.folder)
    if not failed:
        town.remove()
    return failed


def tell(walks, facts, report):
    for walk in walks:
        report.figure(f'{walk.service.name}: {walk.kind} failed',
                      f'{walk.n_struck} times; it ended {walk.n_ended} times and went on {walk.n_survived} times')
    report.figures(measure.figures(facts)[:3])
    report.check('faults that never struck', [] if any(walk.n_struck for walk in walks) else ['no call was made'])
    report.check('programs that did not recover', [finding for walk in walks for finding in walk.stuck])
    for what, check in checker.CHECKS:
        report.check(what, check(facts))
