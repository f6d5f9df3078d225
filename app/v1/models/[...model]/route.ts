import { anthropicModel } from '#lib/chat/formats/anthropic-models';
import { openAiModel } from '#lib/chat/formats/openai';
import { modelsFor } from '#lib/chat/http/allowed-models';
import { isAnthropicClient, v1Error } from '#lib/chat/http/v1-client';
import { AppError } from '#lib/errors';
import { json } from '#lib/http/reply';
import { route } from '#lib/http/route';
import { findModel, modelDirectory } from '#lib/models/model-directory';

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = route(
  '/v1/models/[...model]',
  {
    GET: async ({ signal, headers }, { params, principal }) => {
      // Ids may contain slashes: organization/model.
      const id = [params.model ?? ''].flat().join('/');
      const { models } = modelsFor(await modelDirectory().list(signal), principal);
      const model = findModel(models, id);
      if (model === undefined)
        throw new AppError('model_not_found', `There is no model ${id}. GET /v1/models lists what is there.`);
      return json(isAnthropicClient(headers) ? anthropicModel(model) : openAiModel(model));
    },
  },
  { right: 'models-read', errorBody: v1Error, requestIdHeader: 'request-id' },
);
