'use client';

import { Lock, RotateCcw } from 'lucide-react';
import { useState } from 'react';
import { SettingField } from '#components/admin/setting-field';
import { Failure } from '#components/people/failure';
import { Button } from '#components/ui/button';
import { IconButton } from '#components/ui/icon-button';
import { formatAgo } from '#lib/browser/format-date';
import { showToast } from '#lib/browser/toasts';
import type { RuntimeSetting, RuntimeSettings } from '#lib/wire/people-admin';
import { PEOPLE_STRINGS } from '../people/strings.ts';
import { useNow } from '../people/use-now.ts';
import { useSubmit } from '../people/use-submit.ts';
import { attempt } from './attempt.ts';
import { readSetting, settingText } from './setting-value.ts';
import { changeSetting } from './settings-api.ts';
import { ADMIN_STRINGS } from './strings/frame.ts';
import { SERVER_ADMIN_STRINGS } from './strings/server.ts';

const { settings: STRINGS } = SERVER_ADMIN_STRINGS;

interface SettingRowProps {
  setting: RuntimeSetting;
  onChange: (next: RuntimeSettings) => void;
}

/** A setting with its source. One of the environment is locked; a changed one can be restored. */
export function SettingRow({ setting, onChange }: SettingRowProps) {
  const { name, label, value, locked, source } = setting;
  const [text, setText] = useState(settingText(value));
  const [isWrong, setWrong] = useState(false);
  const isChanged = text !== settingText(value);
  const set = async (next: RuntimeSetting['value']) => onChange(await changeSetting(name, next));
  const before = source === 'changed' ? value : null;
  const undo = () => void attempt(() => set(before), STRINGS.undone(label));
  const { isBusy, error, submit } = useSubmit(async () => {
    const next = readSetting(setting, text);
    setWrong(next === undefined);
    if (next === undefined) return;
    await set(next);
    showToast({ text: STRINGS.changedNow(label), action: { label: PEOPLE_STRINGS.undo, run: undo } });
  });
  return (
    <li className="border-t py-4 first:border-t-0 first:pt-0">
      <form onSubmit={submit} className="flex flex-col gap-2">
        <SettingField
          setting={setting}
          text={text}
          error={isWrong ? STRINGS.wrongNumber : undefined}
          onChange={(next) => {
            setText(next);
            setWrong(false);
          }}
        />
        <div className="flex flex-wrap items-center gap-2 text-ink-3 text-xs empty:hidden">
          {locked ? (
            <span className="flex items-center gap-1.5">
              <Lock className="size-3.5" aria-hidden />
              {STRINGS.locked}
            </span>
          ) : null}
          {source === 'changed' ? <ChangeNote setting={setting} /> : null}
          {isChanged && !locked ? (
            <Button type="submit" kind="primary" size="sm" disabled={isBusy}>
              {isBusy ? ADMIN_STRINGS.saving : ADMIN_STRINGS.save}
            </Button>
          ) : null}
          {source === 'changed' && !locked && !isChanged ? (
            <IconButton
              label={STRINGS.restoreOf(label)}
              disabled={isBusy}
              onClick={() => void attempt(() => set(null), STRINGS.restored(label), undo)}
            >
              <RotateCcw className="size-4" aria-hidden />
            </IconButton>
          ) : null}
        </div>
        {error === undefined ? null : <Failure error={error} />}
      </form>
    </li>
  );
}

function ChangeNote({ setting: { changed_by: by, changed_at: at } }: Pick<SettingRowProps, 'setting'>) {
  const now = useNow();
  return at === null ? null : <span>{STRINGS.changed(by ?? ADMIN_STRINGS.title, formatAgo(at, now))}</span>;
}
