import { describe, expect, it } from 'vitest';
import type { ModelServerStats, ServerStats } from '#lib/wire/server-stats';
import {
  downSentence,
  figures,
  isBusy,
  kindAndAddress,
  loadedCount,
  modelServersOf,
  serversStatus,
  slotsOf,
  summary,
  timings,
  whatToDo,
} from './model-server-facts.ts';

const A: ModelServerStats = {
  id: '0a1b2c3d',
  name: 'gpu-a',
  provider: 'ollama',
  address: 'http://gpu-a:11434',
  state: 'up',
  error: null,
  slots: 4,
  running: 1,
  waiting: 0,
  loaded: ['llama3.2:3b'],
  models: 14,
  average_ms: 3_200,
  tokens_per_second: 41.7,
};
const BUSY: ModelServerStats = { ...A, id: '1', name: 'gpu-b', running: 4, waiting: 3 };
const DOWN: ModelServerStats = { ...A, id: '2', name: 'gpu-c', state: 'down', error: 'Start it.', running: 0 };
const HOSTED: ModelServerStats = {
  ...{ ...A, id: '3', name: 'api.example.com', provider: 'openai', address: 'https://api.example.com/v1' },
  ...{ slots: 16, running: 2, loaded: ['a', 'b'], models: 84 },
};

describe('the model servers of the statistics', () => {
  const stats = (model_servers: unknown) => JSON.parse(JSON.stringify({ model_servers })) as ServerStats;

  it('are none from a server of an earlier version', () => {
    expect(modelServersOf(stats(undefined))).toEqual([]);
    expect(modelServersOf(stats({ 'gpu-a': A }))).toEqual([]);
  });

  it('leave out what the page cannot read', () => {
    expect(modelServersOf(stats([A, { id: '9' }, null, BUSY]))).toEqual([A, BUSY]);
  });
});

describe('the figures of a server', () => {
  it('name its kind and its address, unless the name is the address', () => {
    expect(kindAndAddress(A)).toBe('Ollama · http://gpu-a:11434');
    expect(kindAndAddress({ ...A, name: 'gpu-a:11434' })).toBe('Ollama');
    expect(kindAndAddress({ ...A, name: 'Built in', provider: 'embedded', address: 'built-in' })).toBe('Built in');
  });

  it('count loaded models, and all models of a hosted API', () => {
    expect(loadedCount(A)).toBe('1 of 14 loaded');
    expect(loadedCount({ ...A, models: null })).toBe('1 loaded');
    expect(loadedCount({ ...A, loaded: [] })).toBe('0 of 14 loaded');
    expect(loadedCount({ ...A, models: null, loaded: [] })).toBe('–');
    expect(loadedCount(HOSTED)).toBe('84 models');
    expect(loadedCount({ ...HOSTED, models: 1 })).toBe('1 model');
    expect(loadedCount({ ...HOSTED, models: null })).toBe('2 models');
  });

  it('leave out what was not measured', () => {
    expect(figures(A)).toBe('1 of 4 running · 0 waiting · avg 3.2 s · 42 tokens/s');
    expect(timings({ ...A, average_ms: null, tokens_per_second: null })).toEqual([]);
    expect(figures(DOWN)).toBe('');
    expect(figures({ ...DOWN, waiting: 2 })).toBe('2 waiting');
  });

  it('say that a server is busy once all of its slots are taken', () => {
    expect([A, BUSY, { ...DOWN, running: 4 }, { ...A, slots: 0, running: 0 }].map(isBusy)).toEqual([
      false,
      true,
      false,
      false,
    ]);
  });
});

describe('the figures of several servers', () => {
  it('count the slots of those that are up', () => {
    expect(slotsOf([A, BUSY, DOWN])).toEqual({ running: 5, slots: 8 });
    expect(summary([A, BUSY, DOWN])).toBe('2 of 3 up · 5 of 8 running · 3 waiting');
  });

  it('are not needed for one server', () => {
    expect(slotsOf([A])).toBeUndefined();
    expect(serversStatus([DOWN])).toBeUndefined();
  });

  it('say what a server that is down means, and what to do', () => {
    expect(downSentence([A, BUSY])).toBeUndefined();
    expect(downSentence([A, DOWN])).toMatch(/^gpu-c is down\. Requests go to the other model servers\./);
    expect(downSentence([A, DOWN, { ...DOWN, id: '4' }])).toMatch(/^2 of 3 model servers are down\./);
    expect(downSentence([DOWN, { ...DOWN, id: '4' }])).toMatch(/^All model servers are down\. No model can respond/);
    expect(whatToDo(DOWN)).toBe('Start it.');
    expect(whatToDo({ ...DOWN, error: null })).toContain('http://gpu-a:11434');
    expect(whatToDo({ ...DOWN, error: null, provider: 'embedded' })).toBe('It does not respond.');
  });

  it('degrade the status while one is down', () => {
    expect(serversStatus([A, BUSY])).toBeUndefined();
    expect(serversStatus([A, BUSY, DOWN])).toEqual({
      level: 'warn',
      sentence: '1 of 3 model servers is down: gpu-c',
    });
    expect(serversStatus([DOWN, { ...DOWN, name: 'gpu-d' }])).toEqual({
      level: 'error',
      sentence: '2 of 2 model servers are down: gpu-c, gpu-d',
    });
  });
});
