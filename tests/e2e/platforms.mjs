// What the platforms' own libraries sign, accept and send: a second opinion on the channels.
//
// usage: node platforms.mjs PACKAGES < TASKS   (a JSON list of {do: NAME, ...}; prints the list of what came of each)
import { createRequire } from 'node:module';

const require = createRequire(process.argv[2] + '/');
const { Webhook } = require('standardwebhooks');
const twilio = require('twilio');
const { isValidSlackRequest } = require('@slack/bolt');
const { WebClient } = require('@slack/web-api');
const jwt = require('jsonwebtoken');
const { Bot } = require('grammy');

function isAccepted(verify) {
  try {
    verify();
    return true;
  } catch {
    return false;
  }
}

function fieldsOf(form) {
  return Object.fromEntries(new URLSearchParams(form));
}

// The requests that Twilio's client would make, in place of making them.
function twilioRecorder(said) {
  return {
    async request(options) {
      said.push({ method: options.method.toUpperCase(), path: new URL(options.uri).pathname, user: options.username,
        type: options.headers['Content-Type'], fields: options.data });
      return { statusCode: 201, body: { sid: 'SM1', success: true } };
    },
  };
}

const tasks = {
  standard_sign({ secret, id, at, body }) {
    return new Webhook(secret).sign(id, new Date(at * 1000), body);
  },
  standard_verify({ secret, headers, body }) {
    return isAccepted(() => new Webhook(secret).verify(body, headers));
  },
  twilio_sign({ token, url, body }) {
    return twilio.getExpectedTwilioSignature(token, url, fieldsOf(body));
  },
  // A JSON body: its hash is in the URL.
  twilio_sign_json({ token, url, body }) {
    const whole = `${url}?bodySHA256=${twilio.getExpectedBodyHash(body)}`;
    return { url: whole, signature: twilio.getExpectedTwilioSignature(token, whole, {}) };
  },
  twilio_verify({ token, url, body, signature }) {
    return twilio.validateRequest(token, signature, url, fieldsOf(body));
  },
  slack_verify({ secret, headers, body }) {
    return isValidSlackRequest({ signingSecret: secret, body, headers });
  },
  jwt_sign({ secret, claims, expires }) {
    return jwt.sign(claims, secret, { algorithm: 'HS256', expiresIn: expires });
  },
  async twilio_send({ account, token, message, typing }) {
    const said = [];
    const client = twilio(account, token, { httpClient: twilioRecorder(said) });
    await client.messages.create(message);
    await client.messaging.v2.typingIndicator.create(typing);
    return said;
  },
  async telegram_send({ token, url, chat, text, topic }) {
    const bot = new Bot(token, { client: { apiRoot: url } });
    await bot.api.sendMessage(chat, text, { message_thread_id: topic });
    await bot.api.sendChatAction(chat, 'typing', { message_thread_id: topic });
  },
  async slack_send({ token, url, message }) {
    await new WebClient(token, { slackApiUrl: url + '/api/', retryConfig: { retries: 0 } }).chat.postMessage(message);
  },
};

let input = '';
for await (const chunk of process.stdin) input += chunk;
const results = [];
for (const task of JSON.parse(input)) results.push((await tasks[task.do](task)) ?? null);
console.log(JSON.stringify(results));
