import { samples as bash } from '#lib/languages/bash/samples';
import { samples as c } from '#lib/languages/c/samples';
import { samples as cpp } from '#lib/languages/cpp/samples';
import { samples as go } from '#lib/languages/go/samples';
import type { LanguageId } from '#lib/languages/infos';
import { samples as java } from '#lib/languages/java/samples';
import { samples as javascript } from '#lib/languages/javascript/samples';
import type { SamplePrograms } from '#lib/languages/language-info';
import { samples as python } from '#lib/languages/python/samples';
import { samples as rust } from '#lib/languages/rust/samples';
import { samples as typescript } from '#lib/languages/typescript/samples';

/** The sample programs of the playground. Only that page loads them. */
export const SAMPLES: Readonly<Record<LanguageId, SamplePrograms>> = {
  python,
  javascript,
  typescript,
  java,
  cpp,
  go,
  rust,
  c,
  bash,
};
