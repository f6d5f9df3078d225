import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { whenIdle } from './when-idle.ts';

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }));
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

it('runs an action once the browser is idle, and cancels it', () => {
  const request = vi.fn((_action: () => void, _options: { timeout: number }) => 7);
  const cancel = vi.fn();
  vi.stubGlobal('requestIdleCallback', request);
  vi.stubGlobal('cancelIdleCallback', cancel);
  const action = vi.fn();
  const end = whenIdle(action, 400);
  expect(request).toHaveBeenCalledWith(action, { timeout: 400 });
  end();
  expect(cancel).toHaveBeenCalledWith(7);
});

it('runs it soon in a browser that does not report when it is idle', () => {
  const [first, second] = [vi.fn(), vi.fn()];
  whenIdle(first, 400);
  whenIdle(second, 400)();
  vi.runAllTimers();
  expect(first).toHaveBeenCalledOnce();
  expect(second).not.toHaveBeenCalled();
});
