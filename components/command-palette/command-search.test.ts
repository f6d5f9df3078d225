import { describe, expect, it } from 'vitest';
import { type PaletteCommand, searchCommands } from './command-search.ts';

const command = (label: string, group = 'Go to'): PaletteCommand => ({ id: label, label, group, run: () => undefined });
const ALL = [command('Playground'), command('New chat'), command('Chat'), command('What chat is', 'Conversations')];
const labels = (query: string) => searchCommands(ALL, query).map(({ label }) => label);

describe('the palette', () => {
  it('shows all, in their order, where nothing is asked', () => {
    expect(labels('  ')).toEqual(['Playground', 'New chat', 'Chat', 'What chat is']);
  });

  it('puts what begins with the query first, and keeps the order otherwise', () => {
    expect(labels('chat')).toEqual(['Chat', 'New chat', 'What chat is']);
  });

  it('wants every word, in the label or in the group', () => {
    expect(labels('conv chat')).toEqual(['What chat is']);
    expect(labels('chat zebra')).toEqual([]);
  });
});
