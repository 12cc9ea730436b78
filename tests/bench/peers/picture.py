"""The picture for the README, by gnuplot: who hands out how much, and how soon, at the same durability."""

import pathlib
import shutil
import subprocess

from table import median, number, row_of

LULL, PEER = '#2f81f7', '#8b949e'  # legible on white and on black
THROUGHPUT = [('lull', 'lull'), ('lull, with the lock', 'lull, a lock per batch'),
              ('Redis Streams', 'Redis Streams, raw'), ('graphile-worker', 'graphile-worker'),
              ('RabbitMQ', 'RabbitMQ, quorum queue'), ('bee-queue', 'bee-queue'), ('Sidekiq', 'Sidekiq'),
              ('BullMQ', 'BullMQ'), ('beanstalkd', 'beanstalkd -f0')]
LATENESS = [('lull', 'lull'), ('lull, 1,000,000 pending', 'lull, 1,000,000 pending'), ('beanstalkd', 'beanstalkd -b'),
            ('beanstalkd, 1,000,000 pending', 'beanstalkd, 1,000,000 pending'), ('BullMQ', 'BullMQ')]

HEAD = f'''set terminal svg size 960,400 font "sans-serif,13" enhanced background rgb "#ffffff00"
set output "%s"
set multiplot layout 1,2 margins 0.19,0.97,0.06,0.86 spacing 0.21
set border 0
set tics textcolor rgb "{PEER}" nomirror scale 0
set style fill solid 1 noborder
unset key
unset xtics
set logscale x
'''


def bars(title, unit, workload, key, names, rows):
    """The part of one panel: a bar for each that was measured, with its number behind it."""
    found = [(label, median(row_of(rows, workload, name), key)) for name, label in names]
    found = [(label, value) for label, value in found if value]
    if not found:
        return ''
    low, high = min(value for _, value in found) / 3, max(value for _, value in found) * 12
    lines = [f'set title "{title}" textcolor rgb "{PEER}" font "sans-serif,15"', f'set xrange [{low}:{high}]',
             f'set yrange [{-0.6}:{len(found) - 0.4}]', 'unset label', 'unset object']
    tics = []
    for i, (label, value) in enumerate(reversed(found)):
        colour = LULL if label.startswith('lull') else PEER
        lines.append(f'set object rectangle from {low},{i - 0.36} to {value},{i + 0.36} fillcolor rgb "{colour}" '
                     f'fillstyle solid 1 noborder')
        lines.append(f'set label "{number(value)}{unit}" at {value},{i} left offset 0.6,0 textcolor rgb "{colour}"')
        tics.append(f'"{label}" {i}')
    return '\n'.join([*lines, f'set ytics ({", ".join(tics)})', 'plot 1/0', ''])


def script(rows, path):
    """What gnuplot is to do; '' where there is nothing to show."""
    panels = [bars('messages a second, end to end, fsynced (log)', '/s', 'W2', 'per_s', THROUGHPUT, rows),
              bars('how late a timer fires, p99 (log)', ' ms', 'W4p', 'p99_ms', LATENESS, rows)]
    return HEAD % path + ''.join(panels) + 'unset multiplot\n' if any(panels) else ''


def draw(rows, path):
    """Writes the SVG; False where there is no gnuplot, or nothing to show."""
    commands = script(rows, path)
    if not commands or not shutil.which('gnuplot'):
        return False
    subprocess.run(['gnuplot'], input=commands, text=True, check=True, timeout=60)
    text = pathlib.Path(path).read_text()
    # gnuplot says its version and the time nowhere else.
    pathlib.Path(path).write_text('\n'.join(line.rstrip() for line in text.expandtabs().strip().splitlines()) + '\n')
    return True
