import type { Llama, LlamaGrammar } from 'node-llama-cpp';
import type { Format } from '#lib/wire/chat';

/** The grammar that forces a response into `format`, or the reason why the library rejects it. */
export async function createGrammar(
  llama: Llama,
  format: Format,
): Promise<{ grammar: LlamaGrammar } | { refused: string }> {
  if (format === 'json') return { grammar: await llama.getGrammarFor('json') };
  try {
    // The library validates the schema, and throws if it does not support it.
    return {
      grammar: await llama.createGrammarForJsonSchema(format as Parameters<Llama['createGrammarForJsonSchema']>[0]),
    };
  } catch (error) {
    const why = error instanceof Error ? error.message : 'it does not say why';
    return { refused: `The built-in model cannot hold to this JSON Schema: ${why.slice(0, 200)}` };
  }
}
