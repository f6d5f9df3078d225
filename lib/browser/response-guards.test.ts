import { describe, expect, it } from 'vitest';
import { cacheHeader, isChatEvent, isCodeResult, isModelServer } from '#lib/browser/response-guards';
import { isErrorBody, isModels, isRunnerHealth } from '#lib/browser/service-guards';
import { cacheHeaderSchema, chatEventSchema } from '#lib/wire/chat';
import { codeResultSchema, runnerHealthSchema } from '#lib/wire/code';
import { errorBodySchema } from '#lib/wire/error';
import { modelsSchema } from '#lib/wire/models';
import { modelServerStatsSchema } from '#lib/wire/server-stats';

const RESULT = {
  stdout: 'hi\n',
  stderr: '',
  exit_code: 0,
  duration_ms: 12,
  error: null,
  status: 'success',
  stage: 'run',
  truncated: false,
  cpu_ms: 3,
  memory_kb: 900,
};
const HEALTH = {
  status: 'ok',
  service: 'chill-space-code-runner',
  version: '1',
  languages: ['python'],
  sandbox: 'bubblewrap',
  versions: { python: '3.11' },
};
const MODEL_SERVER = {
  ...{ id: '0a1b2c3d', name: 'gpu-a', provider: 'ollama', address: 'http://gpu-a:11434', state: 'up', error: null },
  ...{ slots: 4, running: 1, waiting: 0, loaded: ['m'], models: null, average_ms: null, tokens_per_second: null },
};
const MODELS = { models: [], default_model: 'm', providers: [], notice: null };

describe('response guards', () => {
  it.each([
    ['an error', errorBodySchema, isErrorBody, { error: 'No.', code: 'not_found' }],
    ['an event', chatEventSchema, isChatEvent, { content: 'x', done: false, cached: false }],
    ['a result', codeResultSchema, isCodeResult, RESULT],
    ['the runner’s health', runnerHealthSchema, isRunnerHealth, HEALTH],
    ['the models', modelsSchema, isModels, MODELS],
    ['a model server', modelServerStatsSchema, isModelServer, MODEL_SERVER],
  ])('accept %s that the schema of the server accepts', (_, schema, check, value) => {
    expect(schema.safeParse(value).success).toBe(true);
    expect(check(value)).toBe(true);
  });

  it.each([[undefined], [null], ['<html>'], [[]], [{}], [{ error: 'No.' }], [{ error: 1, code: 'x' }]])(
    'refuse %j',
    (value) => {
      expect(isErrorBody(value)).toBe(false);
    },
  );

  it('reject an inherited field and a field of another kind', () => {
    expect(isChatEvent(Object.create({ done: true }))).toBe(false);
    expect(isModels({ ...MODELS, models: {} })).toBe(false);
  });

  it('know every cache header of the wire', () => {
    for (const value of cacheHeaderSchema.options) expect(cacheHeader(value)).toBe(value);
    expect(cacheHeader('other')).toBeNull();
  });
});
