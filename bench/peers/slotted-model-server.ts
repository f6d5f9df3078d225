/**
 * An Ollama with a known capacity: it works on `slots` requests at a time, `ms` each, and the
 * others wait in line. `GET /count` reports how many responses it gave.
 * `node bench/peers/slotted-model-server.ts <port> <slots> <ms>`
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';

const [port, slots = 1, ms = 50] = process.argv.slice(2).map(Number);
const MODEL = 'bench:latest';
const waiting: ServerResponse[] = [];
let running = 0;
let served = 0;

const FIXED: Record<string, object> = {
  '/api/tags': { models: [{ name: MODEL, digest: 'bench', size: 1_000_000 }] },
  '/api/ps': { models: [{ name: MODEL }] },
  '/api/version': { version: '0.24.0' },
  '/api/show': { capabilities: ['completion'], model_info: {} },
};

createServer((incoming, outgoing) => {
  const path = incoming.url ?? '/';
  const body = path === '/count' ? { served } : FIXED[path];
  if (body !== undefined) outgoing.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  else void accept(incoming, outgoing);
}).listen(port, '127.0.0.1');

async function accept(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
  for await (const _ of incoming);
  waiting.push(outgoing);
  work();
}

function work(): void {
  while (running < slots) {
    const next = waiting.shift();
    if (next === undefined) return;
    if (next.destroyed) continue;
    running += 1;
    setTimeout(() => {
      running -= 1;
      served += 1;
      next.writeHead(200, { 'content-type': 'application/x-ndjson' }).end(RESPONSE);
      work();
    }, ms);
  }
}

const line = (value: object) => `${JSON.stringify({ model: MODEL, ...value })}\n`;
const RESPONSE =
  line({ message: { role: 'assistant', content: 'word ' }, done: false }) +
  line({
    ...{ message: { role: 'assistant', content: '' }, done: true, done_reason: 'stop' },
    ...{ prompt_eval_count: 5, eval_count: 1 },
  });
