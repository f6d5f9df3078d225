'use client';

import { useEffect, useRef } from 'react';
import { SecretText } from '#components/people/secret-text';
import { Button } from '#components/ui/button';
import { useModels } from '#lib/browser/service-status';
import type { CreatedKey } from '#lib/wire/people';
import { keyExample } from './key-example.ts';
import { PEOPLE_STRINGS } from './strings.ts';

const { keys: STRINGS } = PEOPLE_STRINGS;

/** A new key with an example. In the page, so that no stray click closes it. */
export function NewKey({ created, onDone }: { created: CreatedKey; onDone: () => void }) {
  const { data } = useModels();
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => heading.current?.focus(), []);
  const model = created.models?.[0] ?? data?.default_model ?? 'model';
  return (
    <section
      aria-label={STRINGS.created}
      className="flex min-w-0 flex-col gap-3 rounded-lg border border-good p-4 text-sm"
    >
      <div>
        <h3 ref={heading} tabIndex={-1} className="font-medium outline-none">
          {STRINGS.created}: <span className="[overflow-wrap:anywhere]">{created.name}</span>
        </h3>
        <p className="text-ink-2">{STRINGS.copyNow}</p>
      </div>
      <SecretText label={STRINGS.keyLabel} text={created.key} copyLabel={STRINGS.copyKey} />
      <SecretText
        label={STRINGS.example}
        text={keyExample(created, window.location.origin, model)}
        copyLabel={STRINGS.copyExample}
        isCode
      />
      <div>
        <Button onClick={onDone}>{PEOPLE_STRINGS.done}</Button>
      </div>
    </section>
  );
}
