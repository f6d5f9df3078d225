/**
 * The mixed load of the soak: what people and programs do with a chat server at the same time. Each
 * kind resolves to the time that its caller waits, in ms, and rejects on a failed request.
 */
import { Agent, type ClientRequest, type IncomingMessage, request } from 'node:http';

export interface Kind {
  name: string;
  /** Requests of this kind in a hundred. */
  share: number;
  send: (url: string) => Promise<number>;
}

const MODEL_OF_WORDS = 'words-40-0';
/** 40 tokens in 0.8 s. */
const MODEL_OF_STREAMS = 'stamp-40-20';
const REPEATED_QUESTIONS = 200;
/** How long after the first reader the second one comes. */
export const LATE_MS = 200;

const agent = new Agent({ keepAlive: true, maxSockets: Number.POSITIVE_INFINITY });
let asked = 0;

const unique = () => `Question ${asked++} that is asked once.`;

export const KINDS: readonly Kind[] = [
  { name: 'cached', share: 40, send: (url) => complete(url, repeatedQuestion(asked++ % REPEATED_QUESTIONS)) },
  { name: 'uncached', share: 30, send: (url) => complete(url, unique()) },
  { name: 'streamed', share: 10, send: (url) => streamed(url, unique(), 'read') },
  { name: 'stream cut by its reader', share: 8, send: (url) => streamed(url, unique(), 'cut') },
  { name: 'joins a running stream', share: 7, send: joined },
  { name: 'queued and cancelled', share: 5, send: cancelled },
];

/** All questions that are asked again, so that their responses are cached. */
export async function askRepeated(url: string): Promise<void> {
  for (let index = 0; index < REPEATED_QUESTIONS; index++) await complete(url, repeatedQuestion(index));
}

const repeatedQuestion = (index: number) => `Question ${index}, asked again and again.`;

const body = (model: string, content: string, stream: boolean) =>
  JSON.stringify({ model, messages: [{ role: 'user', content }], stream });

async function complete(url: string, question: string): Promise<number> {
  const began = performance.now();
  const { incoming } = await send(`${url}/api/chat-optimized`, 'POST', body(MODEL_OF_WORDS, question, false));
  await text(incoming);
  return performance.now() - began;
}

/** Resolves to the time to the first token once the stream was read, or cut after that token. */
async function streamed(url: string, question: string, end: 'read' | 'cut'): Promise<number> {
  const began = performance.now();
  const { outgoing, incoming } = await send(
    `${url}/api/chat-optimized`,
    'POST',
    body(MODEL_OF_STREAMS, question, true),
  );
  let firstMs: number | undefined;
  let tail = '';
  for await (const chunk of incoming) {
    tail = (tail + chunk).slice(-4_000);
    firstMs ??= performance.now() - began;
    if (end === 'cut') {
      outgoing.destroy();
      break;
    }
  }
  if (firstMs === undefined) throw new Error('a stream without a token');
  if (end === 'read' && !/event: done|"done":\s*true|"type":"done"/.test(tail))
    throw new Error(`a stream ended early: ${tail.slice(-200)}`);
  return firstMs;
}

/** Resolves to the first token of the second reader. */
async function joined(url: string): Promise<number> {
  const question = unique();
  const first = streamed(url, question, 'read');
  await Promise.race([first, new Promise((resolve) => setTimeout(resolve, LATE_MS))]);
  const [, late] = await Promise.all([first, streamed(url, question, 'read')]);
  return late;
}

async function cancelled(url: string): Promise<number> {
  const queue = `${url}/api/chat-queue`;
  const submitted = await send(queue, 'POST', body(MODEL_OF_STREAMS, unique(), true));
  const { request_id: id } = JSON.parse(await text(submitted.incoming)) as { request_id: string };
  const began = performance.now();
  const { incoming } = await send(`${queue}?requestId=${id}`, 'DELETE');
  await text(incoming);
  return performance.now() - began;
}

function send(
  url: string,
  method: string,
  content = '',
): Promise<{ outgoing: ClientRequest; incoming: IncomingMessage }> {
  return new Promise((resolve, reject) => {
    const headers = content === '' ? {} : { 'content-type': 'application/json' };
    const outgoing = request(url, { agent, method, headers }, (incoming) => {
      const status = incoming.statusCode ?? 0;
      if (status >= 200 && status < 300) return resolve({ outgoing, incoming });
      text(incoming).then((why) => reject(new Error(`${method} ${url}: ${status} ${why}`)), reject);
    });
    outgoing.on('error', reject).end(content);
  });
}

async function text(incoming: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}
