/**
 * A model server that costs little. The model's name says what a response holds:
 *
 * - `stamp-100-20`: 100 tokens, the first at once and then one every 20 ms. Each token is the time
 *   at which it was sent, `t<microseconds since the epoch>`, and is one write of a ready frame; one
 *   timer serves all streams.
 * - `words-40-0`: 40 words in one write of ready bytes.
 * - `kilobytes-8-0`: 8 tokens of 1,000 bytes, likewise.
 *
 * Speaks Ollama's `/api/chat` and OpenAI's `/v1/chat/completions`, streamed only. `GET /count`
 * reports how many responses it began and how many connections carried them.
 * `node bench/peers/paced-model-server.ts <port>`
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

const TICK_MS = 2;
/** A proxy may refuse models that are not listed. */
const LISTED = ['stamp-150-20', 'words-1-0', 'words-40-0'];

interface Stream {
  socket: Socket;
  frames: Frames;
  left: number;
  everyTicks: number;
  phase: number;
}

interface Frames {
  frame: (token: string) => string;
  end: string;
}

const streams = new Set<Stream>();
const carriers = new WeakSet<Socket>();
const readyBodies = new Map<string, Buffer>();
let began = 0;
let connections = 0;
let tick = 0;

setInterval(() => {
  tick += 1;
  const token = stamp();
  for (const stream of streams) if (tick % stream.everyTicks === stream.phase) advance(stream, token);
}, TICK_MS);

const stamp = () => `t${Math.round((performance.timeOrigin + performance.now()) * 1000)} `;

function advance(stream: Stream, token: string): void {
  if (stream.socket.destroyed) streams.delete(stream);
  else if (stream.left > 0) {
    stream.left -= 1;
    stream.socket.write(chunked(stream.frames.frame(token)), 'latin1');
  } else {
    stream.socket.end(`${chunked(stream.frames.end)}0\r\n\r\n`, 'latin1');
    streams.delete(stream);
  }
}

createServer((incoming, outgoing) => {
  const path = incoming.url ?? '/';
  if (path === '/count') return json(outgoing, { began, connections });
  if (path === '/api/version') return json(outgoing, { version: '0.24.0' });
  if (path === '/api/show') return json(outgoing, { capabilities: ['completion'], model_info: {} });
  if (path === '/v1/models')
    return json(outgoing, { object: 'list', data: LISTED.map((id) => ({ id, object: 'model' })) });
  if (path.startsWith('/api/') && path !== '/api/chat') return json(outgoing, { models: [] });
  void respond(incoming, outgoing, path.startsWith('/v1/'));
}).listen(Number(process.argv[2]), '127.0.0.1');

async function respond(incoming: IncomingMessage, outgoing: ServerResponse, isOpenAi: boolean): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk);
  const { model } = JSON.parse(Buffer.concat(chunks).toString());
  const [, kind = '', count = '100', pace = '20'] = /^(\w+)-(\d+)-(\d+)$/.exec(model) ?? [];
  const { socket } = outgoing;
  if (socket === null) return;
  began += 1;
  if (!carriers.has(socket)) {
    carriers.add(socket);
    connections += 1;
  }
  const [tokens, paceMs] = [Number(count), Number(pace)];
  const type = isOpenAi ? 'text/event-stream' : 'application/x-ndjson';
  if (paceMs === 0) {
    outgoing.writeHead(200, { 'content-type': type }).end(readyBody(model, kind, tokens, isOpenAi));
    return;
  }
  socket.write(`HTTP/1.1 200 OK\r\nContent-Type: ${type}\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n`);
  const everyTicks = Math.max(1, Math.round(paceMs / TICK_MS));
  const frames = framesOf(model, tokens, isOpenAi);
  const stream = { socket, frames, left: tokens, everyTicks, phase: tick % everyTicks };
  streams.add(stream);
  advance(stream, stamp());
}

function readyBody(model: string, kind: string, tokens: number, isOpenAi: boolean): Buffer {
  const key = `${model} ${isOpenAi}`;
  const kept = readyBodies.get(key);
  if (kept !== undefined) return kept;
  const { frame, end } = framesOf(model, tokens, isOpenAi);
  const token = kind === 'kilobytes' ? () => `${'kilobyte '.repeat(111)}\\n` : (place: number) => `word${place} `;
  const body = Buffer.from(Array.from({ length: tokens }, (_, index) => frame(token(index + 1))).join('') + end);
  readyBodies.set(key, body);
  return body;
}

function framesOf(model: string, tokens: number, isOpenAi: boolean): Frames {
  if (isOpenAi) {
    const head = `data: {"id":"x","object":"chat.completion.chunk","created":0,"model":"${model}","choices":[`;
    const usage = `"usage":{"prompt_tokens":5,"completion_tokens":${tokens},"total_tokens":${tokens + 5}}`;
    return {
      frame: (token) => `${head}{"index":0,"delta":{"content":"${token}"},"finish_reason":null}]}\n\n`,
      end: `${head}{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n${head}],${usage}}\n\ndata: [DONE]\n\n`,
    };
  }
  const head = `{"model":"${model}","message":{"role":"assistant","content":"`;
  const last = { model, message: { role: 'assistant', content: '' }, done: true, done_reason: 'stop' };
  return {
    frame: (token) => `${head}${token}"},"done":false}\n`,
    end: `${JSON.stringify({ ...last, prompt_eval_count: 5, eval_count: tokens })}\n`,
  };
}

function chunked(text: string): string {
  return `${text.length.toString(16)}\r\n${text}\r\n`;
}

function json(outgoing: ServerResponse, body: unknown): void {
  outgoing.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}
