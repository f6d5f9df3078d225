/**
 * The backend of the gateway's tables, and the proxies that the gateway is held against: each as
 * its documentation sets it up, unbuffered, with 50 kept connections to the backend, no logs, over
 * loopback.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ensureNginx } from '../../scripts/nginx.ts';
import { proxySite, temporaryPaths } from '../../test/support/nginx-site.ts';
import { type RunningServer, scratchDirectory, scratchFile, startProgram, startServer } from '../harness.ts';
import { debianPeer, installedPeer } from './install.ts';
import { startNextPeer } from './next-app.ts';

export const SMALL_BYTES = 1_000;
export const LARGE_BYTES = 100_000;
export const HUGE_BYTES = 10_000_000;

export interface ProxyPeer {
  name: string;
  /** Runs in Node, as the gateway does. */
  isNode: boolean;
  server: RunningServer;
  /** Before each path. */
  prefix?: string;
}

const NODE_PROXIES = [
  { name: 'http-proxy', packages: [['http-proxy', '1.18.1']] },
  {
    name: '@fastify/http-proxy',
    packages: [
      ['@fastify/http-proxy', '11.6.3'],
      ['fastify', '5.12.8'],
    ],
  },
  { name: 'fast-proxy', packages: [['fast-proxy', '2.2.0']] },
  { name: 'httpxy', packages: [['httpxy', '0.5.6']] },
] as const;

export async function startNodeProxies(target: string): Promise<ProxyPeer[]> {
  const peers: ProxyPeer[] = [];
  for (const { name, packages } of NODE_PROXIES) {
    const folders = packages.map(([id, version]) => installedPeer(id, version).slice(0, -id.length - 1));
    const server = await startServer(['bench/peers/proxies.mjs', name, '{port}', target, ...folders], '/');
    peers.push({ name: `${name} ${packages[0][1]}`, isNode: true, server });
  }
  return peers;
}

export async function startNextRewrites(target: string): Promise<ProxyPeer> {
  const server = await startNextPeer({ BENCH_PROXY_TARGET: target });
  return { name: 'Next rewrites', isNode: true, server, prefix: '/proxied' };
}

/** nginx, HAProxy and Caddy; and why one of them is missing. */
export async function startNativeProxies(target: string): Promise<{ peers: ProxyPeer[]; skipped: string[] }> {
  const peers: ProxyPeer[] = [];
  const skipped: string[] = [];
  const { host } = new URL(target);
  peers.push({ name: NGINX, isNode: false, server: await startNginx('proxy', (port) => proxySite(port, host)) });
  // Where Caddy keeps its state.
  const env = { XDG_CONFIG_HOME: scratchDirectory('config'), XDG_DATA_HOME: scratchDirectory('data') };
  for (const { name, title, path, args } of [
    { name: 'haproxy', title: 'HAProxy', path: '/usr/sbin/haproxy', args: haproxyArgs },
    { name: 'caddy', title: 'Caddy', path: '/usr/bin/caddy', args: caddyArgs },
  ]) {
    const peer = debianPeer(name, path);
    if ('skipped' in peer) skipped.push(peer.skipped);
    else
      peers.push({
        name: title,
        isNode: false,
        server: await startProgram(peer.program, (port) => args(port, host), '/', env),
      });
  }
  return { peers, skipped };
}

export const NGINX = 'nginx';

const haproxyArgs = (port: number, backend: string) => [
  '-db',
  '-f',
  scratchFile(
    'haproxy.cfg',
    `global
  maxconn 2000
  nbthread 1
defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server 60s
  http-reuse always
  option forwardfor
frontend entry
  bind 127.0.0.1:${port}
  default_backend target
backend target
  server one ${backend} maxconn 50
`,
  ),
];

const caddyArgs = (port: number, backend: string) => [
  'run',
  '--adapter',
  'caddyfile',
  '--config',
  scratchFile(
    'Caddyfile',
    `{
  admin off
  auto_https off
}
http://127.0.0.1:${port} {
  reverse_proxy ${backend} {
    flush_interval -1
    transport http {
      max_conns_per_host 50
    }
  }
}
`,
  ),
];

/**
 * A backend that costs as little as any: nginx. `/` returns SMALL_BYTES, `/files/large` and
 * `/files/huge` theirs, to GET. `/read/small` and `/read/huge` take any method and read the whole
 * body before they respond: wrk cannot take a response while it still sends.
 */
export async function startBackend(): Promise<RunningServer> {
  const files = scratchDirectory('backend-files');
  for (const [name, size] of Object.entries({ small: SMALL_BYTES, large: LARGE_BYTES, huge: HUGE_BYTES }))
    writeFileSync(join(files, name), 'x'.repeat(size));
  const socket = join(files, 'socket');
  return await startNginx(
    'backend',
    (port) => `
  default_type application/octet-stream;
  sendfile on;
  open_file_cache max=10;
  client_max_body_size 0;
  client_body_buffer_size 16m;
  upstream redirect { server unix:${socket}; keepalive 50; keepalive_requests 1000000000; }
  server {
    listen 127.0.0.1:${port} backlog=1024;
    location / { default_type application/json; return 200 '"${'x'.repeat(SMALL_BYTES - 2)}"'; }
    location /files/ { alias ${files}/; }
    location /read/ {
      proxy_pass http://redirect;
      proxy_method GET;
      proxy_http_version 1.1;
      proxy_pass_request_body off;
      proxy_set_header Content-Length "";
      proxy_set_header Connection "";
    }
  }
  server {
    listen unix:${socket};
    location ~ ^/read/(.*)$ { add_header X-Accel-Redirect /files/$1; return 200 ""; }
  }
`,
  );
}

async function startNginx(name: string, site: (port: number) => string): Promise<RunningServer> {
  const binary = await ensureNginx({ log: console.error });
  if (binary === undefined) throw new Error('nginx is needed for this table');
  const folder = scratchDirectory(`nginx-${name}`);
  const log = join(folder, 'error.log');
  // As root, the worker would otherwise be a user that cannot read the folder.
  const user = process.getuid?.() === 0 ? 'user root;' : '';
  const config = (port: number) => `${user} daemon off; master_process off; pid ${folder}/pid; error_log ${log};
events { worker_connections 8192; }
http {
  access_log off;
  ${temporaryPaths(folder)}
  keepalive_requests 1000000000;
  ${site(port)}
}
`;
  const args = (port: number) => ['-p', folder, '-c', scratchFile(`${name}.conf`, config(port)), '-e', log];
  return await startProgram(binary, args, '/');
}
