import { singleton } from '#lib/singletons';

/** The part of the model directory that is asked without loading the rest of it. */
interface KnownModels {
  isKnown(model: string): boolean;
}

/** Whether a server was last seen to list the model, or a setting names it. Does no I/O. */
export function isKnownModel(model: string): boolean {
  // No request has named a model before the directory is made.
  return holder().current?.isKnown(model) ?? false;
}

/** Sets the directory of this process. */
export function setKnownModels(models: KnownModels): void {
  holder().current = models;
}

function holder(): { current?: KnownModels } {
  return singleton<{ current?: KnownModels }>('models.known', () => ({}));
}
