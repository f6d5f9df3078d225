import OpenAI from 'openai';
import { NO_PROGRAMS, type RunningApp, startApp } from './running-app.ts';
import {
  type ModelServerHandler,
  type ScriptedModelServer,
  sendJson,
  startScriptedModelServer,
} from './scripted-model-server.ts';

/** Endpoints of a model server that are passed on, with a running app and the official SDK. */

export const KEY = 'a-key-of-sixteen-characters';
export const UPSTREAM_KEY = 'sk-upstream-0123456789abcdef';
export const PATHS = [
  '/tokenize',
  '/detokenize',
  '/rerank',
  '/v1/rerank',
  '/v1/audio/speech',
  '/v1/audio/transcriptions',
  '/v1/audio/translations',
  '/v1/images/generations',
  '/v1/images/edits',
  '/v1/images/variations',
];

export interface PassThroughStage {
  /** What the model server does at each path; set by each test. */
  handle: Record<string, ModelServerHandler>;
  readonly server: ScriptedModelServer;
  readonly app: RunningApp;
}

export async function startPassThrough(): Promise<PassThroughStage> {
  const stage: Pick<PassThroughStage, 'handle'> = { handle: {} };
  const streamed = ['/v1/audio/transcriptions', '/v1/audio/translations', '/v1/images/edits', '/v1/images/variations'];
  const handlers = Object.fromEntries(
    PATHS.map((path): [string, ModelServerHandler] => [
      path,
      (received, response, incoming) => {
        const handler = stage.handle[path];
        if (handler === undefined) return void sendJson(response, { detail: 'Not Found' }, 404);
        return handler(received, response, incoming);
      },
    ]),
  );
  handlers['/v1/embeddings'] = ({ body }, response) => {
    const { input } = JSON.parse(body);
    sendJson(response, { data: input.map((_: unknown, index: number) => ({ index, embedding: [1, 2] })) });
  };
  const server = await startScriptedModelServer(handlers, streamed);
  const app = await startApp('server', {
    ...NO_PROGRAMS,
    MODEL_PROVIDER: 'openai',
    OPENAI_BASE_URL: `${server.url}/v1`,
    OPENAI_API_KEY: UPSTREAM_KEY,
    API_KEYS: KEY,
    QUEUE_MAX_CONCURRENT: '1',
    QUEUE_MAX_SIZE: '1',
    UPLOADS_MAX_SIZE_MB: '16',
    MODEL_ALIASES: 'ears=whisper-1',
    LOG_LEVEL: 'silent',
  });
  return Object.assign(stage, { server, app });
}

/** Forgets what the last test has set and sent. */
export function resetPassThrough(stage: PassThroughStage): void {
  stage.handle = {};
  stage.server.received.length = 0;
}

export async function stopPassThrough({ app, server }: PassThroughStage): Promise<void> {
  await app.stop();
  await server.close();
}

export const clientOf = ({ app }: PassThroughStage) =>
  new OpenAI({ baseURL: `${app.url}/v1`, apiKey: KEY, maxRetries: 0 });

export function postTo({ app }: PassThroughStage, path: string, body: unknown, signal?: AbortSignal) {
  return fetch(app.url + path, {
    method: 'POST',
    headers: { authorization: `Bearer ${KEY}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
    ...(signal === undefined ? {} : { signal }),
  });
}
