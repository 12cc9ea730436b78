// bullmq.js WORKLOAD PORT N: W1, W2, W3; W4: N jobs due at one instant; W4p: 500 a second, each delayed 1 s. Two worker
// processes: this file again, with `worker`.
const { Queue, Worker } = require('bullmq');
const IORedis = require('ioredis');
const B = require('./bench.js');
const connect = (port) => new (IORedis.Redis || IORedis)({ port, host: '127.0.0.1', maxRetriesPerRequest: null });
const gone = { removeOnComplete: true, removeOnFail: true };
const CHUNK = 500, FLIGHT = 4, PER_S = 500, WARM = 5000;

if (process.argv[2] === 'worker') worker(...process.argv.slice(3).map(Number));
else B.run(main);

function worker(port, concurrency) {
  const report = B.reporter();
  const w = new Worker('q', async (job) => { job.started = B.now(); }, { connection: connect(port), concurrency });
  w.on('completed', (job) => report.ack(job.started - (job.data.due || job.data.t)));
  w.on('error', (e) => console.error(e.message));
  w.waitUntilReady().then(report.ready);
}

// addBulk of CHUNK, FLIGHT of them under way; `due` is when they are to start, or 0.
async function fill(queue, n, due = 0) {
  let seq = 0;
  const lane = async () => {
    while (seq < n) {
      const jobs = [], opts = due ? { ...gone, delay: Math.max(1, Math.round(due - B.now())) } : gone;
      for (let i = 0; i < CHUNK && seq < n; i++)
        jobs.push({ name: 'm', data: B.payload(seq++, due ? { due } : {}), opts });
      await queue.addBulk(jobs);
    }
  };
  await Promise.all(Array.from({ length: FLIGHT }, lane));
}

async function main(workload, port, n) {
  const queue = new Queue('q', { connection: connect(port), defaultJobOptions: gone });
  await queue.waitUntilReady();
  await fill(queue, WARM); // warms the JIT and the scripts
  const warm = B.now();
  await fill(queue, WARM);
  const fillMs = (B.now() - warm) * n / WARM;
  await queue.obliterate({ force: true });
  const w = workload === 'W1' ? null : new B.Workers(2, [port, { W2: 300, W4: 100 }[workload] || 50]);
  if (w) await w.started();
  const delay = workload === 'W4p' ? 1000 : 0;
  let t = B.now();
  if (workload === 'W4') {
    const due = t + 2000 + 2.5 * fillMs; // all are to be in before
    await fill(queue, n, due);
    if (B.now() > due) throw new Error('the jobs were not in before they were due');
    t = due;
  } else if (workload === 'W3' || workload === 'W4p') {
    await B.paced(n, PER_S, (i) =>
      queue.add('m', B.payload(i, delay ? { due: B.now() + delay } : {}), { ...gone, delay }));
  } else await fill(queue, n);
  if (!w) return B.row(n, (B.now() - t) / 1e3);
  await w.finished(n);
  B.row(n, (w.last - t) / 1e3, workload === 'W2' ? null : w.lat);
  w.stop();
}
