import { fromOllamaGenerate } from '#lib/chat/surfaces/ollama';
import { parseBody } from '#lib/http/body';
import { unknownFields } from '#lib/http/ignored-fields';
import { route } from '#lib/http/route';
import { ollamaGenerateSchema } from '#lib/wire/ollama-api';
import { type OllamaAsked, ollama, recentOllamaBodies } from '../chat/ollama.ts';
import { parseChatBytes, readChatBytes } from '../chat-optimized/body.ts';

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = route(
  '/api/generate',
  {
    POST: async (request, call) => {
      const asked = recentOllamaBodies('generate').get(await readChatBytes(request, true), read);
      return ollama('generate', asked, request, call, request.signal);
    },
  },
  { limited: 'chat' },
);

function read(bytes: Uint8Array): OllamaAsked {
  const body = parseChatBytes(bytes);
  const asked = parseBody(ollamaGenerateSchema, body);
  const { model, keep_alive: keepAlive } = asked;
  return { model, keepAlive, chat: fromOllamaGenerate(asked), unknown: unknownFields(body, asked, NAMES) };
}

const NAMES = Object.keys(ollamaGenerateSchema.shape);
