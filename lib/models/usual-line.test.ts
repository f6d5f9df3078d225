import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AppError } from '#lib/errors';
import { OllamaResponse, usualText } from '#lib/models/ollama/response-stream';
import { OpenAiResponse } from '#lib/models/openai/response-stream';
import type { ModelEvent } from '#lib/models/provider';
import { UsualLine } from '#lib/models/usual-line';

const texts = fc.oneof(
  fc.string({ maxLength: 14 }),
  fc.string({ unit: 'binary', maxLength: 14 }),
  fc.constantFrom('"', '\\', '\n', '', '</think>', '"},"done":false}', 'twelve chars', 'thirteen char', '\ud800'),
);

/** The text of a line of JSON with `choices`, by the full parse. */
function fullText(line: string): string | undefined {
  try {
    const { choices, usage } = JSON.parse(line);
    return usage === undefined && choices.length === 1 ? choices[0].delta.content : undefined;
  } catch {
    return undefined;
  }
}

describe('UsualLine', () => {
  const frames = fc.record({ id: texts, model: texts, extra: fc.json({ maxDepth: 1 }), role: fc.boolean() });
  const lineOf =
    ({ id, model, extra, role }: { id: string; model: string; extra: string; role: boolean }) =>
    (content: string) => {
      const delta = role ? { role: 'assistant', content } : { content, tail: JSON.parse(extra) };
      return JSON.stringify({
        id,
        model,
        extra: JSON.parse(extra),
        choices: [{ index: 0, delta, finish_reason: null }],
      });
    };

  it('has the text of the full parse, or none', () => {
    fc.assert(
      fc.property(frames, frames, fc.array(fc.tuple(texts, fc.boolean()), { maxLength: 40 }), (a, b, sent) => {
        const usual = new UsualLine(fullText);
        for (const [text, isOther] of sent) {
          const line = lineOf(isOther ? b : a)(text);
          const found = usual.textOf(line);
          const inner = usual.textAt(`before${line}\nafter`, 'before'.length);
          const isWhole = inner !== undefined && usual.end === `before${line}`.length;
          expect(isWhole ? inner : undefined).toBe(found);
          const full = fullText(line);
          if (found !== undefined) expect(found).toBe(full);
          else if (full !== undefined) usual.learn(line, full);
        }
      }),
    );
  });

  it('finds the text of every short line after the first, and of no line with an escape', () => {
    const line = lineOf({ id: 'x', model: 'm', extra: '1', role: false });
    const usual = new UsualLine(fullText);
    expect(usual.textOf(line('a'))).toBeUndefined();
    usual.learn(line('a'), 'a');
    expect(['b', ' größer', '', '>'].map((text) => usual.textOf(line(text)))).toEqual(['b', ' größer', '', '>']);
    expect(['\n', '"', '\\', 'thirteen char'].map((text) => usual.textOf(line(text)))).toEqual([
      undefined,
      undefined,
      undefined,
      undefined,
    ]);
    expect(usual.textOf(`${line('b')} `)).toBeUndefined();
  });

  it('does not take a place for the text that only looks like it', () => {
    const line = (text: string, other: string) =>
      JSON.stringify({ choices: [{ delta: { content: text } }], note: { content: other } });
    const usual = new UsualLine(fullText);
    usual.learn(line('same', 'same'), 'same');
    expect(usual.textOf(line('same', 'else'))).toBeUndefined();
  });
});

describe('the usual line of Ollama', () => {
  const lines = fc
    .record({
      model: texts,
      created: fc.option(texts, { nil: undefined }),
      content: texts,
      rest: fc.constantFrom({}, { thinking: 'x' }, { done: true }, { error: 'x' }),
    })
    .chain((parts) => fc.boolean().map((isChat) => ({ ...parts, isChat })))
    .map(({ model, created, content, rest, isChat }) => {
      const text = isChat ? { message: { role: 'assistant', content } } : { response: content };
      return JSON.stringify({ model, created_at: created, ...text, done: false, ...rest });
    });

  it('has the text of the full parse, or none', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          lines,
          fc.tuple(lines, fc.nat(120)).map(([line, at]) => line.slice(at)),
        ),
        (line) => {
          const text = usualText(line);
          if (text === undefined) return;
          const { message, response, done } = JSON.parse(line);
          expect([message === undefined ? response : message.content, done]).toEqual([text, false]);
        },
      ),
    );
  });

  it('is recognized with and without its time', () => {
    const line =
      '{"model":"llama3.2:latest","created_at":"2026-08-04T08:52:19.38-07:00","message":{"role":"assistant","content":" The"},"done":false}';
    expect(usualText(line)).toBe(' The');
    expect(usualText(line.replace(/"created_at":"[^"]*",/, ''))).toBe(' The');
    expect(usualText(line.replace(' The', '\\u0041'))).toBeUndefined();
    const generated =
      '{"model":"llama3.2:latest","created_at":"2026-08-04T08:52:19.38-07:00","response":" The","done":false}';
    expect(usualText(generated)).toBe(' The');
    expect(usualText(generated.replace('"response"', '"thinking"'))).toBeUndefined();
  });
});

describe.each(['ollama', 'ollama prompts', 'openai', 'openai texts'])('a stream of %s', (name) => {
  const isOllama = name.startsWith('ollama');
  const line = (fields: object) => `${JSON.stringify({ model: 'm', ...fields, done: false })}\n`;
  const event = (choice: object) =>
    `data: ${JSON.stringify({ id: 'x', choices: [{ index: 0, ...choice, finish_reason: null }] })}\n\n`;
  const encoders: Record<string, (content: string) => string> = {
    ollama: (content) => line({ message: { role: 'assistant', content } }),
    'ollama prompts': (response) => line({ response }),
    openai: (content) => event({ delta: { content } }),
    'openai texts': (text) => event({ text }),
  };
  const encode = encoders[name] ?? String;
  const end = isOllama ? '{"model":"m","message":{"role":"assistant","content":""},"done":true}\n' : 'data: [DONE]\n\n';

  it('has the texts that were sent, however its bytes are cut', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'grapheme', maxLength: 14 })), fc.array(fc.nat()), (sent, places) => {
        const bytes = Buffer.from(sent.map(encode).join('') + end);
        const events: ModelEvent[] = [];
        const emit = (event: ModelEvent) => void events.push(event);
        const usageOf = () => ({ prompt_tokens: 0, completion_tokens: 0 });
        const response = isOllama
          ? new OllamaResponse({ emit, errorText: () => undefined, usageOf })
          : new OpenAiResponse(emit, {
              errorText: () => undefined,
              streamedError: () => new AppError('upstream_failed', ''),
            });
        const cuts = [...places.map((place) => place % bytes.length).sort((a, b) => a - b), bytes.length];
        for (const [index, cut] of cuts.entries()) response.push(bytes.subarray(cuts[index - 1] ?? 0, cut));
        expect(events.map((event) => ('text' in event ? event.text : event.type))).toEqual([
          ...sent.filter((text) => text !== ''),
          'done',
        ]);
      }),
    );
  });
});
