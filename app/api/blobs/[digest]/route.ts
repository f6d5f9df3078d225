import { findBlob, uploadBlob } from '#lib/chat/http/ollama-management';
import { route } from '#lib/http/route';

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = route(
  '/api/blobs/[digest]',
  {
    HEAD: findBlob,
    POST: uploadBlob,
  },
  { right: 'manage' },
);
