import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';

/**
 * A model server that does what a script says, for Ollama's native API and OpenAI's: the faults
 * that real ones show, one at a time and on demand. Each chat request takes the next script; the
 * last one is used again and again.
 */

export type Step =
  /** Bytes as they are, in one write. */
  | { send: string | Uint8Array }
  /** Sets the response's status; must come before anything is sent. */
  | { status: number; headers?: Record<string, string> }
  /** Trailers of the chunked body. */
  | { trailers: Record<string, string> }
  /** Goes on when the promise does. */
  | { wait: Promise<unknown> }
  /** Ends the connection with a TCP reset. */
  | 'reset'
  /** Ends the connection in the middle of the chunked body. */
  | 'cut'
  /** Says no more and keeps the connection. */
  | 'hang';

/** A script that runs through ends its response in good order. */
export type Script = readonly Step[];

export interface SeenRequest {
  path: string;
  body: unknown;
  /**
   * Resolves when the exchange is over on either side; true if the response had ended in good
   * order.
   */
  over: Promise<boolean>;
}

export interface FaultyModelServer {
  /** Ollama's base address; OpenAI's is `${url}/v1`. */
  readonly url: string;
  /** Chat requests, in order. */
  readonly requests: SeenRequest[];
  /** Chat requests that are being served now. */
  readonly running: number;
  /** Connections that are open now, idle ones too. */
  readonly connections: number;
  /** Connections that were ever opened. */
  readonly opened: number;
  play(...scripts: Script[]): void;
  /** From now on the body of a chat request says which script it gets. */
  choose(script: (body: unknown) => Script): void;
  /**
   * From now on `path`, which is none of the chat routes, responds with `body`; undefined is as
   * before.
   */
  setResponse(path: string, body: unknown, status?: number): void;
  /** Resolves when no chat request is being served. */
  idle(): Promise<void>;
  close(): Promise<void>;
}

/** `capabilities`, as Ollama names them, are the one model's. */
export async function startFaultyModelServer(
  port = 0,
  capabilities: readonly string[] = ['completion', 'thinking', 'tools'],
): Promise<FaultyModelServer> {
  let next: (body: unknown) => Script | undefined = () => undefined;
  let running = 0;
  let whenIdle = Promise.withResolvers<void>();
  const requests: SeenRequest[] = [];
  const sockets = new Set<Socket>();
  let opened = 0;
  const responses = new Map<string, { body: unknown; status: number }>();

  const server = createServer(async (request, response) => {
    const path = request.url ?? '';
    const usual =
      path === '/api/show' ? { ...SHOWN, capabilities } : request.method === 'GET' ? FIXED[path] : undefined;
    const { body: fixed = usual, status = 200 } = responses.get(path) ?? {};
    if (fixed !== undefined) {
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(fixed));
      return;
    }
    const body = await readJson(request);
    const over = Promise.withResolvers<boolean>();
    running++;
    response.once('close', () => {
      running--;
      over.resolve(response.writableFinished);
      if (running > 0) return;
      whenIdle.resolve();
      whenIdle = Promise.withResolvers();
    });
    requests.push({ path: request.url ?? '', body, over: over.promise });
    await perform(next(body) ?? [{ status: 500 }], response);
  });
  server.on('connection', (socket) => {
    opened++;
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  await new Promise<void>((listening) => server.listen(port, '127.0.0.1', listening));
  const { port: actual } = server.address() as AddressInfo;

  return {
    url: `http://127.0.0.1:${actual}`,
    requests,
    get running() {
      return running;
    },
    get connections() {
      return sockets.size;
    },
    get opened() {
      return opened;
    },
    play(...scripts) {
      next = () => (scripts.length > 1 ? scripts.shift() : scripts[0]);
    },
    choose(script) {
      next = script;
    },
    setResponse(path, body, status = 200) {
      responses.set(path, { body, status });
    },
    async idle() {
      if (running > 0) await whenIdle.promise;
    },
    async close() {
      server.closeAllConnections();
      await new Promise((closed) => server.close(closed));
    },
  };
}

async function perform(script: Script, response: ServerResponse): Promise<void> {
  for (const step of script) {
    if (response.destroyed) return;
    if (step === 'hang') {
      response.flushHeaders();
      return;
    }
    if (step === 'reset') {
      response.socket?.resetAndDestroy();
      return;
    }
    if (step === 'cut') {
      response.socket?.end();
      return;
    }
    if ('status' in step) response.writeHead(step.status, step.headers);
    else if ('trailers' in step) response.addTrailers(step.trailers);
    else if ('wait' in step) await step.wait;
    else await new Promise((written) => response.write(step.send, written));
  }
  response.end();
}

async function readJson(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  const text = Buffer.concat(chunks).toString();
  return text === '' ? undefined : JSON.parse(text);
}

const MODEL = 'test:latest';

/** What both APIs serve except chats: one model, `test`. */
const FIXED: Record<string, unknown> = {
  '/api/version': { version: '0.0.0' },
  '/api/tags': {
    models: [
      {
        name: MODEL,
        model: MODEL,
        digest: 'abc',
        size: 1234,
        details: { parameter_size: '1B', quantization_level: 'Q4_0' },
      },
    ],
  },
  '/api/ps': { models: [] },
  '/v1/models': { object: 'list', data: [{ id: MODEL, object: 'model' }] },
};

const SHOWN = { model_info: { 'general.architecture': 'llama', 'llama.context_length': 4096 } };

/** Lines of Ollama's stream. */
export const ollama = {
  text: (content: string) => line({ message: { role: 'assistant', content }, done: false }),
  thinking: (thinking: string) => line({ message: { role: 'assistant', content: '', thinking }, done: false }),
  done: (doneReason = 'stop') =>
    line({
      message: { role: 'assistant', content: '' },
      done: true,
      done_reason: doneReason,
      prompt_eval_count: 3,
      eval_count: 5,
    }),
  error: (error: string) => line({ error }),
};

/** Events of OpenAI's stream. */
export const openai = {
  text: (content: string) => event({ choices: [{ index: 0, delta: { content }, finish_reason: null }] }),
  thinking: (text: string) =>
    event({ choices: [{ index: 0, delta: { reasoning_content: text }, finish_reason: null }] }),
  finish: (reason = 'stop') => event({ choices: [{ index: 0, delta: {}, finish_reason: reason }] }),
  usage: () => event({ choices: [], usage: { prompt_tokens: 3, completion_tokens: 5, total_tokens: 8 } }),
  done: () => 'data: [DONE]\n\n',
  error: (message: string) => event({ error: { message } }),
};

const line = (value: unknown) => `${JSON.stringify(value)}\n`;
const event = (value: unknown) => `data: ${JSON.stringify(value)}\n\n`;
