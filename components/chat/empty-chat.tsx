'use client';

import { Braces, Lightbulb, TableProperties } from 'lucide-react';

const PROMPTS = [
  {
    icon: Braces,
    title: 'Write a program',
    prompt: 'Write a Python program that prints the first 20 prime numbers, and explain how it finds them.',
  },
  {
    icon: TableProperties,
    title: 'Compare two things',
    prompt: 'Compare a linked list and an array in a small table: access, insertion, memory.',
  },
  {
    icon: Lightbulb,
    title: 'Understand an idea',
    prompt: 'Explain to a curious teenager why the sky is blue and the sunset is red.',
  },
] as const;

export function EmptyChat({ onPick }: { onPick: (prompt: string) => void }) {
  return (
    // Aligned to the top, so that a note above the composer does not move it.
    <div className="flex flex-1 flex-col gap-6 pt-[2dvh] sm:pt-[max(1rem,18dvh)]">
      <div>
        <h1 className="text-balance font-semibold text-xl tracking-tight sm:text-2xl">What shall we work out?</h1>
        <p className="mt-1.5 text-ink-2">Your own model answers. The conversation stays in this browser.</p>
      </div>
      <ul className="grid gap-2 sm:grid-cols-3">
        {PROMPTS.map(({ icon: Icon, title, prompt }) => (
          <li key={title} className="flex">
            <button
              type="button"
              onClick={() => onPick(prompt)}
              className="flex w-full flex-col gap-1 rounded-lg border bg-surface p-3.5 text-start transition-colors hover:border-line-strong hover:bg-hover"
            >
              <span className="flex items-center gap-2 font-medium text-sm">
                <Icon className="size-4 text-accent" strokeWidth={1.75} aria-hidden />
                {title}
              </span>
              <span className="text-ink-2 text-sm">{prompt}</span>
            </button>
          </li>
        ))}
      </ul>
    </div>
  );
}
