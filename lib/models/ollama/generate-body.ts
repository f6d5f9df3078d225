import { type BodyOptions, commonBody } from '#lib/models/ollama/request-body';
import type { ModelCompletion, ModelRequest } from '#lib/models/provider';

/**
 * The body of POST /api/generate. Ollama fills in the middle where there is a suffix, by the
 * template of the model.
 * https://github.com/ollama/ollama/blob/main/docs/api.md#generate-a-completion
 */
export function ollamaGenerateBody(request: ModelRequest, completion: ModelCompletion, options: BodyOptions) {
  const { prompt, suffix, raw, images, template, context, system } = completion;
  return {
    ...commonBody(request, options),
    prompt,
    suffix,
    raw: raw ? true : undefined,
    images,
    template,
    context,
    system,
  };
}
