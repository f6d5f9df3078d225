import { anthropic } from './anthropic.ts';
import { azure } from './azure.ts';
import { type Dialect, EXPECTED, type ResponseName, type ServerDialect } from './dialect.ts';
import { liteLlm } from './litellm.ts';
import { llamaCpp } from './llama-cpp.ts';
import { lmStudio } from './lm-studio.ts';
import { mistralRs } from './mistral-rs.ts';
import { ollama, ollamaV1 } from './ollama.ts';
import { openai } from './openai.ts';
import { openRouter } from './openrouter.ts';
import { others } from './others.ts';
import { sglang } from './sglang.ts';
import { textGenerationWebui } from './text-generation-webui.ts';
import { vllm } from './vllm.ts';

/** The model servers whose dialects are known. A new one is one entry here, and its file. */
export const servers: readonly ServerDialect[] = [
  llamaCpp,
  vllm,
  sglang,
  lmStudio,
  ollama,
  ollamaV1,
  openai,
  anthropic,
  openRouter,
  liteLlm,
  azure,
  textGenerationWebui,
  mistralRs,
];

/** Every response that one of them is known to write. */
export const dialects: readonly Dialect[] = [
  ...servers.flatMap((server) => [...responsesOf(server), ...(server.oddities ?? [])]),
  ...others,
];

function responsesOf({ name, api, write, responses }: ServerDialect): Dialect[] {
  return (Object.keys(EXPECTED) as ResponseName[]).flatMap((response) => {
    const events = responses[response];
    if (events === null) return [];
    const { text, thinking, calls = [], usage } = EXPECTED[response];
    return {
      name: `${name}: ${response}`,
      api,
      events,
      ...(write === undefined ? {} : { write }),
      text,
      ...(thinking === undefined ? {} : { thinking }),
      tools: calls.map((call) => call.name),
      ...(usage === undefined ? {} : { usage }),
    };
  });
}

/** What model servers say of their models. */
export const lists = {
  '/api/tags': {
    models: ['a:latest', 'b:7b'].map((name) => ({
      name,
      model: name,
      modified_at: '2026-01-01T00:00:00.1Z',
      size: 4_661_224_676,
      digest: `sha256:${name}`,
      details: {
        parent_model: '',
        format: 'gguf',
        family: 'llama',
        families: ['llama'],
        parameter_size: '8.0B',
        quantization_level: 'Q4_0',
      },
    })),
  },
  '/api/ps': {
    models: [{ name: 'a:latest', model: 'a:latest', size: 6_654_289_920, digest: 'x', expires_at: '', size_vram: 1 }],
  },
  '/api/show': {
    license: '',
    modelfile: '',
    template: '',
    details: { family: 'llama', families: null },
    model_info: { 'general.architecture': 'llama', 'llama.context_length': 8192, 'llama.rope.freq_base': 500000 },
    capabilities: ['completion', 'tools', 'vision'],
  },
  '/api/version': { version: '0.24.0' },
  '/v1/models': {
    object: 'list',
    data: [
      {
        id: 'a:latest',
        object: 'model',
        created: 1_764_378_000,
        owned_by: 'vllm',
        root: 'a',
        parent: null,
        max_model_len: 8192,
      },
      {
        id: 'b:7b',
        name: 'B',
        context_length: 131_072,
        meta: { size: 4_661_224_676, n_ctx_train: 8192, n_params: 8_030_261_248 },
        architecture: { modality: 'text->text', input_modalities: ['text', 'image'] },
        supported_parameters: ['tools', 'reasoning'],
        pricing: { prompt: '0' },
      },
    ],
  },
} as const;
