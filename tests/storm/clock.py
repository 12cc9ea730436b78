"""--clock N: the wall clock of all programs steps by up to an hour, forth and back, N times, while the broker is killed
now and then; the monotonic clock goes on, as it does in life."""

import random
import time

import checker
import diaries
import measure
import preload
from probe import Probe
from report import Progress, Report
from storm import settle
from town import Town

STEPS_S = (3600, -3600, 0, 60, -60, 1800, -1800)
BETWEEN_S = 4.0
# Under this load a reply is visible many times a second; after a kill of the broker within a second or two. Retries of
# what a lost run held come after the lease.
STANDSTILL_S = 6.0


def standstills(facts, steps):
    """Steps behind which nothing was answered for long."""
    times = sorted(post.began for post in facts.visible)
    findings = []
    for at, offset, _ in steps:
        then = checker.next_at(times, at + 0.05)
        if then is None or then - at > STANDSTILL_S:
            findings.append(f'the clock went to {offset:+} s and nothing was answered for '
                            f'{"ever" if then is None else f"{then - at:.1f} s"}')
    return findings


def seen(town, offset):
    """Programs whose own logs do not show that their clock stepped."""
    findings = []
    for service in (town.broker, *town.workers):
        strays = [max(abs(at - town.began) for at in diaries.stamps_of(path, offset)) for path in service.logs]
        if max(strays) < 1000:
            findings.append(f'{service.name} never saw a step')
    return findings


def main(arguments):
    seed = arguments.seed if arguments.seed is not None else random.randrange(1, 10**6)
    report = Report('clock', f'tests/storm/run --clock {arguments.clock} --seed {seed}')
    progress, dice, steps = Progress(), random.Random(f'{seed} clock'), []
    print(f'seed {seed}', flush=True)
    town = Town(seed, n_workers=3, mood='calm')
    library = preload.build(town.folder)
    try:
        town.keeps_logs, town.began, offset = True, time.monotonic(), time.time() - time.monotonic()
        town.add_producers(n_wire=2, n_http=1, rate=50)
        controls = [preload.Controls(service, library) for service in (town.broker, town.ingest, *town.workers)]
        for control in controls:
            control.attach()
        town.start()
        probe = Probe(town)
        probe.next_ack(0)
        for n in range(arguments.clock):
            steps.append(step(town, controls, dice, n))
            progress.is_due() and progress.show(f'{n + 1}/{arguments.clock} steps, now {steps[-1][1]:+} s')
        probe.close()
        facts = settle(town, report, progress)
    finally:
        town.kill_all()
    report.figures([('steps of the clock', len(steps)), ('with a kill of the broker', sum(kill for *_, kill in steps)),
                    *measure.figures(facts)[:3]])
    report.check('programs that saw no step', seen(town, offset))
    report.check('standstills behind a step', standstills(facts, steps))
    for what, check in checker.CHECKS:
        report.check(what, check(facts))
    failed = report.end(town.folder)
    if not failed:
        town.remove()
    return failed


def step(town, controls, dice, n):
    """(when, how far from the truth, whether the broker was killed with it)"""
    offset, kill = dice.choice(STEPS_S), n % 3 == 2
    at = time.monotonic()
    for control in controls:
        control.shift_clock(offset)
    if kill:
        town.fault('kill', town.broker)
        town.broker.kill()
    end = at + dice.uniform(0.5, 1.0) * BETWEEN_S
    while time.monotonic() < end:
        town.watch()
        time.sleep(0.02)
    return at, offset, kill
