"""The benchmark beside other queues: the part of it that needs none of them."""

import subprocess
import sys

from lull import TOP

ALL = TOP / 'tests/bench/all'


def test_its_tables_goals_deadlines_and_tidying_up_are_right():
    done = subprocess.run([sys.executable, ALL, '--self-test'], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert ', 0 failed' in done.stdout


def test_a_workload_that_is_not_there_is_refused_with_the_names_of_those_that_are():
    done = subprocess.run([sys.executable, ALL, 'W99'], capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert 'no workload W99; there are W1, W2' in done.stderr
