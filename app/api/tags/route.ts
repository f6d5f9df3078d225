import { ollamaTag } from '#lib/chat/formats/ollama';
import { json } from '#lib/http/reply';
import { route } from '#lib/http/route';
import { modelDirectory } from '#lib/models/model-directory';

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = route('/api/tags', {
  GET: async ({ signal }) => json({ models: (await modelDirectory().list(signal)).models.map(ollamaTag) }),
});
