import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { GenerationLog, type LogEvent } from '#lib/chat/generation/generation-log';
import { PackedEvents } from '#lib/chat/generation/packed-events';

const DONE: LogEvent = { type: 'done', done_reason: 'stop', usage: { prompt_tokens: 1, completion_tokens: 1 } };

const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 6 }),
  fc.constantFrom('', 'x'.repeat(300), 'é'.repeat(65_535), 'x'.repeat(65_536)),
);
const event: fc.Arbitrary<LogEvent> = fc.oneof(
  { weight: 20, arbitrary: text.map((piece) => ({ type: 'content' as const, text: piece })) },
  { weight: 3, arbitrary: text.map((piece) => ({ type: 'thinking' as const, text: piece })) },
  fc.constantFrom<LogEvent>(DONE, { type: 'tool_calls' as const, tool_calls: [] }),
);

describe('PackedEvents', () => {
  it('has the same events under the same numbers, in any order of reading', () => {
    fc.assert(
      fc.property(fc.array(event, { maxLength: 80 }), fc.array(fc.nat(45)), (events, places) => {
        const packed = PackedEvents.of(events, (joined) => joined);
        if (packed === undefined) return;
        expect([packed.length, ...packed]).toEqual([events.length, ...events]);
        for (const at of places) expect(packed.at(at)).toEqual(events[at]);
      }),
    );
  });
});

describe('a log that has ended', () => {
  const pieces = Array.from({ length: 200 }, (_, at): LogEvent => ({ type: 'content', text: `word${at} ` }));

  it('is packed once its last listener has left', () => {
    const log = new GenerationLog();
    const stop = log.listen(() => {});
    for (const piece of [...pieces, DONE]) log.append(piece);
    const whole = log.bytes;
    const joined = log.text('content');
    expect(log.eventAt(7)).toBe(pieces[6]);
    stop();
    expect(log.bytes).toBeLessThan(whole / 4);
    expect(log.textBytes).toBe(0);
    expect([log.text('content'), log.lastNumber, log.ended]).toEqual([joined, 201, true]);
    expect([log.eventAt(7), log.eventAt(201), log.eventAt(202)]).toEqual([pieces[6], DONE, undefined]);
  });

  it('is packed at once without a listener', () => {
    const log = new GenerationLog();
    for (const piece of pieces) log.append(piece);
    const whole = log.bytes;
    log.append(DONE);
    expect(log.bytes).toBeLessThan(whole / 4);
    expect(() => log.append(DONE)).toThrow('the log has ended');
  });
});
