import { manage } from '#lib/chat/http/ollama-management';
import { route } from '#lib/http/route';

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = route(
  '/api/push',
  { POST: manage('push') },
  { right: 'manage' },
);
