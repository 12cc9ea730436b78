"""--net: each program in a network namespace of its own, and the links between them cut, in both directions and in one,
lossy and slow; nobody is told, as when a cable is pulled."""

import os
import random
import shutil
import time

import checker
import diaries
import measure
import network
from probe import Probe
from report import Progress, Report
from storm import settle
from town import LEASE_S, Town

PLACES = ('broker', 'redis', 'ingest', 'wa', 'wb')
# Past the heartbeat, the lock and the lease.
CUT_S = LEASE_S + 3.0
BETWEEN_S = 3.0
NOTICES = {'broker_out_of_touch', 'broker_unreachable', 'redis_lost', 'redis_unreachable', 'broker_away'}

# name -> the links that are cut: (place, other, is_in, is_out)
CUTS = {
    'worker and broker': [('wa', 'broker', True, True)],
    'from the broker to a worker': [('wa', 'broker', True, False)],
    'from a worker to the broker': [('wa', 'broker', False, True)],
    'worker and Redis': [('wa', 'redis', True, True)],
    'from Redis to a worker': [('wa', 'redis', True, False)],
    'ingest and broker': [('ingest', 'broker', True, True)],
    'worker and its peers': [('wa', 'hub', True, True)],
    'a worker from all': [('wa', 'broker', True, True), ('wa', 'redis', True, True), ('wa', 'hub', True, True)],
    'both workers and broker': [('wa', 'broker', True, True), ('wb', 'broker', True, True)],
}


class Scene:
    def __init__(self, town, net, progress):
        self.town, self.net, self.progress = town, net, progress
        self.cuts = []          # (name, since, until)
        self.offset = time.time() - time.monotonic()

    def pass_time(self, seconds):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.town.watch()
            time.sleep(0.02)

    def hold(self, name, seconds, begin, end, meanwhile=None):
        """One fault of the network, from its beginning to its end, and a while after."""
        self.progress.show(name, is_due=True)
        since = time.monotonic()
        # Written by hand: the network is no program.
        self.town.log.write('fault', since, 'cut', 'net', 0, since + seconds + 1.0)
        begin()
        self.pass_time(seconds / 2)
        if meanwhile:
            meanwhile()
        self.pass_time(seconds / 2)
        end()
        self.cuts.append((name, since, time.monotonic()))
        self.pass_time(BETWEEN_S)

    def cut(self, name, links, meanwhile=None):
        self.hold(name, CUT_S, lambda: [self.net.cut(*link) for link in links], self.net.heal, meanwhile)

    def lose(self, share):
        pairs = [('wa', 'broker'), ('wb', 'broker'), ('wa', 'redis'), ('wb', 'redis'), ('ingest', 'broker')]
        self.hold(f'{share:.0%} of all packets lost', 8.0,
                  lambda: [self.net.cut(*pair, share=share) for pair in pairs], self.net.heal)

    def delay(self, report):
        if self.net.delay(PLACES, 300):
            self.hold('300 ms each way', 10.0, lambda: None, lambda: self.net.undelay(PLACES))
        else:
            report.skip('300 ms of delay', 'this kernel has no netem')

    def half_open(self):
        """The broker ends while a worker cannot hear it: that worker's connection stays open to nobody."""
        def restart():
            self.town.fault('kill', self.town.broker)
            self.town.broker.kill()
        self.cut('a connection to a broker that is gone', CUTS['worker and broker'], restart)


def noticed(scene, since, until):
    """From a cut to the first line of a log that says so."""
    firsts = []
    for service in (scene.town.workers[0], scene.town.ingest):
        for path in service.logs:
            firsts += [at for at, event in diaries.events_of(path, scene.offset)
                       if event in NOTICES and since <= at <= until]
    return min(firsts) - since if firsts else None


def taken_over(facts, since):
    """From a cut to each next call, by anybody, for what worker A was called for then and did not finish."""
    times = []
    for call in facts.ledger.calls:
        if call.worker.startswith('w0.') and call.began <= since < call.ended:
            again = [later.began for later in facts.ledger.calls
                     if later.began > since and later.ids[0] == call.ids[0] and later.fence > call.fence]
            times += [again[0] - since] if again else []
    return times


def back(facts, until, door):
    """From the end of a cut to the first call of worker A, or acknowledgement over HTTP."""
    times = [ack.at for ack in facts.ledger.acks if ack.door != 'wire'] if door else \
        [call.began for call in facts.ledger.calls if call.worker.startswith('w0.')]
    return next((at - until for at in sorted(times) if at >= until), None)


def text(value):
    return '-' if value is None else f'{value:.2f} s'


def main(arguments):
    missing = [tool for tool in ('ip', 'iptables', 'nsenter', 'unshare') if not shutil.which(tool)]
    if os.geteuid() != 0 or missing:
        report = Report('net', '')
        report.skip('the network', f'no {", ".join(missing)}' if missing else 'only root may make namespaces')
        return report.end(None)
    code = network.enter()
    if code is not None:
        return code
    seed = arguments.seed if arguments.seed is not None else random.randrange(1, 10**6)
    report, progress = Report('net', f'tests/storm/run --net --seed {seed}'), Progress()
    print(f'seed {seed}', flush=True)
    net = network.Network(PLACES)
    town = Town(seed, n_workers=2, mood='slow', places={**net.address, 'sink': network.HUB})
    for service, place in ((town.broker, 'broker'), (town.redis, 'redis'), (town.ingest, 'ingest'),
                           (town.workers[0], 'wa'), (town.workers[1], 'wb')):
        service.prefix = net.prefix(place)
    try:
        scene = Scene(town, net, progress)
        facts = play(scene, report)
    finally:
        town.kill_all()
    tell(scene, facts, report)
    failed = report.end(town.folder)
    if not failed:
        town.remove()
    return failed


def play(scene, report):
    town = scene.town
    town.keeps_logs = True
    town.add_producers(n_wire=2, n_http=1, n_threads=60, rate=30)
    town.start()
    probe = Probe(town)
    probe.next_ack(0)
    scene.pass_time(2.0)
    for name, links in CUTS.items():
        scene.cut(name, links)
    scene.half_open()
    scene.lose(0.05)
    scene.delay(report)
    probe.close()
    return settle(town, report, scene.progress)


def tell(scene, facts, report):
    report.figure('CUT', 'noticed after; its runs taken over after, median and p99; works again after')
    stuck = []
    for name, since, until in scene.cuts:
        is_door = name.startswith('ingest')
        again = back(facts, until, is_door)
        report.figure(name, f'{text(noticed(scene, since, until))}; {measure.seconds(taken_over(facts, since))}; '
                      f'{text(again)}')
        if again is None or again > BETWEEN_S + CUT_S:
            stuck.append(f'{name}: {text(again)} until it worked again')
    report.figures(measure.figures(facts)[:-4])
    report.check('cuts behind which something did not come back', stuck)
    for what, check in checker.CHECKS:
        report.check(what, check(facts))
