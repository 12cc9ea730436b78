"""What was set as a goal, beside what came out: the short table. Pure."""

import dataclasses
import typing

from table import lines_of, median, number, row_of


@dataclasses.dataclass
class Goal:
    """`figure` and `beside` are (workload, name of the row, key); the figure is held against the bound, which
    `bound` makes of what is beside (or of None). `is_least`: the figure is to be at least that, else at most."""
    workload: str
    what: str
    figure: tuple
    goal: str
    bound: typing.Callable
    is_least: bool
    beside: tuple | None = None
    unit: str = ''


def value(rows, place):
    return median(row_of(rows, place[0], place[1]), place[2]) if place else None


def verdict(goal, rows):
    """(figure, beside, bound, is reached); each None where it was not measured."""
    figure, beside = value(rows, goal.figure), value(rows, goal.beside)
    bound = goal.bound(beside) if goal.beside is None or beside is not None else None
    is_reached = None
    if figure is not None and bound is not None:
        is_reached = figure >= bound if goal.is_least else figure <= bound
    return figure, beside, bound, is_reached


def ceiling(in_flight):
    here = f'{in_flight:,} in flight'
    return Goal('W1', f'acknowledged after the fsync, {here}', ('W1', f'lull, {here}', 'per_s'), 'half of the ceiling',
                lambda beside: beside / 2, True, ('W1', f'ceiling, {here}', 'per_s'), '/s')


def latency(quantile, peer, factor):
    return Goal('W3', f'accepted to handler start, {quantile.replace("_ms", "")}', ('W3', 'lull', quantile),
                f'{factor} x' if factor != 1 else 'no worse', lambda beside: beside * factor, False,
                ('W3', peer, quantile), ' ms')


def growth(pending):
    here = f'{pending:,} threads pending'
    return Goal('W9', f'CPU of a message, {here}', ('W9', f'lull, {here}', 'cpu_us'), '1.5 x',
                lambda beside: beside * 1.5, False, ('W9', 'lull, 1,000 threads pending', 'cpu_us'), ' us')


def fixed(workload, what, name, key, bound, is_least, goal, unit='', beside=None):
    return Goal(workload, what, (workload, name, key), goal, lambda _: bound, is_least, beside, unit)


MILLION, TEN_MILLION = ('lull, 1,000,000 threads of 1 message', 'lull, 10,000,000 threads of 1 message')

GOALS = [
    *[ceiling(in_flight) for in_flight in (1, 16, 256, 4096)],
    fixed('W1', 'the same', 'lull, 4,096 in flight', 'per_s', 500_000, True, '500,000', '/s',
          ('W1', 'Redis Streams, 4,096 in flight', 'per_s')),
    fixed('W2', 'end to end, two workers, echo', 'lull', 'per_s', 300_000, True, '300,000', '/s'),
    Goal('W2', 'the same', ('W2', 'lull', 'per_s'), '3 x', lambda beside: beside * 3, True,
         ('W2', 'Redis Streams', 'per_s'), '/s'),
    Goal('W2', 'the same', ('W2', 'lull', 'per_s'), '30 x', lambda beside: beside * 30, True, ('W2', 'BullMQ', 'per_s'),
         '/s'),
    fixed('W2', 'with a Redis lock for each batch, batches', 'lull, with the lock', 'batches_per_s', 40_000, True,
          '40,000', '/s', ('W2', 'ceiling of the lock', 'batches_per_s')),
    *[latency(quantile, peer, factor) for peer, factor in (('Redis Streams', 1), ('beanstalkd', 1.5))
      for quantile in ('p50_ms', 'p99_ms')],
    Goal('W4', '100,000 due at one instant, all dispatched', ('W4', 'lull', 'max_ms'), 'a fifth',
         lambda beside: beside / 5, False, ('W4', 'beanstalkd', 'max_ms'), ' ms'),
    fixed('W4p', 'timers, 1,000,000 pending: late, p99', 'lull, 1,000,000 pending', 'p99_ms', 1, False, '1 ms', ' ms',
          ('W4p', 'beanstalkd', 'p99_ms')),
    fixed('W5', '2,000 bursts of 5: exactly right', 'lull', 'exact', 2000, True, '2,000'),
    fixed('W5', 'late past the quiet, p99', 'lull', 'p99_ms', 5, False, '5 ms', ' ms'),
    fixed('W5b', '600 bursts, half of which meet a call: exactly right', 'lull', 'exact', 600, True, '600'),
    fixed('W5b', 'late past the quiet and the call before, p99', 'lull', 'p99_ms', 5, False, '5 ms', ' ms'),
    fixed('W6', '20 messages on one thread, 200 ms each', 'lull', 'seconds', 4.08, False, '4.08 s', ' s'),
    fixed('W7', 'restart with 1,000,000 pending, to the first run', MILLION, 'seconds', 1, False, '1 s', ' s',
          ('W7', 'beanstalkd, 1,000,000 jobs', 'seconds')),
    fixed('W7', 'restart with 10,000,000 pending', TEN_MILLION, 'seconds', 10, False, '10 s', ' s'),
    fixed('W8', 'memory of a thread with one message', MILLION, 'bytes', 224, False,
          '160 + 64 B', ' B', ('W7', 'beanstalkd, 1,000,000 jobs', 'bytes')),
    fixed('W8', 'memory of a message', 'lull, 10,000 threads of 100', 'bytes', 64, False, '64 B', ' B',
          ('W7', 'BullMQ, 200,000 jobs', 'bytes')),
    fixed('W8', 'CPU of an idle process', 'lull: broker, worker, ingest', 'idle_percent', 0.1, False, '0.1 %', ' %',
          ('W8', 'BullMQ: worker and its Redis', 'idle_percent')),
    growth(1_000_000),
    growth(10_000_000),
    fixed('W10', '5,000 calls of 20 s in one worker: memory', 'lull-worker', 'mib', 250, False, '250 MiB', ' MiB',
          ('W10', 'BullMQ worker', 'mib')),
    fixed('W10', 'the same: CPU', 'lull-worker', 'core_percent', 25, False, '25 % of a core', ' %',
          ('W10', 'BullMQ worker', 'core_percent')),
]
# The memory's rows stand in the table of W7.
for goal in GOALS:
    if goal.workload == 'W8' and goal.figure[2] == 'bytes':
        goal.figure = ('W7', *goal.figure[1:])


def section(rows):
    """The short table, as lines; goals that were not measured are left out."""
    body = []
    for goal in GOALS:
        figure, beside, _, is_reached = verdict(goal, rows)
        if figure is None:
            continue
        peer = f'{goal.beside[1]}: {number(beside)}{goal.unit}' if beside is not None else ''
        body.append([goal.workload, goal.what, number(figure) + goal.unit, goal.goal,
                     {True: 'yes', False: 'no', None: 'not measured'}[is_reached], peer])
    return lines_of(['', 'what', 'lull', 'goal', 'reached', 'beside it'], body) + [''] if body else []
