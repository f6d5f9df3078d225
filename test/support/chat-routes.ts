const HELLO = { messages: [{ role: 'user', content: 'hello' }] };

/** Every route that begins work with a chat model, with a body for `default-model`. */
export const CHAT_ROUTES = [
  ['/api/chat-optimized', HELLO],
  ['/api/chat-queue', HELLO],
  ['/v1/chat/completions', { model: 'default-model', ...HELLO }],
  ['/v1/completions', { model: 'default-model', prompt: 'x' }],
  ['/v1/messages', { model: 'default-model', max_tokens: 5, ...HELLO }],
  ['/v1/messages/count_tokens', { model: 'default-model', max_tokens: 5, ...HELLO }],
  ['/v1/responses', { model: 'default-model', input: 'hello' }],
  ['/v1/responses/input_tokens', { model: 'default-model', input: 'hello' }],
  ['/v1/infill', { model: 'default-model', input_prefix: 'x', input_suffix: 'y' }],
  ['/api/chat', { model: 'default-model', ...HELLO }],
  ['/api/generate', { model: 'default-model', prompt: 'x' }],
  ['/api/generate', { model: 'default-model' }],
  ['/api/show', { model: 'default-model' }],
] as const;
