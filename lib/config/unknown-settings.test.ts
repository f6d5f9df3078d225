import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LEGACY_NAMES, PUBLIC_SETTINGS, SETTINGS } from '#lib/config/settings';
import { unknownSettings } from '#lib/config/unknown-settings';

const named = (...names: string[]) => unknownSettings(Object.fromEntries(names.map((name) => [name, 'x'])));

describe('unknownSettings', () => {
  it.each([
    ['QUEUE_MAX_CONCURENT', 'QUEUE_MAX_CONCURRENT'],
    ['QUEUE_CONCURRENT', 'QUEUE_MAX_CONCURRENT'],
    ['CACHE_TTL', 'CACHE_TTL_SECONDS'],
    ['CODE_TIMEOUT', 'CODE_TIMEOUT_SECONDS'],
    ['OLLAMA_URL', 'OLLAMA_API_URL'],
    ['OLLAMA_BASE_URL', 'OLLAMA_API_URL'],
    ['OPENAI_BASEURL', 'OPENAI_BASE_URL'],
    ['OPENAI_KEY', 'OPENAI_API_KEY'],
    ['RATE_LIMIT_CHATS', 'RATE_LIMIT_CHAT'],
    ['GATEWAY_TIMEOUT', 'GATEWAY_TIMEOUT_MS'],
    ['LIMIT_REQUESTS_PER_HOUR', 'LIMIT_REQUESTS_PER_MINUTE'],
    ['PYTHON_EXECUTOR_URLS', 'PYTHON_EXECUTOR_URL'],
    ['RUSTY_EXECUTOR_URL', 'RUST_EXECUTOR_URL'],
    ['API_KEY', 'API_KEYS'],
    ['MODEL_PROVDIER', 'MODEL_PROVIDER'],
    ['TRUSTED_PROXY', 'TRUST_PROXY'],
    ['PRIVATE_BACKEND_URLS', 'PRIVATE_BACKEND_URL'],
    ['queue_max_size', 'QUEUE_MAX_SIZE'],
    ['SHUTDOWN_TIMEOUT', 'SHUTDOWN_TIMEOUT_MS'],
    ['NEXT_PUBLIC_API_URI', 'NEXT_PUBLIC_API_URL'],
  ])('names %s, and asks for %s', (name, meant) => {
    expect(named(name)).toEqual([`${name} is not a setting and has no effect. Did you mean ${meant}?`]);
  });

  it('reports a variable with a known prefix without a suggestion, if no setting is close', () => {
    expect(named('CODE_X')).toEqual(['CODE_X is not a setting and has no effect.']);
  });

  it('ignores every setting, its legacy name, and variables of other programs', () => {
    const older = Object.values(LEGACY_NAMES);
    expect(named(...Object.keys(SETTINGS), ...Object.keys(PUBLIC_SETTINGS), ...older)).toEqual([]);
    const foreign = ['OLLAMA_HOST', 'OLLAMA_MODELS', 'OPENAI_ORG_ID', 'HOSTNAME', 'PATH', 'HOME', 'JAVA_HOME', 'SHELL'];
    expect(named(...foreign, 'PYTHONPATH', 'HTTPS_PROXY', 'NODE_ENV', 'LANG', 'USER', 'GOPATH', 'TERM')).toEqual([]);
    expect(named(...foreign, 'npm_config_cache', 'NEXT_TELEMETRY_DISABLED', 'XDG_CACHE_HOME', 'MAIL')).toEqual([]);
  });

  it('ignores the addresses that Kubernetes sets for a service', () => {
    const service = [
      'OLLAMA_SERVICE_HOST',
      'OLLAMA_SERVICE_PORT',
      'GATEWAY_SERVICE_PORT_HTTP',
      'GATEWAY_PORT_80_TCP_ADDR',
    ];
    expect(named(...service)).toEqual([]);
    expect(unknownSettings({ OLLAMA_PORT: 'tcp://10.0.0.7:11434' })).toEqual([]);
  });

  it('suggests each setting for one missing, doubled or swapped letter', () => {
    const names = Object.keys(SETTINGS).filter((name) => name.length > 8);
    fc.assert(
      fc.property(
        fc.constantFrom(...names),
        fc.nat(),
        fc.constantFrom('drop', 'double', 'swap'),
        (name, seed, kind) => {
          const index = 1 + (seed % (name.length - 2));
          const [before, letter, rest] = [name.slice(0, index), name[index] ?? '', name.slice(index + 1)];
          const wrong = {
            drop: before + rest,
            double: before + letter + letter + rest,
            swap: before + (rest[0] ?? '') + letter + rest.slice(1),
          }[kind];
          fc.pre(!(wrong in SETTINGS));
          expect(named(wrong)).toEqual([expect.stringContaining(`${wrong} is not a setting`)]);
        },
      ),
    );
  });
});
