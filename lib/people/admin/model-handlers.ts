import { chatEngine } from '#lib/chat/engine-singleton';
import { requestDefaultsChanged } from '#lib/config/runtime-settings';
import { AppError } from '#lib/errors';
import { parseBody, readJson } from '#lib/http/body';
import type { HttpRequest } from '#lib/http/http-request';
import { json, type Reply } from '#lib/http/reply';
import type { RequestContext } from '#lib/http/route';
import { findModel, modelDirectory } from '#lib/models/model-directory';
import { type ModelOverride, modelOverrides } from '#lib/models/model-overrides';
import { actorOf, auditStatement } from '#lib/people/audit';
import { store } from '#lib/store/store';
import { KIB } from '#lib/units';
import type { ModelInfo, Models } from '#lib/wire/models';
import { type AdminModel, type AdminModels, type ModelChange, modelPatchSchema } from '#lib/wire/people-admin';
import { applySetting, isLocked } from './runtime-values.ts';
import { MODEL_PREFIX, storeStatement } from './stored-values.ts';

/** Handlers of /api/admin/models. */

const MAX_BODY_BYTES = 128 * KIB;

export async function listAdminModels({ signal }: HttpRequest, context: RequestContext): Promise<Reply> {
  const models = await modelDirectory().listAll(signal);
  const body: AdminModels = {
    models: models.models.map((model) => describe(model, context)),
    default_model: models.default_model,
    can_pull: context.settings.OLLAMA_MANAGE && models.providers.some(({ id }) => id === 'ollama'),
    default_locked_by: isLocked('OLLAMA_MODEL', context.settings) ? 'OLLAMA_MODEL' : null,
  };
  return json(body);
}

/** Changes what is named of one model, and loads or unloads it. */
export async function changeAdminModel(request: HttpRequest, context: RequestContext): Promise<Reply> {
  const { model: name, ...change } = parseBody(modelPatchSchema, await readJson(request, MAX_BODY_BYTES), ['model']);
  const { signal } = request;
  const before = find(await modelDirectory().listAll(signal), name);
  const { id } = before;
  checkChange(before, change, context);
  await save(id, change, context);
  if (change.loaded === true) await chatEngine().warmModel(id, signal);
  if (change.loaded === false) await chatEngine().unloadModel(id, signal);
  return json(describe(find(await modelDirectory().listAll(signal), id), context));
}

function find({ models }: Models, name: string): ModelInfo {
  const model = findModel(models, name);
  if (model === undefined)
    throw new AppError('model_not_found', `Model ${name} is not available. GET /api/admin/models lists what is there.`);
  return model;
}

function checkChange({ id, is_default: isDefault }: ModelInfo, change: ModelChange, context: RequestContext): void {
  const isHidden = change.hidden ?? modelOverrides().isHidden(id);
  if (isHidden && (isDefault || change.is_default === true))
    throw new AppError('conflict', 'The default model cannot be hidden. Make another one the default first.');
  if (isHidden && change.loaded === true)
    throw new AppError('conflict', 'A hidden model cannot be loaded. Show it first.');
  if (change.is_default === true && isLocked('OLLAMA_MODEL', context.settings))
    throw new AppError(
      'unsupported_value',
      'The default model is set in the environment of the server (OLLAMA_MODEL). Change it there.',
      { details: [{ field: 'is_default', message: 'is set in the environment' }] },
    );
}

/** Nothing is written for a change that only loads or unloads. */
async function save(id: string, change: ModelChange, context: RequestContext): Promise<void> {
  const before = modelOverrides().get(id) ?? {};
  const after = merged(before, change);
  const isChanged =
    change.hidden !== undefined || change.display_name !== undefined || change.system_prompt !== undefined;
  if (!isChanged && change.is_default !== true && change.loaded === undefined) return;
  const opened = await store();
  const actor = actorOf(context);
  await opened.writeAll([
    ...(isChanged
      ? [storeStatement(opened, MODEL_PREFIX + id, Object.keys(after).length === 0 ? undefined : after, actor)]
      : []),
    ...(change.is_default === true ? [storeStatement(opened, 'OLLAMA_MODEL', id, actor)] : []),
    auditStatement(opened, actor, {
      action: 'model.change',
      target: id,
      summary: `${summaryOf(change)} ${id}`,
      changes: { before, after },
    }),
  ]);
  if (isChanged) {
    modelOverrides().set(id, after);
    requestDefaultsChanged();
  }
  if (change.is_default === true) applySetting({ name: 'OLLAMA_MODEL', value: id, by: actor.name, atMs: Date.now() });
}

function merged(
  before: ModelOverride,
  { hidden, display_name: name, system_prompt: prompt }: ModelChange,
): ModelOverride {
  const isHidden = hidden ?? before.hidden ?? false;
  const displayName = name === undefined ? before.displayName : (name ?? undefined);
  const systemPrompt = prompt === undefined ? before.systemPrompt : (prompt ?? undefined);
  return {
    ...(isHidden ? { hidden: true } : {}),
    ...(displayName === undefined ? {} : { displayName }),
    ...(systemPrompt === undefined ? {} : { systemPrompt }),
  };
}

function summaryOf({
  hidden,
  is_default: isDefault,
  loaded,
  display_name: name,
  system_prompt: prompt,
}: ModelChange): string {
  const words = [
    ...(hidden === undefined ? [] : [hidden ? 'hid' : 'showed']),
    ...(isDefault === true ? ['made the default:'] : []),
    ...(loaded === undefined ? [] : [loaded ? 'loaded' : 'unloaded']),
    ...(name === undefined ? [] : ['named']),
    ...(prompt === undefined ? [] : ['changed the prompt of']),
  ];
  return words.join(', ');
}

function describe(model: ModelInfo, { settings }: RequestContext): AdminModel {
  const { display_name: _, ...info } = model;
  const { hidden = false, displayName = null, systemPrompt = null } = modelOverrides().get(model.id) ?? {};
  const isOllama = model.provider === 'ollama' && model.alias_of === undefined;
  return {
    ...info,
    hidden,
    display_name: displayName,
    system_prompt: systemPrompt,
    can_unload: isOllama,
    can_delete: isOllama && settings.OLLAMA_MANAGE && !model.is_default,
  };
}
