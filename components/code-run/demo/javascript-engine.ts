import variant from '@jitl/quickjs-ng-wasmfile-release-sync';
import { newQuickJSWASMModuleFromVariant, newVariant, type QuickJSWASMModule } from 'quickjs-emscripten-core';
import { DEMO_MEMORY_BYTES } from './protocol.ts';

const PAGE_BYTES = 64 * 1024;
/** What the engine was linked to begin with. */
const FIRST_PAGES = 256;

/**
 * QuickJS for one program. Its memory is bounded by WebAssembly itself: the engine's own count does not know how large
 * what it was given really is. `wasm` is the engine's file, where it cannot be found beside its package.
 */
export function newJavascriptEngine(wasm?: ArrayBuffer): Promise<QuickJSWASMModule> {
  const wasmMemory = new WebAssembly.Memory({ initial: FIRST_PAGES, maximum: DEMO_MEMORY_BYTES / PAGE_BYTES });
  return newQuickJSWASMModuleFromVariant(
    newVariant(
      variant,
      wasm === undefined ? { wasmMemory } : { wasmMemory, wasmBinary: wasm, wasmLocation: 'handed in' },
    ),
  );
}
