import { describe, expect, it } from 'vitest';
import type { ModelInfo, Models } from '#lib/wire/models';
import { modelState } from './model-state.ts';

const model = (id: string): ModelInfo => ({
  id,
  provider: 'ollama',
  size_bytes: null,
  parameter_size: null,
  quantization: null,
  context_length: null,
  capabilities: { thinking: false, vision: false, tools: false },
  loaded: false,
  is_default: false,
});
const models = (ids: string[], errors: (string | null)[] = [null]): Models => ({
  models: ids.map(model),
  default_model: 'a:latest',
  providers: errors.map((error) => ({ id: 'ollama', reachable: error === null, error })),
  notice: null,
});

describe('modelState', () => {
  it('is ready for the default model and for one that is listed', () => {
    expect(modelState(models(['a:latest', 'b']), null)).toEqual({ kind: 'ready' });
    expect(modelState(models(['a:latest']), 'a')).toEqual({ kind: 'ready' });
  });

  it('is down while the server of the model may be the one that does not respond', () => {
    expect(modelState(models([], ['Start it.']), null)).toEqual({ kind: 'down', reasons: ['Start it.'] });
    expect(modelState(models(['b'], [null, 'Start it.']), 'c')).toMatchObject({ kind: 'down' });
    expect(modelState(models(['b'], [null, 'Start it.']), 'b')).toEqual({ kind: 'ready' });
  });

  it('names another model if the chosen one is missing', () => {
    expect(modelState(models(['a:latest', 'b']), 'c')).toEqual({ kind: 'missing', name: 'c', instead: 'a:latest' });
    expect(modelState(models(['b']), 'c')).toEqual({ kind: 'missing', name: 'c', instead: 'b' });
    expect(modelState(models([]), 'c')).toEqual({ kind: 'ready' });
  });
});
