import { fromOllamaGenerate } from '#lib/chat/surfaces/ollama';
import { parseBody } from '#lib/http/body';
import { route } from '#lib/http/route';
import { ollamaGenerateSchema } from '#lib/wire/ollama-api';
import { ollama } from '../chat/ollama.ts';
import { readChatBody } from '../chat-optimized/body.ts';

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = route(
  '/api/generate',
  {
    POST: async (request, call) => {
      const { signal } = request;
      const asked = parseBody(ollamaGenerateSchema, await readChatBody(request, true));
      return ollama('generate', asked, fromOllamaGenerate(asked), request, call, signal);
    },
  },
  { limited: 'chat' },
);
