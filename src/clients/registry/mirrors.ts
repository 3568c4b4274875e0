/** Reading through mirrors: each is tried before the registry itself, and none of them has the last word on "absent". */
import type { Lookup, RepositoryName } from '../../core/artifact/index.ts';
import { asLookup } from './answers.ts';
import type { Call, Site, Wire } from './wire.ts';

/**
 * The first mirror that has an answer, else what the registry itself says.
 * @param isAnswer whether a complete answer of a mirror is enough; an empty list of a mirror is not.
 */
export async function throughMirrors<T>(
  wire: Wire,
  name: RepositoryName,
  call: Call,
  ask: (site: Site, call: Call) => Promise<Lookup<T>>,
  isAnswer: (value: T) => boolean,
): Promise<Lookup<T>> {
  return asLookup(async () => {
    // Both before the first request, so that an allow-list is asked about all of them before any I/O.
    const origin = wire.endpoints.origin(name);
    const mirrors = wire.endpoints.mirrors(name);
    for (const [at, endpoint] of mirrors.entries()) {
      const found = await asLookup(() => ask({ endpoint, name }, share(wire, call, mirrors.length - at)));
      if (found.state === 'complete' && isAnswer(found.value)) return found;
    }
    return ask({ endpoint: origin, name }, call);
  });
}

/** A mirror that does not answer must leave time for those after it. */
function share(wire: Wire, call: Call, after: number): Call {
  const now = wire.http.clock.now();
  return { ...call, deadline: now + (call.deadline - now) / (after + 1) };
}
