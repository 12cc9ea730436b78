"""faults.c for a service: builds it, and moves its controls while the program runs."""

import errno
import mmap
import struct
import subprocess

from town import HERE

CONTROL = struct.Struct('<qIiQQQQ')     # as struct control of faults.c
KINDS = {'write': 1, 'sync': 2, 'memory': 3}
ERRORS = {'EIO': errno.EIO, 'ENOSPC': errno.ENOSPC, 'ENOMEM': errno.ENOMEM}


def build(folder):
    """The shared object."""
    target = folder / 'faults.so'
    subprocess.run(['gcc', '-std=gnu17', '-D_GNU_SOURCE', '-O1', '-Wall', '-Wextra', '-Wno-unused-parameter', '-Werror',
                    '-shared', '-fPIC', '-o', target, HERE / 'faults.c'], check=True)
    return target


class Controls:
    """Of one service. They take hold of its lives that are started after this."""

    def __init__(self, service, library):
        path = service.town.folder / f'{service.name}.faults'
        path.write_bytes(bytes(CONTROL.size))
        with open(path, 'r+b') as file:
            self.map = mmap.mmap(file.fileno(), CONTROL.size)
        self.service = service
        self.environment = {'LD_PRELOAD': str(library), 'LULL_FAULTS': str(path)}

    def attach(self):
        self.service.preload = self.environment

    def detach(self):
        self.service.preload = {}

    def _write(self, offset_ns, kind, error, n, is_lasting):
        self.map[:CONTROL.size] = CONTROL.pack(offset_ns, kind, error, n, 0, 0, is_lasting)

    def shift_clock(self, seconds):
        self._write(int(seconds * 1e9), 0, 0, 0, 0)

    def arm(self, kind, error, n, is_lasting=False):
        """Call number `n` of the kind, counted from now, fails."""
        self._write(0, KINDS[kind], ERRORS[error], n, is_lasting)

    def disarm(self):
        self._write(0, 0, 0, 0, 0)

    @property
    def count(self):
        return CONTROL.unpack(self.map[:CONTROL.size])[4]

    @property
    def n_failed(self):
        return CONTROL.unpack(self.map[:CONTROL.size])[5]
