import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CodeRequest } from '#lib/wire/code';
import { poolRefilled, runnerHarness } from '../../../test/support/runner-harness.ts';

// A second run gets the JavaScript that the first has cached. No difference may be visible.
const PREPARATION_MS = 600_000;
const PROGRAM_MS = 120_000;
const cold = runnerHarness({ settings: { CODE_WARM_MEMORY_MB: '0' } });
const warm = runnerHarness({ settings: { CODE_WARM_MEMORY_MB: '4096' } });
const bare = new Map<string, Awaited<ReturnType<typeof run>>>();

beforeAll(async () => {
  // One after the other: the control groups of both have the same names.
  await cold.runner.prepared();
  for (const [name, program] of Object.entries(PROGRAMS)) bare.set(name, await run(cold, program));
  await cold.runner.close();
  await warm.runner.prepared();
  for (let time = 1; time <= 2; time += 1) await run(warm, { code: 'console.log("ready" as string);' });
}, PREPARATION_MS);
afterAll(() => warm.runner.close());

async function run({ runner }: typeof warm, request: Omit<CodeRequest, 'language'>) {
  await poolRefilled();
  const result = await runner.run({ language: 'typescript', ...request }, { caller: 'test' });
  const { stdout, stderr, exit_code, status, stage, error } = result;
  return { stdout, stderr, exit_code, status, stage, error, compile: result.compile };
}

/** How Node came to the program is not the program's: it is different for one that waited. */
function withoutNode(text = 'missing'): string {
  return text.replace(/^ +at .*node:internal.*\n/gm, '').replace(/^node:internal.*\n.*\n +\^\n/m, '');
}

const files = (others: Record<string, string>) => Object.entries(others).map(([name, content]) => ({ name, content }));

const PROGRAMS: Record<string, Omit<CodeRequest, 'language'>> = {
  'CommonJS with an enum': {
    code: 'enum X { A, B }\nconst a: number = 1;\nconsole.log(a, X.B, typeof require, __filename);',
  },
  'a module of several files': {
    code: 'import { f, type T } from "./util.ts";\nimport data from "./d.json" with { type: "json" };\nconst t: T = { x: 1 };\nawait Promise.resolve();\nconsole.log(f(t), import.meta.filename, import.meta.main, data);',
    files: files({
      'util.ts': 'export interface T { x: number }\nexport function f(t: T): string { return JSON.stringify(t); }',
      'd.json': '{"k":1}',
    }),
  },
  'an error behind an enum, on its line': {
    code: 'enum E { A = "x" }\ninterface I { a: string }\n\nfunction boom(i: I): never { throw new Error("boom " + i.a + E.A); }\nboom({ a: "q" });',
  },
  'a trace through a module': {
    code: 'import { x } from "./util.ts";\nnamespace N { export const y: number = x; }\nclass P { constructor(private readonly z: number) {} get() { return this.z; } }\nconsole.log(N.y, new P(4).get(), new Error("trace").stack);',
    files: files({ 'util.ts': 'enum W { Q = 3 }\nexport const x: number = W.Q; console.log(new Error("u").stack);' }),
  },
  'decorators, in a file that it writes itself too': {
    code: 'import { writeFileSync } from "node:fs";\nconst d = (value: any, context: ClassDecoratorContext): void => console.log(context.kind, context.name);\n@d\nclass A { accessor n: number = 1; }\nconsole.log(new A().n);\nwriteFileSync("late.ts", "const e = (c: any): void => console.log(c.name as string);\\n@e\\nexport class B { at() { return new Error().stack?.split(\\"\\\\n\\")[1]; } }");\nconst late = await import("./late.ts");\nconsole.log(new late.B().at());',
  },
  'a decorator that is no TypeScript': { code: 'const d = () => {};\n@d class { const }\n' },
  'what is no TypeScript': { code: 'const x: number = ;' },
  'a file that is no TypeScript, and is never loaded': {
    code: 'console.log("fine" as string);',
    files: files({ 'bad.ts': 'const x: = 1;' }),
  },
  'a file that is no TypeScript, and is': {
    code: 'await import("./bad.ts");',
    files: files({ 'bad.ts': 'const x: = 1;' }),
  },
  'a module by its name, and one that is none': {
    code: 'const u = require("./u.ts"); const { w } = require("./w.cts");\nconsole.log(u.v, w);\nimport("./m.mts").then((m) => console.log(m.default));',
    files: files({
      'u.ts': 'export const v: number = 3;',
      'w.cts': 'const w: string = "w"; module.exports = { w };',
      'm.mts': 'export default "mm" as string;',
    }),
  },
  'a file that is missing': { code: 'import { missing } from "./nothing.ts";\nconsole.log(missing);' },
  'a file that it writes itself': {
    code: 'import { writeFileSync } from "node:fs";\nwriteFileSync("late.ts", "export enum L { P = 7 }");\nconst late = await import("./late.ts");\nconsole.log(late.L.P);',
  },
  'a file that it writes anew': {
    code: 'import { writeFileSync } from "node:fs";\nwriteFileSync("util.ts", "export const v: number = 99;");\nconst { v } = await import("./util.ts");\nconsole.log(v);',
    files: files({ 'util.ts': 'export const v: number = 1;' }),
  },
  'what only modules may do': { code: 'const z: number = await Promise.resolve(4);\nconsole.log(z);' },
  'a name that only modules have free': { code: 'const require: number = 4;\nexport {};\nconsole.log(require);' },
  'what no module has': { code: 'export const late: string = "ok";\nconst { a } = require("./nope");' },
  'an error after a while': {
    code: 'import { a } from "./a.ts";\nsetTimeout((): void => { throw new RangeError(a() as string); }, 2);',
    files: files({ 'a.ts': 'enum A { B = "b" }\nexport const a = (): string => A.B;' }),
  },
  'a rejection that nobody handles': { code: 'Promise.reject(new TypeError("no" as string));' },
  'output that looks like what is kept': {
    code: 'process.stdout.write("\\0\\0\\0\\u0004[{}]" as string);\nconsole.log("after");',
  },
  'no output at all': { code: 'const nothing: undefined = undefined;' },
  'what it is given': {
    code: 'console.log(process.argv.slice(2), require("node:fs").readFileSync(0, "utf8") as string);',
    stdin: 'in\n',
    args: ['a', 'b c'],
  },
};

describe('TypeScript that was seen before', () => {
  it.each(Object.entries(PROGRAMS))('%s', { timeout: PROGRAM_MS }, async (name, program) => {
    const first = await run(warm, program);
    const second = await run(warm, program);
    const third = await run(warm, program);
    expect(second).toEqual(first);
    expect(third).toEqual(first);
    const seen = (result: typeof first | undefined) => ({
      ...result,
      stderr: withoutNode(result?.stderr),
      stdout: withoutNode(result?.stdout),
    });
    expect(seen(first)).toEqual(seen(bare.get(name)));
    expect(first.stdout + first.stderr !== '' || program.code.includes('nothing')).toBe(true);
  });

  it('uses sandboxes that are not ready to strip types', async () => {
    const memory = async () => {
      await poolRefilled();
      const { memory_kb } = await warm.runner.run(
        { language: 'typescript', code: 'console.log("twice" as string);' },
        { caller: 'test' },
      );
      return memory_kb ?? 0;
    };
    const first = await memory();
    await memory();
    expect(await memory()).toBeLessThan(first - 4096);
    expect(warm.runner.stats().warm.map(({ name }) => name)).toContain('TypeScript again');
  });

  it('is identified by all files, and not by its input', async () => {
    const code = 'import { v } from "./util.ts";\nconsole.log(v, process.argv[2]);';
    const outputs = [];
    for (const [value, argument] of [
      ['1', 'a'],
      ['1', 'b'],
      ['2', 'b'],
    ] as const)
      outputs.push(
        (await run(warm, { code, files: files({ 'util.ts': `export const v: number = ${value};` }), args: [argument] }))
          .stdout,
      );
    expect(outputs).toEqual(['1 a\n', '1 b\n', '2 b\n']);
  });
});
