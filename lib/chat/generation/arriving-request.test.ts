import { describe, expect, it } from 'vitest';
import { ArrivingRequest, PackedRequest } from '#lib/chat/generation/packed-request';
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

describe('PackedRequest', () => {
  it('holds the images of messages and of a completion decoded, and returns an equal request', () => {
    const image = Buffer.alloc(3_000, 'an image').toString('base64');
    const message = { role: 'user' as const, content: 'hi', images: [image, image] };
    const requests = [
      { model: 'm', messages: [message, { role: 'user' as const, content: 'ho' }] },
      { model: 'm', messages: [], completion: { prompt: 'hi', raw: true, images: [image], context: [1, 2] } },
      { model: 'm', messages: [], completion: { prompt: 'hi', raw: true } },
    ];
    for (const request of requests) expect(new PackedRequest(request).unpack()).toEqual(request);
    const sizes = requests.map((request) => new PackedRequest(request).bytes);
    expect(sizes[0]).toBeLessThan(6_200);
    expect(sizes[1]).toBeLessThan(3_200);
  });
});
