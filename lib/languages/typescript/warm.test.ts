import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { findTypeScriptChecker } from '#lib/languages/typescript/validator';
import { COMPILER_VARIABLE, compileDecorators } from '#lib/languages/typescript/warm';
import { runnerHarness } from '../../../test/support/runner-harness.ts';

const DECORATED =
  'const d = (value: any, { name }: any): void => console.log("of", name);\n@d class A { accessor n: number = 1; }\nconsole.log(new A().n);\n';
const OUTPUT = 'of A\n1\n';
const [checker] = findTypeScriptChecker(join(process.cwd(), 'node_modules'), existsSync)?.binds ?? [];
const TSC = join(`${checker?.from}`, 'lib/tsc');

const directory = mkdtempSync(join(tmpdir(), 'decorators-'));
writeFileSync(join(directory, 'main.ts'), DECORATED);
writeFileSync(join(directory, 'begin.cjs'), compileDecorators(false));
afterAll(() => rmSync(directory, { recursive: true }));

/** Starts a cold Node on this machine, by the command `within` if given. */
function startCold(tsc: string, within: readonly string[] = []) {
  const flags = ['--experimental-transform-types', '--disable-warning=ExperimentalWarning', '--require', './begin.cjs'];
  const [program = '', ...args] = [...within, process.execPath, ...flags, 'main.ts'];
  const env = { NODE_ENV: process.env.NODE_ENV, PATH: process.env.PATH, [COMPILER_VARIABLE]: tsc };
  return spawnSync(program, args, { cwd: directory, env, encoding: 'utf8' });
}

describe('a program with decorators', () => {
  it('reports why its decorators could not be compiled', () => {
    const { status, stderr } = startCold('/nowhere/tsc');
    expect(status).toBe(1);
    expect(stderr).toMatch(
      /SyntaxError: The decorators of \/.*main\.ts could not be compiled: .*\/nowhere\/tsc ENOENT\. /,
    );
  });

  it('reports what a compiler without output printed, which has two threads', () => {
    const compiler = join(directory, 'compiler');
    writeFileSync(compiler, '#!/bin/sh\necho "threads for $GOMAXPROCS" >&2; exit 1\n', { mode: 0o755 });
    expect(startCold(compiler).stderr).toContain('could not be compiled: threads for 2. ');
  });

  it('is compiled without shared memory', () => {
    const devices = ['null', 'urandom'].flatMap((name) => ['--dev-bind', `/dev/${name}`, `/dev/${name}`]);
    const { stdout, stderr } = startCold(TSC, ['bwrap', '--dev-bind', '/', '/', '--tmpfs', '/dev', ...devices, '--']);
    expect({ stdout, stderr }).toEqual({ stdout: OUTPUT, stderr: '' });
  });

  it.each(['0', '512'])(
    'has enough processes for its compiler with a limit of 32 and a warm pool of %s MB',
    {
      timeout: 60_000,
    },
    async (megabytes) => {
      const { runner } = runnerHarness({ settings: { CODE_MAX_PROCESSES: '32', CODE_WARM_MEMORY_MB: megabytes } });
      try {
        await runner.prepared();
        const request = { language: 'typescript', code: DECORATED };
        for (let time = 1; time <= 3; time += 1)
          expect(await runner.run(request, { caller: 'a' })).toMatchObject({ stdout: OUTPUT, stderr: '' });
      } finally {
        await runner.close();
      }
    },
  );
});
