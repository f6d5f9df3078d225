/**
 * Responses of model servers as each of them writes a short one. Each server has a file here, whose
 * head says where its shapes were seen. The texts in them are short ones of our own.
 */

/** One response on the wire, and what a reader of it must see. */
export interface Dialect {
  name: string;
  api: 'ollama' | 'openai';
  events: object[];
  /**
   * How the events are put on the wire; one line of JSON, or one SSE event with `[DONE]` at the
   * end, where it is missing.
   */
  write?: (events: readonly object[]) => string;
  /** The request has `think: true`. */
  think?: boolean;
  /** Not a stream, but one JSON body. */
  isOnePiece?: boolean;
  text: string;
  thinking?: string;
  tools?: string[];
  usage?: { prompt_tokens: number; completion_tokens: number };
}

/**
 * The same responses of each server; `EXPECTED` says what is in them. A server that cannot give one
 * has null there.
 */
export interface ResponseSet {
  text: object[];
  /** Null for a server that keeps the reasoning to itself. */
  reasoning: object[] | null;
  'one call': object[];
  /** Two calls of one tool. */
  'two calls': object[];
  length: object[];
  filtered: object[] | null;
}
export type ResponseName = keyof ResponseSet;

export interface Refusal {
  status: number;
  headers?: Record<string, string>;
  body: string;
  /** A part of the server's sentence, which a caller must see. */
  says: string;
  /** What a caller is asked to wait. */
  retryAfterSeconds?: number;
}

export interface ServerDialect {
  name: string;
  api: 'ollama' | 'openai';
  /** How events are put on the wire; as with `Dialect`. */
  write?: (events: readonly object[]) => string;
  responses: ResponseSet;
  /** What follows the text `Hel` when a generation fails, and what a caller must see of it. */
  failure: { wire: string; says: string };
  /** Null for a server that lets requests wait instead. */
  busy: Refusal | null;
  tooLong: Refusal;
  /** Its list of models, and the contexts that are in it. */
  models: { body: object; contexts: Record<string, number | null> };
  /** Other shapes that were seen. */
  oddities?: Dialect[];
}

const usage = { prompt_tokens: 11, completion_tokens: 7 };

/** What is in a server's responses. */
export const EXPECTED: Record<
  ResponseName,
  {
    text: string;
    thinking?: string;
    calls?: { name: string; arguments: object }[];
    reason: string;
    usage?: typeof usage;
  }
> = {
  text: { text: 'Hello', reason: 'stop', usage },
  reasoning: { text: 'Hello', thinking: 'Hm.', reason: 'stop' },
  'one call': { text: '', calls: [{ name: 'weather', arguments: { city: 'Bern' } }], reason: 'tool_calls' },
  'two calls': {
    text: '',
    calls: [
      { name: 'weather', arguments: { city: 'Bern' } },
      { name: 'weather', arguments: { city: 'Rome' } },
    ],
    reason: 'tool_calls',
  },
  length: { text: 'Hel', reason: 'length' },
  filtered: { text: 'Hel', reason: 'content_filter' },
};

export const TOKENS = { ...usage, total_tokens: 18 };

/** One server-sent event. */
export const sse = (event: object) => `data: ${JSON.stringify(event)}\n\n`;
const lines = (events: readonly object[]) => events.map((event) => `${JSON.stringify(event)}\n`).join('');
const streamed = (events: readonly object[]) => `${events.map(sse).join('')}data: [DONE]\n\n`;

/** Events of a dialect on the wire. */
export function onTheWire({ api, write }: Pick<Dialect, 'api' | 'write'>, events: readonly object[]): string {
  return (write ?? (api === 'ollama' ? lines : streamed))(events);
}

/** The chunks of one server: `head` is what each begins with, `choice` what each choice has. */
export function chunks(head: object, choice: object = {}, tail: object = {}) {
  return (delta: object | null, finishReason: string | null = null, more: object = {}) => ({
    ...head,
    choices: [{ index: 0, delta, ...choice, finish_reason: finishReason }],
    ...tail,
    ...more,
  });
}
