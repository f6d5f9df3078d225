import {
  type FaultyModelServer,
  ollama,
  type Script,
  startFaultyModelServer,
} from '../test/support/faulty-model-server.ts';
import { type RunningApp, startApp } from '../test/support/running-app.ts';
import { test as base, expect } from './support.ts';

/**
 * The built app in front of a scripted model, for what the real small one cannot do: it sees, it
 * reasons.
 */
export const test = base.extend<Record<never, never>, { model: FaultyModelServer; app: RunningApp }>({
  model: [
    async ({ browserName: _ }, use) => {
      const model = await startFaultyModelServer(0, ['completion', 'thinking', 'vision']);
      await use(model);
      await model.close();
    },
    { scope: 'worker' },
  ],
  app: [
    async ({ model }, use) => {
      const app = await startApp('server', {
        MODEL_PROVIDER: 'ollama',
        OLLAMA_API_URL: model.url,
        OLLAMA_MODEL: 'test',
        CACHE_ENABLED: 'false',
        LOG_LEVEL: 'silent',
        QUEUE_MAX_CONCURRENT: '4',
        // A name that is not of this machine, for what browsers do over plain http.
        ALLOWED_HOSTS: 'lan.test',
      });
      await use(app);
      await app.stop();
    },
    { scope: 'worker' },
  ],
  baseURL: async ({ app }, use) => use(app.url),
});

export { expect, ollama };

/** A response in pieces, then its end. */
export function saying(...pieces: string[]): Script {
  return [...pieces.map((piece) => ({ send: ollama.text(piece) })), { send: ollama.done() }];
}
