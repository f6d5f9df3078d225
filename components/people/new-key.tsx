'use client';

import { CreatedSection } from '#components/people/created-section';
import { SecretText } from '#components/people/secret-text';
import { useModels } from '#lib/browser/service-status';
import type { CreatedKey } from '#lib/wire/people';
import { keyExample } from './key-example.ts';
import { PEOPLE_STRINGS } from './strings.ts';

const { keys: STRINGS } = PEOPLE_STRINGS;

/** A new key with an example. */
export function NewKey({ created, onDone }: { created: CreatedKey; onDone: () => void }) {
  const { data } = useModels();
  const model = created.models?.[0] ?? data?.default_model ?? 'model';
  return (
    <CreatedSection
      label={STRINGS.created}
      heading="h3"
      title={
        <>
          {STRINGS.created}: <span className="[overflow-wrap:anywhere]">{created.name}</span>
        </>
      }
      hint={STRINGS.copyNow}
      onDone={onDone}
    >
      <SecretText label={STRINGS.keyLabel} text={created.key} copyLabel={STRINGS.copyKey} />
      <SecretText
        label={STRINGS.example}
        text={keyExample(created, window.location.origin, model)}
        copyLabel={STRINGS.copyExample}
        isCode
      />
    </CreatedSection>
  );
}
