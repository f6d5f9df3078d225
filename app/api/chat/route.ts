import { fromOllamaChat } from '#lib/chat/surfaces/ollama';
import { parseBody } from '#lib/http/body';
import { unknownFields } from '#lib/http/ignored-fields';
import { route } from '#lib/http/route';
import { ollamaChatSchema } from '#lib/wire/ollama-api';
import { parseChatBytes, readChatBytes } from '../chat-optimized/body.ts';
import { type OllamaAsked, ollama, recentOllamaBodies } from './ollama.ts';

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = route(
  '/api/chat',
  {
    POST: async (request, call) => {
      const asked = recentOllamaBodies('chat').get(await readChatBytes(request, true), read);
      return ollama('chat', asked, request, call, request.signal);
    },
  },
  { limited: 'chat' },
);

function read(bytes: Uint8Array): OllamaAsked {
  const body = parseChatBytes(bytes);
  const asked = parseBody(ollamaChatSchema, body);
  const { model, keep_alive: keepAlive } = asked;
  return { model, keepAlive, chat: fromOllamaChat(asked), unknown: unknownFields(body, asked, NAMES) };
}

const NAMES = Object.keys(ollamaChatSchema.shape);
