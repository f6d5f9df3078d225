'use client';

import { useState } from 'react';
import useSWR from 'swr';
import { Failure } from '#components/people/failure';
import { TextAreaField } from '#components/people/field';
import { LoadState } from '#components/people/load-state';
import { Section } from '#components/people/section';
import { Segments } from '#components/people/segments';
import { Button } from '#components/ui/button';
import { fetchBanner } from '#lib/browser/banner';
import { showToast } from '#lib/browser/toasts';
import type { Banner } from '#lib/wire/people-admin';
import { useSubmit } from '../people/use-submit.ts';
import { attempt } from './attempt.ts';
import { removeBanner, showBanner } from './settings-api.ts';
import { SERVER_ADMIN_STRINGS } from './strings/server.ts';

const { settings: STRINGS } = SERVER_ADMIN_STRINGS;
const KINDS = ['info', 'warn'] as const;
const MAX_LENGTH = 300;

/** One message to everyone, on top of every page. */
export function BannerForm() {
  const { data, error, mutate } = useSWR('banner', fetchBanner);
  return (
    <Section title={STRINGS.banner} hint={STRINGS.bannerHint}>
      <LoadState data={data} error={error} onRetry={() => void mutate()} rows={1} />
      {data === undefined ? null : (
        <Form
          key={`${data?.kind} ${data?.text}`}
          shown={data}
          onChange={(next) => void mutate(next, { revalidate: false })}
        />
      )}
    </Section>
  );
}

function Form({ shown, onChange }: { shown: Banner | null; onChange: (next: Banner | null) => void }) {
  const [text, setText] = useState(shown?.text ?? '');
  const [kind, setKind] = useState<Banner['kind']>(shown?.kind ?? 'info');
  const show = async (banner: Banner) => {
    await showBanner(banner);
    onChange(banner);
  };
  const { isBusy, error, submit } = useSubmit(async () => {
    await show({ text: text.trim(), kind });
    showToast({ text: STRINGS.bannerShown });
  });
  const remove = () => {
    if (shown === null) return;
    const before = shown;
    void attempt(
      async () => {
        await removeBanner();
        onChange(null);
      },
      STRINGS.bannerRemoved,
      () => void attempt(() => show(before), STRINGS.bannerShown),
    );
  };
  return (
    <form onSubmit={submit} className="flex flex-col gap-3">
      <TextAreaField
        label={STRINGS.bannerText}
        required
        maxLength={MAX_LENGTH}
        rows={2}
        value={text}
        onChange={setText}
      />
      <div className="flex flex-wrap items-center gap-2">
        <Segments
          label={STRINGS.bannerKind}
          value={kind}
          options={KINDS}
          names={STRINGS.bannerKinds}
          onChange={setKind}
        />
        <span className="flex-1" />
        {shown === null ? null : <Button onClick={remove}>{STRINGS.bannerHide}</Button>}
        <Button type="submit" kind="primary" disabled={isBusy}>
          {STRINGS.bannerShow}
        </Button>
      </div>
      {error === undefined ? null : <Failure error={error} />}
    </form>
  );
}
