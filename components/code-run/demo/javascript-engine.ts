import variant from '@jitl/quickjs-ng-wasmfile-release-sync';
import { newQuickJSWASMModuleFromVariant, newVariant, type QuickJSWASMModule } from 'quickjs-emscripten-core';
import { DEMO_MEMORY_BYTES } from './protocol.ts';

const PAGE_BYTES = 64 * 1024;
/** The initial memory that the engine was linked with. */
const FIRST_PAGES = 256;

/**
 * QuickJS for one program. WebAssembly bounds its memory, because the engine underestimates its
 * allocations. `wasm` is the engine's file, if it cannot be resolved from its package.
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
