import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { promisify } from 'node:util';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { readConfig } from '#lib/config/index';
import { PUBLIC_SETTINGS, SETTINGS } from '#lib/config/settings';
import { languageIdSchema } from '#lib/wire/code';
import { SERVER_ARGUMENTS, serverEnvironment } from '../scripts/setup.mjs';
import { chatServer } from './chat-server.ts';
import { startNginx } from './nginx.ts';

/** The files for deployment say what is true of the app: settings, ports, scripts, packages. */

const FILES = [
  'Dockerfile',
  'compose.yaml',
  'railway.toml',
  'deploy/chill-space.service',
  'deploy/nginx.conf',
  'deploy/Caddyfile',
  'deploy/huggingface/Dockerfile',
  'deploy/huggingface/README.md',
  'deploy/railway/README.md',
  'deploy/vercel.md',
] as const;
const text = Object.fromEntries(FILES.map((file) => [file, readFileSync(file, 'utf8')]));
const read = (file: (typeof FILES)[number]) => text[file] ?? '';

/** What Node, Next, apt and the build take from the environment, and no setting of ours. */
const FOREIGN = new Set([
  'NODE_ENV',
  'NODE_COMPILE_CACHE',
  'MALLOC_ARENA_MAX',
  'XDG_CACHE_HOME',
  'NEXT_TELEMETRY_DISABLED',
  'EMBED_MODEL',
  'ON_FAILURE',
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
      expect(read(file)).toMatch(new RegExp(`MALLOC_ARENA_MAX=${serverEnvironment().MALLOC_ARENA_MAX}$`, 'm'));
      expect(existsSync('server.ts')).toBe(true);
    },
  );

  it.each(['Dockerfile', 'deploy/huggingface/Dockerfile'] as const)('%s builds with what there is', (file) => {
    const { scripts } = JSON.parse(readFileSync('package.json', 'utf8'));
    for (const [, name] of read(file).matchAll(/npm run ([\w-]+)/g)) expect(scripts).toHaveProperty(name ?? '');
    for (const [, path] of read(file).matchAll(/import\('\.\/([^']+)'\)/g)) expect(existsSync(path ?? '')).toBe(true);
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
    const folder = source.endsWith('README.md') ? source.slice(0, -'README.md'.length) : '';
    for (const [, target = ''] of words.matchAll(/\]\((?!https?:|#)([^)#]+)\)/g))
      expect(existsSync(folder + target), target).toBe(true);
    for (const [path] of words.matchAll(/(?<![\w/])deploy\/[\w./-]+\w/g)) expect(existsSync(path), path).toBe(true);
  }
});

describe('Docker', () => {
  it('has what the languages need, and the slim image no compilers', () => {
    const [slim, full] = read('Dockerfile').split('FROM slim AS full');
    const needed = /SYSTEM_TOOLS = \{(.*?)\}/s.exec(readFileSync('scripts/test.mjs', 'utf8'))?.[1] ?? '';
    const packages = [...needed.matchAll(/: '([\w+-]+)'/g)].map((found) => found[1] ?? '');
    expect(packages).toContain('bubblewrap');
    const onlyForTests = ['chromium', 'gcc', 'libseccomp-dev', 'runsc'];
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
    expect(read('Dockerfile')).toMatch(new RegExp(`PORT=${port}\\b`));
    expect(read('Dockerfile')).toMatch(new RegExp(`^EXPOSE ${port}$`, 'm'));
    expect(read('compose.yaml')).toContain(`127.0.0.1:${port}:${port}`);
    for (const file of ['deploy/nginx.conf', 'deploy/Caddyfile'] as const)
      expect(read(file)).toContain(`127.0.0.1:${port}`);
    expect(read('deploy/huggingface/Dockerfile')).toMatch(/PORT=7860[\s\S]*EXPOSE 7860/);
    expect(read('deploy/huggingface/README.md')).toMatch(/^---\n[\s\S]*^app_port: 7860\n[\s\S]*?^---$/m);
  });
});

describe('Railway', () => {
  it('gives each executor the port that is its own', () => {
    const rows = [...read('deploy/railway/README.md').matchAll(/EXECUTOR_LANGUAGE=(\w+)`, `PORT=(\d+)`/g)];
    // TypeScript is run by JavaScript's.
    expect(rows.length).toBe(languageIdSchema.options.length - 1);
    for (const [, language, port] of rows) {
      const { PORT } = readConfig({ EXECUTOR_LANGUAGE: language });
      expect(String(PORT)).toBe(port);
      expect(read('deploy/railway/README.md')).toContain(`${language}.railway.internal:${port}`);
    }
  });

  it('asks for health where every role answers', () => {
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

  it('gives open answers their time', () => {
    const seconds = Number(/^TimeoutStopSec=(\d+)$/m.exec(unit)?.[1]);
    expect(seconds * 1000).toBeGreaterThan(readConfig({}).SHUTDOWN_TIMEOUT_MS);
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

describe('nginx', () => {
  it('passes a stream on as it is written', async () => {
    const server = await chatServer({ TRUST_PROXY: 'loopback' });
    const nginx = await startNginx(server.url, read('deploy/nginx.conf'));
    server.provider.onCall = (call) => call.say('one');
    try {
      const response = await fetch(`${nginx.url}/api/chat-optimized`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ messages: [{ role: 'user', content: 'Count.' }] }),
        signal: AbortSignal.timeout(20_000),
      });
      expect(response.headers.get('content-type')).toContain('text/event-stream');
      const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
      expect((await reader?.read())?.value).toContain('"one"');
      // The first word is here, and the model has not said its second.
      server.provider.last.say('two').done();
      let rest = '';
      for (let chunk = await reader?.read(); chunk?.done === false; chunk = await reader?.read()) rest += chunk.value;
      expect(rest).toContain('"two"');
      expect(rest).toContain('"done":true');
    } finally {
      await nginx.stop();
      await server.close();
    }
  });

  it('passes an upgrade on, and what follows it both ways', async () => {
    const backend = createServer().on('upgrade', (incoming, socket) => {
      socket.write(
        `HTTP/1.1 101 Switching Protocols\r\nUpgrade: ${incoming.headers.upgrade}\r\nConnection: Upgrade\r\n\r\n`,
      );
      socket.on('data', (bytes) => socket.end(`echo ${bytes}`));
    });
    await new Promise<void>((resolve) => backend.listen(0, '127.0.0.1', resolve));
    const { port } = backend.address() as AddressInfo;
    const nginx = await startNginx(`http://127.0.0.1:${port}`, read('deploy/nginx.conf'));
    try {
      const socket = connect(nginx.port, '127.0.0.1');
      socket.write(
        'GET /gateway/live HTTP/1.1\r\nHost: chat.example.org\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n',
      );
      let received = '';
      for await (const chunk of socket) {
        if (received === '') socket.write('hello');
        received += chunk;
      }
      expect(received).toMatch(/^HTTP\/1.1 101 /);
      expect(received).toMatch(/^upgrade: websocket/im);
      expect(received).toContain('echo hello');
    } finally {
      await nginx.stop();
      backend.close();
    }
  });
});
