import { formatBytes } from '#lib/browser/format';
import type { ModelInfo } from '#lib/wire/models';
import { describeAlias, describeServers, placeWords } from './model-servers.ts';
import { MODEL_STRINGS as S } from './strings/models.ts';

const PROVIDERS = { ollama: S.ollama, openai: S.openai, embedded: S.builtIn } as const;

/**
 * `Ollama · 8.2B parameters · Q4_K_M · 5.2 GB · 128K context · Thinking · Vision · on gpu-a`.
 * `servers` are the names of all model servers.
 */
export function describeModel(model: ModelInfo, withProvider: boolean, servers: readonly string[] = []): string {
  const { provider, parameter_size, quantization, size_bytes, capabilities } = model;
  return [
    withProvider || provider === 'embedded' ? PROVIDERS[provider] : '',
    parameter_size === null ? '' : S.parameters(parameter_size),
    quantization ?? '',
    size_bytes === null ? '' : formatBytes(size_bytes),
    model.context_length === null ? '' : S.context(shortTokens(model.context_length)),
    capabilities.thinking ? S.thinking : '',
    capabilities.vision ? S.vision : '',
    capabilities.tools ? S.tools : '',
    model.is_default ? S.isDefault : '',
    describeAlias(model),
    describeServers(model, servers),
  ]
    .filter((part) => part !== '')
    .join(' · ');
}

/** `131072` is `128K`, as model cards write it; other sizes are in thousands. */
function shortTokens(tokens: number): string {
  if (tokens < 1_000) return String(tokens);
  const base = tokens % 1_024 === 0 ? 1_024 : 1_000;
  const thousands = tokens / base;
  if (thousands < 1_000) return `${Number(thousands.toFixed(thousands < 10 ? 1 : 0))}K`;
  return `${Number((thousands / base).toFixed(1))}M`;
}

/** Whether every word of the query is in the model's name or description. */
export function matchesModel(model: ModelInfo, query: string): boolean {
  const text =
    `${model.display_name ?? ''} ${model.id} ${describeModel(model, true)} ${placeWords(model)} ${model.loaded ? S.loaded : ''}`.toLowerCase();
  return query
    .toLowerCase()
    .split(/\s+/)
    .every((word) => text.includes(word));
}
