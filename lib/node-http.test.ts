import { spawnSync } from 'node:child_process';
import { expect, it } from 'vitest';

it('lets the server load without the fetch inside of Node', () => {
  const script = `
    await import('#lib/server/app-server');
    console.log(JSON.stringify(process.moduleLoadList.filter((name) => /_http_server|undici/.test(name))));`;
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '--eval', script], {
    encoding: 'utf8',
    env: { ...process.env, NODE_ENV: 'production' },
  });
  expect([stdout.trim(), stderr]).toEqual(['["NativeModule _http_server"]', expect.any(String)]);
});
