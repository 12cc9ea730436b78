// bullmq_fill.js SOCKET N: adds N jobs.
const { Queue } = require('bullmq');
const IORedis = require('ioredis');

const [path, n] = process.argv.slice(2);
const queue = new Queue('calls', { connection: new (IORedis.Redis || IORedis)({ path, maxRetriesPerRequest: null }) });
const jobs = Array.from({ length: Number(n) }, (_, i) => ({ name: 'call', data: { text: `message ${i}` } }));
queue.addBulk(jobs).then(() => process.exit(0));
