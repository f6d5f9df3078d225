import { fromOllamaChat } from '#lib/chat/surfaces/ollama';
import { parseBody } from '#lib/http/body';
import { route } from '#lib/http/route';
import { ollamaChatSchema } from '#lib/wire/ollama-api';
import { readChatBody } from '../chat-optimized/body.ts';
import { ollama } from './ollama.ts';

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = route(
  '/api/chat',
  {
    POST: async (request, call) => {
      const { signal } = request;
      const asked = parseBody(ollamaChatSchema, await readChatBody(request, true));
      return ollama('chat', asked, fromOllamaChat(asked), request, call, signal);
    },
  },
  { limited: 'chat' },
);
