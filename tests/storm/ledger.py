"""What the storm writes down: one JSON array a line, its first element says of what kind. All times are
CLOCK_MONOTONIC, which every process of the machine shares.

    ["ack", at, thread, [n, ...], door]                     by a producer: these are acknowledged
    ["took", at, seconds, status]                           by a sender of webhooks: an answer, and how long it took
    ["call", began, ended, worker, batch, fence, thread, [id, ...], status, key]
                                                            by the sink; status 0 = the caller left
    ["post", began, ended, worker, batch, index, thread, status, is_read, said]
                                                            by the channel, at the end of each post
    ["fault", at, kind, name, life, until]                  by the director

A message's id is THREAD:n. `worker` is the name and life of a worker, such as w2.17: each has its own lull.yaml, whose
addresses bear it. A post is visible once it was read as a whole and is not refused (status 200); is_read says whether
the poster was still there to read that. `said` is what the handler answered: [batch, fence, [id, ...]]."""

import collections
import json

Ack = collections.namedtuple('Ack', 'at thread numbers door')
Took = collections.namedtuple('Took', 'at seconds status')
Call = collections.namedtuple('Call', 'began ended worker batch fence thread ids status key')
Post = collections.namedtuple('Post', 'began ended worker batch index thread status is_read said')
Fault = collections.namedtuple('Fault', 'at kind name life until')
KINDS = {'ack': Ack, 'took': Took, 'call': Call, 'post': Post, 'fault': Fault}

# What the HTTP door asks for beyond loopback.
TOKEN = 'storm'
HEADERS = {'Content-Type': 'application/json', 'Authorization': f'Bearer {TOKEN}'}

# A log that grows past this means a storm gone wrong: its writer stops.
LOG_BYTES_MAX = 400 * 1024 * 1024


class Log:
    """Writes lines; whoever may be killed has none."""

    def __init__(self, path):
        self.file, self.n_bytes = open(path, 'a', buffering=1 << 16), 0

    def write(self, kind, *values):
        line = json.dumps([kind, *values], separators=(',', ':')) + '\n'
        self.n_bytes += len(line)
        if self.n_bytes > LOG_BYTES_MAX:
            raise SystemExit(f'{self.file.name} is over {LOG_BYTES_MAX} bytes')
        self.file.write(line)

    def flush(self):
        self.file.flush()


class Ledger:
    """Everything that was written down, and what the broker said at the end."""

    def __init__(self):
        self.acks, self.tooks, self.calls, self.posts, self.faults = [], [], [], [], []
        self.dead = {}      # batch -> its message ids

    def read(self, folder):
        """Adds the logs of a folder."""
        for path in sorted(folder.glob('*.ledger')):
            with open(path) as lines:
                for line in lines:
                    if line.endswith('\n'):
                        self.add(json.loads(line))
        return self

    def add(self, entry):
        record = KINDS[entry[0]](*entry[1:])
        getattr(self, entry[0] + 's').append(record)

    def sort(self):
        self.acks.sort(key=lambda ack: ack.at)
        self.calls.sort(key=lambda call: call.began)
        self.posts.sort(key=lambda post: post.ended)
        self.faults.sort(key=lambda fault: fault.at)
        return self


class Counter:
    """Counts the lines of a kind in logs that still grow, reading each byte once."""

    def __init__(self, folder, kind, has=''):
        self.folder, self.start, self.has = folder, f'["{kind}"', has
        self.at, self.n, self.rest = {}, 0, {}

    def count(self):
        for path in self.folder.glob('*.ledger'):
            with open(path) as file:
                file.seek(self.at.get(path, 0))
                text = self.rest.get(path, '') + file.read()
                self.at[path] = file.tell()
            *lines, self.rest[path] = text.split('\n')
            self.n += sum(1 for line in lines if line.startswith(self.start) and self.has in line)
        return self.n
