'use client';

import clsx from 'clsx';
import { SlidersHorizontal } from 'lucide-react';
import { type FormEvent, type ReactNode, useId, useState } from 'react';
import { Button } from '#components/ui/button';
import { Dialog } from '#components/ui/dialog';
import { IconButton } from '#components/ui/icon-button';
import { type ChatSettings, NO_SETTINGS, type Sampling } from './conversation.ts';

interface ChatSettingsProps {
  settings: ChatSettings;
  onSave: (settings: ChatSettings) => void;
}

/** Settings of a whole conversation: system prompt and sampling. */
export function ChatSettingsButton({ settings, onSave }: ChatSettingsProps) {
  const [open, setOpen] = useState(false);
  const isSet = settings.systemPrompt !== '' || Object.keys(settings.sampling).length > 0;
  return (
    <>
      <IconButton
        label={isSet ? 'Settings of this chat, changed' : 'Settings of this chat'}
        side="bottom"
        onClick={() => setOpen(true)}
        className="relative"
      >
        <SlidersHorizontal className="size-[1.125rem]" strokeWidth={1.75} aria-hidden />
        {isSet ? <span className="absolute end-1 top-1 size-1.5 rounded-full bg-accent" /> : null}
      </IconButton>
      <Dialog open={open} onOpenChange={setOpen} title="Settings of this chat">
        <SettingsForm
          settings={settings}
          onSave={(next) => {
            onSave(next);
            setOpen(false);
          }}
        />
      </Dialog>
    </>
  );
}

function SettingsForm({ settings, onSave }: ChatSettingsProps) {
  const [prompt, setPrompt] = useState(settings.systemPrompt);
  const [temperature, setTemperature] = useState(String(settings.sampling.temperature ?? ''));
  const [tokens, setTokens] = useState(String(settings.sampling.num_predict ?? ''));
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const sampling: Sampling = {};
    if (temperature !== '') sampling.temperature = Number(temperature);
    if (tokens !== '') sampling.num_predict = Number(tokens);
    onSave({ systemPrompt: prompt.trim(), sampling });
  };
  return (
    <form onSubmit={submit} className="flex flex-col gap-4">
      <Field label="System prompt" hint="What the model is told before the conversation. Empty: the server’s own.">
        {(props) => (
          <textarea
            {...props}
            rows={5}
            dir="auto"
            value={prompt}
            onChange={(event) => setPrompt(event.target.value)}
            className={clsx(INPUT, 'resize-y py-2 leading-5')}
          />
        )}
      </Field>
      <div className="grid gap-4 sm:grid-cols-2">
        <Field label="Temperature" hint="0 is the most predictable. Empty: the model’s own.">
          {(props) => (
            <input
              {...props}
              type="number"
              inputMode="decimal"
              min={0}
              max={2}
              step={0.05}
              value={temperature}
              onChange={(event) => setTemperature(event.target.value)}
              className={clsx(INPUT, 'h-9')}
            />
          )}
        </Field>
        <Field label="Longest answer, in tokens" hint="Empty: the model’s own.">
          {(props) => (
            <input
              {...props}
              type="number"
              inputMode="numeric"
              min={1}
              max={1_000_000}
              step={1}
              value={tokens}
              onChange={(event) => setTokens(event.target.value)}
              className={clsx(INPUT, 'h-9')}
            />
          )}
        </Field>
      </div>
      <div className="flex justify-end gap-2">
        <Button kind="quiet" onClick={() => onSave(NO_SETTINGS)}>
          Set back
        </Button>
        <Button kind="primary" type="submit">
          Save
        </Button>
      </div>
    </form>
  );
}

const INPUT = 'w-full rounded-md border border-line-strong bg-canvas px-2.5 text-sm tabular';

interface FieldProps {
  label: string;
  hint: string;
  children: (props: { id: string; 'aria-describedby': string }) => ReactNode;
}

function Field({ label, hint, children }: FieldProps) {
  const id = useId();
  return (
    <div className="flex flex-col gap-1.5">
      <label htmlFor={id} className="font-medium text-sm">
        {label}
      </label>
      {children({ id, 'aria-describedby': `${id}-hint` })}
      <p id={`${id}-hint`} className="text-ink-3 text-xs">
        {hint}
      </p>
    </div>
  );
}
