import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { ChatEngineOptions } from '#lib/chat/chat-engine';
import { systemClock } from '#lib/chat/clock';
import { readConfig } from '#lib/config/config';
import { createAppServer } from '#lib/server/app-server';
import { drain } from '#lib/server/drain';
import { resetSingleton, singleton } from '#lib/singletons';
import { errorBodySchema } from '#lib/wire/error';
import type { ModelInfo, Models } from '#lib/wire/models';
import { type EngineHarness, engineHarness, settled } from './chat.ts';
import { INSTANCES, needsOneServer } from './instances.ts';

export interface ChatServer extends EngineHarness {
  url: string;
  /** Aborts like a client that goes away; resolves when the server knows. */
  close(): Promise<void>;
}

const MODEL: ModelInfo = {
  id: 'default-model',
  provider: 'ollama',
  size_bytes: 1_000,
  parameter_size: '1B',
  quantization: 'Q4_0',
  context_length: 2_048,
  capabilities: { thinking: true, vision: false, tools: true },
  loaded: true,
  is_default: true,
};

/**
 * The real server with the project's own route files, over a scripted model and a manual clock
 * unless `parts` says otherwise. With TEST_INSTANCES it has several engines over a Redis, and each
 * request goes to another one; their clock is the real one.
 */
export async function chatServer(
  environment: Record<string, string> = {},
  parts: Partial<ChatEngineOptions> = {},
): Promise<ChatServer> {
  const env = { HOST: '127.0.0.1', RATE_LIMIT_CHAT: '0', RATE_LIMIT_CODE: '0', LOG_LEVEL: 'silent', ...environment };
  const names = ['config', 'chat', 'chat.known-requests', 'chat.stored-responses', 'embeddings', 'models', 'metrics'];
  names.push('people.limits', 'http.request-limits');
  for (const name of names) resetSingleton(name);
  const group = INSTANCES > 1 ? await (await import('./instance-states.ts')).joinAsSeveral(env) : undefined;
  singleton('config', () => readConfig(group?.environment ?? env));
  const played =
    group === undefined
      ? engineHarness(env, parts)
      : engineHarness(group.environment, { clock: systemClock, ...parts }, (options) => group.createEngine(options));
  singleton('chat', () => played.engine);
  singleton('metrics', () => played.metrics);
  const list: Models = {
    models: [MODEL, { ...MODEL, id: 'other:7b', loaded: false, is_default: false }],
    default_model: MODEL.id,
    providers: [{ id: 'ollama', reachable: true, error: null }],
    notice: null,
  };
  const check = async () => {
    await played.provider.check();
    return { down: 0, total: 1 };
  };
  singleton('models', () => ({
    list: async () => list,
    listAll: async () => list,
    resolve: async (model?: string) => ({ provider: played.provider, model: model ?? MODEL.id }),
    providers: async () => [played.provider],
    servers: { serverOf: () => undefined },
    check,
  }));
  const server: Server = await createAppServer({
    root: process.cwd(),
    loadPages: async () => async (_incoming, outgoing) => void outgoing.writeHead(404).end(),
  });
  group?.distribute(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    ...played,
    get clock() {
      needsOneServer('moves its clock');
      return played.clock;
    },
    url: `http://127.0.0.1:${port}`,
    async close() {
      if (group === undefined) played.engine.close();
      else await group.close();
      await drain(server, 0);
      await settled();
    },
  };
}

/** Sends JSON, or a text as it is. */
export function postJson(url: string, body: unknown, headers: Record<string, string> = {}, signal?: AbortSignal) {
  return fetch(url, {
    method: 'POST',
    body: typeof body === 'string' ? body : JSON.stringify(body),
    headers: { 'content-type': 'application/json', ...headers },
    ...(signal === undefined ? {} : { signal }),
  });
}

/** The status, the headers and the body of an error. */
export async function failureOf(reply: Promise<Response>) {
  const response = await reply;
  return { status: response.status, headers: response.headers, ...errorBodySchema.parse(await response.json()) };
}
