import { handleOllamaEmbed } from '#lib/chat/http/embeddings-handler';
import { route } from '#lib/http/route';

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = route(
  '/api/embed',
  { POST: handleOllamaEmbed },
  { right: 'chat', rateLimit: 'embeddings' },
);
