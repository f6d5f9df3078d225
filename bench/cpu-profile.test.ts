import { expect, it } from 'vitest';
import { summarize } from './cpu-profile.ts';

const frame = (functionName: string, url = '', lineNumber = 0) => ({ functionName, url, lineNumber });

it('adds up self times by place and by function, without idle time', () => {
  const { busyUs, places, functions } = summarize(
    {
      nodes: [
        { id: 1, callFrame: frame('(idle)') },
        { id: 2, callFrame: frame('(garbage collector)') },
        { id: 3, callFrame: frame('reply', 'file:///app/lib/http/reply.ts', 11) },
        { id: 4, callFrame: frame('', 'file:///app/lib/http/route.ts', 4) },
        { id: 5, callFrame: frame('dispatch', 'file:///app/node_modules/undici/lib/client.js') },
        { id: 6, callFrame: frame('writev', 'node:internal/stream_base_commons') },
        { id: 7, callFrame: frame('end', 'node:_http_outgoing') },
        { id: 8, callFrame: frame('reply', 'file:///app/lib/http/reply.ts', 11) },
      ],
      samples: [1, 2, 3, 4, 5, 6, 7, 8],
      timeDeltas: [1000, 1, 20, 30, 4, 5, 6, 40],
    },
    '/app',
  );
  expect(busyUs).toBe(106);
  expect(places).toEqual([
    { name: 'lib/http', us: 90 },
    { name: 'node:_http_outgoing', us: 6 },
    { name: 'node: internal', us: 5 },
    { name: 'undici', us: 4 },
    { name: 'garbage collection', us: 1 },
  ]);
  expect(functions.slice(0, 2)).toEqual([
    { name: 'reply lib/http/reply.ts:12', us: 60 },
    { name: 'anonymous lib/http/route.ts:5', us: 30 },
  ]);
});
