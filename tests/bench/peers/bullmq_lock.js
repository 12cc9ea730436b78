// bullmq_lock.js W6 PORT N VARIANT: the usual beginning. One conversation, N messages in a row, a handler of
// HANDLER_MS, one Redis lock a conversation; a job that finds the lock busy fails, and BullMQ tries it again. Two
// worker processes: this file again, with `worker`. Ideal: N * HANDLER_MS, in order.
const { Queue, Worker } = require('bullmq');
const IORedis = require('ioredis');
const B = require('./bench.js');
const connect = (port) => new (IORedis.Redis || IORedis)({ port, host: '127.0.0.1', maxRetriesPerRequest: null });
const HANDLER_MS = 200, LOCK_MS = 30000, LIMIT_MS = 60000;
const RELEASE = "if redis.call('get',KEYS[1])==ARGV[1] then return redis.call('del',KEYS[1]) end return 0";
const variants = {
  exponential3: { attempts: 4, backoff: { type: 'exponential', delay: 2000 } },
  exponential20: { attempts: 21, backoff: { type: 'exponential', delay: 2000 } },
  jitter20: { attempts: 21, backoff: { type: 'exponential', delay: 2000, jitter: 0.5 } },
  fixed20: { attempts: 21, backoff: { type: 'fixed', delay: 2000 } },
};

if (process.argv[2] === 'worker') worker(Number(process.argv[3]), process.argv[4]);
else B.run(main);

function worker(port, name) {
  const redis = connect(port), report = B.reporter();
  const w = new Worker(name, async (job) => {
    const key = `${name}:lock`, token = `${job.id}:${job.attemptsMade}`;
    if (await redis.set(key, token, 'PX', LOCK_MS, 'NX') !== 'OK') throw new Error('lock busy');
    const start = B.now();
    await B.sleep(HANDLER_MS);
    await redis.eval(RELEASE, 1, key, token);
    report.ack(start - job.data.t, { seq: job.data.seq, start, end: B.now() });
  }, { connection: connect(port), concurrency: 10 });
  w.on('failed', (job) => {
    if (job.attemptsMade >= job.opts.attempts) report.ack(0, { seq: job.data.seq, dead: true });
  });
  w.waitUntilReady().then(report.ready);
}

async function main(_, port, n, variant) {
  const queue = new Queue(variant, { connection: connect(port), defaultJobOptions: { removeOnComplete: true } });
  await queue.waitUntilReady();
  const w = new B.Workers(2, [port, variant]);
  await w.started();
  const t = B.now();
  for (let i = 0; i < n; i++) await queue.add('m', { seq: i, t: B.now() }, variants[variant]);
  while (w.done < n && B.now() - t < LIMIT_MS) await B.sleep(20);
  w.stop();
  const done = w.events.filter((e) => !e.dead).sort((a, b) => a.start - b.start);
  const swaps = done.filter((e, i) => i && e.seq < done[i - 1].seq).length;
  B.row(n, ((done.length ? done[done.length - 1].end : B.now()) - t) / 1e3, null,
    { handled: done.length, dead: w.events.filter((e) => e.dead).length, swaps });
}
