import { renderToStaticMarkup } from 'react-dom/server';
import { expect, it } from 'vitest';
import { TextWithCode } from './text-with-code.tsx';

const codeIn = (text: string) =>
  [...renderToStaticMarkup(<TextWithCode text={text} />).matchAll(/<code[^>]*>(.*?)<\/code>/g)].map(([, code]) => code);

it('sets commands, settings and their file as code', () => {
  expect(codeIn('Run `ollama pull X_Y`, or set OPENAI_BASE_URL.')).toEqual(['ollama pull X_Y', 'OPENAI_BASE_URL']);
  expect(codeIn('Add these lines to .env and restart. HF_TOKEN is optional.')).toEqual(['.env', 'HF_TOKEN']);
  expect(codeIn('HF_TOKEN: not set')).toEqual(['HF_TOKEN']);
});

it('leaves other words as they are', () => {
  for (const text of ['The CPU and the GPU.', 'One ` alone marks nothing.', 'process.env is a name of Node.'])
    expect(codeIn(text), text).toEqual([]);
});
