"""What a person reads: a line that moves while it runs, a table at the end, and `N passed, N failed`."""

import sys
import time

FINDINGS_SHOWN = 5


class Progress:
    """At most a line every few seconds; on a terminal over the line before."""

    def __init__(self, every=5.0):
        self.every, self.at, self.began = every, 0.0, time.monotonic()
        self.is_terminal = sys.stdout.isatty()

    def show(self, text, is_due=False):
        now = time.monotonic()
        if is_due or now - self.at >= self.every:
            self.at = now
            line = f'{now - self.began:6.0f} s  {text}'
            print(f'\r\x1b[K{line}' if self.is_terminal else line, end='' if self.is_terminal else '\n', flush=True)

    def is_due(self):
        return time.monotonic() - self.at >= self.every

    def end(self):
        if self.is_terminal:
            print()


class Report:
    def __init__(self, name, command):
        self.name, self.command = name, command
        self.rows, self.checks, self.n_skipped = [], [], 0

    def figure(self, what, value):
        self.rows.append((what, str(value)))

    def figures(self, rows):
        for what, value in rows:
            self.figure(what, value)

    def check(self, what, findings):
        """One check; `findings` are the sentences against it."""
        self.checks.append((what, list(findings)))

    def skip(self, what, why):
        self.n_skipped += 1
        print(f'skipped: {what}: {why}', flush=True)

    def end(self, folder):
        """Prints it all; the exit code. `folder` is named when something failed."""
        width = max([len(what) for what, _ in self.rows + self.checks], default=0)
        print()
        for what, value in self.rows:
            print(f'{what:<{width}}  {value}')
        print()
        for what, findings in self.checks:
            print(f'{what:<{width}}  {len(findings):>6,}  {"FAILED" if findings else "passed"}')
            for finding in findings[:FINDINGS_SHOWN]:
                print(f'    {finding}')
        n_failed = sum(bool(findings) for _, findings in self.checks)
        if self.command:
            print(f'\nagain: {self.command}')
        if n_failed:
            print(f'the logs: {folder}')
        skipped = f', {self.n_skipped} skipped' if self.n_skipped else ''
        print(f'{self.name}: {len(self.checks) - n_failed} passed, {n_failed} failed{skipped}', flush=True)
        return 1 if n_failed else 0
