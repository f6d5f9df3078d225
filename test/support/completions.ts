import { Ollama } from 'ollama';
import OpenAI from 'openai';
import type { ChatEngineOptions } from '#lib/chat/chat-engine';
import { systemClock } from '#lib/chat/clock';
import { readConfig } from '#lib/config/config';
import { EmbeddedProvider } from '#lib/models/embedded/provider';
import { OllamaProvider } from '#lib/models/ollama/provider';
import { OpenAiProvider } from '#lib/models/openai/provider';
import type { ModelProvider } from '#lib/models/provider';
import { createResilientChat } from '#lib/models/resilience';
import { type ChatServer, chatServer } from './chat-server.ts';
import { type FaultyModelServer, type Script, startFaultyModelServer } from './faulty-model-server.ts';

/**
 * Texts without a chat template, by the official SDKs, over the whole way to a scripted model
 * server of each kind. The model's name chooses the kind.
 */

export interface CompletionStage {
  readonly model: FaultyModelServer;
  readonly providers: Record<string, ModelProvider> & { openai: OpenAiProvider };
  /** The server of the last `start`. */
  s: ChatServer;
}

type Parts = Partial<ChatEngineOptions>;

export async function openCompletions(): Promise<CompletionStage> {
  const model = await startFaultyModelServer();
  const providers = {
    openai: new OpenAiProvider({ url: `${model.url}/v1` }),
    ollama: new OllamaProvider({ url: model.url, keepAlive: '5m' }),
    embedded: new EmbeddedProvider(readConfig({})),
  };
  return { model, providers, s: await startServer(providers) };
}

/** Starts the server again, with other settings. */
export async function restart(
  stage: CompletionStage,
  environment: Record<string, string> = {},
  parts?: Parts,
): Promise<void> {
  stage.s = await startServer(stage.providers, environment, parts);
}

function startServer(
  providers: CompletionStage['providers'],
  environment: Record<string, string> = {},
  parts: Parts = { clock: systemClock },
): Promise<ChatServer> {
  const settings = { DISCONNECT_GRACE_MS: '50', UPSTREAM_RETRIES: '0', QUEUE_MAX_CONCURRENT: '8', ...environment };
  return chatServer(settings, {
    ...parts,
    directory: {
      resolve: async (name = 'openai') => {
        const provider = providers[name];
        if (provider === undefined) throw new Error(`no provider for ${name}`);
        return { provider, model: name };
      },
    },
    call: createResilientChat(readConfig(settings)),
  });
}

export async function closeCompletions({ s, model, providers }: CompletionStage): Promise<void> {
  await s.close();
  await model.idle();
  await Promise.all(Object.values(providers).map((provider) => provider.close()));
  await model.close();
}

export const clientOf = ({ s }: CompletionStage) =>
  new OpenAI({ baseURL: `${s.url}/v1`, apiKey: 'none', maxRetries: 0 });
export const ollamaClientOf = ({ s }: CompletionStage) => new Ollama({ host: s.url });
export const bodiesOf = ({ model }: CompletionStage) => model.requests.map(({ body }) => body);
export const promptOf = (body: unknown) => String(Reflect.get(Object(body), 'prompt'));

export const event = (value: unknown) => ({ send: `data: ${JSON.stringify(value)}\n\n` });
export const piece = (text: string, logprobs: unknown = null) =>
  event({ object: 'text_completion', choices: [{ index: 0, text, logprobs, finish_reason: null }], usage: null });
export const ended = (reason = 'stop'): Script => [
  event({ choices: [{ index: 0, text: '', logprobs: null, finish_reason: reason }] }),
  event({ choices: [], usage: { prompt_tokens: 3, completion_tokens: 5, total_tokens: 8 } }),
  { send: 'data: [DONE]\n\n' },
];
export const texts = (...pieces: string[]): Script => [...pieces.map((text) => piece(text)), ...ended()];

export const line = (value: object) => ({
  send: `${JSON.stringify({ model: 'm', created_at: '2026-01-01', ...value })}\n`,
});
export const generated = (...pieces: string[]): Script => [
  ...pieces.map((response) => line({ response, done: false })),
  line({ response: '', done: true, done_reason: 'stop', prompt_eval_count: 3, eval_count: 5, context: [1, 2, 3] }),
];
