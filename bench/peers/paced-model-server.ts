/**
 * A model server for a thousand streams at little cost: each token is one write of a ready frame,
 * and one timer serves all streams. The model's name says how many tokens a response has and how
 * many milliseconds lie between two: `stamp-100-20`. Each token is the time at which it was sent,
 * `t<microseconds since the epoch>`. Speaks Ollama's `/api/chat` and OpenAI's
 * `/v1/chat/completions`. `GET /count` reports how many responses it began.
 * `node bench/peers/paced-model-server.ts <port>`
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

const TICK_MS = 2;

interface Stream {
  socket: Socket;
  frame: (token: string) => string;
  end: string;
  left: number;
  everyTicks: number;
  phase: number;
}

const streams = new Set<Stream>();
let began = 0;
let tick = 0;

setInterval(() => {
  tick += 1;
  const token = `t${Math.round((performance.timeOrigin + performance.now()) * 1000)} `;
  for (const stream of streams) if (tick % stream.everyTicks === stream.phase) advance(stream, token);
}, TICK_MS);

function advance(stream: Stream, token: string): void {
  if (stream.socket.destroyed) streams.delete(stream);
  else if (stream.left > 0) {
    stream.left -= 1;
    stream.socket.write(stream.frame(token), 'latin1');
  } else {
    stream.socket.end(stream.end, 'latin1');
    streams.delete(stream);
  }
}

createServer((incoming, outgoing) => {
  const path = incoming.url ?? '/';
  if (path === '/count') return json(outgoing, { began });
  if (path === '/api/version') return json(outgoing, { version: '0.24.0' });
  if (path === '/api/show') return json(outgoing, { capabilities: ['completion'], model_info: {} });
  if (path === '/v1/models') return json(outgoing, { object: 'list', data: [{ id: 'stamp-100-20', object: 'model' }] });
  if (path.startsWith('/api/') && path !== '/api/chat') return json(outgoing, { models: [] });
  void respond(incoming, outgoing.socket, path.startsWith('/v1/'));
}).listen(Number(process.argv[2]), '127.0.0.1');

async function respond(incoming: IncomingMessage, socket: Socket | null, isOpenAi: boolean): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk);
  const { model } = JSON.parse(Buffer.concat(chunks).toString());
  const [tokens = 100, paceMs = 20] = /^\w+-(\d+)-(\d+)$/.exec(model)?.slice(1).map(Number) ?? [];
  if (socket === null) return;
  began += 1;
  const type = isOpenAi ? 'text/event-stream' : 'application/x-ndjson';
  socket.write(`HTTP/1.1 200 OK\r\nContent-Type: ${type}\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n`);
  const everyTicks = Math.max(1, Math.round(paceMs / TICK_MS));
  const write = isOpenAi ? openAiFrames(model, tokens) : ollamaFrames(model, tokens);
  streams.add({ socket, ...write, left: tokens, everyTicks, phase: began % everyTicks });
}

function ollamaFrames(model: string, tokens: number) {
  const head = `{"model":"${model}","message":{"role":"assistant","content":"`;
  const last = { model, message: { role: 'assistant', content: '' }, done: true, done_reason: 'stop' };
  return {
    frame: (token: string) => chunked(`${head}${token}"},"done":false}\n`),
    end: `${chunked(`${JSON.stringify({ ...last, prompt_eval_count: 5, eval_count: tokens })}\n`)}0\r\n\r\n`,
  };
}

function openAiFrames(model: string, tokens: number) {
  const head = `data: {"id":"x","object":"chat.completion.chunk","created":0,"model":"${model}","choices":[`;
  const usage = `"usage":{"prompt_tokens":5,"completion_tokens":${tokens},"total_tokens":${tokens + 5}}`;
  return {
    frame: (token: string) => chunked(`${head}{"index":0,"delta":{"content":"${token}"},"finish_reason":null}]}\n\n`),
    end: `${chunked(`${head}{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n${head}],${usage}}\n\ndata: [DONE]\n\n`)}0\r\n\r\n`,
  };
}

function chunked(text: string): string {
  return `${text.length.toString(16)}\r\n${text}\r\n`;
}

function json(outgoing: ServerResponse, body: unknown): void {
  outgoing.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}
