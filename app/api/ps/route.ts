import { ollamaTag } from '#lib/chat/formats/ollama';
import { json } from '#lib/http/reply';
import { route } from '#lib/http/route';
import { modelDirectory } from '#lib/models/model-directory';

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = route('/api/ps', {
  GET: async ({ signal }) => {
    const { models } = await modelDirectory().list(signal);
    return json({ models: models.filter(({ loaded }) => loaded).map(ollamaTag) });
  },
});
