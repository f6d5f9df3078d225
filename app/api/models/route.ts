import { modelsFor } from '#lib/chat/http/allowed-models';
import { json } from '#lib/http/reply';
import { route } from '#lib/http/route';
import { modelDirectory } from '#lib/models/model-directory';

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = route(
  '/api/models',
  {
    GET: async ({ signal }, { principal }) => json(modelsFor(await modelDirectory().list(signal), principal)),
  },
  { right: 'models-read' },
);
