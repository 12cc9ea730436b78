// What the official client of OpenAI sends for what lull asks of a model, and what it understands of the answer.
//
// usage: node openai_client.mjs PACKAGES URL   (asks both APIs, prints what it heard as JSON)
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

const [packages, url] = process.argv.slice(2);
const entry = createRequire(packages + '/').resolve('openai');
const { default: OpenAI } = await import(pathToFileURL(entry));
const client = new OpenAI({ apiKey: 'the key', baseURL: url, maxRetries: 0 });

async function chat() {
  const stream = await client.chat.completions.create({
    model: 'm-1',
    messages: [
      { role: 'system', content: 'Be brief.' },
      { role: 'user', content: 'Oi' },
      { role: 'assistant', content: 'You wrote: Oi' },
      { role: 'user', content: 'one\ntwo' },
    ],
    stream: true,
    stream_options: { include_usage: true },
    max_tokens: 99,
    temperature: 0.5,
  });
  let text = '', usage = null;
  for await (const chunk of stream) {
    text += chunk.choices[0]?.delta?.content ?? '';
    usage = chunk.usage ?? usage;
  }
  return { text, tokens: [usage.prompt_tokens, usage.completion_tokens] };
}

async function responses() {
  const conversation = await client.conversations.create({ metadata: {} });
  const stream = await client.responses.create({
    model: 'm-1',
    input: [{ role: 'user', content: 'Oi' }],
    instructions: 'Be brief.',
    conversation: conversation.id,
    stream: true,
    max_output_tokens: 99,
    temperature: 0.5,
    metadata: { lull_batch: '00000000000000000000000000' },
  });
  let text = '', usage = null;
  for await (const event of stream) {
    if (event.type === 'response.output_text.delta') text += event.delta;
    if (event.type === 'response.completed') usage = event.response.usage;
  }
  await client.conversations.delete(conversation.id);
  return { text, tokens: [usage.input_tokens, usage.output_tokens] };
}

console.log(JSON.stringify({ chat: await chat(), responses: await responses() }));
