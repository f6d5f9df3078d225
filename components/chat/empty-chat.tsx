'use client';

import { Braces, Lightbulb, TableProperties } from 'lucide-react';
import { COMPOSER_STRINGS } from './strings/composer.ts';

const ICONS = [Braces, TableProperties, Lightbulb] as const;

/** The heading of a chat without messages. */
export function EmptyChatTitle() {
  return (
    <div className="mb-5 sm:text-center">
      <h1 className="text-balance font-semibold text-xl tracking-tight sm:text-2xl">{COMPOSER_STRINGS.emptyTitle}</h1>
      <p className="mt-1.5 text-ink-2">{COMPOSER_STRINGS.emptyText}</p>
    </div>
  );
}

/** Questions to begin with. A press sends one. */
export function ExamplePrompts({ onPick }: { onPick: (prompt: string) => void }) {
  return (
    <ul className="grid gap-2 sm:grid-cols-3">
      {COMPOSER_STRINGS.prompts.map((prompt, index) => {
        const Icon = ICONS[index] ?? Lightbulb;
        return (
          <li key={prompt} className="flex">
            <button
              type="button"
              onClick={() => onPick(prompt)}
              className="flex w-full items-start gap-2.5 rounded-lg border bg-surface p-3 text-start text-ink-2 text-sm transition-colors hover:border-line-strong hover:bg-hover hover:text-ink"
            >
              <Icon className="mt-0.5 size-4 shrink-0 text-accent" strokeWidth={1.75} aria-hidden />
              {prompt}
            </button>
          </li>
        );
      })}
    </ul>
  );
}
