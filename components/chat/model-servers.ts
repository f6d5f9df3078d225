import type { ModelInfo, Models } from '#lib/wire/models';
import { MODEL_STRINGS as S } from './strings/models.ts';

type Place = Pick<ModelInfo, 'servers' | 'alias_of'>;

/** More names than these would push everything else out of a line. */
const MOST_NAMES = 3;

/** The names of all model servers that have a model. */
export function serverNames({ models }: Pick<Models, 'models'>): string[] {
  return [...new Set(models.flatMap(({ servers }) => servers ?? []))];
}

/** Which of several servers have a model: `on gpu-a, gpu-b`. Empty without a choice of servers. */
export function describeServers({ servers = [] }: Place, all: readonly string[]): string {
  if (all.length < 2 || servers.length === 0) return '';
  if (servers.length === all.length) return S.onAllServers;
  return servers.length > MOST_NAMES ? S.onManyServers(servers.length) : S.onServers(servers.join(', '));
}

/** What an alias stands for: `alias for llama3.2:3b, then gpt-4o-mini`. Empty for other models. */
export function describeAlias({ alias_of: models = [] }: Place): string {
  return models.length === 0 ? '' : S.aliasFor(models.join(S.thenModel));
}

/** What a search for a model finds in addition to its name. */
export function placeWords({ servers = [], alias_of: models = [] }: Place): string {
  return [...servers, ...models].join(' ');
}
