import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type RunningApp, startApp } from '../support/running-app.ts';

/**
 * The `curl` lines of the README and of the contract are run as they stand, against a real server
 * with the real small model.
 */
let app: RunningApp;

beforeAll(async () => {
  app = await startApp('server', { LOG_LEVEL: 'silent' });
});

afterAll(async () => {
  await app.stop();
});

const DOCUMENTS = ['README.md', 'docs/contract.md'];

const blocks = DOCUMENTS.flatMap((file) => [...readFileSync(file, 'utf8').matchAll(/```sh\n(.*?)```/gs)])
  .map((found) => found[1] ?? '')
  .filter((block) => block.includes('curl '));

/** Runs a block in bash; every curl also says its status, on standard error. */
async function run(block: string): Promise<{ output: string; statuses: string[] }> {
  const lines = block.replaceAll('localhost:3000', app.url.replace('http://', ''));
  const script = `set -eu\ncurl() { command curl --max-time 100 -w '%{stderr}STATUS %{http_code}\\n' "$@"; }\n${lines}`;
  const shell = spawn('bash', ['-c', script], { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  let complaints = '';
  shell.stdout.on('data', (chunk) => {
    output += chunk;
  });
  shell.stderr.on('data', (chunk) => {
    complaints += chunk;
  });
  const code = await new Promise<number | null>((resolve) => shell.on('close', resolve));
  if (code !== 0) throw new Error(`bash ended with ${code}:\n${complaints}\n${output}`);
  return { output, statuses: [...complaints.matchAll(/STATUS (\d+)/g)].map((found) => found[1] ?? '') };
}

describe('the documented commands', () => {
  it('has blocks with curl lines', () => {
    expect(blocks.length).toBeGreaterThan(1);
  });

  it.each(blocks.map((block) => [block.split('\n')[0], block] as const))(
    'every curl line works: %s',
    async (_first, block) => {
      const { output, statuses } = await run(block);
      const lines = block.match(/^(?:id=\$\()?curl /gm) ?? [];
      expect(statuses).toHaveLength(lines.length);
      // A request that has ended cannot be cancelled, as its line says.
      const expected = block.includes('409 where it has ended') ? /^(200|202|409)$/ : /^(200|202)$/;
      for (const status of statuses) expect(status).toMatch(expected);
      expect(output.length).toBeGreaterThan(100);
    },
    120_000,
  );
});
