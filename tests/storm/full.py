"""--full: the store lives on a small file system that is filled, in part and to the last byte, again and again."""

import os
import random
import shutil
import subprocess
import sys
import time

import checker
import measure
from probe import Probe
from report import Progress, Report
from storm import settle
from town import Town

DISK_MIB, FREE_MIB = 48, 6
IS_INSIDE = 'STORM_INSIDE'
ROUNDS = 3
FULL_S = 5.0        # how long the disk stays full
REFUSALS = {503, 507, 'store_full', 0}


class Disk:
    """A file system of its own below the town's folder, and a ballast that fills it."""

    def __init__(self, folder):
        self.path = folder / 'disk'
        self.path.mkdir()
        subprocess.run(['mount', '-t', 'tmpfs', '-o', f'size={DISK_MIB}m', 'storm', self.path], check=True)
        self.ballast = self.path / 'ballast'

    def free(self):
        stat = os.statvfs(self.path)
        return stat.f_bavail * stat.f_frsize

    def fill(self, leave):
        """Down to so many free bytes; again and again, as others write there too."""
        with open(self.ballast, 'ab') as file:
            try:
                while (more := self.free() - leave) > 0:
                    file.write(bytes(min(more, 1 << 20)))
                    file.flush()
            except OSError:
                pass

    def empty(self):
        self.ballast.unlink(missing_ok=True)

    def close(self):
        self.empty()
        subprocess.run(['umount', '-l', self.path], check=False)


def enter_namespace():
    """Once more, where mounts are nobody else's business; None when this is there already."""
    if os.environ.get(IS_INSIDE):
        return None
    return subprocess.run(['unshare', '--mount', '--propagation', 'private', sys.executable, *sys.argv],
                          env={**os.environ, IS_INSIDE: '1'}).returncode


class Scene:
    def __init__(self, town, disk, probe, show):
        self.town, self.disk, self.probe, self.show = town, disk, probe, show
        self.recoveries, self.refused, self.unanswered, self.wrong = [], {}, [], []
        self.n_unrefused = 0

    def wait(self, seconds, leave):
        """Time passes while the disk stays full; the broker is asked how it is."""
        end, n_asked, n_answered = time.monotonic() + seconds, 0, 0
        while time.monotonic() < end:
            self.town.watch()
            self.disk.fill(leave)
            n_asked += 1
            n_answered += self.town.ask('stats') is not None
            time.sleep(0.1)
        return n_asked, n_answered

    def round(self, name, leave, must_answer):
        self.show(f'{name}: {self.disk.free() >> 10} KiB are free, and then {leave >> 10}')
        # A process that cannot write ends by design; where a reserve is left it has no reason to.
        self.town.broker.may_crash = not must_answer
        self.disk.fill(leave)
        since = time.monotonic()
        n_asked, n_answered = self.wait(FULL_S, leave)
        until = time.monotonic()
        self.disk.empty()
        heard = self.probe.statuses(since, until)
        for status, n in heard.items():
            self.refused[status] = self.refused.get(status, 0) + n
        self.wrong += [f'{name}: {status} was heard {n} times' for status, n in heard.items()
                       if status != 202 and status not in REFUSALS]
        if not {503, 507} & set(heard):
            self.wrong.append(f'{name}: nobody was refused with 503 or 507, but heard {heard}')
        if must_answer and n_answered < n_asked:
            self.unanswered.append(f'{name}: {n_answered} of {n_asked} questions were answered')
        self.recover(name, until)
        self.town.broker.may_crash = False

    def recover(self, name, since):
        end = time.monotonic() + 60
        while not (found := self.probe.next_ack(since, 0.1)) and time.monotonic() < end:
            self.town.watch()
        if found is None:
            self.wrong.append(f'{name}: no acknowledgement within a minute of space being there again')
        else:
            self.recoveries.append(found - since)


def main(arguments):
    if os.geteuid() != 0:
        report = Report('full', '')
        report.skip('a full disk', 'only root may mount a small file system')
        return report.end(None)
    code = enter_namespace()
    if code is not None:
        return code
    seed = arguments.seed if arguments.seed is not None else random.randrange(1, 10**6)
    report, progress = Report('full', f'tests/storm/run --full --seed {seed}'), Progress(2.0)
    print(f'seed {seed}', flush=True)
    town = Town(seed, n_workers=2, mood='calm')
    disk = Disk(town.folder)
    try:
        scene, facts = play(town, disk, report, progress)
    finally:
        town.kill_all()
        disk.close()
    tell(scene, facts, town, report)
    failed = report.end(town.folder)
    if not failed:
        shutil.rmtree(town.folder, ignore_errors=True)
    return failed


def play(town, disk, report, progress):
    limits = {'limits': {'free_bytes': f'{FREE_MIB}MiB'}}
    has_reserve = town.is_known(limits)
    if not has_reserve:
        report.skip('a reserve', 'this version has no limits.free_bytes')
    town.config.update(limits if has_reserve else {})
    town.config['broker']['store'] = f'lmdb:{disk.path}/store'
    town.add_producers(n_wire=1, n_http=1, rate=60)
    town.start()
    probe = Probe(town)
    scene = Scene(town, disk, probe, lambda text: progress.show(text, is_due=True))
    probe.next_ack(0)
    for n in range(1, ROUNDS + 1):
        if has_reserve:
            scene.round(f'round {n}, the reserve is touched', FREE_MIB << 19, must_answer=True)
        scene.round(f'round {n}, full to the last byte', 0, must_answer=False)
    probe.close()
    return scene, settle(town, report, progress)


def tell(scene, facts, town, report):
    report.figures([
        ('heard while the disk was full',
         ', '.join(f'{status or "nothing"}: {n}' for status, n in scene.refused.items())),
        ('ends of the broker for want of space', town.broker.n_expected),
        ('from free space to the next acknowledgement, median and p99', measure.seconds(scene.recoveries)),
        *measure.figures(facts)[:3]])
    report.check('refusals that are neither 503 nor 507', scene.wrong)
    report.check('questions without an answer while only the reserve was touched', scene.unanswered)
    for what, check in checker.CHECKS:
        report.check(what, check(facts))
