// beequeue.js WORKLOAD PORT N: W1, W2, W3. Two worker processes: this file again, with `worker`.
const Queue = require('bee-queue');
const B = require('./bench.js');
const CHUNK = 500, FLIGHT = 4, PER_S = 500;
const options = (port, more) => ({ redis: { host: '127.0.0.1', port }, removeOnSuccess: true, removeOnFailure: true,
  storeJobs: false, getEvents: false, sendEvents: false, ...more });

if (process.argv[2] === 'worker') worker(...process.argv.slice(3).map(Number));
else B.run(main);

function worker(port, concurrency) {
  const report = B.reporter(), started = new Map();
  const q = new Queue('q', options(port, { activateDelayedJobs: false }));
  q.process(concurrency, async (job) => { started.set(job.id, B.now()); });
  q.on('succeeded', (job) => {
    report.ack(started.get(job.id) - job.data.t);
    started.delete(job.id);
  });
  q.on('error', (e) => console.error(e.message));
  q.ready().then(report.ready);
}

async function fill(queue, n) {
  let seq = 0;
  const lane = async () => {
    while (seq < n) {
      const jobs = [];
      for (let i = 0; i < CHUNK && seq < n; i++) jobs.push(queue.createJob(B.payload(seq++)));
      await queue.saveAll(jobs);
    }
  };
  await Promise.all(Array.from({ length: FLIGHT }, lane));
}

async function main(workload, port, n) {
  const queue = new Queue('q', options(port, { isWorker: false }));
  const warm = new Queue('warm', options(port, { isWorker: false }));
  await Promise.all([queue.ready(), warm.ready()]);
  await fill(warm, 2000);
  const w = workload === 'W1' ? null : new B.Workers(2, [port, workload === 'W2' ? 100 : 50]);
  if (w) await w.started();
  const t = B.now();
  if (workload === 'W3') await B.paced(n, PER_S, (i) => queue.createJob(B.payload(i)).save());
  else await fill(queue, n);
  if (!w) return B.row(n, (B.now() - t) / 1e3);
  await w.finished(n);
  B.row(n, (w.last - t) / 1e3, workload === 'W3' ? w.lat : null);
  w.stop();
}
