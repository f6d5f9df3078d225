import { expect, it } from 'vitest';
import type { ServiceStatus } from '#lib/browser/service-status';
import type { ReadinessPart, ServerReadiness } from '#lib/wire/health';
import { serverState } from './server-state.ts';

const good: ServiceStatus = { level: 'good', sentence: 'Ready.' };
const ready = (
  status: ServerReadiness['status'],
  gateway: ReadinessPart,
  database: ReadinessPart = { state: 'up' },
  redis: ReadinessPart = { state: 'not_configured' },
  mail: ReadinessPart = { state: 'not_configured' },
): ServerReadiness => ({
  status,
  parts: {
    model: { state: 'up' },
    sandbox: { state: 'up' },
    executors: { state: 'not_configured' },
    gateway,
    database,
    redis,
    mail,
  },
});
const parts = { model: good, runner: good, ready: ready('ready', { state: 'up' }), isStale: false };
const sentences = ({ lines }: ReturnType<typeof serverState>) => lines.map(({ status }) => status.sentence);

it('reports a server as up while all of its parts are', () => {
  expect(serverState(parts)).toMatchObject({ value: 'Up', lines: [{ name: 'Model' }, { name: 'Code runner' }] });
  expect(serverState({ ...parts, ready: undefined }).value).toBe('Up');
});

it('reports a server as degraded without its model server, and why', () => {
  const details = 'The model server is not answering at http://127.0.0.1:11434.';
  const model: ServiceStatus = { level: 'error', sentence: 'Ask your administrator.', details };
  const state = serverState({ ...parts, model });
  expect(state.value).toBe('Degraded');
  expect(sentences(state)).toEqual([details, 'Ready.']);
});

it('reports a part that is down although neither models nor programs need it', () => {
  const state = serverState({ ...parts, ready: ready('not_ready', { state: 'down', detail: 'No backend.' }) });
  expect(state.value).toBe('Degraded');
  expect(sentences(state)).toEqual(['Ready.', 'Ready.', 'No backend.']);
});

it('reports a server as degraded while one of several model servers is down', () => {
  const modelServers: ServiceStatus = { level: 'warn', sentence: '1 of 3 model servers is down: gpu-b' };
  const state = serverState({ ...parts, modelServers });
  expect(state.value).toBe('Degraded');
  expect(sentences(state)).toEqual(['Ready.', modelServers.sentence, 'Ready.']);
  expect(serverState({ ...parts, modelServers, isStale: true }).value).toBe('Unknown');
});

it('reports a server that stops, which is not degraded', () => {
  const stopping: ServerReadiness = { ...ready('not_ready', { state: 'up' }), stopping: true };
  expect(serverState({ ...parts, ready: stopping })).toMatchObject({ value: 'Stopping', lines: [{}, {}] });
});

it('reports nothing for sure from old figures', () => {
  const state = serverState({ ...parts, isStale: true });
  expect(state.value).toBe('Unknown');
  expect(state.lines.map(({ status }) => status.level)).toEqual(['unknown', 'unknown']);
});

it('warns while nothing is saved, on a server that is up', () => {
  const detail = 'Not saved: the disk of the database is full.';
  const state = serverState({
    ...parts,
    ready: ready('ready', { state: 'up' }, { state: 'unavailable', detail }),
  });
  expect(state.value).toBe('Up');
  expect(state.lines.at(-1)).toEqual({ name: 'Database', status: { level: 'warn', sentence: detail } });
});

it('warns while no mail can be sent, on a server that is up', () => {
  const detail = 'The mail server cannot be reached.';
  const up: ReadinessPart = { state: 'up' };
  const withMail = (mail: ReadinessPart) =>
    serverState({ ...parts, ready: ready('ready', up, up, { state: 'not_configured' }, mail) });
  expect(withMail({ state: 'unavailable', detail })).toMatchObject({ value: 'Up' });
  expect(withMail({ state: 'unavailable', detail }).lines.at(-1)).toEqual({
    name: 'Mail server',
    status: { level: 'warn', sentence: detail },
  });
  expect(withMail(up)).toEqual(serverState(parts));
});

it('warns while Redis is away, and reports it as an error where it is required', () => {
  const detail = 'Redis does not respond. This server goes on alone until it does.';
  const withRedis = (status: ServerReadiness['status'], state: ReadinessPart['state']) =>
    serverState({ ...parts, ready: ready(status, { state: 'up' }, { state: 'up' }, { state, detail }) });
  expect(withRedis('ready', 'unavailable').value).toBe('Up');
  expect(withRedis('ready', 'unavailable').lines.at(-1)).toEqual({
    name: 'Redis',
    status: { level: 'warn', sentence: detail },
  });
  expect(withRedis('not_ready', 'down').value).toBe('Degraded');
  expect(withRedis('not_ready', 'down').lines.at(-1)?.status).toEqual({ level: 'error', sentence: detail });
});
