import { readdirSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { CodeRequest } from '#lib/wire/code';
import { PATIENT_POLL, poolRefilled, runnerHarness } from '../../../test/support/runner-harness.ts';

// A compiler that serves many programs must print the same as one that was started for each, keep
// nothing of a program, and survive the hostile ones.
const PREPARATION_MS = 600_000;
const PROGRAM_MS = 120_000;
const SETTINGS = { CODE_LANGUAGES: 'java', CODE_COMPILE_TIMEOUT_SECONDS: '4' };
const PATIENT = { ...SETTINGS, CODE_COMPILE_TIMEOUT_SECONDS: '100' };
const HELLO = 'public class Hello { public static void main(String[] a) { System.out.println("hello"); } }';
const cold = runnerHarness({ settings: { ...PATIENT, CODE_WARM_MEMORY_MB: '0' } });
const warm = runnerHarness({ settings: { ...SETTINGS, CODE_WARM_MEMORY_MB: '4096' } });
const expected = new Map<string, Awaited<ReturnType<typeof run>>>();
let count = 0;

beforeAll(async () => {
  // One after the other: the control groups of both have the same names.
  await cold.runner.prepared();
  for (const [name, program] of Object.entries(PROGRAMS)) expected.set(name, await run(cold, program));
  await cold.runner.close();
  await warm.runner.prepared();
  await run(warm, { code: HELLO });
  await untilServed();
}, PREPARATION_MS);
afterAll(() => warm.runner.close());

async function run({ runner }: typeof warm, request: Omit<CodeRequest, 'language'>, caller = 'test') {
  await poolRefilled();
  const result = await runner.run({ language: 'java', ...request }, { caller });
  const { stdout, stderr, exit_code, status, stage, error, truncated } = result;
  const { stdout: printed, stderr: messages, exit_code: code } = result.compile ?? {};
  return { stdout, stderr, exit_code, status, stage, error, truncated, printed, messages, code };
}

/** A program of which no compiler has an artifact. */
function honest() {
  count += 1;
  const code = `public class Honest { public static void main(String[] a) { System.out.println(${count}); } }`;
  return { program: { code }, stdout: `${count}\n` };
}

/** Waits until a compilation is served. */
async function untilServed(): Promise<void> {
  await vi.waitFor(async () => {
    const before = warm.servedCompilations();
    await run(warm, honest().program);
    if (warm.servedCompilations() === before) throw new Error('no compile service was free');
  }, PATIENT_POLL);
}

const files = (others: Record<string, string>) => Object.entries(others).map(([name, content]) => ({ name, content }));

const PROGRAMS: Record<string, Omit<CodeRequest, 'language'>> = {
  'a package': {
    code: 'package a.b; public class P { public static void main(String[] x) { System.out.println(P.class); } }',
  },
  'several public classes, main in another than the first': {
    code: 'public class One { static int one() { return Two.two(); } }',
    files: files({
      'Two.java':
        'public class Two { static int two() { return 2; } public static void main(String[] a) { System.out.println(One.one()); } }',
    }),
  },
  'two public classes in a file': {
    code: 'public class One { }\npublic class Two { public static void main(String[] a) { } }',
  },
  'main in a class that is not the first': {
    code: 'class First { }\nclass Second { public static void main(String[] a) { System.out.println("second"); } }',
  },
  'a main method of an instance': { code: 'class Late { void main() { System.out.println("late"); } }' },
  'statements without a class': { code: 'void main() { System.out.println("unnamed"); }' },
  'a module': {
    code: 'package m; public class M { public static void main(String[] a) { System.out.println(M.class.getModule().isNamed()); } }',
    files: files({ 'module-info.java': 'module m { exports m; }' }),
  },
  'a module without its dependency': {
    code: 'public class M { }',
    files: files({ 'module-info.java': 'module m { requires nothing.at.all; }' }),
  },
  'a file without the class of its name': {
    code: 'public class Main { Helper helper; }',
    files: files({ 'Helper.java': 'class Helpr { }' }),
  },
  'a class of the JDK that is shadowed': {
    code: 'public class Main { }',
    files: files({ 'java/lang/Object.java': 'package java.lang; public class Object { }' }),
  },
  'a note': {
    code: 'public class N { public static void main(String[] a) { new Thread(() -> { }).stop(); System.out.println(new Integer(3)); } }',
  },
  'several errors': { code: 'public class E {\n\tint x = "a";\n  String é = 1;\n  void f() { g(); return 1 }\n}' },
  'more errors than are shown': { code: `public class E {\n${'  int x = "a";\n'.repeat(130)}}` },
  'messages above their bound': {
    code: `public class E { ${Array.from({ length: 60 }, (_, at) => `int a${at} = "${'x'.repeat(400)}";`).join(' ')} }`,
  },
  'a class whose name is too long for a file': {
    code: `public class L { class ${'x'.repeat(300)} { } public static void main(String[] a) { } }`,
  },
  'a path that is too long for a header of tar': {
    code: `package ${'p'.repeat(90)}.${'q'.repeat(60)}; public class L { public static void main(String[] a) { System.out.println(new Object() { }.getClass().getName().length()); } }`,
  },
  'a file without a class': { code: '// nothing' },
  'many classes': {
    code: `public class Main { public static void main(String[] a) { System.out.println(${Array.from({ length: 300 }, (_, at) => `C${at}.V`).join(' + ')}); } }\n${Array.from({ length: 300 }, (_, at) => `class C${at} { static int V = ${at}; }`).join('\n')}`,
  },
};

const bomb = (name: string) => ({ code: readFileSync(`lib/runner/attacks/compile/${name}.java`, 'utf8') });

/** Processes below this one that are compile services. */
function services(): number[] {
  const below = (pid: number): number[] => {
    try {
      return readdirSync(`/proc/${pid}/task`)
        .flatMap((thread) => readFileSync(`/proc/${pid}/task/${thread}/children`, 'utf8').split(' ').filter(Boolean))
        .flatMap((child) => [Number(child), ...below(Number(child))]);
    } catch {
      return [];
    }
  };
  return below(process.pid).filter((pid) => {
    try {
      const [program = '', ...args] = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
      return program.endsWith('java') && args.includes('space.chill.runner.CompileService');
    } catch {
      return false;
    }
  });
}

describe('a compiler that serves many programs', () => {
  it.each(Object.entries(PROGRAMS))(
    'reports the same as one of the program alone: %s',
    { timeout: PROGRAM_MS },
    async (name, program) => {
      const before = warm.servedCompilations();
      expect(await run(warm, program)).toEqual(expected.get(name));
      expect(warm.servedCompilations()).toBe(before + 1);
      await expect.poll(warm.leaks, PATIENT_POLL).toEqual([]);
    },
  );

  it('has nothing of the program before it', { timeout: PROGRAM_MS }, async () => {
    const secret =
      'package vault; public class Secret { public static final String WORD = "swordfish"; public static void main(String[] a) { } }';
    expect(
      await run(warm, { code: secret, files: files({ 'vault/Other.java': 'package vault; class Other { }' }) }, 'a'),
    ).toMatchObject({ status: 'success' });
    for (const name of ['Secret.WORD', 'Other.class', 'vault.Secret.WORD']) {
      const code = `package vault; public class Thief { public static void main(String[] a) { System.out.println(${name}); } }`;
      const result = await run(warm, { code }, 'b');
      expect(result).toMatchObject({ status: 'compile_error', exit_code: 1 });
      expect(result.stderr).toMatch(/error: (?:cannot find symbol|package vault does not exist)/);
    }
  });

  it.each(['nested_expression', 'endless_string', 'messages_bomb', 'interface_bomb', 'service_classes'])(
    'serves another caller after %s',
    { timeout: PROGRAM_MS },
    async (name) => {
      await untilServed();
      const before = warm.servedCompilations();
      expect((await run(warm, bomb(name), 'hostile')).status).not.toBe('success');
      expect(warm.servedCompilations()).toBe(before + 1);
      const { program, stdout } = honest();
      expect(await run(warm, program, 'other')).toMatchObject({ status: 'success', stdout, messages: '' });
      await untilServed();
      await expect.poll(warm.leaks, PATIENT_POLL).toEqual([]);
    },
  );

  it('is replaced when it was killed, and the program that it had is compiled', { timeout: PROGRAM_MS }, async () => {
    await untilServed();
    const before = warm.servedCompilations();
    const killed = services();
    for (const pid of killed) process.kill(pid, 'SIGSTOP');
    const { program, stdout } = honest();
    const running = run(warm, program);
    await expect.poll(warm.servedCompilations, PATIENT_POLL).toBe(before + 1);
    for (const pid of killed) process.kill(pid, 'SIGKILL');
    expect(await running).toMatchObject({ status: 'success', stdout });
    const next = honest();
    expect(await run(warm, next.program)).toMatchObject({ status: 'success', stdout: next.stdout });
    await untilServed();
    expect(services().filter((pid) => killed.includes(pid))).toEqual([]);
  });

  it('ends with a compilation that is cancelled', { timeout: PROGRAM_MS }, async () => {
    await untilServed();
    const before = warm.servedCompilations();
    const cancelling = new AbortController();
    const running = warm.runner.run(
      { language: 'java', ...bomb('interface_bomb') },
      { caller: 'a', signal: cancelling.signal },
    );
    await expect.poll(warm.servedCompilations, PATIENT_POLL).toBe(before + 1);
    cancelling.abort();
    expect(await running).toMatchObject({ status: 'killed', stage: 'compile' });
    await untilServed();
  });

  it('holds two at most, on two cores', { timeout: PROGRAM_MS }, async () => {
    const results = await Promise.all(Array.from({ length: 8 }, () => run(warm, honest().program)));
    expect(results.every(({ status }) => status === 'success')).toBe(true);
    await untilServed();
    expect(services().length).toBeLessThanOrEqual(2);
  });
});
