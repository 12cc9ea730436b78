"""What the workers themselves wrote down: their logs, read as the lives of runs."""

import calendar
import collections
import re
import time

FIELD = re.compile(r'(\w+)=("(?:\\.|[^"\\])*"|\S*)')
STAMP = re.compile(r'ts=(\S{24}) ')
EVENT = re.compile(r' event=(\w+)')
# A run is over for its worker with these; the first group reports to the broker, and awaits what becomes of it.
REPORTS = {'run_done', 'run_failed', 'run_failed_for_good', 'run_busy', 'run_handed_back', 'lock_lost'}
ENDS = REPORTS | {'run_stopped', 'run_cancelled'}

Line = collections.namedtuple('Line', 'at event thread batch fence code')

# Between a worker's RESULT and the broker's commit of it.
SETTLING_S = 0.05


class RunOf:
    """One run of one worker's life: from run_started to its last line."""

    def __init__(self, worker, line):
        self.worker, self.thread, self.batch, self.fence = worker, line.thread, line.batch, line.fence
        self.began, self.reported, self.ended, self.is_stale = line.at, None, None, False
        self.event = None

    def take(self, line):
        if line.event == 'run_stale' or line.code == 'stale':
            self.is_stale = True
        if line.event in ENDS and self.ended is None:
            self.ended, self.event = line.at, line.event
            self.reported = line.at if line.event in REPORTS else None

    def is_under_way(self, at):
        return self.began <= at and (self.ended is None or self.ended + SETTLING_S > at)


def monotonic_of(stamp, offset):
    """CLOCK_MONOTONIC of a line's ts, which has milliseconds; `offset` is wall minus monotonic."""
    return calendar.timegm(time.strptime(stamp[:19], '%Y-%m-%dT%H:%M:%S')) + float('0' + stamp[19:-1]) - offset


def stamps_of(path, offset):
    """When each line says that it was written."""
    with open(path, errors='replace') as log:
        return [monotonic_of(found.group(1), offset) for text in log if (found := STAMP.match(text))] or [0.0]


def events_of(path, offset):
    """(when, event) of each line."""
    with open(path, errors='replace') as log:
        for text in log:
            if (stamp := STAMP.match(text)) and (event := EVENT.search(text)):
                yield monotonic_of(stamp.group(1), offset), event.group(1)


def lines_of(path, offset):
    with open(path, errors='replace') as log:
        for text in log:
            fields = dict(FIELD.findall(text))
            if 'fence' in fields and 'event' in fields:
                yield Line(monotonic_of(fields['ts'], offset), fields['event'], fields['thread'], fields['batch'],
                           int(fields['fence']), fields.get('code'))


def runs_of(path, worker, offset):
    """The runs of a worker's life, in order of their beginning."""
    runs = {}
    for line in lines_of(path, offset):
        if line.event == 'run_started':
            runs[line.fence] = RunOf(worker, line)
        elif line.fence in runs:
            runs[line.fence].take(line)
    return list(runs.values())


def all_runs(folder, offset):
    """worker's life -> its runs"""
    return {path.stem: runs_of(path, path.stem, offset) for path in sorted(folder.glob('w*.*.log'))}
