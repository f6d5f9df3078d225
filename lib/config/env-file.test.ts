import { parseEnv } from 'node:util';
import { expect, it } from 'vitest';
import { readConfig } from '#lib/config/config';
import { cutFragments } from '#lib/config/env-file';

const slotsOf = (envFile: string) => readConfig(parseEnv(envFile)).OLLAMA_API_URL.map(({ slots }) => slots);

it('reports an address whose slots are read as a comment', () => {
  const cut = 'PORT=1\nOLLAMA_API_URL=http://gpu-a:11434#slots=4\n';
  expect(slotsOf(cut)).toEqual([undefined]);
  expect(cutFragments(cut)).toEqual(['OLLAMA_API_URL in .env is cut off at its #: put the value in quotes.']);
});

it('reports neither quoted addresses nor comments', () => {
  for (const quote of ['"', "'", '`']) {
    const quoted = `OLLAMA_API_URL=${quote}http://gpu-a:11434#slots=4${quote}\n`;
    expect(slotsOf(quoted)).toEqual([4]);
    expect(cutFragments(quoted)).toEqual([]);
  }
  expect(cutFragments('OLLAMA_API_URL=http://gpu-a:11434 # the large one\n#OPENAI_BASE_URL=http://a#slots=1')).toEqual(
    [],
  );
});
