import { execFile } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { readConfig } from '#lib/config/config';
import { PUBLIC_SETTINGS, SETTINGS } from '#lib/config/settings';
import { shutdownDelayMs } from '#lib/config/shutdown-delay';
import { unknownSettings } from '#lib/config/unknown-settings';
import { DEFAULT_LANGUAGES } from '#lib/languages/language-names';
import { languageIdSchema } from '#lib/wire/code';
import { PRECOMPILE_ARGUMENTS, SERVER_ARGUMENTS, serverEnvironment } from '../../scripts/server-process.ts';
import { BUNDLED } from '../../scripts/slim.ts';
import { chatServer } from '../support/chat-server.ts';

/** The files for deployment say what is true of the app: settings, ports, scripts, packages. */

const FILES = [
  'Dockerfile',
  'compose.yaml',
  'compose.cluster.yaml',
  'railway.toml',
  'deploy/chill-space.service',
  'deploy/nginx.conf',
  'deploy/prometheus.yml',
  'deploy/Caddyfile',
  'deploy/Caddyfile.cluster',
  'deploy/kubernetes/chill-space.yaml',
  'deploy/kubernetes/secret.example.yaml',
  'deploy/kubernetes/README.md',
  'deploy/huggingface/Dockerfile',
  'deploy/huggingface/README.md',
  'deploy/railway/README.md',
  'deploy/vercel.md',
  'docs/cluster.md',
  'docs/operations.md',
] as const;
const text = Object.fromEntries(FILES.map((file) => [file, readFileSync(file, 'utf8')]));
const read = (file: (typeof FILES)[number]) => text[file] ?? '';

/** What Node, Next, apt, Ollama, other images and the build take from the environment. */
const FOREIGN = new Set([
  'NODE_ENV',
  'NODE_COMPILE_CACHE',
  'MALLOC_ARENA_MAX',
  'XDG_CACHE_HOME',
  'NEXT_TELEMETRY_DISABLED',
  'EMBED_MODEL',
  'ON_FAILURE',
  'HTTP_PROXY',
  'HTTPS_PROXY',
  'NO_PROXY',
  'NODE_EXTRA_CA_CERTS',
  'OLLAMA_NUM_PARALLEL',
  'OLLAMA_HOST',
  'CUDA_VISIBLE_DEVICES',
  'HTTP_PORT',
  'SITE_ADDRESS',
  'REDIS_PASSWORD',
  'REDISCLI_AUTH',
  'POSTGRES_USER',
  'POSTGRES_DB',
  'POSTGRES_PASSWORD',
]);

describe('every file', () => {
  it.each(FILES)('%s names only settings that there are', (file) => {
    const names =
      read(file)
        .replaceAll(/\bAF_\w+/g, '')
        .match(/\b[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+\b/g) ?? [];
    const unknown = names.filter((name) => !(name in SETTINGS) && !(name in PUBLIC_SETTINGS) && !FOREIGN.has(name));
    expect(unknown).toEqual([]);
  });

  it.each(['Dockerfile', 'deploy/huggingface/Dockerfile', 'deploy/chill-space.service'] as const)(
    '%s starts the server as npm start does',
    (file) => {
      vi.stubEnv('MALLOC_ARENA_MAX', undefined);
      onTestFinished(() => void vi.unstubAllEnvs());
      const started = read(file).replaceAll(/[",]/g, '');
      expect(started).toContain(`node ${SERVER_ARGUMENTS.join(' ')}`);
      if (started.includes('precompile.ts')) expect(started).toContain(`node ${PRECOMPILE_ARGUMENTS.join(' ')}`);
      expect(read(file)).toMatch(new RegExp(`MALLOC_ARENA_MAX=${serverEnvironment().MALLOC_ARENA_MAX}$`, 'm'));
      expect(existsSync('server.ts')).toBe(true);
    },
  );

  it.each(['Dockerfile', 'deploy/huggingface/Dockerfile'] as const)('%s builds with what there is', (file) => {
    const { scripts } = JSON.parse(readFileSync('package.json', 'utf8'));
    for (const [, name] of read(file).matchAll(/npm run ([\w-]+)/g)) expect(scripts).toHaveProperty(name ?? '');
    for (const [path] of read(file).matchAll(/scripts\/[\w-]+\.\w+/g)) expect(existsSync(path), path).toBe(true);
    // By the lock file, and without what only the build needs.
    expect(read(file)).toMatch(/npm ci .*--include=dev/);
    expect(read(file)).toMatch(/npm prune --omit=dev[\s\S]*node scripts\/slim\.ts/);
    expect(read(file)).not.toContain('npm install');
    for (const copied of /^COPY ((?:package|\.npmrc).*) \.\/$/m.exec(read(file))?.[1]?.split(' ') ?? [])
      expect(existsSync(copied), copied).toBe(true);
    // What runs has the Node that the project runs on.
    const { devDependencies } = JSON.parse(readFileSync('package.json', 'utf8'));
    expect(read(file)).toMatch(new RegExp(`^FROM node:${devDependencies.node.split('.')[0]}-bookworm-slim`, 'm'));
    expect(read(file)).toMatch(/^USER node$/m);
  });
});

it('every file that the README and these files name is there', () => {
  for (const source of ['README.md', ...FILES]) {
    const words = readFileSync(source, 'utf8');
    const folder = /^(?:.*\/)?/.exec(source)?.[0] ?? '';
    for (const [, target = ''] of words.matchAll(/\]\((?!https?:|#)([^)#]+)\)/g))
      expect(existsSync(folder + target), target).toBe(true);
    for (const [path] of words.matchAll(/(?<![\w/])deploy\/[\w./-]+\w/g)) expect(existsSync(path), path).toBe(true);
  }
});

describe('Docker', () => {
  it('has what the languages need, and the slim image no compilers', () => {
    const [slim, full] = read('Dockerfile').split('FROM slim AS full');
    const needed = /SYSTEM_TOOLS = \{(.*?)\}/s.exec(readFileSync('scripts/test.ts', 'utf8'))?.[1] ?? '';
    const packages = [...needed.matchAll(/: '([\w+-]+)'/g)].map((found) => found[1] ?? '');
    expect(packages).toContain('bubblewrap');
    const onlyForTests = ['chromium', 'gcc', 'libseccomp-dev', 'redis-server', 'runsc'];
    for (const name of packages.filter((one) => !onlyForTests.includes(one)))
      expect(slim + (full ?? '')).toContain(name);
    for (const name of ['g++', 'openjdk', 'golang', 'rustc']) expect(slim).not.toContain(` ${name}`);
  });

  it('leaves out of the image what is secret or large, and nothing that the build reads', () => {
    const ignored = readFileSync('.dockerignore', 'utf8').trim().split('\n');
    for (const name of ['.env', '.git', 'node_modules', '.next']) expect(ignored).toContain(name);
    for (const name of ['app', 'components', 'lib', 'public', 'scripts', 'server.ts', 'proxy.ts'])
      expect(ignored).not.toContain(name);
  });

  it('listens on the ports that it names', () => {
    const port = SETTINGS.PORT.fallback;
    // The image sets none: an executor listens on the port of its language.
    expect(read('Dockerfile')).not.toMatch(/\bPORT=\d/);
    const ports = languageIdSchema.options.map((id) => readConfig({ EXECUTOR_LANGUAGE: id }).PORT);
    expect(read('Dockerfile')).toContain(`\nEXPOSE ${[port, ...new Set(ports)].join(' ')}\n`);
    expect(read('compose.yaml')).toContain(`127.0.0.1:\${PORT:-${port}}:${port}`);
    expect(read('compose.yaml')).toMatch(new RegExp(`^ {6}- PORT=${port}$`, 'm'));
    expect(read('deploy/prometheus.yml')).toContain(`127.0.0.1:${port}`);
    for (const file of ['deploy/nginx.conf', 'deploy/Caddyfile'] as const)
      expect(read(file)).toContain(`127.0.0.1:${port}`);
    expect(read('deploy/huggingface/Dockerfile')).toMatch(/PORT=7860[\s\S]*EXPOSE 7860/);
    expect(read('deploy/huggingface/README.md')).toMatch(/^---\n[\s\S]*^app_port: 7860\n[\s\S]*?^---$/m);
  });

  it('asks the server for its health on the port of its role', async () => {
    const server = await chatServer();
    const health = async (env: Record<string, string>) =>
      await promisify(execFile)(process.execPath, ['scripts/health.ts'], { env: { ...process.env, ...env } }).then(
        () => 0,
        ({ code }: { code: number }) => code,
      );
    const { port } = new URL(server.url);
    try {
      expect(await health({ PORT: port, HOST: '0.0.0.0', API_KEYS: '' })).toBe(0);
      expect(await health({ PORT: port, HOST: '0.0.0.0', EXECUTOR_LANGUAGE: 'python' })).toBe(0);
    } finally {
      await server.close();
    }
    expect(await health({ PORT: port })).toBe(1);
  }, 60_000);

  it('passes every setting of .env into the container, but where it listens and keeps files', () => {
    expect(read('compose.yaml')).toMatch(/env_file:\n\s+- path: \.env\n\s+required: false\n/);
    const fixed = composeEnvironment().map((line) => line.split('=')[0]);
    expect(fixed.filter((name) => !name?.endsWith('OLLAMA_API_URL'))).toEqual([
      'HOST',
      'PORT',
      'MODEL_CACHE_DIR',
      'DATA_DIR',
    ]);
    // "required" is of this version:
    // https://docs.docker.com/reference/compose-file/services/#required
    expect(read('compose.yaml')).toContain('Docker Compose 2.24');
    // No right of the container's own is needed by the sandbox.
    expect(read('compose.yaml')).toContain('cap_drop: [ALL]');
  });

  it.each([
    ['the Ollama of compose.yaml without settings', {}, { OLLAMA_API_URL: 'http://ollama:11434' }],
    ['another Ollama', { OLLAMA_API_URL: 'http://gpu:1' }, { OLLAMA_API_URL: 'http://gpu:1' }],
    ['a model server alone', { OPENAI_BASE_URL: 'http://gpu:1/v1' }, { OPENAI_BASE_URL: 'http://gpu:1/v1' }],
    ['a file alone', { EMBEDDED_MODEL: '/data/some.gguf' }, { EMBEDDED_MODEL: '/data/some.gguf' }],
    ['an empty line like none', { OPENAI_BASE_URL: '' }, { OLLAMA_API_URL: 'http://ollama:11434' }],
    [
      'both servers where both are named',
      { OPENAI_BASE_URL: 'http://gpu:1/v1', OLLAMA_API_URL: 'http://gpu:2' },
      { OPENAI_BASE_URL: 'http://gpu:1/v1', OLLAMA_API_URL: 'http://gpu:2' },
    ],
    [
      'the provider that is named',
      { MODEL_PROVIDER: 'openai', OPENAI_BASE_URL: 'http://gpu:1/v1' },
      { MODEL_PROVIDER: 'openai', OPENAI_BASE_URL: 'http://gpu:1/v1' },
    ],
  ] as [string, Record<string, string>, Record<string, string>][])('asks %s', (_name, dotEnv, expected) => {
    const lines = composeEnvironment().map((line) => interpolate(line, dotEnv));
    const environment = { ...dotEnv, ...Object.fromEntries(lines.map((line) => line.split(/=(.*)/s, 2))) };
    const settings = readConfig(environment);
    const named = ['MODEL_PROVIDER', 'OLLAMA_API_URL', 'OPENAI_BASE_URL', 'EMBEDDED_MODEL'] as const;
    const given = named.filter((name) => settings.given.has(name));
    const asked = given.map((name) => [name, addressesIn(settings[name])]);
    expect(Object.fromEntries(asked)).toEqual(expected);
    expect(unknownSettings(environment)).toEqual([]);
  });

  function addressesIn(value: string | readonly { url: string }[] | undefined): string | undefined {
    return typeof value === 'object' ? value.map(({ url }) => url).join(',') : value;
  }

  /** The lines `NAME=value` of the app's environment, as they are in the file. */
  function composeEnvironment(): string[] {
    const block = /\n {4}environment:\n((?: {6}.*\n)+)/.exec(read('compose.yaml'))?.[1] ?? '';
    return [...block.matchAll(/^ {6}- (.*)$/gm)].map(([, line]) => line ?? '');
  }

  /** As Compose does it, by https://docs.docker.com/reference/compose-file/interpolation/ */
  function interpolate(line: string, variables: Record<string, string>): string {
    return line.replaceAll(/\$\{(\w+):([+-])([^}]*)\}/g, (_all, name: string, kind: string, word: string) => {
      const value = variables[name] ?? '';
      if (kind === '+') return value === '' ? '' : word;
      return value === '' ? word : value;
    });
  }
});

describe('the image', () => {
  it('is rid only of packages that are there, and that no part of the server loads', () => {
    const { dependencies } = JSON.parse(readFileSync('package.json', 'utf8'));
    const sources = [...sourcesOf('lib'), ...sourcesOf('app'), 'server.ts'].map((file) => readFileSync(file, 'utf8'));
    for (const name of BUNDLED) {
      expect(existsSync(`node_modules/${name}`), name).toBe(true);
      expect(
        Object.keys(dependencies).some((one) => one === name || one.startsWith(`${name}/`)),
        name,
      ).toBe(true);
      expect(sources.filter((source) => source.includes(`from '${name}`))).toEqual([]);
    }
    // Without them TypeScript is not checked in production.
    for (const name of ['typescript', '@types/node']) expect(dependencies).toHaveProperty([name]);
  });

  /** The server's own sources: those of the browser are below lib/client. */
  function sourcesOf(folder: string): string[] {
    return readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts') && !name.startsWith('client/'))
      .map((name) => `${folder}/${name}`);
  }
});

describe('Prometheus', () => {
  it('is shown where the metrics are, and how to get in with a key', () => {
    expect(read('deploy/prometheus.yml')).toContain('metrics_path: /api/metrics');
    expect(read('deploy/prometheus.yml')).toMatch(/authorization:\n\s+type: Bearer\n\s+credentials_file: /);
  });
});

describe('Railway', () => {
  it('gives each executor the port that is its own', () => {
    const rows = [...read('deploy/railway/README.md').matchAll(/EXECUTOR_LANGUAGE=(\w+)`, `PORT=(\d+)`/g)];
    // TypeScript is run by JavaScript's.
    expect(rows.length).toBe(DEFAULT_LANGUAGES.length - 1);
    for (const [, language, port] of rows) {
      const { PORT } = readConfig({ EXECUTOR_LANGUAGE: language });
      expect(String(PORT)).toBe(port);
      expect(read('deploy/railway/README.md')).toContain(`${language}.railway.internal:${port}`);
    }
  });

  it('asks for health on a path that every role serves', () => {
    expect(read('railway.toml')).toContain('healthcheckPath = "/health"');
    expect(read('railway.toml')).toContain('dockerfilePath = "Dockerfile"');
  });
});

describe('systemd', () => {
  const unit = read('deploy/chill-space.service');

  it('leaves the sandbox what it is made of', () => {
    const directives = unit.split('\n').filter((line) => /^[A-Z]\w+=/.test(line));
    const names = directives.map((line) => line.split('=')[0]);
    for (const name of [
      'RestrictNamespaces',
      'ProtectKernelTunables',
      'ProtectProc',
      'ProcSubset',
      'MemoryDenyWriteExecute',
      'PrivateUsers',
      'ProtectHostname',
    ])
      expect(names).not.toContain(name);
    const filter = directives.find((line) => line.startsWith('SystemCallFilter=')) ?? '';
    expect(filter).toMatch(/^SystemCallFilter=~/);
    expect(filter).not.toMatch(/@mount|@privileged|@sandbox|@process|@debug/);
    expect(directives).toContain('NoNewPrivileges=yes');
    expect(directives).toContain('ProtectSystem=strict');
  });

  it('brings its model and names what it needs', () => {
    expect(unit).toMatch(/^ExecStartPre=-.*node scripts\/model\.ts --if-needed$/m);
    expect(unit).toMatch(/^# .*npm run setup/m);
    expect(unit).toContain('bubblewrap');
    expect(unit).not.toContain('npm install');
    const folder = /^Environment=MODEL_CACHE_DIR=(.*)$/m.exec(unit)?.[1];
    expect(unit).toContain(`MODEL_CACHE_DIR=${folder} npm run model`);
    // A process that is not root needs no capability for the sandbox.
    expect(unit).toMatch(/^CapabilityBoundingSet=$/m);
  });

  it('gives open responses their time', () => {
    const seconds = Number(/^TimeoutStopSec=(\d+)$/m.exec(unit)?.[1]);
    // With the longest delay by default.
    const settings = readConfig({ REDIS_URL: 'redis://127.0.0.1:6379' });
    expect(seconds * 1000).toBeGreaterThan(shutdownDelayMs(settings) + settings.SHUTDOWN_TIMEOUT_MS);
  });

  it('is a unit that systemd takes', async () => {
    if (!existsSync('/usr/bin/systemd-analyze')) return;
    const verified = await promisify(execFile)('systemd-analyze', ['verify', 'deploy/chill-space.service']).catch(
      ({ stderr }: { stderr: string }) => ({ stderr }),
    );
    // That the app is not in /srv is not the unit's fault.
    const complaints = verified.stderr
      .split('\n')
      .filter((line) => line.includes('chill-space') && !/not executable/.test(line));
    expect(complaints).toEqual([]);
  });
});
