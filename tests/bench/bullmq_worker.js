// bullmq_worker.js SOCKET MODEL_URL CONCURRENCY: a BullMQ worker that asks the model for each job, as the official
// examples do it, and reads the stream to its end. Prints "ready", then a line for each finished job.
const { Worker } = require('bullmq');
const IORedis = require('ioredis');

const [path, url, concurrency] = process.argv.slice(2);
const connection = new (IORedis.Redis || IORedis)({ path, maxRetriesPerRequest: null });

async function ask(job) {
  const answer = await fetch(`${url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'bench', stream: true, messages: [{ role: 'user', content: job.data.text }] }),
  });
  let text = '';
  for await (const part of answer.body) text += Buffer.from(part).toString();
  if (!text.includes('[DONE]')) throw new Error('truncated');
}

const worker = new Worker('calls', ask, { connection, concurrency: Number(concurrency), lockDuration: 60000 });
worker.on('completed', () => process.stdout.write('done\n'));
worker.on('error', (error) => console.error(error.message));
worker.waitUntilReady().then(() => process.stdout.write('ready\n'));
