import { AppError } from '#lib/errors';
import type { EmbedRequest } from '#lib/models/embedding';
import type { ModelProvider } from '#lib/models/provider';

/**
 * Returns the wire names of the fields of `request` that have no effect on `provider`. Throws
 * `unsupported_value` if the provider cannot embed, or not these inputs. Does no I/O.
 */
export function checkEmbedSupport(provider: ModelProvider, request: EmbedRequest): readonly string[] {
  if (provider.embed === undefined) throw noEmbeddings();
  const { inputs, truncate, options = {}, keepAlive, user, extra = {} } = request;
  if (provider.id === 'ollama') {
    if (inputs.some((input) => typeof input !== 'string')) {
      const message = 'must be text: Ollama takes no token ids';
      throw new AppError('unsupported_value', `input ${message}.`, { details: [{ field: 'input', message }] });
    }
    return [...(user === undefined ? [] : ['user']), ...Object.keys(extra)];
  }
  return [
    // Such a server refuses an input that is too long, as `truncate: false` asks for.
    ...(truncate === true ? ['truncate'] : []),
    ...Object.keys(options).map((name) => `options.${name}`),
    ...(keepAlive === undefined ? [] : ['keep_alive']),
  ];
}

/** The error where no model server is configured that could have an embedding model. */
export function noEmbeddings(): AppError {
  return new AppError(
    'unsupported_value',
    'The built-in model makes no embeddings. Set OLLAMA_API_URL or OPENAI_BASE_URL to a model server with an embedding model.',
  );
}
