import { singleton } from '#lib/singletons';
import type { Banner } from '#lib/wire/people-admin';

interface BannerHolder {
  banner: Banner | null;
}

/** The message to everyone, in memory: pages read it while they are rendered. */
export function currentBanner(): Banner | null {
  return holder().banner;
}

/** Called with what is stored, and after each change. */
export function setCurrentBanner(banner: Banner | null): void {
  holder().banner = banner;
}

function holder(): BannerHolder {
  return singleton<BannerHolder>('people.banner', () => ({ banner: null }));
}
