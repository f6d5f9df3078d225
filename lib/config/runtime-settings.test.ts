import { afterEach, expect, it } from 'vitest';
import { readConfig } from './config.ts';
import { RUNTIME_SETTING_NAMES, settingOverrides, withOverrides } from './runtime-settings.ts';
import { SETTINGS } from './settings.ts';

afterEach(() => settingOverrides().clear());

it('names settings that exist', () => {
  expect(RUNTIME_SETTING_NAMES.filter((name) => !(name in SETTINGS))).toEqual([]);
});

it('shows a change at once, and the default again after it', () => {
  const settings = withOverrides(readConfig({}));
  expect(settings.RATE_LIMIT_CHAT).toBe(60);
  settingOverrides().set('RATE_LIMIT_CHAT', 5);
  expect(settings.RATE_LIMIT_CHAT).toBe(5);
  const { RATE_LIMIT_CHAT } = settings;
  settingOverrides().delete('RATE_LIMIT_CHAT');
  expect([RATE_LIMIT_CHAT, settings.RATE_LIMIT_CHAT]).toEqual([5, 60]);
});

it('keeps what the environment sets', () => {
  const settings = withOverrides(readConfig({ RATE_LIMIT_CHAT: '7' }));
  settingOverrides().set('RATE_LIMIT_CHAT', 5);
  expect(settings.RATE_LIMIT_CHAT).toBe(7);
});

it('lets no one write a setting', () => {
  const settings = withOverrides(readConfig({}));
  expect(Object.isFrozen(settings)).toBe(true);
  expect(Reflect.set(settings, 'RATE_LIMIT_CHAT', 1)).toBe(false);
});
