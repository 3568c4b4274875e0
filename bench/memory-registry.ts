/** The registry of src/testing as a process of its own. */
import { MemoryRegistry } from '../src/testing/index.ts';
import { serve } from './server-process.ts';

const registry = await MemoryRegistry.start();
serve(registry.host, () => registry.journal.length);
