import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface, type Interface } from 'node:readline';

const FOLDER = join(import.meta.dirname, '..', 'python');
const END_DEADLINE_MS = 5_000;

/**
 * A Python process with the scenarios of one SDK (`test/python/<module>.py`), which runs one at a
 * time. A scenario returns what the SDK showed to its caller.
 */
export class PythonClient {
  readonly #child: ChildProcess;
  readonly #lines: Interface;
  readonly #ended: Promise<undefined>;
  #complaint = '';

  constructor(python: string, module: string) {
    // No settings of this machine: neither keys nor proxies.
    const { PATH, HOME } = process.env;
    const env: NodeJS.ProcessEnv = { NODE_ENV: 'test', PATH, HOME, PYTHONDONTWRITEBYTECODE: '1' };
    this.#child = spawn(python, [join(FOLDER, 'scenario_host.py'), module], { env, stdio: ['pipe', 'pipe', 'pipe'] });
    this.#child.stderr?.on('data', (chunk: Buffer) => {
      this.#complaint += chunk.toString();
    });
    if (this.#child.stdout === null) throw new Error('no output');
    this.#lines = createInterface({ input: this.#child.stdout });
    this.#ended = once(this.#child, 'exit').then(() => undefined);
  }

  /** Throws with Python's traceback if the scenario raises. */
  async run(scenario: string, input: Record<string, unknown>): Promise<unknown> {
    const response = once(this.#lines, 'line');
    this.#child.stdin?.write(`${JSON.stringify({ scenario, input })}\n`);
    const line = await Promise.race([response, this.#ended]);
    if (line === undefined) throw new Error(`Python ended:\n${this.#complaint}`);
    const outcome: unknown = JSON.parse(String(line[0]));
    if (typeof outcome === 'object' && outcome !== null && 'result' in outcome) return outcome.result;
    const traceback =
      typeof outcome === 'object' && outcome !== null && 'traceback' in outcome ? outcome.traceback : '';
    throw new Error(`${scenario} failed:\n${String(traceback)}`);
  }

  /** A scenario that still runs is ended. */
  async close(): Promise<void> {
    this.#child.stdin?.end();
    const force = setTimeout(() => this.#child.kill('SIGKILL'), END_DEADLINE_MS);
    await this.#ended;
    clearTimeout(force);
  }
}
