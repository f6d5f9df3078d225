import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { createRouteTable, findRouteFiles } from '#lib/server/route-table';

const folders: string[] = [];

async function tableOf(...files: string[]) {
  const folder = await mkdtemp(join(tmpdir(), 'route-table-'));
  folders.push(folder);
  for (const file of files) {
    await mkdir(dirname(join(folder, file)), { recursive: true });
    await writeFile(join(folder, file), '');
  }
  return createRouteTable(await findRouteFiles(folder, async (file) => file.slice(folder.length)));
}

afterEach(async () => {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true });
});

describe('route table', () => {
  it('finds route files, and nothing else, at the paths where Next serves them', async () => {
    const match = await tableOf('api/chat/route.ts', 'api/chat/helper.ts', 'page.tsx', '(group)/health/route.ts');
    expect(match('/api/chat')?.route.value).toBe('/api/chat/route.ts');
    expect(match('/health')?.route.value).toBe('/(group)/health/route.ts');
    for (const other of ['/', '/api', '/api/chat/', '/api/chat/helper', '/group/health', '/API/chat'])
      expect(match(other)).toBeUndefined();
  });

  it('prefers static to dynamic to catch-all, and decodes params', async () => {
    const match = await tableOf('x/[id]/route.ts', 'x/fixed/route.ts', 'x/[...rest]/route.ts', 'x/[id]/info/route.ts');
    expect(match('/x/fixed')?.route.pattern).toBe('/x/fixed');
    expect(match('/x/a%20b')).toMatchObject({ route: { pattern: '/x/[id]' }, params: { id: 'a b' } });
    expect(match('/x/7/info')).toMatchObject({ route: { pattern: '/x/[id]/info' }, params: { id: '7' } });
    expect(match('/x/7/other')).toMatchObject({ route: { pattern: '/x/[...rest]' }, params: { rest: ['7', 'other'] } });
    expect(match('/x/%E0%A4%A')).toBeUndefined();
    expect(match('/x/')).toBeUndefined();
  });
});
