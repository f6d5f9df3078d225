import { z } from 'zod';
import { modelAliases } from '#lib/config/settings/model-aliases';
import { serverAddresses } from '#lib/config/settings/server-addresses';
import { setting } from '#lib/config/settings/setting';
import { duration, flag, optionalText, secrets, text, wholeNumber } from '#lib/config/settings/value-schemas';
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
  OLLAMA_API_URL: setting(
    serverAddresses().refine((addresses) => addresses.length > 0, 'must have an address'),
    'http://localhost:11434',
    'Where Ollama listens; several servers comma-separated. Each may end in #slots=4&name=gpu-a&weight=2 (in .env, with quotes around the value).',
  ),
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
  OLLAMA_MANAGE: setting(
    flag(),
    'false',
    "Allow pull, push, create, copy, delete and unload of Ollama's models through this server: for administrators, without API_KEYS from this machine only.",
  ),
  OPENAI_BASE_URL: setting(
    serverAddresses(),
    '',
    'An OpenAI-compatible server, with its /v1; several as in OLLAMA_API_URL, and both kinds at once.',
  ),
  OPENAI_API_KEY: setting(
    secrets(),
    '',
    'Its key: one for all of these servers, or as many as there are, in their order.',
  ),
  MODEL_ALIASES: setting(
    modelAliases(),
    '',
    'Names for models, tried in order until one answers: fast=llama3.2:3b@gpu-a,gpt-4o-mini; smart=qwen3:32b. What follows the last @ is the name of a server.',
  ),
  MODEL_AFFINITY: setting(
    flag(),
    'true',
    'Among several servers, prefer the one that has the beginning of a conversation in memory.',
  ),
  DROP_PARAMS: setting(
    flag(),
    'false',
    'Leave out request fields that the model server does not support, and name them in X-Dropped-Params, instead of rejecting the request. A request can ask for either.',
  ),
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
