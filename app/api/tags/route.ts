import { handleOllamaTags } from '#lib/chat/http/ollama-models';
import { route } from '#lib/http/route';

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = route(
  '/api/tags',
  { GET: handleOllamaTags },
  { right: 'models-read' },
);
