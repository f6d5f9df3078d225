import { shareChange } from '#lib/cluster/cluster';
import { actorOf, auditStatement } from '#lib/http/audit';
import { parseBody, readJson } from '#lib/http/body';
import type { HttpRequest } from '#lib/http/http-request';
import { json, type Reply } from '#lib/http/reply';
import type { RequestContext } from '#lib/http/route';
import { store } from '#lib/store/store';
import { KIB } from '#lib/units';
import { type Banner, type BannerState, bannerSchema } from '#lib/wire/people-admin';
import { currentBanner, setCurrentBanner } from './current-banner.ts';
import { BANNER_NAME, storeStatement } from './stored-values.ts';

/** Handlers of /api/admin/banner: one message to everyone. */

const MAX_BODY_BYTES = 4 * KIB;

/** For every caller that is signed in: pages look for a new message while they are open. */
export function readBanner(): Reply {
  return json({ banner: currentBanner() } satisfies BannerState);
}

export async function putBanner(request: HttpRequest, context: RequestContext): Promise<Reply> {
  const banner = parseBody(bannerSchema, await readJson(request, MAX_BODY_BYTES));
  await save(banner, context);
  return json({ banner } satisfies BannerState);
}

export async function deleteBanner(_request: HttpRequest, context: RequestContext): Promise<Reply> {
  await save(undefined, context);
  return { status: 204, headers: { 'cache-control': 'no-store' }, body: null };
}

async function save(banner: Banner | undefined, context: RequestContext): Promise<void> {
  const opened = await store();
  const actor = actorOf(context);
  await opened.writeAll([
    storeStatement(opened, BANNER_NAME, banner, actor),
    auditStatement(opened, actor, {
      action: banner === undefined ? 'banner.remove' : 'banner.show',
      summary: banner === undefined ? 'removed the banner' : `showed everyone “${banner.text}”`,
      changes: { before: currentBanner() ?? {}, after: banner ?? {} },
    }),
  ]);
  setCurrentBanner(banner ?? null);
  shareChange({ kind: 'settings' });
}
