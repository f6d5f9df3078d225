import type { ModelAliases } from '#lib/config/settings/model-aliases';
import type { ServerAddress } from '#lib/config/settings/server-addresses';

interface ModelServerSettings {
  readonly OLLAMA_API_URL: readonly ServerAddress[];
  readonly OPENAI_BASE_URL: readonly ServerAddress[];
  readonly OPENAI_API_KEY: readonly string[];
  readonly MODEL_ALIASES: ModelAliases;
}

/** What the settings of model servers get wrong together: one sentence each. */
export function modelServerProblems(settings: ModelServerSettings): string[] {
  const { OLLAMA_API_URL: ollama, OPENAI_BASE_URL: openai, OPENAI_API_KEY: keys, MODEL_ALIASES: aliases } = settings;
  const problems: string[] = [];
  if (keys.length > 1 && keys.length !== openai.length)
    problems.push(
      `OPENAI_API_KEY must be one key or as many as OPENAI_BASE_URL has addresses: ${keys.length} keys for ${openai.length}`,
    );
  const names = serverNames(settings);
  const all = [...ollama, ...openai];
  for (const [index, { name }] of all.entries())
    if (name !== undefined && all.findIndex((other, at) => (other.name ?? names[at]) === name) !== index)
      problems.push(`OLLAMA_API_URL and OPENAI_BASE_URL must give each server its own name: ${name} is there twice`);
  for (const [alias, targets] of aliases)
    for (const { server } of targets)
      if (server !== undefined && !names.includes(server))
        problems.push(
          `MODEL_ALIASES must name servers of OLLAMA_API_URL or OPENAI_BASE_URL after an @: ${alias} has ${server}, and there are ${names.join(', ')}`,
        );
  return problems;
}

/**
 * The names of all servers of OLLAMA_API_URL, then of OPENAI_BASE_URL: the given one, else the host
 * with its port, and with its path if another server has the same.
 */
export function serverNames({
  OLLAMA_API_URL: ollama,
  OPENAI_BASE_URL: openai,
}: Pick<ModelServerSettings, 'OLLAMA_API_URL' | 'OPENAI_BASE_URL'>): string[] {
  const all = [...ollama, ...openai];
  const usual = all.map(({ url, name }) => name ?? placeOf(url));
  return all.map(({ url, name }, index) => {
    const short = name ?? placeOf(url);
    const isTaken = name === undefined && usual.some((other, at) => at !== index && other === short);
    return isTaken ? `${short}${new URL(url).pathname.replace(/\/+$/, '')}` : short;
  });
}

function placeOf(url: string): string {
  const { hostname, port, protocol } = new URL(url);
  return `${hostname}:${port === '' ? (protocol === 'https:' ? 443 : 80) : port}`;
}
