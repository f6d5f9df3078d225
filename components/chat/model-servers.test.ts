import { expect, it } from 'vitest';
import { describeAlias, describeServers, placeWords, serverNames } from './model-servers.ts';

const ALL = ['gpu-a', 'gpu-b', 'gpu-c', 'gpu-d', 'api.example.com'];

it('names the servers of a model where there is a choice', () => {
  expect(describeServers({ servers: ['gpu-a', 'gpu-b'] }, ALL)).toBe('on gpu-a, gpu-b');
  expect(describeServers({ servers: ALL.slice(0, 4) }, ALL)).toBe('on 4 servers');
  expect(describeServers({ servers: ALL }, ALL)).toBe('on all servers');
});

it('says nothing of servers in front of one, or of an earlier version', () => {
  expect(describeServers({ servers: ['gpu-a'] }, ['gpu-a'])).toBe('');
  expect(describeServers({}, ALL)).toBe('');
  expect(describeAlias({})).toBe('');
});

it('lists what an alias stands for in the order in which it is tried', () => {
  expect(describeAlias({ alias_of: ['llama3.2:3b@gpu-a', 'gpt-4o-mini'] })).toBe(
    'alias for llama3.2:3b@gpu-a, then gpt-4o-mini',
  );
});

it('collects the names of servers from all models, each once', () => {
  const base = { provider: 'ollama', size_bytes: null, parameter_size: null, quantization: null } as const;
  const rest = { context_length: null, loaded: false, is_default: false };
  const capabilities = { thinking: false, vision: false, tools: false };
  const model = (id: string, servers?: string[]) => ({ ...base, ...rest, capabilities, id, servers });
  const models = [model('a', ['gpu-a', 'gpu-b']), model('b', ['gpu-b']), model('c')];
  expect(serverNames({ models })).toEqual(['gpu-a', 'gpu-b']);
});

it('finds a model by the servers that have it, and an alias by its models', () => {
  expect(placeWords({ servers: ['gpu-a'], alias_of: ['qwen3:8b'] })).toBe('gpu-a qwen3:8b');
});
