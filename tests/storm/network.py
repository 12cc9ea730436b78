"""A network of namespaces below a bridge, all of it inside a namespace of its own that ends with this process: one
place for each program, whose links can be cut in one direction or both, without a word to either end."""

import os
import pathlib
import subprocess
import sys

IS_INSIDE = 'STORM_INSIDE'
NET = '10.77.0.'
HUB = NET + '1'


def ip(*words):
    subprocess.run(['ip', *words], check=True)


def enter():
    """Once more, in namespaces of our own; None when this is there already."""
    if os.environ.get(IS_INSIDE):
        return None
    return subprocess.run(['unshare', '--mount', '--net', '--propagation', 'private', sys.executable, *sys.argv],
                          env={**os.environ, IS_INSIDE: '1'}).returncode


class Network:
    """`places` are names; each gets an address. The hub, where this process is, has one too."""

    def __init__(self, places):
        self.address = {place: f'{NET}{10 + n}' for n, place in enumerate(places)}
        self.cuts = []
        pathlib.Path('/run/netns').mkdir(exist_ok=True)
        # What `ip netns` notes there is not for others to see, and is gone with us.
        subprocess.run(['mount', '-t', 'tmpfs', 'storm', '/run/netns'], check=True)
        ip('link', 'set', 'lo', 'up')
        ip('link', 'add', 'hub', 'type', 'bridge')
        ip('addr', 'add', f'{HUB}/24', 'dev', 'hub')
        ip('link', 'set', 'hub', 'up')
        for place, address in self.address.items():
            self._add(place, address)

    def _add(self, place, address):
        ip('netns', 'add', place)
        ip('link', 'add', f'to-{place}', 'type', 'veth', 'peer', 'name', 'eth0', 'netns', place)
        ip('link', 'set', f'to-{place}', 'master', 'hub', 'up')
        for words in (['addr', 'add', f'{address}/24', 'dev', 'eth0'], ['link', 'set', 'eth0', 'up'],
                      ['link', 'set', 'lo', 'up']):
            ip('-n', place, *words)

    def prefix(self, place):
        return ['nsenter', f'--net=/run/netns/{place}']

    def _rule(self, place, *rule):
        subprocess.run([*self.prefix(place), 'iptables', '-w', *rule], check=True)

    def cut(self, place, other, is_in=True, is_out=True, share=None):
        """Drops at `place` what comes from `other`, what goes there, or both; only a share of it, if one is given."""
        address = self.address.get(other, HUB)
        chance = [] if share is None else ['-m', 'statistic', '--mode', 'random', '--probability', str(share)]
        for is_cut, chain, side in ((is_in, 'INPUT', '-s'), (is_out, 'OUTPUT', '-d')):
            if is_cut:
                rule = [chain, side, address, *chance, '-j', 'DROP']
                self._rule(place, '-A', *rule)
                self.cuts.append((place, rule))

    def heal(self):
        for place, rule in self.cuts:
            self._rule(place, '-D', *rule)
        self.cuts = []

    def delay(self, places, ms):
        """False when this kernel cannot: it has no netem."""
        for place in places:
            said = subprocess.run([*self.prefix(place), 'tc', 'qdisc', 'add', 'dev', 'eth0', 'root', 'netem', 'delay',
                                   f'{ms}ms'], capture_output=True)
            if said.returncode != 0:
                return False
        return True

    def undelay(self, places):
        for place in places:
            subprocess.run([*self.prefix(place), 'tc', 'qdisc', 'del', 'dev', 'eth0', 'root'], check=False)
