import { requestJson } from '#lib/browser/api-client';
import { API_BASE } from '#lib/browser/endpoints';
import { hasShape } from '#lib/browser/type-guards';
import type { Banner, BannerState } from '#lib/wire/people-admin';

export const BANNER_PATH = `${API_BASE}/api/admin/banner`;

const isBannerState = hasShape<BannerState>({});

/** The message of the administrators to everyone; null without one. */
export async function fetchBanner(): Promise<Banner | null> {
  return (await requestJson(isBannerState, BANNER_PATH)).banner ?? null;
}
