import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ModelEvent } from '#lib/models/provider';
import { ThinkReader } from '#lib/models/thinking/think-reader';
import {
  isReasoningModelName,
  mayContainThinkTags,
  type ThinkRules,
  thinkRulesByName,
} from '#lib/models/thinking/think-rules';
import { ThinkSplitter } from '#lib/models/thinking/think-splitter';

const done: ModelEvent = { type: 'done', done_reason: 'stop', usage: { prompt_tokens: 1, completion_tokens: 2 } };
const content = (text: string): ModelEvent => ({ type: 'content', text });
const thinking = (text: string): ModelEvent => ({ type: 'thinking', text });

async function filtered(reader: ThinkReader, events: readonly ModelEvent[], rules: ThinkRules): Promise<ModelEvent[]> {
  const passed: ModelEvent[] = [];
  const filter = reader.filter(rules, (event) => passed.push(event));
  for (const event of events) filter.push(event);
  await filter.settled();
  return passed;
}

/** Runs of one type joined: what a reader sees, whatever the chunks were. */
function joined(events: { type: string; text?: string }[]): [type: string, text: string][] {
  const runs: [string, string][] = [];
  for (const { type, text = '' } of events) {
    const last = runs.at(-1);
    if (text === '') continue;
    if (last?.[0] === type) last[1] += text;
    else runs.push([type, text]);
  }
  return runs;
}

function cutAt(whole: string, places: number[]): string[] {
  const cuts = [0, ...places.map((place) => place % (whole.length + 1)).sort((a, b) => a - b), whole.length];
  return cuts.slice(1).map((end, index) => whole.slice(cuts[index], end));
}

const REASONS = thinkRulesByName({ model: 'qwen3:8b', messages: [], options: {} });
const IN_TEMPLATE = thinkRulesByName({ model: 'deepseek-r1:8b', messages: [], options: {} });
const PLAIN = thinkRulesByName({ model: 'llama3.2:3b', messages: [], options: {} });

async function split(chunks: string[], rules = REASONS, reader = new ThinkReader()) {
  return joined(await filtered(reader, [...chunks.map(content), done], rules));
}

describe('ThinkReader', () => {
  it('splits reasoning from the response after it', async () => {
    expect(await split([' \n<think>\nTwo and two.\n</think>\n\nFour.'])).toEqual([
      ['thinking', 'Two and two.\n'],
      ['content', 'Four.'],
    ]);
    expect(await split(['<think>\n\n</think>\n\nFour.'])).toEqual([['content', 'Four.']]);
    expect(await split(['<think>never closed'])).toEqual([['thinking', 'never closed']]);
  });

  it.each([
    "re.sub(r'<think>.*?</think>', '', t)",
    '{"tag": "<think>", "n": 1}',
    'The tag <think> opens, </think> closes.',
    '```\n<think>x</think>\n```',
    '<thing> b <',
    '  \n <thin',
    '\n\n  indented',
  ])('leaves %j as it is, cut anywhere', async (text) => {
    for (const rules of [REASONS, PLAIN, IN_TEMPLATE])
      for (const chunks of [[text], [...text]]) expect(await split(chunks, rules)).toEqual([['content', text]]);
  });

  it('splits only the first pair of tags', async () => {
    expect(await split(['<think>a</think>b <think>c</think> d'])).toEqual([
      ['thinking', 'a'],
      ['content', 'b <think>c</think> d'],
    ]);
  });

  it('keeps the tags of a model that does not reason, unless the request asks for thinking', async () => {
    const text = '<think>a</think>b';
    expect(await split([text], PLAIN)).toEqual([['content', text]]);
    const asked = thinkRulesByName({ model: 'llama3.2:3b', messages: [], options: {}, think: 'low' });
    expect(await split([text], asked)).toEqual([
      ['thinking', 'a'],
      ['content', 'b'],
    ]);
    expect(await split([text], thinkRulesByName({ model: 'm', messages: [], options: {} }, true))).toHaveLength(2);
  });

  it('reads no tags if thinking is off or JSON is requested', () => {
    const request = { model: 'qwen3', messages: [], options: {} };
    expect(mayContainThinkTags(request)).toBe(true);
    expect(mayContainThinkTags({ ...request, think: false })).toBe(false);
    expect(mayContainThinkTags({ ...request, think: true, format: 'json' })).toBe(false);
    expect(mayContainThinkTags({ ...request, format: { type: 'object' } })).toBe(false);
  });

  it('reads the text before a lone closing tag as reasoning', async () => {
    for (const chunks of [['Two and two.\n</think>\n\nFour.'], [...'Two and two.\n</think>\n\nFour.']])
      expect(await split(chunks, IN_TEMPLATE)).toEqual([
        ['thinking', 'Two and two.\n'],
        ['content', 'Four.'],
      ]);
    expect(await split(['a </think> b'], REASONS)).toEqual([['content', 'a </think> b']]);
  });

  it.each([
    'Write `</think>` to end it.',
    '```js\nt.split("</think>")\n```\nThat is all.',
    'In <think>x</think> it is.',
  ])('does not take a closing tag in code for the end of reasoning: %j', async (text) => {
    expect(await split([text], IN_TEMPLATE)).toEqual([['content', text]]);
    expect(await split([...text], IN_TEMPLATE)).toEqual([['content', text]]);
  });

  it('finds the closing tag after a quoted one', async () => {
    expect(await split([...'It ends with `</think>`.\n</think>\nYes'], IN_TEMPLATE)).toEqual([
      ['thinking', 'It ends with `</think>`.\n'],
      ['content', 'Yes'],
    ]);
  });

  it('streams the responses of a known model', async () => {
    const reader = new ThinkReader();
    const types = async (chunks: string[]) => {
      const events = await filtered(reader, [...chunks.map(content), done], IN_TEMPLATE);
      return events.flatMap((event) => ('text' in event ? [[event.type, event.text]] : []));
    };
    // Held back, and shown to be at work.
    expect(await types(['a', 'b'])).toEqual([
      ['thinking', ''],
      ['thinking', ''],
      ['content', 'ab'],
    ]);
    // It had no tags, so that the next is streamed.
    expect(await types(['a', 'b'])).toEqual([
      ['content', 'a'],
      ['content', 'b'],
    ]);
    // One that has is text this once, and held back from then on.
    await types(['a', '</think>', 'b']);
    expect(await split(['a', '</think>', 'b'], IN_TEMPLATE, reader)).toEqual([
      ['thinking', 'a'],
      ['content', 'b'],
    ]);
    expect(await types(['a', '</thi', 'nk>b'])).toEqual([
      ['thinking', 'a'],
      ['content', 'b'],
    ]);
    // Nothing is lost where the tag does not come after all.
    expect(await types(['a', 'b'])).toEqual([
      ['thinking', 'a'],
      ['thinking', 'b'],
      ['content', 'ab'],
    ]);
  });

  it('limits the text that is held back', async () => {
    const long = 'x'.repeat(1024 * 1024);
    const runs = await split([long, 'y', '</think>z'], IN_TEMPLATE);
    expect(runs.map(([type, text]) => [type, text.length])).toEqual([['content', long.length + 10]]);
  });

  it('reads no tags if the provider sends its own reasoning, and none after a tool call', async () => {
    const events = [thinking('hm'), content('<think> is a tag</think>'), done];
    expect(await filtered(new ThinkReader(), events, IN_TEMPLATE)).toEqual(events);
    const call: ModelEvent = { type: 'tool_calls', tool_calls: [{ function: { name: 'f', arguments: {} } }] };
    const called = [call, content('<think>a</think>'), done];
    expect(await filtered(new ThinkReader(), called, REASONS)).toEqual(called);
  });

  it('keeps reasoning before a tool call out of the response', async () => {
    const reader = new ThinkReader();
    await split(['a', '</think>', 'b'], IN_TEMPLATE, reader);
    const call: ModelEvent = { type: 'tool_calls', tool_calls: [{ function: { name: 'f', arguments: {} } }] };
    const events = async (...given: ModelEvent[]) => filtered(reader, [...given, done], IN_TEMPLATE);
    for (const text of ['I need f.', '<think>I need f.'])
      expect(await events(content(text), call, call, content('Done.'))).toEqual([
        thinking('I need f.'),
        call,
        call,
        content('Done.'),
        done,
      ]);
    expect(await events(content('I need f.'), call)).toEqual([thinking('I need f.'), call, done]);
    expect(await events(content('hm '), thinking('Hm.'), content('Yes.'))).toEqual([
      thinking('hm '),
      thinking('Hm.'),
      content('Yes.'),
      done,
    ]);
  });

  it('asks once whether the template of a model opens reasoning', async () => {
    const reader = new ThinkReader();
    let asked = 0;
    const rules = { ...IN_TEMPLATE, opensInTemplate: () => ++asked > 0 };
    for (let time = 0; time < 3; time++)
      expect(await split(['a', '</think>', 'b'], rules, reader)).toEqual([
        ['thinking', 'a'],
        ['content', 'b'],
      ]);
    expect(asked).toBe(1);
  });

  it('releases the text that is held back before the end', async () => {
    const events = await filtered(new ThinkReader(), [content(' <thi'), done], REASONS);
    expect(events).toEqual([content(' <thi'), done]);
  });
});

/** Text dense in tags and in pieces of tags. */
const text = fc
  .array(fc.constantFrom('<think>', '</think>', '<', '</', '<thi', 'nk>', ' ', '\n', 'é', '🦀', 'word', '`'), {
    maxLength: 30,
  })
  .map((parts) => parts.join(''));

describe.each(['thinking', 'held', 'content'] as const)('ThinkSplitter in mode %s', (mode) => {
  const run = (chunks: string[]) => {
    const splitter = new ThinkSplitter(mode);
    return joined([...chunks.flatMap((chunk) => splitter.push(chunk)), ...splitter.end(true)]);
  };

  it('yields the same for any split of the same text', () => {
    fc.assert(
      fc.property(text, fc.array(fc.nat(), { maxLength: 40 }), (whole, places) => {
        expect(run(cutAt(whole, places))).toEqual(run([whole]));
      }),
      { numRuns: 2000 },
    );
  });

  it('keeps every byte of a text without a closing tag', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.array(fc.nat()), (whole, places) => {
        fc.pre(!whole.includes('</think>'));
        const shown = run(cutAt(whole, places)).map(([, part]) => part);
        expect(shown.join('')).toBe(mode === 'thinking' ? whole.trimStart() : whole);
      }),
    );
  });
});

describe('isReasoningModelName', () => {
  it.each([
    'deepseek-r1:8b',
    'DeepSeek-R1-Distill-Qwen-7B',
    'qwq:32b',
    'Qwen/Qwen3-8B',
    'magistral',
    'o3-mini',
    'gpt-oss:20b',
  ])('knows %s', (model) => expect(isReasoningModelName(model)).toBe(true));
  it.each(['llama3.2:3b', 'gpt-4o', 'qwen2.5:7b', 'qwen3-coder:30b', 'mistral', 'smollm2:135m', 'test'])(
    'does not take %s for one',
    (model) => expect(isReasoningModelName(model)).toBe(false),
  );
});
