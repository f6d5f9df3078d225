import { expect, it } from 'vitest';
import { differences, heartbeatOf } from '#lib/cluster/heartbeat';
import { readConfig } from '#lib/config/config';

const beat = (env: Record<string, string>) =>
  heartbeatOf('one', '1.0.0', readConfig({ DATABASE_URL: 'postgres://db/main', ...env }));

it('finds no difference between servers that differ in their address and machine', () => {
  const others = [
    { PORT: '3001' },
    { LOG_LEVEL: 'debug', DATA_DIR: '/elsewhere', WORKERS: '4' },
    { CODE_MAX_CONCURRENT: '9', REDIS_URL: 'redis://127.0.0.1' },
    { SHUTDOWN_DELAY_MS: '5000', SHUTDOWN_TIMEOUT_MS: '900000' },
  ];
  expect(differences(beat({}), others.map(beat))).toBeUndefined();
  expect(differences(beat({}), [])).toBeUndefined();
});

it('names the settings that differ, and no value of any', () => {
  const sentence = differences(beat({}), [beat({ CACHE_SCOPE: 'caller' }), beat({ QUEUE_MAX_SIZE: '7' })]);
  expect(sentence).toBe('The servers have different settings: CACHE_SCOPE, QUEUE_MAX_SIZE. Give all the same.');
});

it('takes keys and addresses together', () => {
  const other = beat({ API_KEYS: 'a-key-of-sixteen-characters' });
  expect(differences(beat({}), [other])).toContain('different settings: keys and addresses');
  expect(JSON.stringify(other)).not.toContain('sixteen');
});

it('reports databases that differ', () => {
  expect(differences(beat({}), [beat({ DATABASE_URL: 'postgres://db/other' })])).toMatch(
    /^The servers have different databases.*DATABASE_URL/,
  );
});
