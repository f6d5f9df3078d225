import { OLLAMA_DEFAULTS } from '#lib/models/ollama/option-defaults';
import { OllamaProvider } from '#lib/models/ollama/provider';
import type { ProviderDefinition } from '#lib/models/provider';

export const ollamaDefinition: ProviderDefinition = {
  id: 'ollama',
  displayName: 'Ollama',
  hasTags: true,
  addresses: ({ OLLAMA_API_URL: addresses }) => addresses,
  create: (settings, { url, name }) =>
    new OllamaProvider({
      url,
      name,
      keepAlive: settings.OLLAMA_KEEP_ALIVE,
      maxContextTokens: settings.OLLAMA_MAX_CONTEXT_TOKENS,
    }),
  optionDefaults: () => OLLAMA_DEFAULTS,
  isConfigured: ({ given }) => given.has('OLLAMA_API_URL'),
  probe: async ({ OLLAMA_API_URL: [address] }, signal) => address !== undefined && probeOllama(address.url, signal),
  pullCommand,
  missingDefaultNotice: (model, chosen) =>
    chosen === undefined
      ? `Ollama has no model yet. Get one with \`${pullCommand(model)}\`.`
      : `The default model ${model} is not pulled, so ${chosen} answers. Get it with \`${pullCommand(model)}\`.`,
};

function pullCommand(model: string): string {
  return `ollama pull ${model}`;
}

/** Whether an Ollama responds at `url`. Opens one connection and closes it. */
async function probeOllama(url: string, signal: AbortSignal): Promise<boolean> {
  const provider = new OllamaProvider({ url, keepAlive: 0 });
  try {
    await provider.check(signal);
    return true;
  } catch {
    return false;
  } finally {
    await provider.close();
  }
}
