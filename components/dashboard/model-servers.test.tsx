import { renderToStaticMarkup } from 'react-dom/server';
import { expect, it } from 'vitest';
import type { ModelServerStats } from '#lib/wire/server-stats';
import { ModelServers, OneModelServer } from './model-servers.tsx';

const A: ModelServerStats = {
  ...{ id: 'a', name: 'gpu-a', provider: 'ollama', address: 'http://gpu-a:11434', state: 'up', error: null },
  ...{ slots: 4, running: 4, waiting: 3, loaded: ['a', 'b', 'c', 'd', 'e'], models: 14 },
  ...{ average_ms: 3_200, tokens_per_second: 41.7 },
};
const DOWN: ModelServerStats = {
  ...{ ...A, id: 'b', name: 'gpu-b', state: 'down', loaded: [], running: 0, waiting: 0 },
  error: 'Ollama is not responding. Start it with `ollama serve`.',
};
const EMBEDDED: ModelServerStats = { ...A, id: 'c', name: 'smollm2', provider: 'embedded', address: '' };

const textOf = (markup: string) => markup.replace(/<[^>]+>/g, ' ').replace(/\s+/g, ' ');

it('folds the models that a row has no space for', () => {
  const markup = renderToStaticMarkup(<ModelServers servers={[A, EMBEDDED]} />);
  expect(textOf(markup)).toContain('a, b, c 5 of 14 loaded 2 more d e');
  expect(markup).toContain('aria-label="2 more on gpu-a"');
  expect(textOf(markup)).toContain('Busy');
});

it('says which server is down and what its operator can do, as a status and not as an alert', () => {
  const markup = renderToStaticMarkup(<ModelServers servers={[A, DOWN]} />);
  expect(markup).toContain('<p role="status" class="sr-only">gpu-b is down.');
  expect(markup).not.toContain('role="alert"');
  expect(textOf(markup)).toMatch(/gpu-b: Ollama is not responding\. Start it with ollama serve ?\./);
});

it('raises an alert once, when all are down', () => {
  const markup = renderToStaticMarkup(<ModelServers servers={[DOWN, { ...DOWN, id: 'd', name: 'gpu-d' }]} />);
  expect(markup.match(/role="alert"/g)).toHaveLength(1);
  expect(markup).toContain('<p role="status" class="sr-only"></p>');
});

it('shows the only server in a line without a table', () => {
  const markup = renderToStaticMarkup(<OneModelServer server={A} />);
  expect(markup).not.toContain('<table');
  expect(textOf(markup)).toContain('Up: gpu-a · Ollama · http://gpu-a:11434 · avg 3.2 s · 42 tokens/s');
  expect(textOf(renderToStaticMarkup(<OneModelServer server={DOWN} />))).toMatch(/Down: gpu-b .* ollama serve/);
});
