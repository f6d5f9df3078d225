import { readdirSync, readFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import { z } from 'zod';
import { LANGUAGES } from '#lib/languages/index';
import type { Tier } from '#lib/runner/sandbox/sandbox';
import { type CodeRequest, type CodeResult, codeRequestSchema, runStatusSchema } from '#lib/wire/code';

/** Programs of the corpus and of the attacks, with what is expected of them. */

const expectationSchema = z.strictObject({
  /** One of these. */
  status: z.array(runStatusSchema).min(1).default(['success']),
  exit_code: z.number().optional(),
  stdout: z.string().optional(),
  stdout_matches: z.string().optional(),
  stderr: z.string().optional(),
  stderr_matches: z.string().optional(),
  truncated: z.boolean().optional(),
});
type Expectation = z.infer<typeof expectationSchema>;

const caseSchema = z.strictObject({
  /** What it tries, where the name does not say it. */
  about: z.string().optional(),
  stdin: z.string().optional(),
  args: z.array(z.string()).optional(),
  timeout: z.number().optional(),
  /** Its compiler ends by the limit of time alone. */
  endless_compile: z.boolean().default(false),
  files: codeRequestSchema.shape.files,
  expect: expectationSchema,
  /** Where something else is right in gVisor, which has its own kernel. */
  gvisor: expectationSchema.optional(),
});

export interface ProgramCase {
  name: string;
  request: CodeRequest;
  expected: Expectation;
  /** Its compiler ends by the limit of time alone. */
  compilesEndlessly: boolean;
}

/**
 * Reads the attacks: `<name>.<ext>` is a program, and `<name>.json` next to it says what is
 * expected of it in `tier`. In arguments and in programs, `{port}` becomes `port` and `{app}` the
 * app's own directory.
 */
export function loadAttacks(port: number, tier: Tier): ProgramCase[] {
  const root = 'lib/runner/attacks';
  return readdirSync(root)
    .toSorted()
    .flatMap((folder) => casesIn(folder, join(root, folder), port, tier));
}

/** Reads the honest programs of every language, `lib/languages/<id>/corpus`. */
export function loadCorpus(tier: Tier = 'bubblewrap'): ProgramCase[] {
  return LANGUAGES.flatMap(({ id }) => casesIn(id, join('lib/languages', id, 'corpus'), 0, tier));
}

function casesIn(folder: string, directory: string, port: number, tier: Tier): ProgramCase[] {
  const cases: ProgramCase[] = [];
  for (const file of readdirSync(directory).toSorted()) {
    const extension = extname(file);
    const language = LANGUAGES.find((known) => `.${known.extension}` === extension);
    if (language === undefined) continue;
    const path = join(directory, file);
    const read = caseSchema.parse(JSON.parse(readFileSync(path.slice(0, -extension.length).concat('.json'), 'utf8')));
    const { expect, gvisor = expect, about: _about, endless_compile: compilesEndlessly, ...request } = read;
    const filled = (text: string) => text.replaceAll('{port}', String(port)).replaceAll('{app}', process.cwd());
    const args = request.args?.map(filled);
    cases.push({
      name: `${folder}/${file}`,
      expected: tier === 'gvisor' ? gvisor : expect,
      compilesEndlessly,
      request: codeRequestSchema.parse({
        ...request,
        args,
        language: language.id,
        code: filled(readFileSync(path, 'utf8')),
      }),
    });
  }
  return cases;
}

/** What of `result` is not as expected; empty where all of it is. */
export function differences(result: CodeResult, expected: Expectation): string[] {
  const wrong: string[] = [];
  const shown = JSON.stringify({ ...result, stdout: result.stdout.slice(-2000), stderr: result.stderr.slice(-2000) });
  const check = (what: string, holds: boolean) => {
    if (!holds) wrong.push(`${what}: ${shown}`);
  };
  check('status', expected.status.includes(result.status));
  if (expected.exit_code !== undefined) check('exit_code', result.exit_code === expected.exit_code);
  if (expected.stdout !== undefined) check('stdout', result.stdout === expected.stdout);
  if (expected.stdout_matches !== undefined) check('stdout', new RegExp(expected.stdout_matches).test(result.stdout));
  if (expected.stderr !== undefined) check('stderr', result.stderr === expected.stderr);
  if (expected.stderr_matches !== undefined) check('stderr', new RegExp(expected.stderr_matches).test(result.stderr));
  if (expected.truncated !== undefined) check('truncated', result.truncated === expected.truncated);
  return wrong;
}
