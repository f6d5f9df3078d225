import { expect, it } from 'vitest';
import { ChatEngine } from '#lib/chat/chat-engine';
import type { PendingRequest } from '#lib/chat/generation/pending-request';
import type { FlightClaim } from '#lib/chat/seams';
import { readConfig } from '#lib/config/config';
import { createLog } from '#lib/telemetry/log';
import { createMetrics } from '#lib/telemetry/metrics';
import { chatRequest, ManualClock, ScriptedProvider, settled } from '../../test/support/chat.ts';

/** An engine that has to ask other servers for a flight, and what it gives back. */
function begin(line: 'shared' | 'own') {
  const provider = new ScriptedProvider();
  const released: string[] = [];
  let claims = 0;
  const claim = async (): Promise<FlightClaim> => {
    const id = `claim ${++claims}`;
    return { id, leader: undefined, isLate: false, release: () => void released.push(id) };
  };
  const resolveKnown = (model: string | undefined) => ({ provider, model: model ?? 'default-model' });
  const engine = new ChatEngine(
    {
      settings: readConfig({}),
      directory: { resolve: async (model) => resolveKnown(model), resolveKnown },
      clock: new ManualClock(),
      metrics: createMetrics(),
      log: createLog('silent', process.stdout),
      call: (asked, request, signal, emit) => asked.chat(request, signal, emit),
    },
    (local) => {
      local.inFlight.onAdd = (request: PendingRequest) => {
        if (line === 'shared')
          request.saved = { eventOffset: 0, isOnDisk: true, isShared: true, written: Promise.resolve() };
      };
      return { ...local, shared: { hooks: {}, claim, find: async () => undefined, turnsLeft: async (turns) => turns } };
    },
  );
  const submit = () => engine.submit(chatRequest('the same'), { caller: 'ann' });
  return { engine, provider, released, submit };
}

it('keeps the flight of a generation that other servers can join', async () => {
  const { engine, released, submit } = begin('shared');
  expect((await submit()).id).toBe('claim 1');
  expect(released).toEqual([]);
  engine.close();
});

it('gives back the flight of a generation that no other server sees', async () => {
  const { engine, released, submit } = begin('own');
  expect((await submit()).id).toBe('claim 1');
  expect(released).toEqual(['claim 1']);
  engine.close();
});

it('gives back the flights of requests that join another generation of this server', async () => {
  const { engine, provider, released, submit } = begin('shared');
  const pending = await Promise.all([submit(), submit()]);
  await settled();
  expect(provider.calls).toHaveLength(1);
  expect(new Set(pending.map(({ generation }) => generation)).size).toBe(1);
  expect(released).toEqual(['claim 2']);
  engine.close();
});
