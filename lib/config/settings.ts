import { ACCOUNT_SETTINGS } from '#lib/config/settings/accounts';
import { CACHE_SETTINGS } from '#lib/config/settings/cache';
import { CLUSTER_SETTINGS } from '#lib/config/settings/cluster';
import { CODE_SETTINGS } from '#lib/config/settings/code';
import { EXECUTOR_SETTINGS } from '#lib/config/settings/executors';
import { GATEWAY_SETTINGS } from '#lib/config/settings/gateway';
import { LIMIT_SETTINGS } from '#lib/config/settings/limits';
import { MAIL_SETTINGS } from '#lib/config/settings/mail';
import { MODEL_SETTINGS } from '#lib/config/settings/models';
import { PEOPLE_SETTINGS } from '#lib/config/settings/people';
import { QUEUE_SETTINGS } from '#lib/config/settings/queue';
import { RATE_LIMIT_SETTINGS } from '#lib/config/settings/rate-limits';
import { SERVER_SETTINGS } from '#lib/config/settings/server';
import type { Setting } from '#lib/config/settings/setting';
import { STORE_SETTINGS } from '#lib/config/settings/store';
import { UPSTREAM_SETTINGS } from '#lib/config/settings/upstream';
import { USAGE_SETTINGS } from '#lib/config/settings/usage';

/**
 * Every setting. An empty value means the default. `npm run env-example` writes `.env.example`
 * from these tables, and a test compares the two.
 */
export const SETTINGS = {
  ...SERVER_SETTINGS,
  ...STORE_SETTINGS,
  ...CLUSTER_SETTINGS,
  ...PEOPLE_SETTINGS,
  ...ACCOUNT_SETTINGS,
  ...MAIL_SETTINGS,
  ...MODEL_SETTINGS,
  ...CACHE_SETTINGS,
  ...QUEUE_SETTINGS,
  ...UPSTREAM_SETTINGS,
  ...RATE_LIMIT_SETTINGS,
  ...USAGE_SETTINGS,
  ...LIMIT_SETTINGS,
  ...GATEWAY_SETTINGS,
  ...CODE_SETTINGS,
  ...EXECUTOR_SETTINGS,
} satisfies Record<string, Setting>;

export type SettingName = keyof typeof SETTINGS;

/** The sections of `.env.example`. */
export const SETTING_GROUPS: Readonly<Record<string, Partial<Record<SettingName, Setting>>>> = {
  Server: SERVER_SETTINGS,
  Database: STORE_SETTINGS,
  'Several servers': CLUSTER_SETTINGS,
  People: PEOPLE_SETTINGS,
  Accounts: ACCOUNT_SETTINGS,
  Mail: MAIL_SETTINGS,
  Models: MODEL_SETTINGS,
  Cache: CACHE_SETTINGS,
  Queue: QUEUE_SETTINGS,
  Upstream: UPSTREAM_SETTINGS,
  'Rate limits': RATE_LIMIT_SETTINGS,
  Usage: USAGE_SETTINGS,
  'Limits of people': LIMIT_SETTINGS,
  Gateway: GATEWAY_SETTINGS,
  Code: CODE_SETTINGS,
  Executors: EXECUTOR_SETTINGS,
};

/**
 * Settings that the pages read at build time. They are in `.env.example`, and not validated here.
 */
export const PUBLIC_SETTINGS: Record<string, string> = {
  NEXT_PUBLIC_API_URL:
    'Another server for the chat and the dashboard, e.g. http://localhost:8080; empty is this one. Read at build time.',
  NEXT_PUBLIC_CODE_API_URL:
    'Another code runner, with its path, e.g. https://runner.example/api/v1; empty is this one. Read at build time.',
};

/** Older names, read if the current name is not set (docs/contract.md#settings). */
export const LEGACY_NAMES: Partial<Record<SettingName, string>> = {
  OLLAMA_API_URL: 'NEXT_PUBLIC_CHAT_API_URL',
  OLLAMA_MODEL: 'NEXT_PUBLIC_OLLAMA_MODEL',
  OLLAMA_SYSTEM_PROMPT: 'NEXT_PUBLIC_OLLAMA_SYSTEM_PROMPT',
};
