import { route } from '#lib/http/route';
import { chat } from './handler.ts';

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = route(
  '/api/chat-optimized',
  { POST: chat },
  { limited: 'chat' },
);
