"""--answered N: workers are killed just after the broker has stored an answer, N times: before, while or after the
reply is posted. Each batch must have cost one call, and show one reply."""

import random
import sys
import threading
import time

from report import Progress, Report
from town import HERE  # noqa: F401: puts the end-to-end tests' folder on the path
from lull import House, wait_until
from peers import Chatwoot
from protocol import PATIENCE, message
from scenes import start

# Each with a broker, a Redis and a worker of its own: a kill must find one run and no other under way.
N_TOWNS = 8
# From the stored answer to the kill, and from a post's arrival to its reply being kept.
KILL_S, POST_S = 0.006, 0.012


class SlowChatwoot(Chatwoot):
    def __init__(self, dice):
        self.dice, self.n_begun = dice, 0
        super().__init__()

    def _post(self, call, thread):
        self.n_begun += 1
        time.sleep(self.dice.uniform(0, POST_S))
        return super()._post(call, thread)


class AnsweredTown:
    def __init__(self, seed, number):
        self.dice = random.Random(f'{seed} answered {number}')
        self.house, self.chatwoot = House(), None
        self.n_kills = self.n_before = self.n_between = self.n_after = 0
        self.failure, self.complaints = None, []

    def open(self):
        self.chatwoot = self.house.keep(SlowChatwoot(self.dice))
        self.bot, self.producer = start(self.house, quiet='50ms', lock={'ttl': '1s'},
                                        channels={'support': self.chatwoot.channel()})
        self.stats, self.worker = self.house.stats(), self.house.processes[-1]

    def count(self, name):
        return self.stats.ask('stats')['batches'][name]

    def await_answer(self, n):
        """wait_until() looks every 10 ms: by then all is over."""
        end = time.monotonic() + PATIENCE
        while self.count('answered_total') < n:
            assert time.monotonic() < end, 'no answer was stored'

    def kill_once(self):
        n, begun_before = self.n_kills + 1, self.chatwoot.n_begun
        ack = self.producer.await_ack(self.producer.send_messages(
            [message('acme', str(n), f'Oi {n}', channel='support'), message('acme', str(n), '?', channel='support')]))
        assert ack and ack.accepted == 2
        self.await_answer(n)
        time.sleep(self.dice.uniform(0, KILL_S))
        self.worker.kill()
        is_begun, is_kept = self.chatwoot.n_begun > begun_before, bool(self.chatwoot.replies(n))
        self.n_before += not is_begun
        self.n_between += is_begun and not is_kept
        self.n_after += is_kept
        self.n_kills = n
        self.worker = self.house.start_worker()
        wait_until(lambda: self.count('done_total') == n, 'the batch is done', 60)

    def run(self, n):
        try:
            self.open()
            for _ in range(n):
                self.kill_once()
        except Exception as error:  # noqa: BLE001: told by the report
            self.failure = f'{type(error).__name__}: {error}'
        finally:  # here, since what a thread has started ends with it
            self.complaints = self.house.close()

    def findings(self):
        """Of (batches with calls other than one, batches with replies other than one)."""
        calls, replies = [], []
        for n in range(1, self.n_kills + 1):
            n_calls = sum(call.json['thread'] == str(n) for call in self.bot.calls)
            n_replies = len(self.chatwoot.replies(n))
            if n_calls != 1:
                calls.append(f'batch {n} of {self.house.folder}: {n_calls} calls')
            if n_replies != 1:
                replies.append(f'batch {n} of {self.house.folder}: {n_replies} replies visible')
        return calls, replies


def main(arguments):
    seed = arguments.seed if arguments.seed is not None else random.randrange(1 << 31)
    report = Report('answered', f'tests/storm/run --answered {arguments.answered} --seed {seed}')
    n_towns = min(N_TOWNS, arguments.answered)
    shares = [arguments.answered // n_towns + (i < arguments.answered % n_towns) for i in range(n_towns)]
    towns = [AnsweredTown(seed, i) for i in range(n_towns)]
    threads = [threading.Thread(target=town.run, args=(n,)) for town, n in zip(towns, shares)]
    progress = Progress()
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        progress.show(f'{sum(town.n_kills for town in towns)}/{arguments.answered} kills')
        time.sleep(0.1)
    progress.end()
    return conclude(report, towns, arguments.answered)


def conclude(report, towns, n):
    found = [town.findings() for town in towns]
    report.figure('kills just after the answer was stored', sum(town.n_kills for town in towns))
    report.figure('  before the post had begun', sum(town.n_before for town in towns))
    report.figure('  with the post under way', sum(town.n_between for town in towns))
    report.figure('  after the reply was kept', sum(town.n_after for town in towns))
    report.figure('batches', sum(town.n_kills for town in towns))
    report.figure('calls of the handler', sum(len(town.bot.calls) for town in towns))
    report.figure('replies visible', sum(len(replies) for town in towns
                                         for replies in map(town.chatwoot.replies, town.chatwoot.threads)))
    report.check('all kills were made', [town.failure for town in towns if town.failure]
                 + ([] if sum(town.n_kills for town in towns) == n else ['too few']))
    report.check('each batch cost one call', [line for calls, _ in found for line in calls])
    report.check('each batch shows one reply', [line for _, replies in found for line in replies])
    report.check('every program ended well', [line for town in towns for line in town.complaints])
    return report.end(towns[0].house.folder)


if __name__ == '__main__':
    sys.exit('tests/storm/run --answered N')
