"""Figures of a ledger: how often, how long. None of them decides whether a storm was passed."""

import collections
import statistics

import checker


# A broker that was started less than this ago may not know yet that a worker is dead.
BROKER_LEARNS_S = 3.5


def quantile(values, share):
    """Of a list, None if it is empty."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else None


def seconds(values):
    if not values:
        return 'none'
    return f'{statistics.median(values):.2f} s, {quantile(values, 0.99):.2f} s (of {len(values)})'


def kills_of(facts, name, kinds=('kill',)):
    return [fault for fault in facts.faults[name] if fault.kind in kinds]


def is_beside_outage(facts, since, until):
    """Without locks nothing runs: what waits for that says nothing about a takeover."""
    return any(fault.at <= until and fault.until >= since for fault in kills_of(facts, 'redis', ('outage',)))


def takeover_times(facts):
    """From each worker's death to the next call for what it was called for: what it had under way then. Twice: those
    during which the broker lived, and those during which it died too, and had to learn first who is left."""
    times = ([], [])
    by_worker, by_id = collections.defaultdict(list), collections.defaultdict(list)
    for call in facts.ledger.calls:
        by_worker[call.worker].append(call)
        by_id[call.ids[0]].append(call.began)
    for name in [name for name in facts.faults if name.startswith('w')]:
        for fault in kills_of(facts, name):
            for call in by_worker[f'{name}.{fault.life}']:
                # The sink sees a caller leave a moment later than it was killed.
                if call.began <= fault.at <= call.ended + 0.001 and call.status == 0:
                    again = checker.next_at(by_id[call.ids[0]], fault.at)
                    if again is not None and not is_beside_outage(facts, fault.at, again):
                        times[facts.ends('broker', fault.at - BROKER_LEARNS_S, again)].append(again - fault.at)
    return times


def recovery_times(facts):
    """From each kill of the broker: (to the next acknowledgement by a living one, to the next call of a new epoch)."""
    acks = [ack.at for ack in facts.ledger.acks]
    firsts = {}
    for call in facts.ledger.calls:
        firsts.setdefault(call.fence >> 32, call.began)
    firsts = sorted(firsts.values())
    to_ack, to_call = [], []
    for fault in kills_of(facts, 'broker'):
        ack, call = checker.next_at(acks, fault.at + 0.005), checker.next_at(firsts, fault.at)
        to_ack += [ack - fault.at] if ack is not None else []
        if call is not None and not is_beside_outage(facts, fault.at, call):
            to_call.append(call - fault.at)
    return to_ack, to_call


def overlapping_calls(facts):
    """Calls of one thread that were under way beside one another: allowed to stale runs, and counted."""
    n, until = 0, {}
    for call in facts.ledger.calls:
        n += call.began < until.get(call.thread, 0)
        until[call.thread] = max(until.get(call.thread, 0), call.ended)
    return n


def repeated_calls(facts):
    """(calls beyond the first for what is the same first message and was answered or abandoned, all calls)"""
    counts = collections.Counter(call.ids[0] for call in facts.ledger.calls if call.status in (0, 200))
    return sum(counts.values()) - len(counts), len(facts.ledger.calls)


def share(part, whole):
    return f'{part:,} of {whole:,} ({100 * part / max(1, whole):.2f} %)'


def figures(facts):
    """(what, figure) rows of a report."""
    to_ack, to_call = recovery_times(facts)
    again, calls = repeated_calls(facts)
    reasons = collections.Counter(why or 'unexplained' for _, _, why in checker.repeats(facts))
    n_visible = len({(post.batch, post.index) for post in facts.visible})
    rows = [('messages acknowledged', f'{len(facts.order):,}'),
            ('batches finished', f'{len({run.batch for run in facts.runs}):,}'),
            ('dead letters', f'{len(facts.ledger.dead):,}'),
            ('handler calls repeated', share(again, calls)),
            ('handler calls beside one another in a thread', f'{overlapping_calls(facts):,}'),
            ('calls begun by a run already replaced', f'{len(checker.out_of_turn(facts)):,}'),
            ('replies visible', f'{n_visible:,}'),
            ('replies visible twice', share(sum(reasons.values()), n_visible))]
    rows += [(f'  because {why}', f'{n:,}') for why, n in reasons.most_common()]
    alone, with_broker = takeover_times(facts)
    return [*rows, ("a worker's death to its batch running again, median and p99", seconds(alone)),
            ('  when the broker ended or was stopped too', seconds(with_broker)),
            ("the broker's death to the next acknowledgement, median and p99", seconds(to_ack)),
            ("the broker's death to the first call after it, median and p99", seconds(to_call))]


def per_second(facts):
    """Acknowledged messages a second while the storm went on."""
    ats = [ack.at for ack in facts.ledger.acks]
    return 0 if len(ats) < 2 else len(facts.order) / (ats[-1] - ats[0])
