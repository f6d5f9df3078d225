import { afterEach, expect, it, vi } from 'vitest';
import { openTabChannel } from './tab-channel.ts';

afterEach(() => vi.unstubAllGlobals());

it('opens no channel where the browser refuses it, and does not throw', () => {
  const refuse = () => {
    throw new DOMException('The operation is insecure.', 'SecurityError');
  };
  vi.stubGlobal('BroadcastChannel', vi.fn(refuse));
  expect(openTabChannel('chats')).toBeUndefined();
});

it('opens a channel that other tabs hear', () => {
  const channel = openTabChannel('chats');
  expect(channel?.name).toBe('chats');
  channel?.close();
});
