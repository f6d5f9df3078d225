'use client';

import { type ReactNode, useEffect, useRef } from 'react';
import { Button } from '#components/ui/button';
import { PEOPLE_STRINGS } from './strings.ts';

interface CreatedSectionProps {
  label: string;
  heading: 'h2' | 'h3';
  /** @default `label` */
  title?: ReactNode;
  hint: string;
  onDone: () => void;
  /** The secrets to copy. */
  children: ReactNode;
}

/** What was created and is shown once. In the page, so that no stray click closes it. */
export function CreatedSection({
  label,
  heading: Heading,
  title = label,
  hint,
  onDone,
  children,
}: CreatedSectionProps) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => heading.current?.focus(), []);
  return (
    <section aria-label={label} className="flex min-w-0 flex-col gap-3 rounded-lg border border-good p-4 text-sm">
      <div>
        <Heading ref={heading} tabIndex={-1} className="font-medium outline-none">
          {title}
        </Heading>
        <p className="text-ink-2">{hint}</p>
      </div>
      {children}
      <div>
        <Button onClick={onDone}>{PEOPLE_STRINGS.done}</Button>
      </div>
    </section>
  );
}
