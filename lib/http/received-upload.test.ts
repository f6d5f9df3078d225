import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { BodyBudget, bodyBudget } from '#lib/http/body-budget';
import { boundedStream } from '#lib/http/body-stream';
import { revoke } from '#lib/http/open-work';
import { type ReceivedUpload, receiveUpload } from '#lib/http/received-upload';
import { resetSingleton } from '#lib/singletons';
import { KIB, MIB } from '#lib/units';

let budget: BodyBudget;

/** A temporary directory of these tests alone: others use the common one at the same time. */
const directory = mkdtempSync(join(tmpdir(), 'chill-space-uploads-'));
beforeAll(() => {
  vi.stubEnv('TMPDIR', directory);
});
afterAll(() => {
  vi.unstubAllEnvs();
  rmSync(directory, { recursive: true });
});

beforeEach(() => {
  budget = new BodyBudget(16 * MIB);
  resetSingleton('http.body-budget');
});

const LARGE = Buffer.from(Array.from({ length: MIB }, (_, index) => index % 251));

function receive(source: Readable, caller = 'ann', declaredBytes?: number): Promise<ReceivedUpload> {
  return receiveUpload({ content: boundedStream(source, 8 * MIB, () => {}), declaredBytes }, caller, budget);
}

async function contentOf(upload: ReceivedUpload, ...replacement: Parameters<ReceivedUpload['content']>) {
  const content = upload.content(...replacement);
  return content instanceof Readable ? await buffer(content) : Buffer.from(content);
}

/** Open files of the temporary directory that have no name. */
function openFiles(): number {
  const targets = readdirSync('/proc/self/fd').map((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`);
    } catch {
      return '';
    }
  });
  return targets.filter((target) => target.startsWith(directory) && target.endsWith('(deleted)')).length;
}

it('ends an upload of a caller that is locked out, and leaves nothing of it', async () => {
  const source = new PassThrough();
  const upload = receive(source, 'user:ann');
  const other = receive(Readable.from([LARGE]), 'user:bo');
  source.write(LARGE);
  await vi.waitFor(() => expect(openFiles()).toBe(2));
  revoke(['user:ann']);
  await expect(upload).rejects.toMatchObject({ code: 'cancelled' });
  (await other).release();
  await vi.waitFor(() => expect(openFiles()).toBe(0));
});

describe('an upload that has arrived', () => {
  it.each([
    ['in memory', LARGE.subarray(0, 256 * KIB), 0],
    ['on disk', LARGE, MIB],
  ])('%s is read again and again, also with other bytes in it', async (_where, body, onDisk) => {
    const pieces = [body.subarray(0, 10), body.subarray(10, 70_000), body.subarray(70_000)];
    const upload = await receive(Readable.from(pieces));
    expect([upload.bytes, budget.usedBytes, bodyBudget().usedBytes]).toEqual([body.byteLength, onDisk, 0]);
    for (let round = 0; round < 2; round++) expect((await contentOf(upload)).equals(body)).toBe(true);
    expect(Buffer.from(await upload.read(69_990, 70_010))).toEqual(body.subarray(69_990, 70_010));
    const replaced = await contentOf(upload, { start: 5, end: 70_000, bytes: Buffer.from('other') });
    expect(replaced.equals(Buffer.concat([body.subarray(0, 5), Buffer.from('other'), body.subarray(70_000)]))).toBe(
      true,
    );
    upload.release();
  });

  it('has no name, and is closed by its release, also while it is sent', async () => {
    // That of the test before is closed in the background.
    await expect.poll(openFiles).toBe(0);
    const before = openFiles();
    const upload = await receive(Readable.from([LARGE]));
    expect([openFiles(), readdirSync(directory)]).toEqual([before + 1, []]);
    const sent = contentOf(upload);
    upload.release();
    upload.release();
    await expect(sent).rejects.toThrow();
    await expect.poll(openFiles).toBe(before);
    expect(budget.usedBytes).toBe(0);
  });

  it('leaves nothing if its client leaves, or if it is too large', async () => {
    await expect.poll(openFiles).toBe(0);
    const before = openFiles();
    const source = new PassThrough();
    const receiving = receive(source);
    source.write(LARGE);
    await expect.poll(() => budget.usedBytes).toBe(MIB);
    source.destroy();
    await expect(receiving).rejects.toMatchObject({ code: 'invalid_request' });
    await expect(receive(Readable.from(Array<Buffer>(9).fill(LARGE)))).rejects.toMatchObject({
      code: 'body_too_large',
    });
    await expect.poll(openFiles).toBe(before);
    expect(budget.usedBytes).toBe(0);
  });
});

describe('the budget of uploads', () => {
  it('refuses one that has no room, before or while it arrives, and always has some for another caller', async () => {
    const held = [await receive(Readable.from(Array<Buffer>(7).fill(LARGE)))];
    const refused = { code: 'queue_full', retryAfterSeconds: 5, data: { reason: 'receiving' } };
    const source = new PassThrough();
    await expect(receive(source, 'ann', 2 * MIB)).rejects.toMatchObject(refused);
    await expect(receive(Readable.from(Array<Buffer>(2).fill(LARGE)))).rejects.toMatchObject(refused);
    held.push(await receive(Readable.from(Array<Buffer>(4).fill(LARGE)), 'bob', 4 * MIB));
    expect(budget.usedBytes).toBe(11 * MIB);
    for (const upload of held) upload.release();
    expect(budget.usedBytes).toBe(0);
  });

  it('has nothing of small ones, which count in that of bodies while they arrive', async () => {
    const source = new PassThrough();
    const receiving = receive(source, 'ann');
    source.write(LARGE.subarray(0, 100_000));
    await expect.poll(() => bodyBudget().usedBytes).toBeGreaterThanOrEqual(100_000);
    source.end();
    const upload = await receiving;
    expect([upload.heldBytes, bodyBudget().usedBytes, budget.usedBytes]).toEqual([100_000, 0, 0]);
  });
});

describe('a disk that takes no upload', () => {
  const failure = (limits: string, env: Record<string, string> = {}) => {
    const script = `
      import { Readable } from 'node:stream';
      import { receiveUpload } from '#lib/http/received-upload';
      const content = Readable.from(Array(4).fill(Buffer.alloc(${MIB})));
      await receiveUpload({ content }, 'ann').catch(({ code, message, data }) =>
        console.log(JSON.stringify({ code, message, data })));`;
    const command = `${limits} exec "$0" --input-type=module --eval "$1"`;
    const output = execFileSync('bash', ['-c', command, process.execPath, script], {
      env: { ...process.env, ...env },
      encoding: 'utf8',
    });
    return JSON.parse(output);
  };

  it('is a sentence that says what to do', () => {
    expect(failure('ulimit -f 1024;')).toEqual({
      code: 'queue_full',
      message: expect.stringContaining('disk'),
      data: { reason: 'disk' },
    });
    expect(failure('', { TMPDIR: '/proc/none' })).toMatchObject({
      code: 'not_configured',
      message: expect.stringContaining('TMPDIR'),
    });
  });
});
