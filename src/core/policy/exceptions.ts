/** Which exceptions lift a policy for an image in a place. What is not known never widens: there an exception must be certain. */
import type { ImageException, ImagePolicy } from './policy.ts';
import { type AskedImage, formsOf, isAbout, type Place, reachOf } from './scope.ts';

/** By name, so that the order in which they were written changes nothing. Whether it is their time is for the judge. */
export function exceptionsFor(exceptions: readonly ImageException[], policy: ImagePolicy, image: AskedImage, place: Place): readonly ImageException[] {
  if (exceptions.length === 0) return exceptions;
  return exceptions.filter((one) => lifts(one, policy, image, place)).sort((a, b) => (a.name < b.name ? -1 : 1));
}

function lifts({ scope, digests, policies }: ImageException, policy: ImagePolicy, image: AskedImage, place: Place): boolean {
  if (policies.length > 0 && !policies.includes(policy.name)) return false;
  if (digests.length > 0 && !digests.includes(image.digest)) return false;
  if (isAbout(scope, formsOf(image))) return false;
  if (scope.clusters.length > 0 && place.cluster === undefined) return false;
  if (scope.environments.length > 0 && place.environment === undefined) return false;
  if (scope.namespaceLabels.length > 0 && place.namespaceLabels === undefined) return false;
  const reach = reachOf(scope, place);
  return reach === 'cluster-wide' || reach === 'in-namespace';
}
