import { describe, expect, it, vi } from 'vitest';
import { BodyPieces } from '#lib/http/body-pieces';

describe('a body in pieces', () => {
  it('is whole for a route that has another copy of its module', async () => {
    vi.resetModules();
    const { toWebBody } = await import('#lib/http/reply');
    const body = new BodyPieces(['größe ', Buffer.from('ab'), ''], 10);
    expect(body).not.toBeInstanceOf((await import('#lib/http/body-pieces')).BodyPieces);
    expect(await new Response(toWebBody(body)).text()).toBe('größe ab');
  });
});
