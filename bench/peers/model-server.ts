/**
 * A model that costs nothing: streams `tokens` words, one every `pace` milliseconds, as Ollama
 * (`/api/chat`) and as OpenAI (`/v1/chat/completions`) do. The model's name says how many and how
 * fast: `words-100-10`; `prose-100-10` writes paragraphs, lists and code instead. `GET /count`
 * reports how many responses it began. `node bench/peers/model-server.ts <port>`
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';

let began = 0;

createServer((incoming, outgoing) => {
  const path = incoming.url ?? '/';
  if (path === '/count') return json(outgoing, { began });
  if (path === '/api/tags') return json(outgoing, { models: [] });
  if (path === '/api/ps') return json(outgoing, { models: [] });
  if (path === '/api/version') return json(outgoing, { version: '0.24.0' });
  if (path === '/v1/models') return json(outgoing, { object: 'list', data: [{ id: 'words-100-10', object: 'model' }] });
  if (path === '/api/show') return json(outgoing, { capabilities: ['completion'], model_info: {} });
  void response(incoming, outgoing, path.startsWith('/v1/'));
}).listen(Number(process.argv[2]), '127.0.0.1');

async function response(incoming: IncomingMessage, outgoing: ServerResponse, openAi: boolean): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk);
  const { model } = JSON.parse(Buffer.concat(chunks).toString());
  const [tokens = 100, paceMs = 10] = /^\w+-(\d+)-(\d+)$/.exec(model)?.slice(1).map(Number) ?? [];
  const word = String(model).startsWith('prose-') ? proseToken : (place: number) => `word${place} `;
  began += 1;
  outgoing.writeHead(200, { 'content-type': openAi ? 'text/event-stream' : 'application/x-ndjson' });
  let sent = 0;
  const send = () => {
    if (outgoing.destroyed) return;
    if (sent < tokens) {
      sent += 1;
      outgoing.write(openAi ? openAiChunk(model, word(sent)) : ollamaLine(model, word(sent)));
      if (paceMs === 0) setImmediate(send);
      else setTimeout(send, paceMs);
    } else outgoing.end(openAi ? openAiEnd(model, tokens) : ollamaEnd(model, tokens));
  };
  send();
}

const PROSE =
  '## Next step\n\nThe loop **keeps** a list of `primes` and tries each number:\n\n- odd ones only\n- up to the root\n\n```python\nprimes = [2]\nfor n in range(3, 100, 2):\n    if all(n % p for p in primes):  # none divides it\n        primes.append(n)\nprint(primes)\n```\n\n';
const PROSE_TOKENS = PROSE.match(/\s*\S{1,6}|\s+$/g) ?? [];

const proseToken = (place: number) => PROSE_TOKENS[(place - 1) % PROSE_TOKENS.length] ?? '';

function ollamaLine(model: string, content: string): string {
  return `${JSON.stringify({ model, message: { role: 'assistant', content }, done: false })}\n`;
}

function ollamaEnd(model: string, tokens: number): string {
  const message = { role: 'assistant', content: '' };
  return `${JSON.stringify({ model, message, done: true, done_reason: 'stop', prompt_eval_count: 5, eval_count: tokens })}\n`;
}

function openAiChunk(model: string, content: string): string {
  const choices = [{ index: 0, delta: { content }, finish_reason: null }];
  return `data: ${JSON.stringify({ id: 'x', object: 'chat.completion.chunk', created: 0, model, choices })}\n\n`;
}

function openAiEnd(model: string, tokens: number): string {
  const frame = { id: 'x', object: 'chat.completion.chunk', created: 0, model };
  const last = { ...frame, choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] };
  const usage = { prompt_tokens: 5, completion_tokens: tokens, total_tokens: tokens + 5 };
  return `data: ${JSON.stringify(last)}\n\ndata: ${JSON.stringify({ ...frame, choices: [], usage })}\n\ndata: [DONE]\n\n`;
}

function json(outgoing: ServerResponse, body: unknown): void {
  outgoing.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}
