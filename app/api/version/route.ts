import { OLLAMA_API_VERSION } from '#lib/chat/formats/ollama';
import { json } from '#lib/http/reply';
import { route } from '#lib/http/route';

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = route(
  '/api/version',
  { GET: () => json({ version: OLLAMA_API_VERSION }) },
  { quiet: true },
);
