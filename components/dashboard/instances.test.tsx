import { renderToStaticMarkup } from 'react-dom/server';
import { expect, it } from 'vitest';
import type { InstanceStats } from '#lib/wire/server-stats';
import { serverStats } from '../../test/support/instance-figures.ts';
import { AloneNotice, Instances } from './instances.tsx';

const A: InstanceStats = {
  ...{ id: 'a', name: 'pod-a:3000', version: '1.0.0', state: 'ready', is_responding: true },
  ...{ started_at: '2025-12-31T21:59:00.000Z', seen_at: '2026-01-01T00:01:00.000Z' },
  ...{ requests: 1_234, running: 2, waiting: 3, rss_mb: 210.5 },
};
const B: InstanceStats = { ...A, id: 'b', name: 'pod-b:3000', is_responding: false, state: 'stopping', running: 1 };
const LOST: InstanceStats = {
  ...{ ...B, id: 'c', name: 'pod-c:3000', state: 'lost', running: 0, waiting: 0 },
  seen_at: '2026-01-01T00:00:48.000Z',
};

const shown = (...instances: InstanceStats[]) =>
  renderToStaticMarkup(<Instances stats={serverStats({ scope: 'cluster', queue_length: 3, instances })} />);
const textOf = (markup: string) => markup.replace(/<[^>]+>/g, ' ').replace(/\s+/g, ' ');

it('shows the work of each instance, and of all together', () => {
  const text = textOf(shown(A, B));
  expect(text).toContain('2 instances · 3 running · 3 waiting');
  expect(text).toMatch(/pod-a:3000 Version 1\.0\.0 · serves this page Ready .*211 MB 2 h 2 min 1,234 2 3 211 MB/);
  expect(text).toMatch(
    /pod-b:3000 Version 1\.0\.0 Stopping up 2 h 2 min · 1,234 requests · 1 running · 3 waiting · 211 MB/,
  );
});

it('says which instance is lost and since when, as a status and not as an alert', () => {
  const markup = shown(A, LOST);
  expect(markup).toContain(
    '<p role="status" class="sr-only">pod-c:3000 is lost: it reports nothing any more, and was not stopped.',
  );
  expect(markup).not.toContain('role="alert"');
  expect(textOf(markup)).toMatch(/1 instance · 2 running · 3 waiting .*last seen 12 s ago Lost – – – – –/);
});

it('is not there without Redis, nor with a list of another version', () => {
  expect(renderToStaticMarkup(<Instances stats={serverStats()} />)).toBe('');
  const other: unknown = [{ id: 'a' }];
  expect(renderToStaticMarkup(<Instances stats={{ ...serverStats(), instances: other as InstanceStats[] }} />)).toBe(
    '',
  );
});

it('marks figures that are those of one instance', () => {
  const alone = (scope: 'cluster' | 'instance' | undefined) =>
    textOf(renderToStaticMarkup(<AloneNotice stats={serverStats({ ...(scope && { scope }), instances: [A] })} />));
  expect(alone('instance')).toContain(
    'This instance only: Redis does not respond. All figures are those of pod-a:3000 until it does.',
  );
  expect([alone('cluster'), alone(undefined)]).toEqual(['', '']);
});
