import { handleEnqueue, handleQueueCancel, handleQueueStatus } from '#lib/chat/http/queue-handler';
import { route } from '#lib/http/route';

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = route(
  '/api/chat-queue',
  { POST: handleEnqueue, GET: handleQueueStatus, DELETE: handleQueueCancel },
  { right: { POST: 'chat', GET: 'queue-read', DELETE: 'queue-read' }, rateLimit: 'chat' },
);
