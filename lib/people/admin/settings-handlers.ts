import { shareChange } from '#lib/cluster/cluster';
import type { RuntimeSettingName } from '#lib/config/runtime-settings';
import { AppError } from '#lib/errors';
import { type AuditActor, actorOf, auditStatement } from '#lib/http/audit';
import { parseBody, readJson } from '#lib/http/body';
import type { HttpRequest } from '#lib/http/http-request';
import { json, type Reply } from '#lib/http/reply';
import type { RequestContext } from '#lib/http/route';
import { peopleLimits } from '#lib/people/limits/index';
import { limitOf, limitOfSetting } from '#lib/people/limits/limit-definitions';
import { store } from '#lib/store/store';
import { KIB } from '#lib/units';
import { DEFAULT_SCOPE, type LimitKind, type LimitName, SHARE_NAMES, type StoredLimits } from '#lib/wire/limits';
import { type RuntimeSettings, settingsChangeSchema } from '#lib/wire/people-admin';
import {
  applySetting,
  defaultOf,
  describeSettings,
  isLocked,
  isRuntimeSetting,
  parseSetting,
  restoreSetting,
  shownValue,
} from './runtime-values.ts';
import { SETTING_TEXTS } from './setting-texts.ts';
import { storeStatement } from './stored-values.ts';

/** Handlers of /api/admin/settings. */

const MAX_BODY_BYTES = 64 * KIB;

export async function listSettings(_request: HttpRequest, { settings }: RequestContext): Promise<Reply> {
  // What is stored is read when the database opens.
  await store();
  await peopleLimits().whenLoaded();
  return json({ settings: describeSettings(settings) } satisfies RuntimeSettings);
}

/** Changes what is named, all or nothing. Null restores the default. */
export async function changeSettings(request: HttpRequest, context: RequestContext): Promise<Reply> {
  const body = parseBody(settingsChangeSchema, await readJson(request, MAX_BODY_BYTES));
  const changes = Object.entries(body).flatMap(([name, value]) =>
    value === undefined ? [] : [readChange(name, value, context)],
  );
  const opened = await store();
  await peopleLimits().whenLoaded();
  const actor = actorOf(context);
  const values = changes.filter(({ limit }) => limit === undefined);
  const statements = values.flatMap(({ name, text, value }) => [
    storeStatement(opened, name, text, actor),
    auditStatement(opened, actor, {
      action: text === undefined ? 'setting.restore' : 'setting.change',
      target: name,
      summary: `${text === undefined ? 'restored' : 'changed'} the setting “${SETTING_TEXTS[name].label}”`,
      changes: {
        before: { value: shownValue(context.settings[name]) },
        after: { value: shownValue(value) },
      },
    }),
  ]);
  if (!changes.some(changesLimits)) await opened.writeAll(statements);
  else
    await peopleLimits().change(
      DEFAULT_SCOPE,
      (current) => withChanges(current, changes, context.settings.LIMIT_KIND),
      context,
      () => statements,
    );
  for (const change of values) apply(change, actor);
  shareChange({ kind: 'settings' });
  return json({ settings: describeSettings(context.settings) } satisfies RuntimeSettings);
}

interface SettingChange {
  name: RuntimeSettingName;
  /** As the environment would have it; undefined for the default. */
  text: string | undefined;
  /** The value of `text`, or the default. */
  value: unknown;
  /** The limit that the setting is: it is kept with the other limits. */
  limit: LimitName | undefined;
}

/** A changed kind is that of tokens that everyone has already. */
function changesLimits({ name, limit }: SettingChange): boolean {
  if (name !== 'LIMIT_KIND') return limit !== undefined;
  const limits: StoredLimits = peopleLimits().table.get(DEFAULT_SCOPE)?.limits ?? {};
  return SHARE_NAMES.some((token) => limits[token] !== undefined);
}

/** The limits of everyone with changed settings. A changed kind is that of all their tokens. */
function withChanges(current: StoredLimits, changes: readonly SettingChange[], kindBefore: LimitKind): StoredLimits {
  const limits: StoredLimits = { ...current };
  const newKind = changes.find(({ name }) => name === 'LIMIT_KIND')?.value;
  const kind = newKind === 'hard' || newKind === 'share' ? newKind : undefined;
  for (const { limit: name, text, value } of changes) {
    if (name === undefined) continue;
    if (text === undefined || typeof value !== 'number') delete limits[name];
    else limits[name] = limitOf(name, value, current[name]?.kind ?? kindBefore);
  }
  if (kind === undefined) return limits;
  for (const name of SHARE_NAMES) {
    const changed = limits[name];
    if (changed !== undefined) limits[name] = { ...changed, kind };
  }
  return limits;
}

function readChange(
  name: string,
  value: string | number | boolean | null,
  { settings }: RequestContext,
): SettingChange {
  if (!isRuntimeSetting(name)) throw invalid(name, 'is no setting that can be changed while the server runs');
  if (isLocked(name, settings))
    throw new AppError(
      'unsupported_value',
      `${name} is set in the environment of the server. Change it there, or leave it out.`,
      { details: [{ field: name, message: 'is set in the environment' }] },
    );
  const limit = limitOfSetting(name);
  if (value === null) return { name, text: undefined, value: defaultOf(name), limit };
  const text = String(value).trim();
  const parsed = parseSetting(name, text);
  if ('problem' in parsed) throw invalid(name, parsed.problem);
  return { name, text, value: parsed.value, limit };
}

function invalid(field: string, message: string): AppError {
  return new AppError('invalid_request', `The request is not valid: ${field} ${message}.`, {
    details: [{ field, message }],
  });
}

function apply({ name, text }: SettingChange, actor: AuditActor): void {
  if (text === undefined) restoreSetting(name);
  else applySetting({ name, value: text, by: actor.name, atMs: Date.now() });
}
