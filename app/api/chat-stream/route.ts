import { handleChat } from '#lib/chat/http/native-handler';
import { route } from '#lib/http/route';

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = route(
  '/api/chat-stream',
  { POST: handleChat },
  { right: 'chat', rateLimit: 'chat', mayBeCached: true },
);
