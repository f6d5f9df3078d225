import { openAiError, openAiModel } from '#lib/chat/formats/openai';
import { json } from '#lib/http/reply';
import { route } from '#lib/http/route';
import { modelDirectory } from '#lib/models/model-directory';

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = route(
  '/v1/models',
  {
    GET: async ({ signal }) => {
      const { models } = await modelDirectory().list(signal);
      return json({ object: 'list', data: models.map(openAiModel) });
    },
  },
  { errorBody: openAiError },
);
