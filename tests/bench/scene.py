"""What the benchmarks share: a house with real programs, and the model server of model.py beside it."""

import json
import os
import pathlib
import statistics
import sys
import urllib.request

TOP = pathlib.Path(__file__).resolve().parents[2]
os.environ.setdefault('LULL_BUILD', str(TOP / 'build-demo'))
sys.dont_write_bytecode = True
sys.path.insert(0, str(TOP / 'tests/e2e'))

from lull import House, wait_until  # noqa: E402


class Scene:
    """Use as a context: everything it started ends with it."""

    def __init__(self, **mood):
        self.house = House()
        port_file = self.house.folder / 'model.port'
        self.model = self.house.start('model', [sys.executable, pathlib.Path(__file__).parent / 'model.py', port_file])
        wait_until(port_file.exists, 'the model server listens')
        self.url = f'http://127.0.0.1:{port_file.read_text()}'
        self.set_mood(**mood)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for complaint in self.house.close():
            print(f'at the end: {complaint}', file=sys.stderr)
        self.house.remove()

    def set_mood(self, **mood):
        self.post('/mood', mood)

    def post(self, path, body):
        request = urllib.request.Request(self.url + path, json.dumps(body).encode())
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.loads(answer.read())

    def journal(self, n_replies=0):
        """Once there are so many replies: then the model is left in peace meanwhile."""
        with urllib.request.urlopen(f'{self.url}/journal/{n_replies}', timeout=120) as answer:
            return json.loads(answer.read())

    def add_tenant(self, name='acme', **settings):
        """One whose handler is the model, and whose replies go to the model server's own journal."""
        handler = {'kind': 'openai', 'url': self.url + '/v1', 'model': 'bench', 'history': {'turns': 0}}
        channels = {'own': {'kind': 'generic', 'unsigned': 'true', 'reply_url': self.url + '/reply'}}
        return self.house.add_tenant(name, handler=handler, channels=channels, **settings)


def percentile(values, share):
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def row(name, values, form='{:10.1f}'):
    """Median, p99 and the largest."""
    figures = [statistics.median(values), percentile(values, 0.99), max(values)]
    print(f'{name:58}' + ''.join(form.format(value) for value in figures), flush=True)


def head(unit):
    print(f'{unit:58}' + f'{"median":>10}{"p99":>10}{"max":>10}')
