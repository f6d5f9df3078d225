import { z } from 'zod';
import { RUNTIME_SETTING_NAMES, requestDefaultsChanged } from '#lib/config/runtime-settings';
import { type ModelOverride, modelOverrides } from '#lib/models/model-overrides';
import { singleton } from '#lib/singletons';
import { type Store, whenStoreOpens } from '#lib/store/store';
import { log } from '#lib/telemetry/log';
import { type ModelOptions, optionsSchema } from '#lib/wire/chat';
import { modelParametersSchema } from '#lib/wire/model-parameters';
import { bannerSchema } from '#lib/wire/people-admin';
import { noteVersions } from './change-versions.ts';
import { forgetBackends, restoreBackend } from './changed-backends.ts';
import { setCurrentBanner } from './current-banner.ts';
import { applySetting, restoreSetting } from './runtime-values.ts';
import { BACKEND_PREFIX, BANNER_NAME, MODEL_PREFIX, readStoredValues } from './stored-values.ts';

const NO_ONE = { groups: [], users: [] };

const overrideSchema = z.object({
  hidden: z.literal(true).optional(),
  displayName: z.string().optional(),
  systemPrompt: z.string().optional(),
  // A parameter of another version has no effect, and leaves the others.
  parameters: optionsSchema.transform(knownParameters).optional(),
  // A rule that cannot be read must not open a model to everyone.
  access: z
    .object({ groups: z.array(z.string()), users: z.array(z.string()) })
    .catch(NO_ONE)
    .optional(),
});

function knownParameters(stored: ModelOptions): ModelOptions | undefined {
  const known = Object.entries(stored).filter(
    ([name, value]) => modelParametersSchema.safeParse({ [name]: value }).success,
  );
  return known.length === 0 ? undefined : (Object.fromEntries(known) as ModelOptions);
}

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

/**
 * Makes everything what is stored, and what is not stored the default again: another server may
 * have changed it.
 */
export async function load(store: Pick<Store, 'db'>): Promise<void> {
  const all = await readStoredValues(store);
  noteVersions(all);
  const names = new Set(all.map(({ name }) => name));
  for (const name of RUNTIME_SETTING_NAMES) if (!names.has(name)) restoreSetting(name);
  for (const model of modelOverrides().models) if (!names.has(MODEL_PREFIX + model)) modelOverrides().set(model, {});
  if (!names.has(BANNER_NAME)) setCurrentBanner(null);
  forgetBackends((id) => names.has(BACKEND_PREFIX + id));
  for (const stored of all) {
    if (stored.name === BANNER_NAME) setCurrentBanner(bannerSchema.safeParse(stored.value).data ?? null);
    else if (stored.name.startsWith(MODEL_PREFIX)) {
      const { data } = overrideSchema.safeParse(stored.value);
      if (data !== undefined) modelOverrides().set(stored.name.slice(MODEL_PREFIX.length), withoutUndefined(data));
    } else if (stored.name.startsWith(BACKEND_PREFIX)) restoreBackend(stored);
    else applySetting(stored);
  }
  requestDefaultsChanged();
}

function withoutUndefined({
  hidden,
  displayName,
  systemPrompt,
  parameters,
  access,
}: z.infer<typeof overrideSchema>): ModelOverride {
  return {
    ...(hidden === undefined ? {} : { hidden }),
    ...(displayName === undefined ? {} : { displayName }),
    ...(systemPrompt === undefined ? {} : { systemPrompt }),
    ...(parameters === undefined ? {} : { parameters }),
    ...(access === undefined ? {} : { access }),
  };
}
