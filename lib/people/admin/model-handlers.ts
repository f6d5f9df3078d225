import { isDeepStrictEqual } from 'node:util';
import { chatEngine } from '#lib/chat/engine-singleton';
import { shareChange } from '#lib/cluster/cluster';
import { requestDefaultsChanged } from '#lib/config/runtime-settings';
import { AppError } from '#lib/errors';
import { actorOf, auditStatement } from '#lib/http/audit';
import { parseBody, readJson } from '#lib/http/body';
import type { HttpRequest } from '#lib/http/http-request';
import { json, type Reply } from '#lib/http/reply';
import type { RequestContext } from '#lib/http/route';
import { findModel, modelDirectory } from '#lib/models/model-directory';
import { modelOverrides } from '#lib/models/model-overrides';
import { pageOfAll, readPage } from '#lib/people/page-cursor';
import { store } from '#lib/store/store';
import { KIB } from '#lib/units';
import { MODEL_PARAMETER_NAMES } from '#lib/wire/model-parameters';
import type { ModelInfo, Models } from '#lib/wire/models';
import { type AdminModel, type AdminModels, type ModelChange, modelPatchSchema } from '#lib/wire/people-admin';
import { supportsOption } from '#lib/wire/request-field-support';
import { changedOverride, describeChange, requireKnown, requireSupported } from './model-change.ts';
import { applySetting, isLocked } from './runtime-values.ts';
import { MODEL_PREFIX, storeStatement } from './stored-values.ts';
import { type ChangeTurn, inTurn } from './turns.ts';

/** Handlers of /api/admin/models. */

const MAX_BODY_BYTES = 128 * KIB;

export async function listAdminModels(request: HttpRequest, context: RequestContext): Promise<Reply> {
  const page = readPage(request);
  const models = await modelDirectory().listAll(request.signal);
  // Model servers of two kinds may have a model of the same name.
  const { rows, next_cursor } = pageOfAll(models.models, page, ({ id, provider }) => `${id} ${provider}`);
  const body: AdminModels = {
    models: rows.map((model) => describe(model, context)),
    next_cursor,
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
  const id = await inTurn('model', async (turn) => {
    const models = await modelDirectory().listAll(signal);
    const before = find(models, name);
    checkChange(before, change, context);
    requireSupported(before, change);
    await save(turn, { id: before.id, defaultModel: models.default_model }, change, context);
    return before.id;
  });
  if (change.loaded !== undefined) await setLoaded(id, change.loaded, context, signal);
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

/** Recorded once it is done: a model server may refuse it. */
async function setLoaded(id: string, isLoaded: boolean, context: RequestContext, signal: AbortSignal): Promise<void> {
  await (isLoaded ? chatEngine().warmModel(id, signal) : chatEngine().unloadModel(id, signal));
  const opened = await store();
  const summary = `${isLoaded ? 'loaded' : 'unloaded'} ${id}`;
  await opened.write(auditStatement(opened, actorOf(context), { action: 'model.change', target: id, summary }));
}

/** Nothing is written for a change that only loads or unloads. */
async function save(
  turn: ChangeTurn,
  { id, defaultModel }: { id: string; defaultModel: string },
  change: ModelChange,
  context: RequestContext,
): Promise<void> {
  const before = modelOverrides().get(id) ?? {};
  const after = changedOverride(before, change);
  const isChanged = !isDeepStrictEqual(before, after);
  if (!isChanged && change.is_default !== true) return;
  const opened = await store();
  await requireKnown(opened, before, change);
  const actor = actorOf(context);
  const isDefault = change.is_default === true;
  await turn.save(opened, [
    ...(isChanged
      ? [storeStatement(opened, MODEL_PREFIX + id, Object.keys(after).length === 0 ? undefined : after, actor)]
      : []),
    ...(isDefault ? [storeStatement(opened, 'OLLAMA_MODEL', id, actor)] : []),
    auditStatement(opened, actor, {
      action: 'model.change',
      target: id,
      summary: `${describeChange(change, before, after)} ${id}`,
      changes: {
        before: isDefault ? { ...before, default_model: defaultModel } : before,
        after: isDefault ? { ...after, default_model: id } : after,
      },
    }),
  ]);
  if (isChanged) {
    modelOverrides().set(id, after);
    requestDefaultsChanged();
  }
  if (isDefault) applySetting({ name: 'OLLAMA_MODEL', value: id, by: actor.name, atMs: Date.now() });
  shareChange({ kind: 'settings' });
}

function describe(model: ModelInfo, { settings }: RequestContext): AdminModel {
  const { display_name: _, ...info } = model;
  const override = modelOverrides().get(model.id) ?? {};
  const { hidden = false, displayName = null, systemPrompt = null, parameters = {}, access } = override;
  const isOllama = model.provider === 'ollama' && model.alias_of === undefined;
  return {
    ...info,
    hidden,
    display_name: displayName,
    system_prompt: systemPrompt,
    parameters,
    supported_parameters: MODEL_PARAMETER_NAMES.filter((name) => supportsOption(model.provider, name)),
    access: access === undefined ? null : { groups: [...access.groups], users: [...access.users] },
    can_unload: isOllama,
    can_delete: isOllama && settings.OLLAMA_MANAGE && !model.is_default,
  };
}
