import type { ModelParameters, ModelParametersChange } from '#lib/wire/model-parameters';

/** Parameters of a model that its dialog has fields for. Others of the API stay as they are. */

export type ParameterFieldName =
  | 'temperature'
  | 'top_p'
  | 'top_k'
  | 'min_p'
  | 'repeat_penalty'
  | 'num_ctx'
  | 'num_predict';

interface ParameterField {
  readonly name: ParameterFieldName;
  readonly isWhole: boolean;
  readonly min: number;
  readonly max: number;
}

const MAX_WHOLE = 2 ** 31 - 1;

export const PARAMETER_FIELDS: readonly ParameterField[] = [
  { name: 'temperature', isWhole: false, min: 0, max: 2 },
  { name: 'top_p', isWhole: false, min: 0, max: 1 },
  { name: 'top_k', isWhole: true, min: 0, max: MAX_WHOLE },
  { name: 'min_p', isWhole: false, min: 0, max: 1 },
  { name: 'repeat_penalty', isWhole: false, min: 0, max: 10 },
  { name: 'num_ctx', isWhole: true, min: 1, max: MAX_WHOLE },
  { name: 'num_predict', isWhole: true, min: -2, max: MAX_WHOLE },
];

/** What is typed for each field; empty is the model's own. */
export type ParameterTexts = Record<ParameterFieldName, string>;

export function parameterTexts(parameters: ModelParameters): ParameterTexts {
  const text = (name: ParameterFieldName) => (parameters[name] === undefined ? '' : String(parameters[name]));
  return {
    temperature: text('temperature'),
    top_p: text('top_p'),
    top_k: text('top_k'),
    min_p: text('min_p'),
    repeat_penalty: text('repeat_penalty'),
    num_ctx: text('num_ctx'),
    num_predict: text('num_predict'),
  };
}

/** Null for an empty text, undefined for one that is no valid value. */
export function readParameter({ name, isWhole, min, max }: ParameterField, text: string): number | null | undefined {
  const plain = text.trim();
  if (plain === '') return null;
  // A comma is a decimal separator here: no value has a thousand decimals.
  const value = Number(isWhole ? plain.replaceAll(/[\s,.’'_]/g, '') : plain.replace(',', '.'));
  const isValid = Number.isFinite(value) && value >= min && value <= max && (!isWhole || Number.isInteger(value));
  return isValid && !(name === 'num_predict' && value === 0) ? value : undefined;
}

/** The values that differ from what is stored, or the names of those that are not valid. */
export function parameterChanges(
  texts: ParameterTexts,
  stored: ModelParameters,
  supported: readonly string[],
): { changes: ModelParametersChange; wrong: ParameterFieldName[] } {
  const changes: ModelParametersChange = {};
  const wrong: ParameterFieldName[] = [];
  for (const field of PARAMETER_FIELDS) {
    const { name } = field;
    if (!supported.includes(name)) continue;
    const value = readParameter(field, texts[name]);
    if (value === undefined) wrong.push(name);
    else if (value !== (stored[name] ?? null)) changes[name] = value;
  }
  return { changes, wrong };
}
