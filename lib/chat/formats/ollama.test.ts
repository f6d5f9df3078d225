import { describe, expect, it } from 'vitest';
import { ollamaShowResponse, ollamaTag } from '#lib/chat/formats/ollama';
import type { ModelInfo } from '#lib/wire/models';

const model: ModelInfo = {
  id: 'm',
  provider: 'openai',
  size_bytes: null,
  parameter_size: null,
  quantization: null,
  context_length: null,
  capabilities: { thinking: false, vision: true, tools: false },
  loaded: true,
  is_default: true,
};

describe('a model in Ollama’s format', () => {
  it('behind an OpenAI-compatible server lists what is forwarded to it', () => {
    expect(ollamaShowResponse(model).capabilities).toEqual(['completion', 'vision', 'tools']);
    expect(ollamaShowResponse({ ...model, provider: 'ollama' }).capabilities).toEqual(['completion', 'vision']);
  });

  it('reports its modification time, or the epoch if that is unknown', () => {
    const modified_at = '2026-01-02T03:04:05.678901+01:00';
    expect(ollamaTag({ ...model, modified_at }).modified_at).toBe(modified_at);
    expect(ollamaTag(model).modified_at).toBe('1970-01-01T00:00:00Z');
  });
});
