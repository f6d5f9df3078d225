import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CodeRequest, CodeResult, RunStatus } from '#lib/wire/code';
import { PATIENT_POLL, poolRefilled, runnerHarness } from '../../test/support/runner-harness.ts';

const CALLERS = 50;
const RUNS_EACH = 20;
const CROWD_MS = 900_000;
const PREPARATION_MS = 600_000;
const SECONDS = 30;

interface Run {
  request: CodeRequest;
  isRight: (result: CodeResult) => boolean;
}

const printed = (stdout: string) => (result: CodeResult) => result.stdout === stdout && result.status === 'success';
const came =
  (...statuses: RunStatus[]) =>
  ({ status }: CodeResult) =>
    statuses.includes(status);

/** Each prints its caller and its number, so that a response to the wrong caller is detected. */
const HONEST: ((id: string) => Run)[] = [
  (id) => ({
    request: { language: 'python', code: 'print(input() * 2)', stdin: id, timeout: SECONDS },
    isRight: printed(`${id}${id}\n`),
  }),
  (id) => ({
    request: {
      language: 'javascript',
      code: `console.log(${JSON.stringify(id)}, process.argv[2])`,
      args: [id],
      timeout: SECONDS,
    },
    isRight: printed(`${id} ${id}\n`),
  }),
  (id) => ({
    request: {
      language: 'python',
      code: 'import other, os\nprint(other.ID, sorted(os.listdir(".")))',
      files: [{ name: 'other.py', content: `ID = ${JSON.stringify(id)}` }],
      timeout: SECONDS,
    },
    isRight: printed(`${id} ['main.py', 'other.py']\n`),
  }),
  (id) => ({
    request: {
      language: 'python',
      code: `import sys\nprint(${JSON.stringify(id)}, file=sys.stderr)\nsys.exit(3)`,
      timeout: SECONDS,
    },
    isRight: (result) => result.exit_code === 3 && result.stderr === `${id}\n`,
  }),
  // Compiled once, and run as often as anybody asks.
  (id) => ({
    request: {
      language: 'cpp',
      code: '#include <iostream>\n#include <string>\nint main() { std::string s; std::cin >> s; std::cout << s << s.size(); }',
      stdin: id,
      timeout: SECONDS,
    },
    isRight: printed(`${id}${id.length}`),
  }),
];

const HOSTILE: Run[] = (
  [
    ['import os\nwhile True:\n    try: os.fork()\n    except OSError: pass', 0.2, came('timeout', 'memory_limit')],
    ['while True: pass', 0.2, came('timeout')],
    ['x = "a" * 10**9', SECONDS, came('memory_limit')],
    ['while True: print("x" * 10_000)', SECONDS, came('output_limit')],
    ['import os\nos.fork()\nos.kill(0, 9)', SECONDS, came('killed')],
    [
      'import os\nif os.fork() == 0:\n    os.setsid()\n    while True: pass\nprint("left", flush=True)',
      SECONDS,
      printed('left\n'),
    ],
    [
      'for folder in ("/work", "/tmp", "/dev/shm"): open(f"{folder}/trace", "w").write("x" * 10**6)\nprint("wrote")',
      SECONDS,
      printed('wrote\n'),
    ],
    [
      'import os\nfor fd in range(3, 512):\n    try: os.write(fd, b"{}\\n")\n    except OSError: pass\nos._exit(9)',
      SECONDS,
      came('runtime_error'),
    ],
  ] satisfies [code: string, timeout: number, isRight: Run['isRight']][]
).map(([code, timeout, isRight]) => ({ request: { language: 'python', code, timeout }, isRight }));

describe('a crowd', () => {
  const bench = runnerHarness({ settings: { CODE_MAX_QUEUE: '200', CODE_MEMORY_MB: '64' } });
  const { runner, leaks: leftovers, settle } = bench;
  beforeAll(async () => {
    await runner.prepared();
    for (const run of HONEST) await runner.run(run('warm').request, { caller: 'first' });
    await poolRefilled();
    await settle();
  }, PREPARATION_MS);
  afterAll(() => runner.close());

  it(
    `of ${CALLERS} that run ${CALLERS * RUNS_EACH} programs, a third of them hostile, gets only right results`,
    async () => {
      const before = runner.stats().total_runs;
      const wrong: unknown[] = [];
      await Promise.all(
        Array.from({ length: CALLERS }, async (_, caller) => {
          for (let time = 0; time < RUNS_EACH; time++) {
            const turn = caller * RUNS_EACH + time;
            const id = `${caller}:${time}`;
            const run =
              turn % 3 === 0
                ? HOSTILE[(turn / 3) % HOSTILE.length]
                : HONEST[(turn - Math.ceil(turn / 3)) % HONEST.length]?.(id);
            if (run === undefined) throw new Error('every turn has its program');
            const result = await runner.run(run.request, { caller: `caller-${caller}` });
            if (!run.isRight(result))
              wrong.push({ id, code: run.request.code, ...result, stdout: result.stdout.slice(0, 200) });
          }
        }),
      );
      expect(wrong).toEqual([]);
      expect(runner.stats()).toMatchObject({ active: 0, waiting: 0, total_runs: before + CALLERS * RUNS_EACH });
      await expect.poll(leftovers, PATIENT_POLL).toEqual([]);
      // And the next one is served as the first was.
      const after = HONEST[0]?.('after');
      expect(after?.isRight(await runner.run(after.request, { caller: 'last' }))).toBe(true);
    },
    CROWD_MS,
  );
});
