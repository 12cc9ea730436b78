"""deploy/demo, the first command of the README."""

import os
import shutil
import subprocess
import tempfile

from lull import BUILD, TOP


def test_the_demo_answers_a_burst_and_leaves_nothing_behind():
    folder = tempfile.mkdtemp(prefix='lull-')  # short, for its sockets
    try:
        check_demo(folder)
    finally:
        shutil.rmtree(folder)


def check_demo(folder):
    result = subprocess.run([TOP / 'deploy' / 'demo', '--once'], text=True, capture_output=True, timeout=120,
                            stdin=subprocess.DEVNULL,
                            env={**os.environ, 'LULL_BUILD': str(BUILD), 'TMPDIR': folder})
    assert result.returncode == 0, result.stdout + result.stderr
    reply = next(line for line in result.stdout.splitlines() if 'You wrote' in line)
    texts = ['Oi, tudo bem?', 'Queria saber o preço', 'do banho e tosa']
    places = [reply.index(text) for text in texts]
    assert places == sorted(places)
    assert os.listdir(folder) == [] and processes_in(folder) == []


def processes_in(folder):
    """What still runs with a word of its command line in `folder`."""
    found = []
    for pid in filter(str.isdigit, os.listdir('/proc')):
        try:
            with open(f'/proc/{pid}/cmdline', 'rb') as file:
                if folder.encode() in file.read():
                    found.append(pid)
        except OSError:
            pass
    return found
