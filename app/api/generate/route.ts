import { handleOllamaGenerate } from '#lib/chat/http/ollama-handler';
import { route } from '#lib/http/route';

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = route(
  '/api/generate',
  { POST: handleOllamaGenerate },
  { right: 'chat', rateLimit: 'chat', mayBeCached: true },
);
