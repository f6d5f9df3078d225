import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { PRECOMPILE_ARGUMENTS, SERVER_ARGUMENTS } from '../../scripts/server-process.ts';
import { freePort } from '../support/free-port.ts';
import { launch, NO_PROGRAMS, whenServing } from '../support/running-app.ts';

it('compiles all that a first start loads, under the flags under which the server takes it', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'compiled-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const port = await freePort();
  const env = { ...NO_PROGRAMS, NODE_COMPILE_CACHE: folder, PORT: String(port), LOG_LEVEL: 'silent' };
  const { VITEST: _vitest, NODE_OPTIONS: _options, ...inherited } = process.env;
  const { status } = spawnSync(process.execPath, PRECOMPILE_ARGUMENTS, { env: { ...inherited, ...env } });
  expect(status).toBe(0);
  const compiled = () => readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort();
  const before = compiled();
  expect(before.length).toBeGreaterThan(500);
  const app = await whenServing(`http://127.0.0.1:${port}`, launch([...SERVER_ARGUMENTS], env));
  await fetch(`${app.url}/api/ready`);
  await app.stop();
  // A folder for each set of flags. Programs that the server starts have others, and few modules.
  const [flags = ''] = before;
  const added = compiled().filter((name) => !before.includes(name));
  expect(added.filter((name) => name.startsWith(flags))).toEqual([]);
  expect(added.length).toBeLessThan(20);
}, 60_000);
