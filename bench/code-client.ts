import { Agent, request } from 'undici';
import { type RunningServer, startApp } from './harness.ts';

/**
 * The app as `npm start` starts it, without a limit of runs, and with every language that is
 * installed ready to be run.
 */
export async function startRunner(languages: readonly string[]): Promise<RunningServer> {
  const server = await startApp({
    // No model is asked for anything.
    MODEL_PROVIDER: 'ollama',
    OLLAMA_API_URL: 'http://127.0.0.1:9',
    RATE_LIMIT_CODE: '0',
    LOG_LEVEL: 'warn',
  });
  // Go's library is compiled at the first start on a machine.
  for (let attempt = 0; ; attempt++) {
    const health = await fetch(`${server.url}/api/v1/health`).then((response) => response.json());
    const missing = languages.filter((language) => !health.languages.includes(language));
    if (missing.length === 0) return server;
    if (attempt > 300) throw new Error(`not ready: ${missing.join(', ')}: ${JSON.stringify(health.notices)}`);
    await new Promise((resolve) => setTimeout(resolve, 1000));
  }
}

/** Kept-alive connections to one runner. */
export class CodeClient {
  readonly #agent: Agent;
  readonly #url: string;

  constructor(url: string, connections: number) {
    this.#agent = new Agent({ connections, pipelining: 1, keepAliveTimeout: 600_000 });
    this.#url = `${url}/api/v1/code/run`;
  }

  /** What a program printed. Throws where it did not end well. */
  async run(language: string, code: string): Promise<string> {
    const { statusCode, body } = await request(this.#url, {
      dispatcher: this.#agent,
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ language, code }),
    });
    const text = await body.text();
    const result: unknown = JSON.parse(text);
    if (statusCode !== 200 || typeof result !== 'object' || result === null || Reflect.get(result, 'exit_code') !== 0)
      throw new Error(`${language}: ${statusCode} ${text.slice(0, 1000)}`);
    return String(Reflect.get(result, 'stdout'));
  }

  close(): Promise<void> {
    return this.#agent.close();
  }
}
