import { z } from 'zod';
import { RUNTIME_SETTING_NAMES } from '#lib/config/runtime-settings';
import { modelParametersChangeSchema, modelParametersSchema } from '#lib/wire/model-parameters';
import { modelInfoSchema } from '#lib/wire/models';
import { withoutNul } from '#lib/wire/without-nul';

/** Wire of /api/admin/models, /api/admin/settings and /api/admin/banner. */

/** Ids of groups and people. */
const MAX_IDS = 500;
const ids = () => z.array(withoutNul(z.string().min(1).max(200))).max(MAX_IDS);

/** Who may use a model, by ids. Administrators always may. */
export const modelAccessSchema = z.object({
  groups: ids().default([]).describe('Ids of groups, whose people and service keys may use it.'),
  users: ids().default([]).describe('Ids of people.'),
});
export type ModelAccess = z.infer<typeof modelAccessSchema>;

/** What an administrator may change of a model. A null restores what the server would do. */
export const modelChangeSchema = z.object({
  hidden: z.boolean().optional().describe('Left out of lists; requests that name it are refused.'),
  display_name: z.string().trim().min(1).max(100).nullable().optional(),
  system_prompt: z.string().max(20_000).nullable().optional(),
  parameters: modelParametersChangeSchema
    .nullable()
    .optional()
    .describe("Options of requests that do not set them, by Ollama's names. The named ones change; null removes one."),
  access: modelAccessSchema
    .nullable()
    .optional()
    .describe('Who may use it next to administrators; null is everyone. With no group and no person: no one else.'),
  is_default: z.literal(true).optional().describe('Makes it the default model.'),
  loaded: z.boolean().optional().describe('Loads it into memory, or frees the memory.'),
});
export type ModelChange = z.infer<typeof modelChangeSchema>;
export const modelPatchSchema = modelChangeSchema.extend({ model: withoutNul(z.string().min(1).max(512)) });

export const adminModelSchema = modelInfoSchema.omit({ display_name: true }).extend({
  hidden: z.boolean(),
  display_name: z.string().nullable(),
  system_prompt: z.string().nullable(),
  parameters: modelParametersSchema,
  supported_parameters: z.array(z.string()).describe('Those with an effect on its model server.'),
  access: modelAccessSchema.nullable().describe('Null: everyone may use it.'),
  can_unload: z.boolean(),
  can_delete: z.boolean(),
});
export type AdminModel = z.infer<typeof adminModelSchema>;

export const adminModelsSchema = z.object({
  models: z.array(adminModelSchema),
  next_cursor: z.string().nullable(),
  default_model: z.string(),
  can_pull: z.boolean().describe('Whether the server may download models.'),
  default_locked_by: z.string().nullable().describe('The setting of the environment that fixes the default model.'),
});
export type AdminModels = z.infer<typeof adminModelsSchema>;

export const runtimeSettingSchema = z.object({
  name: z.string(),
  group: z.string(),
  label: z.string(),
  description: z.string(),
  kind: z.enum(['text', 'long_text', 'number', 'boolean', 'choice', 'model']),
  choices: z.array(z.string()).optional(),
  choice_names: z.record(z.string(), z.string()).optional().describe('What people read of each choice.'),
  unit: z.string().optional(),
  value: z.union([z.string(), z.number(), z.boolean()]).nullable(),
  default: z.union([z.string(), z.number(), z.boolean()]).nullable(),
  source: z.enum(['environment', 'changed', 'default']).describe('An environment value is locked.'),
  locked: z.boolean(),
  changed_by: z.string().nullable(),
  changed_at: z.string().nullable(),
});
export type RuntimeSetting = z.infer<typeof runtimeSettingSchema>;

export const runtimeSettingsSchema = z.object({ settings: z.array(runtimeSettingSchema) });
export type RuntimeSettings = z.infer<typeof runtimeSettingsSchema>;

const settingValue = z.union([z.string(), z.number(), z.boolean()]).nullable();
/** Another name is refused by its own sentence. */
export const settingsChangeSchema = z
  .object(Object.fromEntries(RUNTIME_SETTING_NAMES.map((name) => [name, settingValue.optional()])))
  .catchall(settingValue)
  .describe('Names and values; null restores the default.');

export const BANNER_MAX_LENGTH = 300;
export const bannerSchema = z.object({
  text: z.string().trim().min(1).max(BANNER_MAX_LENGTH),
  kind: z.enum(['info', 'warn']).default('info'),
});
export type Banner = z.infer<typeof bannerSchema>;
export const bannerStateSchema = z.object({ banner: bannerSchema.nullable() });
export type BannerState = z.infer<typeof bannerStateSchema>;
