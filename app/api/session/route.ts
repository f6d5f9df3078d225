import { route } from '#lib/http/route';
import { readSession, signIn, signOut } from '#lib/http/sign-in';

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = route(
  '/api/session',
  { GET: readSession, POST: signIn, DELETE: signOut },
  { right: 'open', rateLimit: 'chat' },
);
