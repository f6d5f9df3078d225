import { request, requestJson } from '#lib/browser/api-client';
import { BANNER_PATH } from '#lib/browser/banner';
import { API_BASE } from '#lib/browser/endpoints';
import { hasShape } from '#lib/browser/type-guards';
import type { Banner, RuntimeSetting, RuntimeSettings } from '#lib/wire/people-admin';
import { jsonRequest } from '../people/people-api.ts';

const SETTINGS_PATH = `${API_BASE}/api/admin/settings`;

const isSettings = hasShape<RuntimeSettings>({ settings: 'array' });

export function fetchSettings(): Promise<RuntimeSettings> {
  return requestJson(isSettings, SETTINGS_PATH);
}

/** Null restores the default. */
export function changeSetting(name: string, value: RuntimeSetting['value']): Promise<RuntimeSettings> {
  return requestJson(isSettings, SETTINGS_PATH, jsonRequest('PATCH', { [name]: value }));
}

export async function showBanner(banner: Banner): Promise<void> {
  await request(BANNER_PATH, jsonRequest('PUT', banner));
}

export async function removeBanner(): Promise<void> {
  await request(BANNER_PATH, { method: 'DELETE' });
}
