import { ollamaShowResponse } from '#lib/chat/formats/ollama';
import { AppError } from '#lib/errors';
import { parseBody, readJson } from '#lib/http/body';
import { json } from '#lib/http/reply';
import { route } from '#lib/http/route';
import { findModel, modelDirectory } from '#lib/models/model-directory';
import { KIB } from '#lib/units';
import { ollamaShowSchema } from '#lib/wire/ollama-request';

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = route('/api/show', {
  POST: async (request) => {
    const { signal } = request;
    const input = parseBody(ollamaShowSchema, await readJson(request, 16 * KIB, true));
    const id = input.model ?? input.name ?? '';
    const { models } = await modelDirectory().list(signal);
    const model = findModel(models, id);
    if (model === undefined)
      throw new AppError('model_not_found', `There is no model ${id}. GET /api/tags lists what is there.`);
    return json(ollamaShowResponse(model));
  },
});
