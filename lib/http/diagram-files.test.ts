import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { diagramFile } from '#lib/http/diagram-files';
import { DIAGRAM_FRAME, DIAGRAM_MODULES } from '#lib/wire/diagram';

describe('diagram files', () => {
  it('are the modules of the installed Mermaid version, which the path names', async () => {
    const { version } = JSON.parse(readFileSync('node_modules/mermaid/package.json', 'utf8'));
    expect(DIAGRAM_MODULES).toBe(`mermaid-${version}`);
    const { headers, body } = await diagramFile([DIAGRAM_MODULES, 'mermaid.esm.min.mjs']);
    expect(headers).toMatchObject({
      'access-control-allow-origin': '*',
      'cache-control': expect.stringMatching(/immutable/),
    });
    const text = gunzipSync(body as Uint8Array).toString();
    const imported = /"\.\/(chunks\/mermaid\.esm\.min\/[^"]+)"/.exec(text)?.[1];
    expect(imported).toBeDefined();
    expect(await diagramFile([DIAGRAM_MODULES, ...(imported ?? '').split('/')])).toMatchObject({ status: 200 });
  });

  it('include no other files', async () => {
    for (const path of [
      '',
      'x',
      `${DIAGRAM_MODULES}/../package.json`,
      `${DIAGRAM_MODULES}/mermaid.js`,
      `${DIAGRAM_MODULES}/chunks/mermaid.esm.min/..%2f..%2fx.mjs`,
      `${DIAGRAM_MODULES}/chunks/mermaid.esm.min/gone.mjs`,
    ])
      await expect(diagramFile(path.split('/')), path).rejects.toMatchObject({ code: 'not_found' });
  });
});

describe('diagram frame', () => {
  it('has an opaque origin, no network and only its own script', async () => {
    const { headers, body } = await diagramFile([DIAGRAM_FRAME]);
    const policy = headers['content-security-policy'] ?? '';
    expect(policy.split('; ')).toEqual(
      expect.arrayContaining(['sandbox allow-scripts', "default-src 'none'", "frame-ancestors 'self'"]),
    );
    const nonce = /'nonce-([^']+)'/.exec(policy)?.[1];
    expect(body).toContain(`nonce="${nonce}"`);
    expect((await diagramFile([DIAGRAM_FRAME])).headers['content-security-policy']).not.toBe(policy);
  });
});
