import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { whenUndoEnds } from './when-undo-ends.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const hide = (persisted: boolean) => Object.assign(new Event('pagehide'), { persisted });

it('runs the action once after the time', () => {
  const page = new EventTarget();
  const action = vi.fn();
  whenUndoEnds(action, 1_000, page);
  vi.advanceTimersByTime(999);
  expect(action).not.toHaveBeenCalled();
  vi.advanceTimersByTime(1);
  page.dispatchEvent(hide(false));
  expect(action).toHaveBeenCalledOnce();
});

it('runs the action when the page ends, not when the browser keeps the page', () => {
  const page = new EventTarget();
  const action = vi.fn();
  whenUndoEnds(action, 1_000, page);
  page.dispatchEvent(hide(true));
  expect(action).not.toHaveBeenCalled();
  page.dispatchEvent(hide(false));
  vi.advanceTimersByTime(1_000);
  expect(action).toHaveBeenCalledOnce();
});

it('runs no action that was cancelled', () => {
  const page = new EventTarget();
  const action = vi.fn();
  whenUndoEnds(action, 1_000, page)();
  vi.advanceTimersByTime(1_000);
  page.dispatchEvent(hide(false));
  expect(action).not.toHaveBeenCalled();
});
