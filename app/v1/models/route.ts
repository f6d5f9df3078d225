import { anthropicModels } from '#lib/chat/formats/anthropic-models';
import { openAiModel } from '#lib/chat/formats/openai';
import { modelsFor } from '#lib/chat/http/allowed-models';
import { isAnthropicClient, v1Error } from '#lib/chat/http/v1-client';
import { json } from '#lib/http/reply';
import { route } from '#lib/http/route';
import { modelDirectory } from '#lib/models/model-directory';

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = route(
  '/v1/models',
  {
    GET: async ({ signal, headers, url }, { principal }) => {
      const { models } = modelsFor(await modelDirectory().list(signal), principal);
      if (isAnthropicClient(headers)) return json(anthropicModels(models, new URL(url).searchParams));
      return json({ object: 'list', data: models.map(openAiModel) });
    },
  },
  { right: 'models-read', errorBody: v1Error, requestIdHeader: 'request-id' },
);
