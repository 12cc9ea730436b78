// graphile.js WORKLOAD PORT N: graphile-worker on PostgreSQL; W1, W2, W3. Two worker processes: this file again, with
// `worker`.
const { Pool } = require('pg');
const { run, makeWorkerUtils, Logger } = require('graphile-worker');
const B = require('./bench.js');
const CHUNK = 1000, FLIGHT = 2, PER_S = 500;
const quiet = new Logger(() => () => {});

if (process.argv[2] === 'worker') worker(...process.argv.slice(3).map(Number));
else B.run(main);

function pool(port, max) {
  const made = new Pool({ connectionString: `postgres://postgres@127.0.0.1:${port}/postgres`, max });
  return made.on('error', () => {}).on('connect', (c) => c.on('error', () => {}));
}

async function worker(port, isBulk) {
  const report = B.reporter(), started = new Map();
  const bulk = isBulk ? { localQueue: { size: 500 }, completeJobBatchDelay: 0, failJobBatchDelay: 0 } : {};
  const runner = await run({
    pgPool: pool(port, 12), noHandleSignals: true,
    taskList: { m: async (_, h) => { started.set(h.job.id, B.now()); } },
    preset: { worker: { concurrentJobs: 24, pollInterval: 2000, logger: quiet, ...bulk } },
  });
  runner.events.on('job:complete', ({ job }) => {
    report.ack(started.get(job.id) - job.payload.t);
    started.delete(job.id);
  });
  setTimeout(report.ready, 500);
}

async function fill(utils, n) {
  let seq = 0;
  const lane = async () => {
    while (seq < n) {
      const jobs = [];
      for (let i = 0; i < CHUNK && seq < n; i++) jobs.push({ identifier: 'm', payload: B.payload(seq++) });
      await utils.addJobs(jobs);
    }
  };
  await Promise.all(Array.from({ length: FLIGHT }, lane));
}

async function main(workload, port, n) {
  const pgPool = pool(port, 10), utils = await makeWorkerUtils({ pgPool, logger: quiet });
  await utils.migrate();
  await fill(utils, 2000);
  await pgPool.query('truncate graphile_worker._private_jobs');
  const w = workload === 'W1' ? null : new B.Workers(2, [port, workload === 'W2' ? 1 : 0]);
  if (w) await w.started();
  const t = B.now();
  if (workload === 'W3') await B.paced(n, PER_S, (i) => utils.addJob('m', B.payload(i)));
  else await fill(utils, n);
  if (!w) return B.row(n, (B.now() - t) / 1e3);
  await w.finished(n);
  B.row(n, (w.last - t) / 1e3, workload === 'W3' ? w.lat : null);
  w.stop();
}
