import { type AuthMode, authMode } from '#lib/config/auth-mode';
import type { Config } from '#lib/config/config';
import { listenHost } from '#lib/config/config';
import { isLoopback } from '#lib/config/loopback';
import { parseSmtpUrl } from '#lib/config/smtp-url';
import type { RunnerHealth } from '#lib/wire/code';
import type { Models } from '#lib/wire/models';

/** The start-up banner: the address, what is available, and who can reach it. */
export function banner(
  settings: Config,
  port: number,
  models: Models | Error,
  runner: RunnerHealth | Error,
  uncleanExits = 0,
): string {
  const host = listenHost(settings);
  const lines = [
    ['Chill Space', serverUrl(settings, port)],
    ...(settings.WORKERS > 1 ? [['workers', `${settings.WORKERS} servers share the port`]] : []),
    ['model', describeModels(models)],
    ['code', describeRunner(runner)],
    ['reach', describeReach(host, settings.API_KEYS.length, authMode(settings))],
    ...(authMode(settings) === 'accounts' ? [['mail', describeMail(settings)]] : []),
    ...(settings.PRIVATE_BACKEND_URL.length > 0 ? [['gateway', describeGateway(settings)]] : []),
    ...(uncleanExits > 0 ? [['crashes', describeExits(uncleanExits)]] : []),
  ];
  return lines.map(([name, text]) => `  ${(name ?? '').padEnd(12)}${text}`).join('\n');
}

function describeExits(count: number): string {
  const ended = count === 1 ? 'one server on this port ended' : `${count} servers on this port ended`;
  return `in the last hour ${ended} without being shut down; the last lines of its log say more`;
}

/** Describes in one line who can reach a server that listens on `host`. */
export function describeReach(host: string, keys: number, mode: AuthMode = keys > 0 ? 'keys' : 'none'): string {
  const access =
    mode === 'accounts'
      ? 'with an account'
      : keys === 0
        ? 'without a key'
        : keys === 1
          ? 'with the API key'
          : `with one of ${keys} API keys`;
  if (isLoopback(host)) return `this machine only, ${access}`;
  const warning = mode !== 'none' ? '' : ' — set API_KEYS, or HOST=127.0.0.1';
  return `everyone who can reach ${host === '0.0.0.0' || host === '::' ? 'this machine over the network' : host}, ${access}${warning}`;
}

/** Whether the mail server can be reached is in the log, once that is known. */
function describeMail({ SMTP_URL }: Pick<Config, 'SMTP_URL'>): string {
  const address = parseSmtpUrl(SMTP_URL ?? '');
  return address === undefined ? 'none; links are copied' : `by ${address.host}:${address.port}`;
}

function describeGateway({ PRIVATE_BACKEND_URL: urls, HF_TOKEN: token, GATEWAY_ORIGIN: origin }: Config): string {
  const where = `${urls.join(', ')}, ${token === undefined ? 'without' : 'with'} a token`;
  return origin === undefined
    ? `${where}; its pages share this app's origin: see GATEWAY_ORIGIN`
    : `${where}, at ${origin.origin}`;
}

function describeModels(models: Models | Error): string {
  if (models instanceof Error) return `none: ${models.message}`;
  if (models.models.length === 0) {
    const reason = models.providers.find(({ error }) => error !== null)?.error ?? models.notice;
    return `none: ${reason ?? 'GET /api/models says more.'}`;
  }
  const provider = models.models.find((model) => model.id === models.default_model)?.provider;
  const where = { ollama: 'Ollama', openai: 'an OpenAI-compatible server', embedded: 'built in, small' };
  const name = provider === undefined ? models.default_model : `${models.default_model} (${where[provider]})`;
  return models.notice === null ? name : `${name}\n${' '.repeat(14)}${models.notice}`;
}

function describeRunner(runner: RunnerHealth | Error): string {
  if (runner instanceof Error) return `off: ${runner.message}`;
  const notices = (runner.notices ?? []).map((notice) => `\n${' '.repeat(14)}${notice}`).join('');
  const languages = runner.languages.length === 0 ? 'no language' : runner.languages.join(', ');
  return `${languages}; sandbox: ${runner.sandbox}${notices}`;
}

/** The address of the server for a browser of this machine. */
export function serverUrl(settings: Config, port: number): string {
  return `http://${urlHost(listenHost(settings))}:${port}`;
}

/** A host for the browser's address bar, which takes no wildcard address. */
function urlHost(host: string): string {
  if (host === '0.0.0.0' || host === '::' || isLoopback(host)) return 'localhost';
  return host.includes(':') ? `[${host}]` : host;
}
