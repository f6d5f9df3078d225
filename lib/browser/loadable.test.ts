import { createElement, type FunctionComponent, Suspense } from 'react';
import { renderToStaticMarkup } from 'react-dom/server';
import { expect, it, vi } from 'vitest';
import { type Loadable, loadable, loadTogether, useLoaded } from '#lib/browser/loadable';

const Greeting: FunctionComponent<{ name: string }> = ({ name }) => `Hello, ${name}`;

const greet = ({ Component }: Loadable<{ name: string }>) => createElement(Component, { name: 'Ada' });
const drawn = (part: Loadable<{ name: string }>) =>
  renderToStaticMarkup(createElement(Suspense, { fallback: 'wait' }, greet(part)));

it('renders loaded code at once', async () => {
  const part = loadable(async () => Greeting);
  expect(part.isLoaded()).toBe(false);
  await part.load();
  expect(part.isLoaded()).toBe(true);
  expect(drawn(part)).toBe('Hello, Ada');
});

it('is ready in the first render after loading, but not before it is wanted', async () => {
  const part = loadable(async () => Greeting);
  const Shown: FunctionComponent<{ isWanted: boolean }> = ({ isWanted }) => String(useLoaded(isWanted, part));
  expect(renderToStaticMarkup(createElement(Shown, { isWanted: true }))).toBe('false');
  await part.load();
  expect(renderToStaticMarkup(createElement(Shown, { isWanted: false }))).toBe('false');
  expect(renderToStaticMarkup(createElement(Shown, { isWanted: true }))).toBe('true');
});

it('loads combined parts together', async () => {
  const [one, other] = [loadable(async () => Greeting), loadable(async () => Greeting)];
  const both = loadTogether(one, other);
  await one.load();
  expect(both.isLoaded()).toBe(false);
  await both.load();
  expect([other.isLoaded(), both.isLoaded()]).toEqual([true, true]);
});

it('suspends until its code is loaded', async () => {
  const part = loadable(async () => Greeting);
  expect(drawn(part)).toContain('wait');
  await part.load();
  expect(drawn(part)).toBe('Hello, Ada');
});

it('fetches its code once', async () => {
  let times = 0;
  const part = loadable(async () => {
    times++;
    return Greeting;
  });
  await Promise.all([part.load(), part.load()]);
  drawn(part);
  await part.load();
  expect(times).toBe(1);
});

it('throws the loading error when rendered', async () => {
  const part = loadable<{ name: string }>(async () => {
    throw new Error('no such chunk');
  });
  await part.load();
  expect(part.isLoaded()).toBe(false);
  expect(() => renderToStaticMarkup(greet(part))).toThrow('no such chunk');
});

it('retries a failed fetch', async () => {
  let isAway = true;
  const part = loadable(async () => {
    if (isAway) throw new Error('the server is away');
    return Greeting;
  });
  part.preload();
  await Promise.resolve();
  await part.load();
  isAway = false;
  await part.load();
  expect(drawn(part)).toBe('Hello, Ada');
});

it('ignores a failed preload', async () => {
  let isAway = true;
  const part = loadable(async () => {
    if (isAway) throw new Error('the server is away');
    return Greeting;
  });
  part.preload();
  await new Promise((resolve) => setTimeout(resolve));
  isAway = false;
  expect(drawn(part)).toContain('wait');
  await part.load();
  expect(drawn(part)).toBe('Hello, Ada');
});

it('runs what waits for the first input with it, and what comes later soon', async () => {
  const window = new EventTarget();
  vi.stubGlobal('window', window);
  vi.stubGlobal('addEventListener', window.addEventListener.bind(window));
  vi.resetModules();
  const { onFirstInput } = await import('#lib/browser/loadable');
  const ran: string[] = [];
  onFirstInput(() => ran.push('waiting'));
  onFirstInput(() => ran.push('cancelled'))();
  expect(ran).toEqual([]);
  window.dispatchEvent(new Event('keydown'));
  window.dispatchEvent(new Event('input'));
  expect(ran).toEqual(['waiting']);
  onFirstInput(() => ran.push('late'));
  onFirstInput(() => ran.push('late and cancelled'))();
  await new Promise((resolve) => setTimeout(resolve, 5));
  expect(ran).toEqual(['waiting', 'late']);
  vi.unstubAllGlobals();
});
