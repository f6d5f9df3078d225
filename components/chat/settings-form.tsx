'use client';

import clsx from 'clsx';
import { type ReactNode, useEffect, useId, useRef, useState } from 'react';
import { PresetList } from '#components/chat/preset-list';
import { ReasoningSelect } from '#components/chat/reasoning-select';
import { Button } from '#components/ui/button';
import { showToast } from '#lib/browser/toasts';
import {
  defaultText,
  type FieldReading,
  NUMBER_FIELDS,
  type NumberField,
  type OptionContext,
  type OptionName,
  optionContext,
  optionText,
  readNumber,
  readStops,
  withOption,
} from './chat-options.ts';
import { type ChatSettings, NO_SETTINGS } from './conversation.ts';
import { thinkingModesOf } from './model-capabilities.ts';
import type { SettingsPanelProps } from './settings-props.ts';
import { isSameSettings } from './settings-storage.ts';
import { SETTINGS_STRINGS as S } from './strings/settings.ts';

const SAVE_AFTER_MS = 250;

/** Texts of fields whose value is not valid, by chat: closing the panel drops none. */
const invalidTexts = new Map<string, Partial<Record<OptionName, string>>>();

type FormProps = Omit<SettingsPanelProps, 'open' | 'onClose'>;

/** All settings of a chat. Each change is saved by itself. */
export function SettingsForm({
  chat,
  settings,
  defaults,
  models,
  model,
  onChange,
  onChangeDefaults,
  onThink,
}: FormProps) {
  const options = optionContext(models, model);
  const { shown, change, flush } = useAutosave(settings, onChange);
  const [texts, setTexts] = useState<Partial<Record<OptionName, string>>>(() => invalidTexts.get(chat) ?? {});
  const keepText = (name: OptionName, text: string | undefined) => {
    const { [name]: _, ...rest } = texts;
    const next = text === undefined ? rest : { ...rest, [name]: text };
    setTexts(next);
    invalidTexts.set(chat, next);
  };
  const replaceAll = (next: ChatSettings) => {
    setTexts({});
    invalidTexts.delete(chat);
    change(next, true);
  };
  const replace = (next: ChatSettings, sentence: string) => {
    const before = shown;
    replaceAll(next);
    const undo = { label: S.undo, run: () => replaceAll(before) };
    showToast({ id: 'chat-settings', text: sentence, action: undo });
  };
  const setOption = (name: OptionName, text: string) => {
    keepText(name, text);
    const reading = read(name, text, options);
    if (!('error' in reading)) change({ ...shown, sampling: withOption(shown.sampling, name, reading.value) });
  };
  const leave = (name: OptionName) => {
    const text = texts[name];
    if (text !== undefined && !('error' in read(name, text, options))) keepText(name, undefined);
    flush();
  };
  const modes = thinkingModesOf(options.model);
  const field = (name: OptionName) => {
    if (!options.supported.includes(name)) return null;
    const text = texts[name] ?? optionText(name, shown.sampling);
    const reading = read(name, text, options);
    const fallback = defaultText(name, options);
    return (
      <Field
        key={name}
        label={S[name]}
        // An empty field shows the default itself.
        hint={
          text === '' || fallback === S.modelDefault
            ? S[`${name}Hint`]
            : `${S[`${name}Hint`]} ${S.defaultValue(fallback)}`
        }
        error={'error' in reading ? reading.error : undefined}
      >
        {(props) =>
          name === 'stop' ? (
            <textarea
              {...props}
              rows={2}
              value={text}
              placeholder={fallback}
              spellCheck={false}
              onChange={(event) => setOption(name, event.target.value)}
              onBlur={() => leave(name)}
              className={clsx(INPUT, 'field-sizing-content max-h-40 resize-y py-2 font-mono')}
            />
          ) : (
            <input
              {...props}
              type="text"
              inputMode={NUMBER_FIELDS[name].isWhole ? 'numeric' : 'decimal'}
              autoComplete="off"
              value={text}
              placeholder={fallback}
              onChange={(event) => setOption(name, event.target.value)}
              onBlur={() => leave(name)}
              className={clsx(INPUT, 'h-9 pointer-coarse:h-10')}
            />
          )
        }
      </Field>
    );
  };
  return (
    <form className="flex flex-col gap-5 text-sm" onSubmit={(event) => event.preventDefault()}>
      <p className="-mb-1 text-ink-3 text-xs [overflow-wrap:anywhere]">
        {options.model === undefined ? S.savedAsYouType : `${S.forModel(options.model.id)}. ${S.savedAsYouType}`}
      </p>
      <Field label={S.systemPrompt} hint={S.systemPromptHint}>
        {(props) => (
          <textarea
            {...props}
            rows={4}
            dir="auto"
            value={shown.systemPrompt}
            placeholder={options.hasServerPrompt ? S.systemPromptServer : S.systemPromptNone}
            onChange={(event) => change({ ...shown, systemPrompt: event.target.value })}
            onBlur={flush}
            className={clsx(INPUT, 'field-sizing-content max-h-[40dvh] min-h-24 resize-y py-2 leading-5')}
          />
        )}
      </Field>
      {modes.length === 0 ? null : (
        <div className="flex items-center justify-between gap-2">
          <span className="font-medium">{S.thinking}</span>
          <ReasoningSelect
            modes={modes}
            think={shown.think}
            hasHeading
            onChange={(think) => {
              change({ ...shown, think }, true);
              onThink(think);
            }}
          />
        </div>
      )}
      <div className="grid grid-cols-2 gap-x-3 gap-y-4">{PAIRED.map(field)}</div>
      {field('num_ctx')}
      {field('stop')}
      <div className="flex flex-col gap-2 border-t pt-4">
        {isSameSettings(shown, defaults) ? (
          <p className="text-ink-3 text-xs">{S.usedInNewChats}</p>
        ) : (
          <Button
            onClick={() => {
              onChangeDefaults(shown);
              const undo = { label: S.undo, run: () => onChangeDefaults(defaults) };
              showToast({ id: 'chat-defaults', text: S.newChatsChanged, action: undo });
            }}
          >
            {S.useInNewChats}
          </Button>
        )}
        <Button
          kind="quiet"
          disabled={isSameSettings(shown, NO_SETTINGS)}
          onClick={() => replace(NO_SETTINGS, S.wasReset)}
        >
          {S.reset}
        </Button>
      </div>
      <PresetList settings={shown} onApply={({ name, settings: next }) => replace(next, S.applied(name))} />
    </form>
  );
}

/** Two in a row. */
const PAIRED = ['temperature', 'num_predict', 'top_p', 'top_k', 'seed'] as const satisfies readonly NumberField[];

export const INPUT =
  'w-full rounded-md border border-line-strong bg-canvas px-2.5 text-sm tabular placeholder:text-ink-3 aria-invalid:border-error';

function read(name: OptionName, text: string, { model }: OptionContext): FieldReading<number | string[]> {
  return name === 'stop' ? readStops(text) : readNumber(name, text, model?.context_length);
}

/**
 * The settings as they are being edited. A change is saved after a pause in typing, when a field
 * is left, and when the form closes.
 */
function useAutosave(settings: ChatSettings, onSave: (settings: ChatSettings) => void) {
  const [pending, setPending] = useState<ChatSettings>();
  const latest = useRef<() => void>(undefined);
  useEffect(() => {
    if (pending === undefined) return;
    const save = () => {
      latest.current = undefined;
      onSave(pending);
      setPending(undefined);
    };
    latest.current = save;
    const timer = setTimeout(save, SAVE_AFTER_MS);
    return () => clearTimeout(timer);
  }, [pending, onSave]);
  const flush = () => latest.current?.();
  useEffect(() => {
    const saveLast = () => latest.current?.();
    window.addEventListener('pagehide', saveLast);
    return () => {
      window.removeEventListener('pagehide', saveLast);
      saveLast();
    };
  }, []);
  const change = (next: ChatSettings, atOnce = false) => {
    if (!atOnce) return setPending(next);
    latest.current = undefined;
    setPending(undefined);
    onSave(next);
  };
  return { shown: pending ?? settings, change, flush };
}

interface FieldProps {
  label: string;
  hint: string;
  error?: string | undefined;
  children: (props: { id: string; 'aria-describedby': string; 'aria-invalid': boolean | undefined }) => ReactNode;
}

function Field({ label, hint, error, children }: FieldProps) {
  const id = useId();
  return (
    <div className="flex min-w-0 flex-col gap-1.5">
      <label htmlFor={id} className="font-medium">
        {label}
      </label>
      {children({ id, 'aria-describedby': `${id}-hint`, 'aria-invalid': error === undefined ? undefined : true })}
      <p
        id={`${id}-hint`}
        aria-live="polite"
        className={clsx('text-xs [overflow-wrap:anywhere]', error === undefined ? 'text-ink-3' : 'text-error')}
      >
        {error ?? hint}
      </p>
    </div>
  );
}
