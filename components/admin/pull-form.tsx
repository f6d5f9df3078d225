'use client';

import { type FormEvent, useState } from 'react';
import { TextField } from '#components/people/field';
import { Button } from '#components/ui/button';
import { SERVER_ADMIN_STRINGS } from './strings/server.ts';

const { models: STRINGS } = SERVER_ADMIN_STRINGS;

/** The name of a model to download. */
export function PullForm({ onPull }: { onPull: (name: string) => void }) {
  const [name, setName] = useState('');
  const submit = (event: FormEvent) => {
    event.preventDefault();
    onPull(name.trim());
  };
  return (
    <form onSubmit={submit} className="flex flex-col gap-4">
      <TextField
        label={STRINGS.pullName}
        hint={STRINGS.pullHint}
        required
        // More than spaces.
        pattern=".*\S.*"
        maxLength={512}
        autoComplete="off"
        spellCheck={false}
        value={name}
        onChange={setName}
        className="font-mono"
      />
      <div className="flex justify-end">
        <Button type="submit" kind="primary" className="h-10">
          {STRINGS.pullSubmit}
        </Button>
      </div>
    </form>
  );
}
