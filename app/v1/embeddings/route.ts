import { openAiError } from '#lib/chat/formats/openai';
import { handleOpenAiEmbeddings } from '#lib/chat/http/embeddings-handler';
import { route } from '#lib/http/route';

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = route(
  '/v1/embeddings',
  { POST: handleOpenAiEmbeddings },
  { right: 'chat', rateLimit: 'embeddings', countsEndUsers: true, errorBody: openAiError },
);
