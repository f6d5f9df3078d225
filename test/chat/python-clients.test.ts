import { describe } from 'vitest';
import { testAnthropicClient } from '../support/python-anthropic.ts';
import { testBuiltInModel } from '../support/python-embedded.ts';
import { testOllamaClient } from '../support/python-ollama.ts';
import { testOpenAiClient } from '../support/python-openai.ts';
import { MISSING } from '../support/python-stage.ts';

// In one file, so that one process installs the SDKs. Skipped with the reason as its name.
describe.skipIf(MISSING !== undefined)(MISSING ?? 'the official Python SDKs', { timeout: 60_000 }, () => {
  testOpenAiClient();
  testOllamaClient();
  testAnthropicClient();
  testBuiltInModel();
});
