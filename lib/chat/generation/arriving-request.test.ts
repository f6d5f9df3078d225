import { expect, it } from 'vitest';
import { ArrivingRequest } from '#lib/chat/generation/packed-request';
import type { Message } from '#lib/wire/chat';
import { settled } from '../../../test/support/chat.ts';

const messages: Message[] = [{ role: 'user', content: 'größe', images: ['aGVsbG8='] }];

it('hands a request over as it is in the turn in which it arrived', async () => {
  const request = { messages, model: 'm' };
  const arriving = new ArrivingRequest(request);
  // As if a model had been found after several promises.
  for (let count = 0; count < 20; count++) await Promise.resolve();
  expect(arriving.isPacked).toBe(false);
  expect(arriving.take()).toBe(request);
  await settled();
  expect(arriving.isPacked).toBe(false);
});

it('packs a request that still waits in the next turn, and returns an equal one', async () => {
  const request = { messages, model: 'm' };
  const arriving = new ArrivingRequest(request);
  await settled();
  expect(arriving.isPacked).toBe(true);
  const taken = arriving.take();
  expect(taken).not.toBe(request);
  expect(taken).toEqual(request);
  expect(() => arriving.take()).toThrow('taken once');
});
