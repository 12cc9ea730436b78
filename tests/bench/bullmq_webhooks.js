// bullmq_webhooks.js SOCKET: a receiver of webhooks as one writes it with Express and BullMQ: the token is checked, the
// body read, a job added under the message's id, and then it is answered. Prints its port.
const crypto = require('crypto');
const express = require('express');
const { Queue } = require('bullmq');
const IORedis = require('ioredis');

const connection = new (IORedis.Redis || IORedis)({ path: process.argv[2], maxRetriesPerRequest: null });
const queue = new Queue('messages', { connection });
const token = Buffer.from('Bearer bench');

const app = express();
app.use(express.json({ limit: '1mb' }));
app.post('/hooks/acme/own', async (request, response) => {
  const shown = Buffer.from(request.headers.authorization || '');
  if (shown.length !== token.length || !crypto.timingSafeEqual(shown, token)) return response.status(401).end();
  const { thread, id, from, kind, text } = request.body;
  await queue.add('message', { thread, id, from, kind, text }, { jobId: id });
  response.json({ accepted: 1 });
});
const server = app.listen(0, '127.0.0.1', () => process.stdout.write(`${server.address().port}\n`));
