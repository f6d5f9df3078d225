import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { request } from 'undici';
import { freePort } from './free-port.ts';

export interface RealOllama {
  url: string;
  close(): Promise<void>;
}

/** Starts Ollama on a free port with its own folder, and imports a GGUF file as `name`. */
export async function startOllama(binary: string, gguf: string, name: string): Promise<RealOllama> {
  const folder = await mkdtemp(join(tmpdir(), 'ollama-test-'));
  const host = `127.0.0.1:${await freePort()}`;
  const env = {
    ...process.env,
    HOME: folder,
    OLLAMA_HOST: host,
    OLLAMA_MODELS: join(folder, 'models'),
    OLLAMA_NUM_PARALLEL: '2',
    OLLAMA_CONTEXT_LENGTH: '2048',
  };
  const server = spawn(binary, ['serve'], { env, stdio: 'ignore', detached: true });
  const exited = new Promise<void>((resolve) => server.once('exit', () => resolve()));
  const close = async () => {
    end(server);
    await exited;
    await rm(folder, { recursive: true, force: true });
  };
  try {
    await responses(`http://${host}/api/version`, exited);
    const modelfile = join(folder, 'Modelfile');
    await writeFile(modelfile, `FROM ${gguf}\n`);
    await execa(binary, ['create', name, '-f', modelfile], { env, timeout: 60_000 });
  } catch (error) {
    await close();
    throw error;
  }
  return { url: `http://${host}`, close };
}

/** Its runners are children in the same group. */
function end(server: ChildProcess): void {
  const isRunning = server.exitCode === null && server.signalCode === null;
  if (server.pid !== undefined && isRunning) process.kill(-server.pid, 'SIGKILL');
}

async function responses(url: string, exited: Promise<void>): Promise<void> {
  let gone = false;
  void exited.then(() => {
    gone = true;
  });
  const deadline = Date.now() + 30_000;
  while (Date.now() < deadline && !gone) {
    try {
      const response = await request(url);
      await response.body.dump();
      return;
    } catch {
      // Not listening yet: there is no event to wait for.
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
  throw new Error('Ollama did not start.');
}
