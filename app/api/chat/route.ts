import { fromOllamaChat } from '#lib/chat/formats/ollama';
import { parseChatBody, readChatBody } from '#lib/chat/http/chat-body';
import { handleOllama, type OllamaInput, parsedOllamaBodies } from '#lib/chat/http/ollama-handler';
import { parseBody } from '#lib/http/body';
import { unknownFields } from '#lib/http/ignored-fields';
import { route } from '#lib/http/route';
import { ollamaChatSchema } from '#lib/wire/ollama-request';

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = route(
  '/api/chat',
  {
    POST: async (request, call) => {
      const asked = parsedOllamaBodies('chat').get(await readChatBody(request, true), read);
      return handleOllama('chat', asked, request, call, request.signal);
    },
  },
  { rateLimit: 'chat' },
);

function read(bytes: Uint8Array): OllamaInput {
  const body = parseChatBody(bytes);
  const asked = parseBody(ollamaChatSchema, body);
  const { model, keep_alive: keepAlive } = asked;
  return { model, keepAlive, chat: fromOllamaChat(asked), unknown: unknownFields(body, asked, NAMES) };
}

const NAMES = Object.keys(ollamaChatSchema.shape);
