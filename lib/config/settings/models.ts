import { z } from 'zod';
import { setting } from '#lib/config/settings/setting';
import { duration, httpUrl, optionalText, secret, text, wholeNumber } from '#lib/config/settings/value-schemas';
import { providerIdSchema } from '#lib/wire/models';

const PROVIDER_IDS = providerIdSchema.options;

export const MODEL_SETTINGS = {
  MODEL_PROVIDER: setting(
    z.enum(['auto', ...PROVIDER_IDS], {
      error: `must be auto, ${new Intl.ListFormat('en-GB', { type: 'disjunction' }).format(PROVIDER_IDS)}`,
    }),
    'auto',
    'auto takes Ollama or an OpenAI-compatible server where there is one, else the embedded model.',
  ),
  OLLAMA_API_URL: setting(httpUrl().optional(), 'http://localhost:11434', 'Where Ollama listens.'),
  OLLAMA_MODEL: setting(
    text(),
    'deepseek-r1:8b',
    'The model for requests that name none, whatever the model server. If the server does not have it: a loaded model, or the first one.',
  ),
  OLLAMA_SYSTEM_PROMPT: setting(optionalText(), undefined, 'System prompt for requests that bring none.'),
  OLLAMA_KEEP_ALIVE: setting(duration(), '15m', 'How long Ollama keeps a model loaded. A request can only prolong it.'),
  OLLAMA_MAX_CONTEXT_TOKENS: setting(
    wholeNumber(0, 10_000_000),
    '32768',
    'Longest context that is asked of Ollama when a conversation needs it; bounds its memory. 0 leaves the context to Ollama.',
  ),
  OPENAI_BASE_URL: setting(httpUrl().optional(), undefined, 'An OpenAI-compatible server, with its /v1.'),
  OPENAI_API_KEY: setting(secret().optional(), undefined, 'Its key.'),
  EMBEDDED_MODEL: setting(
    optionalText(),
    undefined,
    'The built-in model: path of a GGUF file, or hub id (owner/repository/file.gguf, checked where #sha256=… follows). Default: SmolLM2-135M-Instruct.',
  ),
  EMBEDDED_CONTEXT_TOKENS: setting(
    wholeNumber(256, 131_072),
    '2048',
    'Context of the built-in model; bounds its memory.',
  ),
  EMBEDDED_THREADS: setting(
    wholeNumber(0, 256),
    '0',
    'Threads of the built-in model; 0 is one less than there are cores.',
  ),
  MODEL_CACHE_DIR: setting(
    optionalText(),
    undefined,
    'Where the built-in model is kept. Default: ~/.cache/chill-space/models.',
  ),
};
