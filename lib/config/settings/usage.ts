import { setting } from '#lib/config/settings/setting';
import { wholeNumber } from '#lib/config/settings/value-schemas';

export const USAGE_SETTINGS = {
  USAGE_RETENTION_DAYS: setting(
    wholeNumber(1, 3_660),
    '400',
    'Days for which usage is kept: who sent how many requests to which model, without any text.',
  ),
};
