"""The director of the storm: from a seed, at random moments, the faults of a bad year."""

import heapq
import itertools
import random
import time

import redis

import nasty
from town import LEASE_S, LOCK_TTL_S

# (weight, name): the first four are kills and count.
FAULTS = [(340, 'kill_worker'), (140, 'kill_broker'), (140, 'kill_ingest'), (80, 'kill_redis'),
          (100, 'stop_worker'), (25, 'stop_broker'), (15, 'stop_redis'), (10, 'stop_ingest'),
          (40, 'term_worker'), (30, 'term_broker'), (30, 'term_ingest'),
          (15, 'flush_all'), (15, 'flush_scripts'), (10, 'sleep_redis'),
          (10, 'mute_peers'), (10, 'slow_senders')]
PAUSE_S = 0.62              # between two faults, on average: with seven kills in ten, about one kill a second
OUTAGE_EVERY = 250          # kills; Redis is away for 30 seconds then
STOPS_OF_BROKER_S = (1.0, 2.6, LEASE_S + 1.0)   # short; past the heartbeat; past the lease


class Director:
    def __init__(self, town, seed, n_kills):
        self.town, self.n_kills, self.dice = town, n_kills, random.Random(f'{seed} director')
        self.kills, self.counts = 0, {name: 0 for _, name in FAULTS} | {'redis_outage': 0}
        self.later, self.order = [], itertools.count()
        self.nasty = nasty.Nasty(town)
        first = min(n_kills // 2, OUTAGE_EVERY // 2)
        self.outages = [n for n in range(first, n_kills, OUTAGE_EVERY)]
        self.outage_s = 30.0 if n_kills >= 100 else 6.0

    def run(self, show):
        """Until the kills are done and all that was to come later has come."""
        due = time.monotonic() + 1.0
        while self.kills < self.n_kills or self.later:
            self.town.watch()
            now = time.monotonic()
            while self.later and self.later[0][0] <= now:
                heapq.heappop(self.later)[2]()
            if now >= due and self.kills < self.n_kills:
                self.strike()
                due = now + self.dice.expovariate(1 / PAUSE_S)
            show()
            time.sleep(0.02)
        self.nasty.close()

    def after(self, seconds, act):
        heapq.heappush(self.later, (time.monotonic() + seconds, next(self.order), act))

    def strike(self):
        if self.outages and self.kills >= self.outages[0] and self.redis_outage():
            self.outages.pop(0)
            return None
        name = self.dice.choices([name for _, name in FAULTS], [weight for weight, _ in FAULTS])[0]
        if getattr(self, name)():
            self.counts[name] += 1
        return None

    def _kill(self, service):
        if not service.is_up():
            return False
        again_in = self.dice.choice((0.0, 0.1, 0.3, 1.0))
        self.town.fault('kill', service, time.monotonic() + again_in)
        service.kill(again_in)
        self.kills += 1
        return True

    def _stop(self, service, seconds):
        if not service.is_up() or service.is_stopped:
            return False
        self.town.fault('stop', service, time.monotonic() + seconds)
        service.stop()
        process = service.process
        self.after(seconds, lambda: service.process is process and service.is_up() and service.resume())
        return True

    def _term(self, service):
        if not service.is_up() or service.is_stopped or service.is_ended:
            return False
        self.town.fault('term', service)
        service.terminate(again_in=self.dice.choice((0.0, 0.3)))
        return True

    def _worker(self):
        return self.dice.choice(self.town.workers)

    def kill_worker(self):
        return self._kill(self._worker())

    def kill_broker(self):
        return self._kill(self.town.broker)

    def kill_ingest(self):
        return self._kill(self.town.ingest)

    def kill_redis(self):
        """It comes back empty."""
        return self._kill(self.town.redis)

    def stop_worker(self):
        return self._stop(self._worker(), self.dice.choice((0.5, 1.0, 3.0)) * LOCK_TTL_S * 1.1)

    def stop_broker(self):
        return self._stop(self.town.broker, self.dice.choice(STOPS_OF_BROKER_S))

    def stop_redis(self):
        return self._stop(self.town.redis, self.dice.uniform(0.5, 3.0))

    def stop_ingest(self):
        return self._stop(self.town.ingest, self.dice.uniform(0.5, 3.0))

    def term_worker(self):
        return self._term(self._worker())

    def term_broker(self):
        return self._term(self.town.broker)

    def term_ingest(self):
        return self._term(self.town.ingest)

    def redis_outage(self):
        """Down for long: nothing runs without locks meanwhile, and nothing is given up."""
        service = self.town.redis
        if service.start_at is not None or not service.is_up():
            return False
        self.town.fault('outage', service, time.monotonic() + self.outage_s)
        service.kill(again_in=self.outage_s)
        self.counts['redis_outage'] += 1
        return True

    def _redis_says(self, *command):
        """Not waited for longer than a moment."""
        place = self.town.places['redis']
        client = redis.Redis(place, self.town.ports['redis'], socket_timeout=0.2, socket_connect_timeout=0.2)
        try:
            client.execute_command(*command)
        except redis.RedisError:
            return command[0] == 'DEBUG' and self.town.redis.is_up()
        finally:
            client.close()
        self.town.fault(' '.join(map(str, command)).lower(), self.town.redis)
        return True

    def flush_all(self):
        return self._redis_says('FLUSHALL')

    def flush_scripts(self):
        return self._redis_says('SCRIPT', 'FLUSH')

    def sleep_redis(self):
        return self._redis_says('DEBUG', 'SLEEP', round(self.dice.uniform(0.3, 2.0), 2))

    def mute_peers(self):
        return self.nasty.mute_peers()

    def slow_senders(self):
        return self.nasty.slow_senders()
