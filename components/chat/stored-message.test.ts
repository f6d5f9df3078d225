import { expect, it } from 'vitest';
import type { UserMessage } from './conversation.ts';
import { fromStored, IMAGES_FIELD, toStored } from './stored-message.ts';

const image = { id: 'i', name: 'cat.png', type: 'image/png', data: 'aGk=', width: 1, height: 1 } as const;
const message: UserMessage = {
  ...{ id: 'm', conversationId: 'c', parentId: null, role: 'user', content: 'Look', createdAt: 1 },
  images: [image],
};

it('stores images under the field name of earlier versions', () => {
  const record = toStored(message);
  expect(record).toMatchObject({ [IMAGES_FIELD]: [image] });
  expect(IMAGES_FIELD).toBe('pictures');
  expect(record).not.toHaveProperty('images');
  expect(fromStored(record)).toEqual(message);
});

it('leaves a message without images unchanged', () => {
  const { images: _, ...plain } = message;
  expect(toStored(plain)).toEqual(plain);
  expect(fromStored(plain)).toEqual(plain);
});
