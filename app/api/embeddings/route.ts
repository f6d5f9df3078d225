import { handleOllamaEmbeddings } from '#lib/chat/http/embeddings-handler';
import { route } from '#lib/http/route';

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = route(
  '/api/embeddings',
  { POST: handleOllamaEmbeddings },
  { right: 'chat', rateLimit: 'embeddings' },
);
