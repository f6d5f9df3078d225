import { once } from 'node:events';
import { request } from 'node:http';
import { toFile } from 'openai';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { needsOneServer } from '../support/instances.ts';
import {
  clientOf,
  KEY,
  type PassThroughStage,
  postTo,
  resetPassThrough,
  startPassThrough,
  stopPassThrough,
} from '../support/pass-through.ts';
import { sendJson } from '../support/scripted-model-server.ts';

let stage: PassThroughStage;

beforeAll(async () => {
  stage = await startPassThrough();
});

beforeEach(() => resetPassThrough(stage));

afterAll(() => stopPassThrough(stage));

describe('a form with files', () => {
  it('reaches the model server whole, and its response comes back', async () => {
    const sizes: number[] = [];
    stage.handle['/v1/audio/transcriptions'] = async (received, response, incoming) => {
      for await (const chunk of incoming) {
        sizes.push(chunk.length);
        received.body += chunk.toString('latin1');
      }
      sendJson(response, { text: 'hello' });
    };
    const file = await toFile(Buffer.alloc(3 * 1024 * 1024, 7), 'a.wav', { type: 'audio/wav' });
    const result = await clientOf(stage).audio.transcriptions.create({ file, model: 'whisper-1', language: 'en' });
    expect(result.text).toBe('hello');
    const [received] = stage.server.of('/v1/audio/transcriptions');
    expect(received?.headers['content-type']).toMatch(/^multipart\/form-data; boundary=/);
    expect(received?.body).toContain('whisper-1');
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBeGreaterThan(3 * 1024 * 1024);
    expect(sizes.length).toBeGreaterThan(10);
  });

  it.each([
    ['small', 100],
    ['large', 1024 * 1024],
  ])('that is %s holds no slot of the model server while it arrives', async (_size, bytes) => {
    const reached: string[] = [];
    stage.handle['/v1/audio/translations'] = async (received, response, incoming) => {
      reached.push('form');
      received.body = (await incoming.setEncoding('latin1').toArray()).join('');
      sendJson(response, { text: 'done' });
    };
    stage.handle['/tokenize'] = (_, response) => {
      reached.push('other');
      sendJson(response, { tokens: [] });
    };
    const headers = { authorization: `Bearer ${KEY}`, 'content-type': 'multipart/form-data; boundary=b' };
    const sent = request(`${stage.app.url}/v1/audio/translations`, { method: 'POST', headers });
    const part = `--b\r\n${'x'.repeat(bytes)}`;
    await new Promise((written) => sent.write(part, written));
    // The only slot is free.
    expect((await postTo(stage, '/tokenize', {})).status).toBe(200);
    const responded = once(sent, 'response');
    sent.end('\r\n--b--\r\n');
    const [response] = await responded;
    expect([response.statusCode, JSON.parse((await response.toArray()).join(''))]).toEqual([200, { text: 'done' }]);
    expect(reached).toEqual(['other', 'form']);
    const [received] = stage.server.of('/v1/audio/translations');
    expect(received?.body).toBe(`${part}\r\n--b--\r\n`);
    expect(received?.headers['content-length']).toBe(String(part.length + 9));
  });

  it('that is left, or above its limit, never reaches the model server', async () => {
    const headers = { authorization: `Bearer ${KEY}`, 'content-type': 'multipart/form-data; boundary=b' };
    const left = request(`${stage.app.url}/v1/images/edits`, { method: 'POST', headers }).on('error', () => {});
    await new Promise((written) => left.write(Buffer.alloc(1024 * 1024), written));
    left.destroy();
    const large = request(`${stage.app.url}/v1/images/edits`, {
      method: 'POST',
      headers: { ...headers, 'content-length': 9 << 20 },
    });
    large.flushHeaders();
    const [refused] = await once(large, 'response');
    expect(refused.statusCode).toBe(413);
    large.on('error', () => {}).destroy();
    expect((await postTo(stage, '/tokenize', {})).status).toBe(404);
    expect(stage.server.of('/v1/images/edits')).toEqual([]);
  });

  it('that has no room on the disk next to others is refused, and accepted later', async () => {
    needsOneServer('what uploads may take is of each server');
    const headers = { authorization: `Bearer ${KEY}`, 'content-type': 'multipart/form-data; boundary=b' };
    const upload = (bytes: number) =>
      request(`${stage.app.url}/v1/images/edits`, { method: 'POST', headers: { ...headers, 'content-length': bytes } });
    const held = upload(7 << 20).on('error', () => {});
    await new Promise((written) => held.write(Buffer.alloc(6 << 20), written));
    await expect
      .poll(async () => {
        const next = upload(7 << 20).on('error', () => {});
        next.flushHeaders();
        const [response] = await once(next, 'response');
        const body = (await response.toArray()).join('');
        next.destroy();
        return [response.statusCode, response.headers['retry-after'], JSON.parse(body).error.code];
      })
      .toEqual([503, '5', 'queue_full']);
    held.destroy();
    stage.handle['/v1/images/edits'] = async (_, response, incoming) => {
      for await (const _chunk of incoming);
      sendJson(response, { data: [] });
    };
    await expect
      .poll(async () => {
        const next = upload(7 << 20).on('error', () => {});
        next.end(Buffer.alloc(7 << 20));
        const [response] = await once(next, 'response');
        response.resume();
        return response.statusCode;
      })
      .toBe(200);
  });

  it.each([
    ['before', 10],
    ['behind', 400_000],
  ])('has the model that an alias stands for, also %s a file', async (where, bytes) => {
    stage.handle['/v1/audio/transcriptions'] = async (received, response, incoming) => {
      received.body = (await incoming.setEncoding('latin1').toArray()).join('');
      sendJson(response, { text: 'hello' });
    };
    const form = new FormData();
    if (where === 'before') form.set('model', 'ears');
    form.set('file', new Blob([Buffer.alloc(bytes, 7)]), 'a.wav');
    if (where === 'behind') form.set('model', 'ears');
    const headers = { authorization: `Bearer ${KEY}` };
    const response = await fetch(`${stage.app.url}/v1/audio/transcriptions`, { method: 'POST', headers, body: form });
    expect(response.status).toBe(200);
    const [received] = stage.server.of('/v1/audio/transcriptions');
    expect(received?.body).toContain('name="model"\r\n\r\nwhisper-1\r\n');
    expect(Number(received?.headers['content-length'])).toBe(received?.body.length);
  });

  it.each(['edits', 'variations'])('of images goes to /v1/images/%s', async (name) => {
    stage.handle[`/v1/images/${name}`] = async (_, response, incoming) => {
      await incoming.toArray();
      sendJson(response, { created: 1, data: [{ url: 'x' }] });
    };
    const image = await toFile(Buffer.alloc(100), 'a.png', { type: 'image/png' });
    const made =
      name === 'edits'
        ? await clientOf(stage).images.edit({ image, prompt: 'Snow.', model: 'i' })
        : await clientOf(stage).images.createVariation({ image });
    expect(made.data).toEqual([{ url: 'x' }]);
  });

  it('that is no form and no JSON is refused with what to send', async () => {
    const response = await fetch(`${stage.app.url}/v1/audio/transcriptions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${KEY}`, 'content-type': 'audio/wav' },
      body: 'x',
    });
    expect([response.status, (await response.json()).error.message]).toEqual([
      415,
      expect.stringContaining('multipart/form-data'),
    ]);
  });
});

describe('a form with a Content-Encoding', () => {
  it.each(['gzip', 'br'])('%s is refused with what to do', async (encoding) => {
    const response = await fetch(`${stage.app.url}/v1/audio/transcriptions`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${KEY}`,
        'content-type': 'multipart/form-data; boundary=b',
        'content-encoding': encoding,
      },
      body: 'x',
    });
    expect([response.status, (await response.json()).error.message]).toEqual([
      415,
      expect.stringContaining('without compression'),
    ]);
    expect(stage.server.of('/v1/audio/transcriptions')).toEqual([]);
  });
});
