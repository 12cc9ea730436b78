"""Fixtures, and what is shown of a test: the logs of all its processes when it fails, one plain line at the end."""

import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from lull import House  # noqa: E402  (needs the line above)


@pytest.fixture
def house(request):
    """Nothing runs in it yet. At the end each program must leave by itself, with 0, no sanitizer having spoken."""
    house = House()
    try:
        yield house
    finally:
        complaints = house.close()
        request.node.house_logs = house.logs()
        house.remove()
    assert not complaints, '; '.join(complaints)


def show_logs(item, report):
    for name, log in getattr(item, 'house_logs', []):
        report.sections.append((f'the log of {name}', log))


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """What a process said belongs to the failure."""
    outcome = yield
    report = outcome.get_result()
    house = getattr(item, 'funcargs', {}).get('house')
    if report.when == 'call' and report.failed and house is not None:
        item.house_logs = house.logs()
        show_logs(item, report)
    elif report.when == 'teardown' and report.failed:
        show_logs(item, report)


def pytest_terminal_summary(terminalreporter):
    """A test that fails and whose teardown fails too counts once."""
    stats = terminalreporter.stats
    failed = {report.nodeid for key in ('failed', 'error') for report in stats.get(key, [])}
    passed = {report.nodeid for report in stats.get('passed', [])} - failed
    skipped = len(stats.get('skipped', []))
    line = f'e2e: {len(passed)} passed, {len(failed)} failed'
    terminalreporter.ensure_newline()
    terminalreporter.write_line(line + (f', {skipped} skipped' if skipped else ''))
