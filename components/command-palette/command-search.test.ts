import { describe, expect, it } from 'vitest';
import { type PaletteCommand, searchCommands } from './command-search.ts';

const command = (label: string, group = 'Go to'): PaletteCommand => ({ id: label, label, group, run: () => undefined });
const ALL = [command('Playground'), command('New chat'), command('Chat'), command('What chat is', 'Conversations')];
const labels = (query: string) => searchCommands(ALL, query).map(({ label }) => label);

describe('searchCommands', () => {
  it('returns all commands in order for an empty query', () => {
    expect(labels('  ')).toEqual(['Playground', 'New chat', 'Chat', 'What chat is']);
  });

  it('ranks a label that starts with the query first and is stable otherwise', () => {
    expect(labels('chat')).toEqual(['Chat', 'New chat', 'What chat is']);
  });

  it('ranks a command that was used lately first among equals', () => {
    const found = searchCommands(ALL, 'chat', ['What chat is']);
    expect(found.map(({ label }) => label)).toEqual(['Chat', 'What chat is', 'New chat']);
  });

  it('requires every word, in the label or the group', () => {
    expect(labels('conv chat')).toEqual(['What chat is']);
    expect(labels('chat zebra')).toEqual([]);
  });

  it('finds a command by its keywords, after those that have the word in their label', () => {
    const model = { ...command('Model: qwen3:8b', 'Model'), keywords: 'gpu-b play' };
    const found = (query: string) => searchCommands([model, ...ALL], query).map(({ label }) => label);
    expect(found('gpu-b')).toEqual(['Model: qwen3:8b']);
    expect(found('qwen3 gpu-b')).toEqual(['Model: qwen3:8b']);
    expect(found('play')).toEqual(['Playground', 'Model: qwen3:8b']);
  });
});
