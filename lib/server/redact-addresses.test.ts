import { expect, it } from 'vitest';
import { redactAddresses } from '#lib/server/redact-addresses';

it.each([
  ['Ollama does not answer at http://10.1.2.3:11434. Start it.', 'Ollama does not answer. Start it.'],
  ['The server at https://gpu.internal/v1 refused the credentials (401).', 'The server refused the credentials (401).'],
  ['What answers at http://[fd00::1]:8000/v1, is not Ollama', 'What answers, is not Ollama'],
  ['Set OPENAI_BASE_URL, as in the documentation.', 'Set OPENAI_BASE_URL, as in the documentation.'],
])('%s', (sentence, expected) => {
  expect(redactAddresses(sentence)).toBe(expected);
});
