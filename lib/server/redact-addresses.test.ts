import { expect, it } from 'vitest';
import { redactAddresses } from '#lib/server/redact-addresses';

it.each([
  ['Ollama is not answering at http://10.1.2.3:11434. Start it.', 'Ollama is not answering. Start it.'],
  [
    'The server at https://gpu.internal/v1 rejected the credentials (401).',
    'The server rejected the credentials (401).',
  ],
  ['What answers at http://[fd00::1]:8000/v1, is not Ollama', 'What answers, is not Ollama'],
  ['Set OPENAI_BASE_URL, as in the documentation.', 'Set OPENAI_BASE_URL, as in the documentation.'],
])('%s', (sentence, expected) => {
  expect(redactAddresses(sentence)).toBe(expected);
});
