"""Tables of Markdown from rows: the median of each figure, where asked for with its lowest and highest. Pure."""

import statistics

from entrants import Row


def median(row, key):
    """The median of a figure over a row's runs; None where no run has it."""
    values = [run[key] for run in row.runs if run.get(key) is not None]
    return statistics.median(values) if values else None


def number(value):
    """As a person reads it: thousands with commas, small ones with three digits that count."""
    if value is None:
        return ''
    if float(value).is_integer() and abs(value) < 1000:
        return f'{int(value)}'
    if abs(value) >= 100:
        return f'{value:,.0f}'
    if abs(value) >= 10:
        return f'{value:.1f}'
    return f'{value:.2f}' if abs(value) >= 1 else f'{value:.3f}'


def cell(row, column):
    values = [run[column.key] for run in row.runs if run.get(column.key) is not None]
    if not values:
        return ''
    text = number(statistics.median(values))
    if column.is_spread and len(values) > 1:
        text += f' ({number(min(values))} to {number(max(values))})'
    return text


def ordered(rows, order):
    """Rows with figures, the best first: by the column `order`, a '-' before which means the largest first. Those
    without that one stand last."""
    key, is_largest_first = order.lstrip('-'), order.startswith('-')
    found = [row for row in rows if median(row, key) is not None]
    others = [row for row in rows if row.runs and row not in found]
    return sorted(found, key=lambda row: median(row, key), reverse=is_largest_first) + others


def lines_of(head, body):
    """A table; every column but the first and those named here is of numbers."""
    marks = ['---' if i == 0 or name in ('durability', 'how', 'what', 'goal', 'beside it') else '---:'
             for i, name in enumerate(head)]
    return ['| ' + ' | '.join(words) + ' |' for words in [head, marks, *body]]


def missing(rows):
    """A line for each row that has nothing, or that failed now and then."""
    for row in rows:
        if row.skipped:
            yield f'- {row.name}: not taken part, {row.skipped}'
        elif row.failures:
            n = len(row.failures)
            yield f'- {row.name}: {n} of {n + len(row.runs)} runs failed: {row.failures[0]}'


def of_workload(workload, rows):
    """The section of one workload, as lines."""
    head = ['who', *[column.heading for column in workload.columns], 'runs', 'durability', 'how']
    body = [[row.name, *[cell(row, column) for column in workload.columns], str(len(row.runs)), row.durability, row.how]
            for row in ordered(rows, workload.order)]
    lines = [f'## {workload.id}: {workload.title}', '', workload.what, '']
    if body:
        lines += lines_of(head, body)
    absent = list(missing(rows))
    return lines + ([''] if body and absent else []) + absent + ['']


def row_of(rows, workload, name):
    """The row of that name, an empty one where it is not there."""
    found = [row for row in rows if row.workload == workload and row.name == name]
    return found[0] if found else Row(workload, name, '', '')
