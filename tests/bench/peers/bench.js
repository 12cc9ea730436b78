// What the clients on node share: the clock, the message of 256 bytes, worker processes, and the line of JSON that each
// prints at the end.
const { fork } = require('child_process');

// ms, of a clock that is the same in every process
const now = () => { const [s, ns] = process.hrtime(); return s * 1e3 + ns / 1e6; };
const sleep = (ms) => new Promise((r) => setTimeout(r, ms));

// 256 bytes of JSON, within a few bytes
const PAD = 'x'.repeat(180);
function payload(seq, extra) {
  return { seq, t: now(), conversation: 'c' + String(seq % 1000000).padStart(6, '0'), ...extra, text: PAD };
}

const pct = (sorted, p) => sorted.length ? sorted[Math.min(sorted.length - 1, Math.floor(p * sorted.length))] : 0;
const round = (x) => Math.round(x * 1e4) / 1e4;

// The one line. `lat`, where there is one, are the times in ms.
function row(n, seconds, lat, extra = {}) {
  const r = { n, seconds: round(seconds), per_s: Math.round(n / seconds) };
  if (lat && lat.length) {
    lat.sort((a, b) => a - b);
    Object.assign(r, { p50_ms: round(pct(lat, .5)), p99_ms: round(pct(lat, .99)), p999_ms: round(pct(lat, .999)),
      max_ms: round(pct(lat, 1)) });
  }
  console.log(JSON.stringify({ ...r, ...extra }));
}

// Calls at(seq) `n` times, `perSecond` a second, on an absolute schedule; waits for all the promises.
async function paced(n, perSecond, at) {
  const t0 = now(), all = [];
  for (let i = 0; i < n; i++) {
    const due = t0 + i * 1000 / perSecond;
    if (due - now() > 0.5) await sleep(due - now());
    all.push(at(i));
  }
  await Promise.all(all);
}

// Worker processes: this same script forked with `worker` as its first argument.
class Workers {
  constructor(count, args) {
    this.done = 0; this.last = 0; this.lat = []; this.kids = []; this.ready = 0; this.events = [];
    for (let i = 0; i < count; i++) {
      const kid = fork(process.argv[1], ['worker', ...args.map(String)], { serialization: 'advanced' });
      kid.on('message', (m) => {
        if (m.ready) this.ready++;
        if (m.lat) {
          for (const x of m.lat) this.lat.push(x);
          if (m.events) this.events.push(...m.events);
          this.done += m.lat.length;
          this.last = Math.max(this.last, m.last);
        }
      });
      this.kids.push(kid);
    }
  }
  async started() { while (this.ready < this.kids.length) await sleep(5); }
  async finished(n, quietMs = 20000) {
    let seen = -1, at = now();
    while (this.done < n) {
      await sleep(5);
      if (this.done !== seen) { seen = this.done; at = now(); }
      else if (now() - at > quietMs) throw new Error(`no more acks come, at ${seen} of ${n}`);
    }
  }
  stop() { for (const k of this.kids) k.kill('SIGKILL'); }
}

// In a worker process: report(latency) after each ack.
function reporter() {
  let lat = [], events = [], last = 0;
  process.on('disconnect', () => process.exit());
  setInterval(() => {
    if (!lat.length) return;
    process.send?.({ lat, events, last });
    lat = []; events = [];
  }, 20);
  return {
    ready: () => process.send?.({ ready: true }),
    ack: (ms, event) => { lat.push(ms); if (event) events.push(event); last = now(); },
  };
}

// main(WORKLOAD, PORT, N, ...) of the command line, and the end of the process.
function run(main) {
  const [workload, port, n, ...more] = process.argv.slice(2);
  main(workload, Number(port), Number(n), ...more)
    .then(() => process.exit(0), (e) => { console.error(e); process.exit(1); });
}

module.exports = { now, sleep, payload, row, paced, Workers, reporter, run };
