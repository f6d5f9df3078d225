import type { RuntimeSettingName } from '#lib/config/runtime-settings';
import { AppError } from '#lib/errors';
import { parseBody, readJson } from '#lib/http/body';
import type { HttpRequest } from '#lib/http/http-request';
import { json, type Reply } from '#lib/http/reply';
import type { RequestContext } from '#lib/http/route';
import { type AuditActor, actorOf, auditStatement } from '#lib/people/audit';
import { store } from '#lib/store/store';
import { KIB } from '#lib/units';
import { type RuntimeSettings, settingsChangeSchema } from '#lib/wire/people-admin';
import {
  applySetting,
  describeSettings,
  isLocked,
  isRuntimeSetting,
  parseSetting,
  restoreSetting,
} from './runtime-values.ts';
import { SETTING_TEXTS } from './setting-texts.ts';
import { storeStatement } from './stored-values.ts';

/** Handlers of /api/admin/settings. */

const MAX_BODY_BYTES = 64 * KIB;

export async function listSettings(_request: HttpRequest, { settings }: RequestContext): Promise<Reply> {
  // What is stored is read when the database opens.
  await store();
  return json({ settings: describeSettings(settings) } satisfies RuntimeSettings);
}

/** Changes what is named, all or nothing. Null restores the default. */
export async function changeSettings(request: HttpRequest, context: RequestContext): Promise<Reply> {
  const body = parseBody(settingsChangeSchema, await readJson(request, MAX_BODY_BYTES));
  const changes = Object.entries(body).flatMap(([name, value]) =>
    value === undefined ? [] : [readChange(name, value, context)],
  );
  const opened = await store();
  const actor = actorOf(context);
  await opened.writeAll(
    changes.flatMap(({ name, text }) => [
      storeStatement(opened, name, text, actor),
      auditStatement(opened, actor, {
        action: text === undefined ? 'setting.restore' : 'setting.change',
        target: name,
        summary: `${text === undefined ? 'restored' : 'changed'} the setting “${SETTING_TEXTS[name].label}”`,
        changes: { value: text ?? null },
      }),
    ]),
  );
  for (const change of changes) apply(change, actor);
  return json({ settings: describeSettings(context.settings) } satisfies RuntimeSettings);
}

interface SettingChange {
  name: RuntimeSettingName;
  /** As the environment would have it; undefined for the default. */
  text: string | undefined;
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
  if (value === null) return { name, text: undefined };
  const text = String(value).trim();
  const parsed = parseSetting(name, text);
  if ('problem' in parsed) throw invalid(name, parsed.problem);
  return { name, text };
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
