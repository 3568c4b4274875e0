/** What the first image stands for, asked of the registry while the authority makes a certificate. */
import type { CallOptions, Registry } from '../../clients/registry/index.ts';
import type { Descriptor, Reference } from '../../core/artifact/index.ts';
import { describeImage } from '../../sdk/index.ts';

export interface DescribedEarly {
  readonly ask: () => void;
  /** Of the image at this place in the list; nothing where nobody asked. Throws what describeImage throws. */
  readonly of: (at: number) => Promise<{ readonly image?: Descriptor }>;
}

export function describedEarly(registry: Registry, [first]: readonly { readonly reference: Reference }[], call: CallOptions): DescribedEarly {
  let described: Promise<Descriptor> | undefined;
  return {
    ask() {
      described = first && describeImage(registry, first.reference, call);
      // Whoever signs hears of it.
      described?.catch(() => undefined);
    },
    of: async (at) => (at === 0 && described ? { image: await described } : {}),
  };
}
