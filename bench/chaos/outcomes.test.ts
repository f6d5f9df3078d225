import { describe, expect, it } from 'vitest';
import { checkText, outcomeOf } from './outcomes.ts';
import { recordOf, sampleText as text } from './sample-record.ts';

describe('checkText', () => {
  it('knows a whole response, and its beginning', () => {
    expect(checkText(text('q7', 20), 'q7', 20)).toBe('whole');
    expect(checkText(text('q7', 19), 'q7', 20)).toBe('part');
    expect(checkText('', 'q7', 20)).toBe('part');
  });

  it.each([
    ['a word that is missing', text('q7', 3) + text('q7', 3, 5)],
    ['a word that came twice', text('q7', 3) + text('q7', 3, 3)],
    ['a beginning that is missing', text('q7', 3, 2)],
    ['more words than were asked for', text('q7', 21)],
    ['half a word', 'q7.1 q7.'],
    ['other text', 'q7.1 hello '],
  ])('reports %s', (_name, found) => {
    expect(checkText(found, 'q7', 20)).toBe('damaged');
  });

  it('reports words of another question, also of one whose mark begins alike', () => {
    expect(checkText(text('q7', 3) + text('q8', 3, 4), 'q7', 20)).toBe('mixed up');
    expect(checkText(text('q71', 20), 'q7', 20)).toBe('mixed up');
    expect(checkText(text('q7', 20), 'q71', 20)).toBe('mixed up');
  });
});

describe('outcomeOf', () => {
  it.each([
    ['whole', {}],
    ['damaged', { text: text('q1', 2) }],
    ['mixed up', { text: text('q2', 3) }],
    ['mixed up', { text: text('q2', 1), end: { type: 'failed', code: 'worker_lost' } }],
    ['failed', { text: text('q1', 2), end: { type: 'failed', code: 'worker_lost' } }],
    ['damaged', { text: text('q1', 2, 2), end: { type: 'failed', code: 'worker_lost' } }],
    ['cancelled', { text: '', end: { type: 'cancelled' }, cancelledMs: 500 }],
    // Its client has not cancelled it.
    ['failed', { text: '', end: { type: 'cancelled' } }],
    ['lost', { text: '', end: { type: 'gave up', code: 'not_found' } }],
    ['lost', { text: '', end: undefined }],
    ['lost, not saved', { text: '', end: { type: 'gave up', code: 'not_found' }, isSaved: false }],
    ['refused', { text: '', end: { type: 'gave up', code: 'queue_full' }, isAccepted: false }],
  ] as const)('is %s: %j', (outcome, some) => {
    expect(outcomeOf(recordOf(some))).toBe(outcome);
  });
});
