import { json } from '#lib/http/reply';
import { route } from '#lib/http/route';
import { modelDirectory } from '#lib/models/model-directory';

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = route(
  '/api/models',
  {
    GET: async ({ signal }) => json(await modelDirectory().list(signal)),
  },
  { right: 'models-read' },
);
