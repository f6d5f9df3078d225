'use client';

import useSWR from 'swr';
import { Backends } from '#components/admin/backends';
import { BannerForm } from '#components/admin/banner-form';
import { SettingRow } from '#components/admin/setting-row';
import { Failure } from '#components/people/failure';
import { ListSkeleton, Section } from '#components/people/section';
import type { RuntimeSetting } from '#lib/wire/people-admin';
import { fetchSettings } from './settings-api.ts';
import { SERVER_ADMIN_STRINGS } from './strings/server.ts';

const { settings: STRINGS } = SERVER_ADMIN_STRINGS;

/** The banner, the settings that may change while the server runs, and the gateway's backends. */
export function Settings() {
  const { data, error, mutate } = useSWR('admin-settings', fetchSettings);
  return (
    <div className="flex flex-col">
      <p className="mb-6 text-ink-2 text-sm">{STRINGS.hint}</p>
      <BannerForm />
      {error === undefined ? null : <Failure error={error} onRetry={() => void mutate()} />}
      {data === undefined ? (
        error === undefined ? (
          <ListSkeleton />
        ) : null
      ) : (
        groupsOf(data.settings).map(([group, settings]) => (
          <Section key={group} title={group}>
            <ul className="flex flex-col">
              {settings.map((setting) => (
                <SettingRow
                  // Another value starts the field again.
                  key={`${setting.name} ${setting.source} ${setting.value}`}
                  setting={setting}
                  onChange={(next) => void mutate(next, { revalidate: false })}
                />
              ))}
            </ul>
          </Section>
        ))
      )}
      <Backends />
    </div>
  );
}

function groupsOf(settings: readonly RuntimeSetting[]): [string, RuntimeSetting[]][] {
  return [...Map.groupBy(settings, ({ group }) => group)];
}
