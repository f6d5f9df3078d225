import { route } from '#lib/http/route';
import { chat } from '../chat-optimized/handler.ts';

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = route(
  '/api/chat-stream',
  { POST: chat },
  { limited: 'chat' },
);
