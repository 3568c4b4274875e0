/** `sealward evidence gather`: asks registries for everything that judging may need. */
import { formatDigest, LAYOUT } from '../../../core/artifact/index.ts';
import { SealwardError } from '../../../core/errors.ts';
import { type GatheredEvidence, gatherEvidence, heldRegistry, inParallel } from '../../../sdk/index.ts';
import { type Answer, answerOfError, exitOfAll } from '../outcome.ts';
import { parseImages, registryFor, signatureRepository } from '../registry.ts';
import { visible, visibleJson } from '../visible.ts';
import { type EvidenceAsked, imagesOfFile, imagesOfPods, openFolder } from './asked.ts';

export async function gather(invocation: EvidenceAsked): Promise<number> {
  const { flags, terminal, config, form, signal, deadline } = invocation;
  const { 'from-file': file, 'from-cluster-list': pods } = flags;
  const named = [...invocation.arguments.slice(1), ...(file === undefined ? [] : imagesOfFile(file))];
  const running = pods === undefined ? [] : imagesOfPods(pods);
  if (named.length + running.length === 0)
    throw new SealwardError('ERR_USAGE', 'no images are named', { hint: 'Name images, or give --from-file or --from-cluster-list.' });
  // A pod may name what is no image; that takes nothing from the others.
  const unread = running.flatMap((name) => unreadable(name) ?? []);
  const images = parseImages([...new Set([...named, ...running.filter((name) => unread.every((one) => one.name !== name))])]);
  if (images.some(({ reference }) => reference.registry === LAYOUT))
    throw new SealwardError('ERR_USAGE', 'a folder needs no evidence: it is there', { hint: 'Gather images of registries.' });
  const store = openFolder(invocation, true);
  const registry = registryFor(flags, images, invocation);
  const held = heldRegistry({ store, registry, now: Date.now });
  const home = signatureRepository(config);
  let done = 0;
  const gathered = await inParallel(images, Math.min(4, flags['max-workers']), async ({ name, reference }) => {
    try {
      const found = await gatherEvidence({
        registry: held,
        reference,
        workers: flags['max-workers'],
        deadline,
        signal,
        ...(home ? { signatureRepository: home } : {}),
      });
      const missing = found.artifacts.flatMap(({ places }) => places.flatMap(({ cause }) => (cause ? [cause] : [])));
      terminal.progress(`gathering: ${++done} of ${images.length}`);
      const [cause] = missing;
      return {
        name,
        found,
        ...(cause ? { outcome: 'inconclusive' as const, code: cause.code, error: cause } : { outcome: 'verified' as const, code: 'VERIFIED' as const }),
      };
    } catch (error) {
      return { name, ...answerOfError(error) };
    }
  });
  signal.throwIfAborted();
  registry.close();
  const results = [...gathered, ...unread];
  if (form === 'json') {
    terminal.print(
      visibleJson(
        results.map((result) => ({
          image: result.name,
          ...('found' in result ? describe(result.found) : {}),
          ...('error' in result ? { error: { code: result.error.code, message: result.error.message } } : {}),
        })),
      ),
    );
  } else {
    for (const result of results)
      terminal.print(
        visible(
          'error' in result
            ? `${result.name}: not all could be gathered: ${result.error.message} (${result.error.code})`
            : `${result.name}: ${formatDigest(result.found.digest)}, ${result.found.artifacts.reduce((sum, { documents }) => sum + documents, 0)} documents`,
        ),
      );
  }
  return exitOfAll(results);
}

function unreadable(name: string): ({ readonly name: string; readonly error: SealwardError } & Answer) | undefined {
  try {
    parseImages([name]);
    return undefined;
  } catch (error) {
    if (!(error instanceof SealwardError) || error.family !== 'InputError') throw error;
    return { name, outcome: 'inconclusive', code: error.code, error };
  }
}

function describe({ digest, artifacts }: GatheredEvidence) {
  return {
    digest: formatDigest(digest),
    artifacts: artifacts.map((one) => ({
      digest: formatDigest(one.digest),
      documents: one.documents,
      places: one.places.map(({ name, state, left }) => ({ name, state, ...(left === undefined ? {} : { left }) })),
    })),
  };
}
