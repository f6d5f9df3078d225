import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseEnv } from 'node:util';
import { describe, expect, it } from 'vitest';
import { ConfigError, listenHost, readConfig } from '#lib/config/config';
import { envExample } from '#lib/config/env-example';

describe('readConfig', () => {
  it('has the defaults of the contract', () => {
    expect(readConfig({})).toMatchObject({
      PORT: 3000,
      OLLAMA_API_URL: [{ url: 'http://localhost:11434', weight: 1 }],
      OLLAMA_MODEL: 'deepseek-r1:8b',
      OLLAMA_KEEP_ALIVE: '15m',
      CACHE_ENABLED: true,
      CACHE_MAX_SIZE_MB: 256,
      CACHE_TTL_SECONDS: 3600,
      CONVERSATION_CACHE_MAX_SIZE_MB: 128,
      CONVERSATION_CACHE_TTL_SECONDS: 1800,
      BATCH_MAX_SIZE: 3,
      BATCH_TIMEOUT_MS: 2000,
      BATCH_DEDUPLICATION: true,
      QUEUE_MAX_CONCURRENT: 1,
      QUEUE_MAX_SIZE: 100,
      QUEUE_ESTIMATED_TIME_PER_REQUEST_MS: 30_000,
      QUEUE_RESULT_TTL_SECONDS: 600,
      DISCONNECT_GRACE_MS: 10_000,
      UPSTREAM_RETRIES: 2,
      RATE_LIMIT_CHAT: 60,
      RATE_LIMIT_CODE: 30,
      CODE_TIMEOUT_SECONDS: 10,
      CODE_MAX_TIMEOUT_SECONDS: 60,
      CODE_MAX_BYTES: 50_000,
      CODE_MAX_OUTPUT_BYTES: 100_000,
      CODE_MEMORY_MB: 128,
      CODE_MAX_PROCESSES: 64,
      CODE_DISK_MB: 64,
    });
  });

  it('names every invalid setting in one message, with its value', () => {
    const read = () => readConfig({ PORT: 'http', CACHE_ENABLED: 'maybe', OLLAMA_API_URL: 'localhost:11434' });
    expect(read).toThrow(ConfigError);
    expect(read).toThrow(/3 settings are not valid/);
    expect(read).toThrow(/PORT must be a whole number \(it is "http"\)/);
    expect(read).toThrow(/CACHE_ENABLED must be true or false/);
    expect(read).toThrow(/OLLAMA_API_URL must be a URL/);
  });

  it('hides a value that may be a secret', () => {
    expect(() => readConfig({ OPENAI_BASE_URL: 'ftp://user:hunter2@host' })).toThrow(
      expect.objectContaining({ message: expect.not.stringContaining('hunter2') }),
    );
    expect(() => readConfig({ API_KEYS: 'two words' })).toThrow(/its value is not written here, because it may be a/);
    expect(() => readConfig({ LIMIT_TOKENS_PER_DAY: 'many' })).toThrow(/a whole number.* \(it is "many"\)/);
  });

  it('reads an empty value as the default, and lists the given names', () => {
    const settings = readConfig({ PORT: ' ', OLLAMA_API_URL: 'http://gpu:11434/' });
    expect(settings.PORT).toBe(3000);
    expect(settings.OLLAMA_API_URL).toEqual([{ url: 'http://gpu:11434', weight: 1 }]);
    expect([...settings.given]).toEqual(['OLLAMA_API_URL']);
  });

  it('reads a legacy name if the current one is not set', () => {
    const older = {
      NEXT_PUBLIC_CHAT_API_URL: 'http://old:1',
      NEXT_PUBLIC_OLLAMA_MODEL: 'old',
      NEXT_PUBLIC_OLLAMA_SYSTEM_PROMPT: 'Be old.',
    };
    expect(readConfig(older)).toMatchObject({
      OLLAMA_API_URL: [{ url: 'http://old:1', weight: 1 }],
      OLLAMA_MODEL: 'old',
      OLLAMA_SYSTEM_PROMPT: 'Be old.',
    });
    expect(readConfig({ ...older, OLLAMA_MODEL: 'new' }).OLLAMA_MODEL).toBe('new');
  });

  it('rejects settings that contradict each other', () => {
    expect(() => readConfig({ CODE_TIMEOUT_SECONDS: '61' })).toThrow(/CODE_TIMEOUT_SECONDS must not be above/);
    expect(() => readConfig({ MODEL_PROVIDER: 'openai' })).toThrow(/OPENAI_BASE_URL must be set/);
    const gateway = { GATEWAY_ORIGIN: 'https://backend.example' };
    expect(() => readConfig(gateway)).toThrow(/PRIVATE_BACKEND_URL must be set where GATEWAY_ORIGIN is/);
    expect(readConfig({ ...gateway, PRIVATE_BACKEND_URL: 'http://localhost:8080' }).given.size).toBe(2);
  });

  it('rejects fewer processes than Node and Java need to start', () => {
    expect(() => readConfig({ CODE_MAX_PROCESSES: '31' })).toThrow(/CODE_MAX_PROCESSES must be at least 32/);
  });

  it('reads the number of workers, and an executor has one', () => {
    expect(readConfig({}).WORKERS).toBe(1);
    expect(readConfig({ WORKERS: '4' }).WORKERS).toBe(4);
    expect(readConfig({ WORKERS: 'auto' }).WORKERS).toBe(availableParallelism());
    expect(readConfig({ WORKERS: '4', EXECUTOR_LANGUAGE: 'python' }).WORKERS).toBe(1);
    for (const WORKERS of ['abc', '0', '-1', '1.5', '129'])
      expect(() => readConfig({ WORKERS })).toThrow(
        `WORKERS must be auto or a whole number from 1 to 128 (it is "${WORKERS}")`,
      );
  });

  it('reads a keep-alive as a duration or as seconds', () => {
    expect(readConfig({ OLLAMA_KEEP_ALIVE: '1h30m' }).OLLAMA_KEEP_ALIVE).toBe('1h30m');
    expect(readConfig({ OLLAMA_KEEP_ALIVE: '3600' }).OLLAMA_KEEP_ALIVE).toBe(3600);
    expect(() => readConfig({ OLLAMA_KEEP_ALIVE: 'soon' })).toThrow(/duration/);
  });
});

describe('listenHost', () => {
  it('is loopback without keys, any address with keys, and HOST before both', () => {
    expect(listenHost(readConfig({}))).toBe('127.0.0.1');
    expect(listenHost(readConfig({ API_KEYS: 'sixteen-letters-1,sixteen-letters-2' }))).toBe('0.0.0.0');
    expect(listenHost(readConfig({ API_KEYS: 'a', HOST: '::1' }))).toBe('::1');
  });
});

describe('API_KEYS', () => {
  const short = 'fifteen-letters';

  it('must have 16 characters if other machines reach the server', () => {
    expect(short).toHaveLength(15);
    for (const HOST of [undefined, '0.0.0.0', '::', '192.0.2.1', 'chat.example.org'])
      expect(() => readConfig({ API_KEYS: `a-key-that-is-long-enough,${short}`, HOST })).toThrow(
        /API_KEYS must have at least 16 characters/,
      );
    for (const HOST of ['127.0.0.1', '127.8.8.8', '::1', 'localhost'])
      expect(readConfig({ API_KEYS: short, HOST }).API_KEYS).toEqual([short]);
    expect(readConfig({ API_KEYS: `${short}.` }).API_KEYS).toHaveLength(1);
  });

  it.each([
    'a key of two words and more',
    '$(openssl rand -hex 24)',
    '$(cat</run/secrets/key)',
    '${A_VARIABLE_OF_THE_SHELL}',
    'a-key-with-a-\u0007-bell-in-it',
    'a-key-with-a\ttab-in-it',
  ])('must be a key and not a command, a sentence or a mistake: %j', (value) => {
    for (const name of ['API_KEYS', 'OPENAI_API_KEY', 'EXECUTOR_API_KEY', 'HF_TOKEN']) {
      const rejected = expect(() => readConfig({ [name]: value }));
      rejected.toThrow(new RegExp(`${name} must .*without spaces|${name} must have no spaces.*write the key itself`));
      rejected.toThrow(expect.objectContaining({ message: expect.not.stringContaining(value) }));
    }
    expect(() => readConfig({ API_KEYS: `a-key-that-is-long-enough,${value}` })).toThrow(/openssl rand -hex 24/);
  });

  it('may have spaces around the commas', () => {
    const keys = ['a-key-that-is-long-enough', 'another-key-that-is-long'];
    expect(readConfig({ API_KEYS: keys.join(' , ') }).API_KEYS).toEqual(keys);
  });

  it.each(['README.md', '.env.example'])('are made and shown by the command in %s', (file) => {
    const command = /echo "API_KEYS=.*?grep API_KEYS \.env/.exec(readFileSync(file, 'utf8'))?.[0] ?? 'exit 1';
    const folder = mkdtempSync(join(tmpdir(), 'chill-space-key-'));
    try {
      const shown = execFileSync('sh', ['-c', command], { cwd: folder, encoding: 'utf8' });
      const [key, ...others] = readConfig(parseEnv(readFileSync(join(folder, '.env'), 'utf8'))).API_KEYS;
      expect(key).toMatch(/^[0-9a-f]{48}$/);
      expect([shown, others]).toEqual([`API_KEYS=${key}\n`, []]);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('are hidden in the message that rejects them', () => {
    expect(() => readConfig({ API_KEYS: short })).toThrow(
      expect.objectContaining({ message: expect.not.stringContaining(short) }),
    );
  });
});

describe('ALLOWED_HOSTS', () => {
  it('is normalised to lower case without dots at the end', () => {
    const ALLOWED_HOSTS = 'Chat.Example.org., *.vercel.app ,192.0.2.1,::1,*';
    expect(readConfig({ ALLOWED_HOSTS }).ALLOWED_HOSTS).toEqual([
      'chat.example.org',
      '*.vercel.app',
      '192.0.2.1',
      '::1',
      '*',
    ]);
  });

  it.each(['https://chat.example.org', 'chat.example.org:443', 'a/b', 'a.*', '**', '[::1]'])('rejects %s', (names) => {
    expect(() => readConfig({ ALLOWED_HOSTS: names })).toThrow(/ALLOWED_HOSTS must be host names/);
  });
});

describe('.env.example', () => {
  it('equals the tables of settings (npm run env-example writes it)', () => {
    expect(readFileSync('.env.example', 'utf8')).toBe(envExample());
  });
});

describe('EXECUTOR_LANGUAGE', () => {
  it('is a language in upper or lower case', () => {
    expect(readConfig({ EXECUTOR_LANGUAGE: 'C++' }).EXECUTOR_LANGUAGE).toBe('cpp');
    expect(() => readConfig({ EXECUTOR_LANGUAGE: 'cobol' })).toThrow(/EXECUTOR_LANGUAGE must be python/);
  });

  it('sets the default port of the language, and keeps a given PORT', () => {
    const port = (EXECUTOR_LANGUAGE: string, PORT?: string) => readConfig({ EXECUTOR_LANGUAGE, PORT }).PORT;
    const ports = ['python', 'javascript', 'typescript', 'java', 'cpp', 'go', 'rust'].map((id) => port(id));
    expect(ports).toEqual([8001, 8002, 8002, 8003, 8004, 8005, 8006]);
    expect(port('python', '9000')).toBe(9000);
  });
});
