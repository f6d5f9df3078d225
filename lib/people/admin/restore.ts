import { z } from 'zod';
import { requestDefaultsChanged } from '#lib/config/runtime-settings';
import { modelOverrides } from '#lib/models/model-overrides';
import { singleton } from '#lib/singletons';
import { type Store, whenStoreOpens } from '#lib/store/store';
import { log } from '#lib/telemetry/log';
import { bannerSchema } from '#lib/wire/people-admin';
import { setCurrentBanner } from './current-banner.ts';
import { applySetting } from './runtime-values.ts';
import { BANNER_NAME, MODEL_PREFIX, readStoredValues } from './stored-values.ts';

const overrideSchema = z.object({
  hidden: z.literal(true).optional(),
  displayName: z.string().optional(),
  systemPrompt: z.string().optional(),
});

/** What administrators have changed is in force again once the database is open. */
export function restoreChanges(): void {
  singleton('people.restore-changes', () => {
    whenStoreOpens((opened) => {
      load(opened).catch((error: unknown) =>
        log().warn({ err: error }, 'what administrators changed could not be read'),
      );
    });
    return true;
  });
}

/** Exported for tests. */
export async function load(store: Pick<Store, 'db'>): Promise<void> {
  for (const stored of await readStoredValues(store)) {
    if (stored.name === BANNER_NAME) setCurrentBanner(bannerSchema.safeParse(stored.value).data ?? null);
    else if (stored.name.startsWith(MODEL_PREFIX)) {
      const { data } = overrideSchema.safeParse(stored.value);
      if (data !== undefined) modelOverrides().set(stored.name.slice(MODEL_PREFIX.length), withoutUndefined(data));
    } else applySetting(stored);
  }
  requestDefaultsChanged();
}

function withoutUndefined({ hidden, displayName, systemPrompt }: z.infer<typeof overrideSchema>) {
  return {
    ...(hidden === undefined ? {} : { hidden }),
    ...(displayName === undefined ? {} : { displayName }),
    ...(systemPrompt === undefined ? {} : { systemPrompt }),
  };
}
