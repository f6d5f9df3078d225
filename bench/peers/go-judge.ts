/**
 * go-judge, a service that runs programs in containers that it uses again: the request of a plain
 * run is one command, that of a compiled one two, with the artifact kept in its file store.
 */
import { existsSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { Agent, request } from 'undici';
import { type RunningServer, scratchFile, startProgram } from '../harness.ts';
import type { Hello } from '../programs.ts';
import { goPeer } from './install.ts';

const SOURCE = 'github.com/criyle/go-judge/cmd/go-judge@v1.12.2';
const WORK = '/w';
const CPU_LIMIT_NS = 20e9;
const MEMORY_LIMIT_BYTES = 2 ** 31;
const PROCESS_LIMIT = 200;
const OUTPUT_BYTES = 65_536;

/** Started with `parallel` containers; or the reason why not. */
export async function startGoJudge(parallel: number): Promise<{ server: RunningServer } | { skipped: string }> {
  const peer = goPeer('go-judge', SOURCE);
  if ('skipped' in peer) return peer;
  const mounts = scratchFile('mount.yaml', JSON.stringify(mountsOf(['/bin', '/lib', '/lib64', '/usr', '/etc'])));
  const args = [
    '-http-addr=127.0.0.1:{port}',
    `-parallelism=${parallel}`,
    `-pre-fork=${parallel}`,
    `-mount-conf=${mounts}`,
    '-silent',
  ];
  try {
    return { server: await startProgram(peer.program, args, '/version') };
  } catch (error) {
    return { skipped: `go-judge does not start here: ${error instanceof Error ? error.message : error}` };
  }
}

function mountsOf(systemFolders: readonly string[]) {
  const node = dirname(process.execPath);
  const folders = [...systemFolders, ...(node.startsWith('/usr/') ? [] : [node])];
  return {
    mount: [
      ...folders
        .filter((folder) => existsSync(folder))
        .map((folder) => ({ type: 'bind', source: folder, target: folder, readonly: true })),
      ...['/dev/null', '/dev/urandom'].map((device) => ({ type: 'bind', source: device, target: device })),
      ...[WORK, '/tmp'].map((target) => ({ type: 'tmpfs', target, data: 'size=256m,nr_inodes=8k' })),
    ],
    proc: true,
    workDir: WORK,
    hostName: 'go-judge',
    domainName: 'go-judge',
    uid: 1536,
    gid: 1536,
  };
}

interface Execution {
  status: string;
  exitStatus: number;
  files?: Record<string, string>;
  fileIds?: Record<string, string>;
  error?: string;
}

/** Kept-alive connections to go-judge. */
export class GoJudgeClient {
  readonly #agent: Agent;
  readonly #url: string;

  constructor(url: string, connections: number) {
    this.#agent = new Agent({ connections, pipelining: 1, keepAliveTimeout: 600_000 });
    this.#url = url;
  }

  /** What a program printed, compiled before where its language is. Throws where it failed. */
  async run(hello: Hello & { commands: string[][] }, source: string): Promise<string> {
    const compile = hello.commands.length > 1 ? hello.commands[0] : undefined;
    const execute = hello.commands.at(-1) ?? [];
    const sourceFile = { [hello.file]: { content: source } };
    if (compile === undefined) return (await this.#execute(execute, sourceFile)).files?.stdout ?? '';
    const artifact = ARTIFACTS[hello.language] ?? 'program';
    const { fileIds = {} } = await this.#execute(compile, sourceFile, [artifact]);
    const { [artifact]: fileId = '' } = fileIds;
    try {
      return (await this.#execute(execute, { [artifact]: { fileId } })).files?.stdout ?? '';
    } finally {
      const { body } = await request(`${this.#url}/file/${fileId}`, { dispatcher: this.#agent, method: 'DELETE' });
      await body.dump();
    }
  }

  async #execute(args: readonly string[], copyIn: object, copyOutCached: readonly string[] = []): Promise<Execution> {
    const command = {
      args,
      env: [`PATH=${dirname(process.execPath)}:/usr/bin:/bin`],
      files: [{ content: '' }, { name: 'stdout', max: OUTPUT_BYTES }, { name: 'stderr', max: OUTPUT_BYTES }],
      cpuLimit: CPU_LIMIT_NS,
      clockLimit: CPU_LIMIT_NS,
      memoryLimit: MEMORY_LIMIT_BYTES,
      procLimit: PROCESS_LIMIT,
      copyIn,
      copyOut: ['stdout', 'stderr'],
      copyOutCached,
    };
    const { body } = await request(`${this.#url}/run`, {
      dispatcher: this.#agent,
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ cmd: [command] }),
    });
    const text = await body.text();
    const [result]: Execution[] = JSON.parse(text);
    if (result?.status !== 'Accepted') throw new Error(`go-judge, ${basename(args[0] ?? '')}: ${text.slice(0, 1000)}`);
    return result;
  }

  close(): Promise<void> {
    return this.#agent.close();
  }
}

/** What a compiler writes, by language. */
const ARTIFACTS: Readonly<Record<string, string>> = { java: 'Main.class' };
