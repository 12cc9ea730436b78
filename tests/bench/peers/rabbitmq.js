// rabbitmq.js WORKLOAD PORT N TYPE: a quorum or classic queue, publisher confirms; W1, W2, W3. Two worker processes:
// this file again, with `worker`.
const amqp = require('amqplib');
const B = require('./bench.js');
const FLIGHT = 2000, PREFETCH = 500, PER_S = 500;
const dial = (port) => amqp.connect(`amqp://guest:guest@127.0.0.1:${port}`, { noDelay: true });

if (process.argv[2] === 'worker') worker(process.argv[3]);
else B.run(main);

async function worker(port) {
  const report = B.reporter(), channel = await (await dial(port)).createChannel();
  await channel.prefetch(PREFETCH);
  await channel.consume('q', (m) => {
    const late = B.now() - JSON.parse(m.content.toString()).t;
    channel.ack(m);
    report.ack(late);
  });
  report.ready();
}

const publish = (channel, queue, i, done) =>
  channel.publish('', queue, Buffer.from(JSON.stringify(B.payload(i))), { persistent: true }, done);

// At most FLIGHT publishes without a confirm.
async function fill(channel, queue, n) {
  let open = 0, wake = null, failed = null;
  for (let i = 0; i < n; i++) {
    if (open >= FLIGHT) await new Promise((r) => { wake = r; });
    if (failed) throw failed;
    open++;
    publish(channel, queue, i, (e) => {
      failed = failed || e;
      open--;
      if (wake && open < FLIGHT / 2) { const w = wake; wake = null; w(); }
    });
  }
  await channel.waitForConfirms();
}

async function main(workload, port, n, type) {
  const channel = await (await dial(port)).createConfirmChannel();
  for (const q of ['q', 'warm']) {
    await channel.deleteQueue(q);
    await channel.assertQueue(q, { durable: true, arguments: { 'x-queue-type': type } });
  }
  await fill(channel, 'warm', 2000);
  const w = workload === 'W1' ? null : new B.Workers(2, [port]);
  if (w) await w.started();
  const t = B.now();
  if (workload === 'W3') {
    await B.paced(n, PER_S, (i) => publish(channel, 'q', i));
    await channel.waitForConfirms();
  } else await fill(channel, 'q', n);
  if (!w) return B.row(n, (B.now() - t) / 1e3);
  await w.finished(n);
  B.row(n, (w.last - t) / 1e3, workload === 'W3' ? w.lat : null);
  w.stop();
}
