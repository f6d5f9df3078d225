import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AppError } from '#lib/errors';
import { OllamaProvider } from '#lib/models/ollama/provider';
import { OpenAiProvider } from '#lib/models/openai/provider';
import type { ModelEvent, ModelProvider, ModelRequest } from '#lib/models/provider';
import { type Dialect, onTheWire } from '../../test/support/dialects/dialect.ts';
import { dialects, lists } from '../../test/support/dialects/index.ts';
import { type FaultyModelServer, type Script, startFaultyModelServer } from '../../test/support/faulty-model-server';
import { chatEvents } from '../../test/support/model-events.ts';

/** Every response that a model server is known to write, and each with one field of it wrong. */

let server: FaultyModelServer;
let providers: Record<Dialect['api'], ModelProvider>;
/** Responses, by the index in the message of the request. */
const scripts: Script[] = [];

beforeAll(async () => {
  server = await startFaultyModelServer();
  server.choose((body) => scripts[Number((body as { messages: { content: string }[] }).messages[0]?.content)] ?? []);
  providers = {
    ollama: new OllamaProvider({ url: server.url, keepAlive: '5m' }),
    openai: new OpenAiProvider({ url: `${server.url}/v1` }),
  };
});

afterAll(async () => {
  await Promise.all(Object.values(providers).map((provider) => provider.close()));
  await server.close();
});

interface Outcome {
  text: string;
  thinking: string;
  tools: string[];
  done?: Extract<ModelEvent, { type: 'done' }>;
  fault?: unknown;
}

async function read(dialect: Dialect, script: Script): Promise<Outcome> {
  const request: ModelRequest = {
    model: 'served',
    messages: [{ role: 'user', content: String(scripts.push(script) - 1) }],
    options: {},
    ...(dialect.think === true ? { think: true } : {}),
  };
  const outcome: Outcome = { text: '', thinking: '', tools: [] };
  try {
    for await (const event of chatEvents(providers[dialect.api], request))
      if (event.type === 'content') outcome.text += event.text;
      else if (event.type === 'thinking') outcome.thinking += event.text;
      else if (event.type === 'tool_calls') outcome.tools.push(...event.tool_calls.map((call) => call.function.name));
      else if (event.type === 'done') outcome.done = event;
  } catch (error) {
    outcome.fault = error;
  }
  return outcome;
}

type Path = (string | number)[];
type Json = string | number | boolean | null | Json[] | { [name: string]: Json };

/** The place of every value in a JSON value, but not its own. */
function places(value: unknown, path: Path = []): Path[] {
  if (typeof value !== 'object' || value === null) return [];
  const entries = Array.isArray(value) ? [...value.entries()] : Object.entries(value);
  return entries.flatMap(([name, inner]) => [[...path, name], ...places(inner, [...path, name])]);
}

/** A copy with `change` at `path`; undefined takes the value away. */
function changed<T>(value: T, [name, ...rest]: Path, change: (before: Json) => Json | undefined): T {
  const copy = structuredClone(value) as Record<string | number, unknown>;
  if (name === undefined) return copy as T;
  if (rest.length > 0) copy[name] = changed(copy[name], rest, change);
  else {
    const after = change(copy[name] as Json);
    if (after !== undefined) copy[name] = after;
    else if (Array.isArray(copy)) copy.splice(Number(name), 1);
    else delete copy[name];
  }
  return copy as T;
}

const CHANGES: [what: string, change: (before: Json) => Json | undefined][] = [
  ['missing', () => undefined],
  ['null', () => null],
  ['of another type', (before) => (typeof before === 'string' ? 42 : 'odd')],
  ['an object', (before) => (typeof before === 'object' && !Array.isArray(before) ? [] : { odd: [true] })],
  ['negative', (before) => (typeof before === 'number' ? -1.5 : false)],
];

/**
 * What a response is made of: another value here may change the text, the reasoning and the calls.
 */
const USED =
  /^(?:choices(?:\.\d+(?:\.(?:delta|message)(?:\.(?:(?:content|refusal|reasoning|reasoning_content|reasoning_details)(?:\..*)?|function_call(?:\.(?:name|arguments))?|tool_calls(?:\.\d+(?:\.(?:id|function(?:\.(?:name|arguments(?:\..*)?))?))?)?))?)?)?|message(?:\.(?:(?:content|thinking)(?:\..*)?|tool_calls(?:\.\d+(?:\.function(?:\.(?:name|arguments(?:\..*)?))?)?)?))?|response|done|error|choices\.\d+\.finish_reason)$/;
/** Without these a response has no end. */
const END = /^(?:choices(?:\.\d+(?:\.finish_reason)?)?|done)$/;
/**
 * Holds a call's name, or begins another call. A call that has arguments but no name costs the
 * response.
 */
const NAME =
  /^(?:choices(?:\.\d+(?:\.(?:delta|message))?)?|.*\.tool_calls(?:\.\d+(?:\.(?:id|function(?:\.name)?))?)?|.*\.function_call(?:\.name)?)$/;

/** Whether a change at `path` may end the response with `fault`. */
function mayFail(path: string, fault: unknown): boolean {
  if (!AppError.is(fault)) return false;
  if (fault.code === 'upstream_truncated') return END.test(path);
  if (fault.code !== 'upstream_failed') return false;
  return path === 'error' || (NAME.test(path) && fault.message.includes('without saying which'));
}

/** Added in front of the entries of a list. */
const ODD_ENTRIES = [null, true, [], [{}]];

describe.each(dialects.map((dialect) => [dialect.name, dialect] as const))('%s', (_name, dialect) => {
  const { events, text, thinking = '', tools = [], usage } = dialect;

  it('is parsed', async () => {
    const outcome = await read(dialect, [{ send: onTheWire(dialect, events) }]);
    expect(outcome.fault).toBeUndefined();
    expect(outcome).toMatchObject({ text, thinking, tools });
    if (usage !== undefined) expect(outcome.done?.usage).toEqual(usage);
  });

  it('continues, or fails in one documented way, with one invalid field', async () => {
    const wrong: string[] = [];
    const cases = events.flatMap((event, at) =>
      places(event).flatMap((path) => CHANGES.map(([what, change]) => ({ at, path, what, change }))),
    );
    for (const { at, path, what, change } of cases) {
      const odd = events.map((event, place) => (place === at ? changed(event, path, change) : event));
      const { fault, done, ...outcome } = await read(dialect, [{ send: onTheWire(dialect, odd) }]);
      const isUsed = USED.test(path.join('.'));
      const goesOn =
        fault === undefined &&
        done !== undefined &&
        (isUsed || (outcome.text === text && outcome.thinking === thinking && outcome.tools.join() === tools.join()));
      const counts = done === undefined ? [] : [done.usage.prompt_tokens, done.usage.completion_tokens];
      if (!(goesOn || (isUsed && mayFail(path.join('.'), fault))) || counts.some((count) => !(count >= 0)))
        wrong.push(`event ${at}, ${path.join('.')} ${what}: ${String(fault ?? JSON.stringify({ ...outcome, done }))}`);
    }
    expect(wrong).toEqual([]);
  });

  it('yields the same events with invalid entries in any list', async () => {
    for (const [at, event] of events.entries())
      for (const path of places(event)) {
        let isList = false;
        const odd = changed(event, path, (before) => {
          isList = Array.isArray(before);
          return Array.isArray(before) ? [...ODD_ENTRIES, ...before] : before;
        });
        if (!isList) continue;
        const outcome = await read(dialect, [{ send: onTheWire(dialect, events.with(at, odd)) }]);
        expect([path.join('.'), outcome.fault, outcome]).toMatchObject([
          path.join('.'),
          undefined,
          { text, thinking, tools },
        ]);
      }
  });

  if (dialect.isOnePiece !== true)
    it('continues after empty events', async () => {
      for (const nothing of [null, {}, 0, '', 'ping', [], { choices: [] }, { choices: [null] }, { message: null }]) {
        const odd = events.flatMap((event) => [nothing as object, event]);
        expect(await read(dialect, [{ send: onTheWire(dialect, odd) }])).toMatchObject({ text, thinking, tools });
      }
    });

  it('yields the same events for any split of its bytes', async () => {
    const bytes = new TextEncoder().encode(onTheWire(dialect, events));
    const whole = await read(dialect, [{ send: bytes }]);
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat({ max: bytes.length }), { maxLength: 12 }), async (cutAt) => {
        const cuts = [0, ...cutAt.sort((a, b) => a - b), bytes.length];
        const steps = cuts.slice(1).map((end, index) => ({ send: bytes.subarray(cuts[index], end) }));
        expect(
          await read(
            dialect,
            steps.filter(({ send }) => send.length > 0),
          ),
        ).toEqual(whole);
      }),
      { numRuns: 15 },
    );
  });
});

describe('one odd value', () => {
  const [ollama, openai] = (['ollama', 'openai'] as const).map((api) => dialects.find((one) => one.api === api));
  const delta = (more: object) => ({ choices: [{ index: 0, delta: more }] });
  const odd: [api: 'ollama' | 'openai', event: object, text: string][] = [
    ...['x', 5, [], null, true].flatMap((value): [api: 'openai', event: object, text: string][] => [
      ['openai', { choices: value }, ''],
      ['openai', { choices: [value] }, ''],
      ['openai', { choices: [{ delta: value }] }, ''],
      ['openai', { choices: [{ delta: value, message: { content: 'kept' } }] }, 'kept'],
      ['openai', { choices: [value, { delta: { content: 'kept' } }] }, 'kept'],
      ['openai', delta({ content: 'kept', tool_calls: value }), 'kept'],
      ['openai', delta({ content: 'kept', tool_calls: [value] }), 'kept'],
      ['openai', delta({ content: 'kept', tool_calls: [{ function: value }] }), 'kept'],
    ]),
    ...['x', 5, [], null, true].flatMap((value): [api: 'ollama', event: object, text: string][] => [
      ['ollama', { message: value, done: false }, ''],
      ['ollama', { message: { content: 'kept', tool_calls: value }, done: false }, 'kept'],
      ['ollama', { message: { content: 'kept', tool_calls: [value] }, done: false }, 'kept'],
      ['ollama', { message: { content: 'kept', tool_calls: [{ function: value }] }, done: false }, 'kept'],
      ['ollama', { message: { content: 'kept', thinking: value === 'x' ? 5 : value }, done: false }, 'kept'],
    ]),
    ['openai', delta({ content: 5 }), '5'],
    ['openai', delta({ content: { odd: 1 } }), ''],
    ['openai', delta({ content: false }), ''],
    ['openai', delta({ content: [5, { type: 'text', text: 'kept' }] }), 'kept'],
    ['ollama', { message: { content: 5 }, done: false }, '5'],
    ['ollama', { message: { content: ['x'] }, done: false }, ''],
    ['ollama', { response: 5, done: false }, '5'],
  ];

  it.each(odd)('of %s is dropped alone: %j', async (api, event, added) => {
    const dialect = api === 'ollama' ? ollama : openai;
    if (dialect === undefined) throw new Error(`no dialect of ${api}`);
    const [first = {}, ...rest] = dialect.events;
    const outcome = await read(dialect, [{ send: onTheWire(dialect, [event, first, ...rest]) }]);
    expect(outcome).toMatchObject({ text: added + dialect.text, tools: [], done: { type: 'done' } });
    expect(outcome.fault).toBeUndefined();
  });
});

describe('a list of models', () => {
  const signal = () => new AbortController().signal;
  /** What must be as expected for the provider to be one at all. */
  const LIST = /^(?:models|data|version)$/;

  it.each(Object.entries(lists))('%s drops one entry at most, with one invalid field', async (path, list) => {
    const api = path.startsWith('/v1') ? 'openai' : 'ollama';
    const ask = async () => {
      await providers[api].check(signal());
      return (await providers[api].models(signal())).map(({ id }) => id);
    };
    for (const [other, usual] of Object.entries(lists)) server.setResponse(other, usual);
    expect(await ask()).toEqual(['a:latest', 'b:7b']);
    for (const place of places(list))
      for (const [what, change] of CHANGES) {
        server.setResponse(path, changed(list, place, change));
        const name = place.join('.');
        const ids = await ask().catch((error: unknown) => error);
        if (AppError.is(ids))
          expect([name, what, ids.code]).toEqual([expect.stringMatching(LIST), what, 'upstream_failed']);
        else {
          const isAll = !/^(?:models|data)(?:\.\d+(?:\.(?:id|name))?)?$/.test(name);
          const known = ['a:latest', 'b:7b'].filter((id) => (ids as string[]).includes(id));
          expect([name, what, ids]).toEqual([name, what, known]);
          if (isAll) expect([name, what, known.length]).toEqual([name, what, 2]);
        }
      }
    for (const other of Object.keys(lists)) server.setResponse(other, undefined);
  });

  it('accepts numbers as strings, a bare list, and null for an empty one', async () => {
    server.setResponse('/v1/models', [{ id: 'a', max_model_len: '8192' }, { id: 'x'.repeat(300) }, null]);
    expect(await providers.openai.models(signal())).toMatchObject([{ id: 'a', context_length: 8192 }]);
    server.setResponse('/v1/models', { data: null });
    expect(await providers.openai.models(signal())).toEqual([]);
    server.setResponse('/v1/models', undefined);
    server.setResponse('/api/tags', { models: null });
    expect(await providers.ollama.models(signal())).toEqual([]);
    server.setResponse('/api/tags', undefined);
  });

  it('has at most 2,000 models and 10 MiB', async () => {
    server.setResponse('/v1/models', { data: Array.from({ length: 3_000 }, (_, at) => ({ id: `m${at}` })) });
    expect(await providers.openai.models(signal())).toHaveLength(2_000);
    server.setResponse('/v1/models', { data: [{ id: 'm', text: 'x'.repeat(17 * 1024 * 1024) }] });
    await expect(providers.openai.models(signal())).rejects.toMatchObject({
      code: 'upstream_failed',
      message: expect.stringContaining('10 MiB'),
    });
    server.setResponse('/v1/models', undefined);
  });
});
