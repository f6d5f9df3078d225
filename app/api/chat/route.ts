import { handleOllamaChat } from '#lib/chat/http/ollama-handler';
import { route } from '#lib/http/route';

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = route(
  '/api/chat',
  { POST: handleOllamaChat },
  { right: 'chat', rateLimit: 'chat', mayBeCached: true },
);
