// bullmq_debounce.js WORKLOAD PORT N VARIANT: N conversations of BullMQ's debounce.
// W5: 5 messages each, 100 ms apart, quiet 2 s, handler 50 ms.
// W5b: handler 3 s, and a second burst of 5 that begins 0.3 s after the first call should have begun.
// Messages go to a Redis list, a job is debounced by conversation, the handler takes the list: three ways to write it,
// one for each generation of BullMQ's options. Two worker processes: this file again, with `worker`.
const { Queue, Worker } = require('bullmq');
const IORedis = require('ioredis');
const B = require('./bench.js');
const connect = (port) => new (IORedis.Redis || IORedis)({ port, host: '127.0.0.1', maxRetriesPerRequest: null });
const BURST = 5, GAP = 100, QUIET = 2000, SPREAD = 5000; // the first bursts begin evenly over SPREAD

const deduplication = {
  ttl_extend_replace: (id) => ({ id, ttl: QUIET, extend: true, replace: true }),
  replace: (id) => ({ id, replace: true }),
  reschedule_keep_last: (id) => ({ id, reschedule: true, keepLastIfActive: true }),
};

if (process.argv[2] === 'worker') worker(Number(process.argv[3]), process.argv[4], Number(process.argv[5]));
else B.run(main);

function worker(port, name, handlerMs) {
  const redis = connect(port), report = B.reporter();
  const w = new Worker(name, async (job) => {
    const id = job.data.conversation, list = `${name}:list:${id}`, start = B.now();
    const [[, took]] = await redis.multi().lrange(list, 0, -1).del(list).exec();
    await B.sleep(handlerMs);
    report.ack(0, { id, start, end: B.now(), got: took.map((x) => JSON.parse(x).k) });
  }, { connection: connect(port), concurrency: 200 });
  w.on('error', (e) => console.error(e.message));
  w.waitUntilReady().then(report.ready);
}

function plan(n, bursts, t0) {
  const sends = [];
  for (let c = 0; c < n; c++)
    bursts.forEach((b, j) => {
      for (let k = 0; k < BURST; k++)
        sends.push({ at: t0 + c * SPREAD / n + b + k * GAP, id: 'c' + c, j, k: j * BURST + k });
    });
  return sends.sort((a, b) => a.at - b.at);
}

// What became of one conversation: `es` are its calls in order, `ends` when each of its bursts ended.
function judge(es, ends, tally) {
  const isWhole = es.length === ends.length &&
    es.every((e, j) => e.got.join() === Array.from({ length: BURST }, (_, k) => j * BURST + k).join());
  const overlaps = es.filter((e, i) => i && e.start < es[i - 1].end).length;
  tally.overlaps += overlaps;
  tally.calls += es.length;
  tally.lost += ends.length * BURST - es.reduce((sum, e) => sum + e.got.length, 0);
  if (isWhole && !overlaps) tally.exact += ends.length;
  if (!isWhole) return;
  es.forEach((e, j) => {
    const due = ends[j] + QUIET;
    if (e.start < due - 1) tally.early++;
    tally.late.push(e.start - (j && es[j - 1].end > due ? es[j - 1].end : due));
  });
}

async function main(workload, port, n, variant) {
  const bursts = workload === 'W5b' ? [0, (BURST - 1) * GAP + QUIET + 300] : [0], redis = connect(port);
  const queue = new Queue(variant, { connection: connect(port), defaultJobOptions: { removeOnComplete: true } });
  await queue.waitUntilReady();
  const w = new B.Workers(2, [port, variant, workload === 'W5b' ? 3000 : 50]);
  await w.started();
  const ends = new Map(), t0 = B.now(), all = [];
  for (const { at, id, j, k } of plan(n, bursts, t0)) {
    if (at - B.now() > 0.5) await B.sleep(at - B.now());
    if (!ends.has(id)) ends.set(id, []);
    ends.get(id)[j] = B.now(); // ends as the time of the burst's last message
    all.push(redis.rpush(`${variant}:list:${id}`, JSON.stringify(B.payload(k, { k })))
      .then(() => queue.add('m', { conversation: id }, { delay: QUIET, deduplication: deduplication[variant](id) })));
  }
  await Promise.all(all);
  let seen = -1, at = B.now(); // until no more calls come
  while (B.now() - at < (workload === 'W5b' ? 7000 : 4000)) {
    await B.sleep(50);
    if (w.done !== seen) { seen = w.done; at = B.now(); }
  }
  w.stop();
  const tally = { calls: 0, exact: 0, overlaps: 0, lost: 0, early: 0, late: [] }, calls = new Map();
  for (const e of w.events) calls.set(e.id, [...(calls.get(e.id) || []), e]);
  for (const [id, of] of ends) judge((calls.get(id) || []).sort((a, b) => a.start - b.start), of, tally);
  const { late, ...counts } = tally;
  B.row(n, (B.now() - t0) / 1e3, late, { ...counts, wanted: n * bursts.length });
}
