import { handleOllamaShow } from '#lib/chat/http/ollama-models';
import { route } from '#lib/http/route';

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = route(
  '/api/show',
  { POST: handleOllamaShow },
  { right: 'models-read' },
);
