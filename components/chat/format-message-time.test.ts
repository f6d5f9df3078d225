import { expect, it } from 'vitest';
import { formatMessageTime } from './format-message-time.ts';

const at = (...parts: [number, number, number, number, number]) => new Date(...parts).getTime();

it('names the day only if it is another one, and the year only if it is another one', () => {
  const now = at(2026, 10, 29, 18, 0);
  expect(formatMessageTime(at(2026, 10, 29, 9, 5), now)).toBe('09:05');
  expect(formatMessageTime(at(2026, 10, 28, 14, 3), now)).toBe('28 Nov 14:03');
  expect(formatMessageTime(at(2025, 0, 1, 0, 0), now)).toBe('1 Jan 2025 00:00');
});
