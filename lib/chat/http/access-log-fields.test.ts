import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseEnv } from 'node:util';
import { expect, it } from 'vitest';
import { cachedResponseLogFields } from '#lib/chat/http/access-log-fields';
import { readConfig } from '#lib/config/config';
import { authenticate } from '#lib/http/identity';

/** The commands of "A class of thirty", as docs/operations.md has them. */
const section = readFileSync('docs/operations.md', 'utf8').split('### A class of thirty')[1]?.split('\n## ')[0] ?? '';
const [makeKeys = 'exit 1', listCallers = 'exit 1'] = [...section.matchAll(/```sh\n(.*?)```/gs)]
  .map(([, code = '']) => code)
  .filter((code) => code.includes('keys.txt'));

it('logs a caller of each key that the documented commands make, under the name that they list', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'chill-space-class-'));
  const run = (code: string) => execFileSync('sh', ['-euc', code], { cwd: folder, encoding: 'utf8' });
  try {
    run(makeKeys);
    const settings = readConfig(parseEnv(readFileSync(join(folder, '.env'), 'utf8')));
    expect(new Set(settings.API_KEYS).size).toBe(30);
    const logged = [];
    for (const [index, key] of settings.API_KEYS.entries()) {
      const headers = new Headers({ authorization: `Bearer ${key}` });
      const { caller } = await authenticate({ headers, peerAddress: undefined, address: undefined }, settings, 0);
      const fields = cachedResponseLogFields(caller, '"m"', { prompt_tokens: 1, completion_tokens: 1 });
      logged.push(`${/"caller":"(\w+)"/.exec(fields)?.[1]} student-${String(index + 1).padStart(2, '0')}`);
    }
    expect(run(listCallers).trim().split('\n')).toEqual(logged);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
