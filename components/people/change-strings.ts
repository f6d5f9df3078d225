import { PEOPLE_STRINGS } from './strings.ts';

/** The parameters of a model, by Ollama's names. */
export const MODEL_PARAMETER_LABELS = {
  temperature: 'Temperature',
  top_p: 'Top P',
  top_k: 'Top K',
  min_p: 'Min P',
  repeat_penalty: 'Repeat penalty',
  num_ctx: 'Context (tokens)',
  num_predict: 'Longest response (tokens)',
} as const;

/** Fields that the audit log has the old and the new value of. */
const LABELS: Readonly<Record<string, string>> = {
  ...Object.fromEntries(Object.entries(MODEL_PARAMETER_LABELS).map(([name, label]) => [`parameters.${name}`, label])),
  name: PEOPLE_STRINGS.name,
  role: 'Role',
  group: 'Group',
  manager: 'Manager',
  disabled: 'Disabled',
  two_factor: 'Two-factor sign-in',
  display_name: 'Display name',
  system_prompt: 'System prompt',
  hidden: 'Hidden',
  default_model: 'Default model',
  'access.groups': 'Groups that may use it',
  'access.users': 'People who may use it',
  draining: 'Draining',
  text: 'Text',
  kind: 'Kind',
  value: 'Value',
};

export const CHANGE_STRINGS = {
  label: (field: string): string => {
    if (Object.hasOwn(LABELS, field)) return LABELS[field] ?? field;
    const limit = field.replace(/\.kind$/, '');
    const name = PEOPLE_STRINGS.limits.label(limit);
    return limit === field ? name : `${name} (over it)`;
  },
  kind: (kind: string) => (kind === 'share' ? 'share' : kind === 'hard' ? 'hard limit' : kind),
  none: 'none',
  yes: 'yes',
  no: 'no',
  before: 'Before',
  after: 'After',
  /** Read to a screen reader in the place of the arrow. */
  became: 'became',
} as const;
