import { expect, it } from 'vitest';
import { readDraft, writeDraft } from '#lib/browser/local-storage';
import { clearSentText, draftKey, moveDraft } from './draft.ts';

const read = (chat: string) => readDraft(draftKey(chat));

it('clears the text that was sent, not what was typed since', () => {
  writeDraft(draftKey('sent'), 'Hello ');
  clearSentText('sent', 'Hello');
  writeDraft(draftKey('typed'), 'Hello again');
  clearSentText('typed', 'Hello');
  expect([read('sent'), read('typed')]).toEqual(['', 'Hello again']);
});

it('moves an unsent text to a chat that has none', () => {
  writeDraft(draftKey('new'), 'And then?');
  moveDraft('new', 'started');
  expect([read('new'), read('started')]).toEqual(['', 'And then?']);
  writeDraft(draftKey('new'), 'Other');
  moveDraft('new', 'started');
  expect([read('new'), read('started')]).toEqual(['Other', 'And then?']);
});
