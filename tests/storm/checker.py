"""Judges a ledger. Every check is a function from Facts to findings, sentences that name what is wrong: no finding, and
it holds. What is merely counted stands in measure.py.

The accepted run of a batch is known from outside. Where replies are visible, it is the call whose answer they show. In
a thread without a channel it is the last call that was answered and whose messages no later call holds."""

import bisect
import collections

Run = collections.namedtuple('Run', 'thread batch fence ids began ended')

# Ends of a process after which a post that was seen may be repeated, as no record of it was made.
ENDS = ('kill', 'stop', 'term', 'end', 'struck', 'cut', 'outage', 'flushall', 'debug')
# A post is recorded with the run's result: at once, if nothing is in the way.
RECORDED_S = 0.5
# A lock that Redis forgot, or could not extend, is given up within its time to live.
LOCK_S = 1.5
# Between a post's arrival here and the lines that are written about it.
SLACK_S = 0.05


class Facts:
    """What several checks look up."""

    def __init__(self, ledger):
        self.ledger = ledger
        self.order = {}         # id -> its place in the order of acceptance of its thread
        self.visible = [post for post in ledger.posts if post.status == 200]
        self.dead = {id for ids in ledger.dead.values() for id in ids}
        for ack in ledger.acks:
            for n in ack.numbers:
                self.order.setdefault(f'{ack.thread}:{n}', len(self.order))
        self.runs = sorted([*self._visible_runs(), *self._silent_runs()], key=lambda run: run.ended)
        self.faults = collections.defaultdict(list)
        for fault in ledger.faults:
            self.faults[fault.name].append(fault)

    def _visible_runs(self):
        began = {(call.batch, call.fence): call.began for call in self.ledger.calls}
        first = {}
        for post in sorted(self.visible, key=lambda post: post.began):
            first.setdefault(post.batch, post)
        for post in first.values():
            batch, fence, ids = post.said
            yield Run(post.thread, post.batch, fence, ids, began.get((batch, fence), post.began), post.began)

    def _silent_runs(self):
        answered, last = [], {}
        with_channel = {post.thread for post in self.ledger.posts}
        for call in self.ledger.calls:
            if call.status == 200 and call.thread not in with_channel:
                answered.append(call)
                for id in call.ids:
                    last[id] = max(last.get(id, 0), call.fence)
        for call in answered:
            # Accepted, unless all of it was handled again. A part alone would be a message in two batches.
            if any(last[id] == call.fence for id in call.ids):
                yield Run(call.thread, call.batch, call.fence, call.ids, call.began, call.ended)

    def threads(self):
        threads = collections.defaultdict(list)
        for run in self.runs:
            threads[run.thread].append(run)
        return threads

    def ends(self, name, since, until):
        """Was a process ended or stopped at a time that touches this span?"""
        return any(fault.kind.split()[0] in ENDS and fault.at <= until and max(fault.at, fault.until) >= since
                   for fault in self.faults[name])


def lost(facts):
    """Acknowledged, and neither in a finished batch nor in a dead letter."""
    finished = {id for run in facts.runs for id in run.ids} | facts.dead
    return [f'{id} was acknowledged and is lost' for id in facts.order if id not in finished]


def finished_twice(facts):
    """In two finished batches, or in one and in a dead letter."""
    where = collections.defaultdict(set)
    for run in facts.runs:
        for id in run.ids:
            where[id].add(run.batch)
    for batch, ids in facts.ledger.dead.items():
        for id in ids:
            where[id].add(batch)
    return [f'{id} is in {len(batches)} finished batches: {sorted(batches)}' for id, batches in where.items()
            if len(batches) > 1]


def out_of_order(facts):
    """A thread's messages appear in another order than that in which they were accepted."""
    findings = []
    for thread, runs in facts.threads().items():
        said = [id for run in runs for id in run.ids]
        places = [facts.order.get(id, -1) for id in said]
        findings += [f'{thread}: {later} appears behind {earlier}' for earlier, later, a, b in
                     zip(said, said[1:], places, places[1:]) if b <= a]
    return findings


def overlapping(facts):
    """Two accepted runs of one thread at the same time."""
    findings = []
    for thread, runs in facts.threads().items():
        findings += [f'{thread}: the run of {later.batch} began {1000 * (earlier.ended - later.began):.0f} ms before '
                     f'that of {earlier.batch} had ended' for earlier, later in zip(runs, runs[1:])
                     if later.began < earlier.ended - SLACK_S * (earlier.batch == later.batch)]
    return findings


def unknown(facts):
    """Handled without ever having been acknowledged, although every message was said until it was."""
    return [f'{id} was handled and is unknown' for run in facts.runs for id in run.ids if id not in facts.order]


def paid_twice(facts):
    """The handler was asked again for a batch whose answer had been stored: it was visible already."""
    first = {}
    for post in sorted(facts.visible, key=lambda post: post.began):
        first.setdefault(post.batch, post.began)
    return [f'{call.batch} was asked for again {call.began - first[call.batch]:.3f} s after its reply was visible'
            for call in facts.ledger.calls if call.began > first.get(call.batch, call.began) + SLACK_S]


def key_changes(facts):
    """A batch's idempotency key is the batch, and its messages stay the same."""
    ids, findings = {}, []
    for call in facts.ledger.calls:
        if call.key != call.batch:
            findings.append(f'{call.batch} was asked for under the key {call.key}')
        if ids.setdefault(call.batch, call.ids) != call.ids:
            findings.append(f'{call.batch} holds {ids[call.batch]} and then {call.ids}')
    return findings


def repeats(facts):
    """(earlier, later, why) of every reply that was visible more than once; why is None when nothing explains it."""
    seen, found = {}, []
    for post in sorted(facts.visible, key=lambda post: post.began):
        earlier = seen.get((post.batch, post.index))
        seen[post.batch, post.index] = post
        if earlier is not None:
            found.append((earlier, post, why_repeated(facts, earlier, post)))
    return found


def why_repeated(facts, earlier, later):
    """What may have kept the earlier post from being recorded."""
    worker = earlier.worker.partition('.')[0]
    if facts.ends(worker, earlier.began - SLACK_S, later.began):
        why = 'its worker ended or was stopped'
    elif facts.ends('broker', earlier.began - RECORDED_S, later.began):
        why = 'the broker ended or was stopped'
    elif facts.ends('net', earlier.began - RECORDED_S, later.began):
        why = 'the network was cut'
    elif facts.ends('redis', earlier.began - LOCK_S, earlier.ended + SLACK_S):
        why = 'its lock was lost with Redis'
    else:
        why = None
    return why if earlier.is_read else f'the poster hung up: {why or "no fault of ours"}'


def repeated_for_nothing(facts):
    """A reply is visible twice, and no fault explains why its post was not recorded."""
    return [f'{later.batch} reply {later.index} was visible {later.began - earlier.began:.3f} s after it was, by '
            f'{earlier.worker} and then {later.worker}' for earlier, later, why in repeats(facts) if why is None]


def out_of_turn(facts):
    """A call under an old fence that was begun after one under a newer fence: a stale run that went on."""
    findings, newest = [], {}
    for call in facts.ledger.calls:
        fence, began = newest.get(call.thread, (0, 0))
        if call.fence < fence:
            findings.append(f'{call.thread}: fence {call.fence} called {call.began - began:.3f} s after {fence} did')
        else:
            newest[call.thread] = (call.fence, call.began)
    return findings


# What must be empty: (what a person reads, check).
CHECKS = [('acknowledged and lost', lost), ('finished twice', finished_twice), ('out of order', out_of_order),
          ('accepted runs that overlap', overlapping), ('handled and unknown', unknown),
          ('asked for again after its reply was visible', paid_twice),
          ('batches whose key or messages change', key_changes),
          ('replies visible twice without a reason', repeated_for_nothing)]


def next_at(times, since):
    """The first of these sorted times at or after `since`, or None."""
    place = bisect.bisect_left(times, since)
    return times[place] if place < len(times) else None
