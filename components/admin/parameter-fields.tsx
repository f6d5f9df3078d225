import { FieldGroup, TextField } from '#components/people/field';
import { PARAMETER_FIELDS, type ParameterFieldName, type ParameterTexts } from './model-parameters.ts';
import { SERVER_ADMIN_STRINGS } from './strings/server.ts';

const { models: STRINGS } = SERVER_ADMIN_STRINGS;

interface ParameterFieldsProps {
  texts: ParameterTexts;
  /** Names of the parameters that the model's server has. */
  supported: readonly string[];
  wrong: readonly ParameterFieldName[];
  onChange: (texts: ParameterTexts) => void;
}

/** Parameters of requests that set none, in two columns. */
export function ParameterFields({ texts, supported, wrong, onChange }: ParameterFieldsProps) {
  const fields = PARAMETER_FIELDS.filter(({ name }) => supported.includes(name));
  if (fields.length === 0) return null;
  return (
    <FieldGroup label={STRINGS.parameters}>
      <p className="mb-2 text-ink-3 text-xs">{STRINGS.parametersHint}</p>
      <div className="grid grid-cols-2 gap-x-3 gap-y-2.5 max-[22rem]:grid-cols-1">
        {fields.map(({ name, isWhole }) => (
          <TextField
            key={name}
            label={STRINGS.parameterNames[name]}
            error={wrong.includes(name) ? STRINGS.wrongParameters[name] : undefined}
            inputMode={isWhole ? 'numeric' : 'decimal'}
            autoComplete="off"
            placeholder={STRINGS.modelsOwn}
            value={texts[name]}
            onChange={(text) => onChange({ ...texts, [name]: text })}
          />
        ))}
      </div>
    </FieldGroup>
  );
}
