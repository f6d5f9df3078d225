import { Agent, request } from 'undici';

/** Sends requests of the queue over kept connections, and parses the replies. */
export class QueueClient {
  readonly #agent: Agent;

  /** So many requests are sent at a time. */
  constructor(connections: number) {
    this.#agent = new Agent({ connections });
  }

  /** The body of the reply. Throws if it has a status from 300. */
  async send(url: string, method: 'GET' | 'POST' | 'DELETE', body?: unknown) {
    const response = await request(url, {
      dispatcher: this.#agent,
      method,
      headers: { 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.body.text();
    if (response.statusCode >= 300) throw new Error(`${method} ${url} responded with ${response.statusCode}: ${text}`);
    return JSON.parse(text);
  }
}

/** The body of a request with one question. */
export const question = (model: string, content: string) => ({ model, messages: [{ role: 'user', content }] });
