import { OllamaProvider } from '#lib/models/ollama/provider';
import { OpenAiProvider } from '#lib/models/openai/provider';
import type { ModelProvider, ModelRequest } from '#lib/models/provider';
import { ollama, openai } from './faulty-model-server.ts';

export const REQUEST: ModelRequest = { model: 'test', messages: [{ role: 'user', content: 'hello' }], options: {} };

/** The provider of one API, and how its model server writes. */
export interface Dialect {
  name: string;
  make(url: string): ModelProvider & { readonly connections: number };
  text(content: string): string;
  thinking(text: string): string;
  end: string[];
  error(message: string): string;
}

export const dialects: Dialect[] = [
  {
    name: 'ollama',
    make: (url) => new OllamaProvider({ url, keepAlive: '5m' }),
    ...ollama,
    end: [ollama.done()],
  },
  {
    name: 'openai',
    make: (url) => new OpenAiProvider({ url: `${url}/v1`, key: 'sk-secret-key-1' }),
    ...openai,
    end: [openai.finish(), openai.usage(), openai.done()],
  },
];
