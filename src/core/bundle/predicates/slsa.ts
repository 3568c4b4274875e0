/** SLSA provenance, v1 (slsa.dev/spec/v1.0/provenance) and v0.2 (slsa.dev/provenance/v0.2). */
import type { Shape } from './shape.ts';

/** The members that the specification marks as required are demanded; the others are checked where they stand. */
export function checkSlsaV1(root: Shape): void {
  const definition = root.at('buildDefinition');
  definition.at('buildType').uri();
  // A build without parameters has an empty object: the member itself is required, "BuildDefinition".
  definition.at('externalParameters').object();
  definition.maybe('internalParameters', (it) => it.object());
  definition.maybe('resolvedDependencies', checkDescriptors);
  const run = root.at('runDetails');
  const builder = run.at('builder');
  builder.at('id').uri();
  builder.maybe('builderDependencies', checkDescriptors);
  builder.maybe('version', (it) => {
    for (const [, version] of it.members()) version.string();
  });
  run.maybe('metadata', (metadata) => {
    metadata.maybe('invocationId', (it) => it.string());
    checkSpan(metadata, 'startedOn', 'finishedOn');
  });
  run.maybe('byproducts', checkDescriptors);
}

function checkDescriptors(list: Shape): void {
  for (const item of list.list()) checkDescriptor(item);
}

/** in-toto/attestation spec/v1/resource_descriptor.md */
function checkDescriptor(item: Shape): void {
  // "one of uri, digest, or content is REQUIRED"
  if (['uri', 'digest', 'content'].every((name) => item.at(name).absent)) item.refuse('a resource with a uri, a digest or its content');
  item.maybe('uri', (it) => it.uri());
  item.maybe('digest', checkDigests);
  for (const name of ['name', 'content', 'downloadLocation', 'mediaType']) item.maybe(name, (it) => it.string());
  item.maybe('annotations', (it) => it.object());
}

/** in-toto/attestation spec/v1/digest_set.md: "the digest value MUST be lower-case hex" but for those that say otherwise, such as dirHash. */
function checkDigests(set: Shape): void {
  const digests = set.members();
  if (digests.length === 0) set.refuse('at least one digest');
  for (const [algorithm, digest] of digests) {
    if (/^(?:sha\d|git)/i.test(algorithm)) digest.matching(/^(?:[0-9a-f]{2})+$/, 'a digest in lower-case hexadecimal');
    else digest.text('a digest');
  }
}

/** Two times of which the second is not before the first. */
export function checkSpan(metadata: Shape, first: string, second: string): void {
  let from: number | undefined;
  metadata.maybe(first, (it) => {
    from = it.time();
  });
  metadata.maybe(second, (it) => {
    if (it.time() < (from ?? Number.NEGATIVE_INFINITY)) it.refuse(`a time not before ${first}`);
  });
}

export function checkSlsaV02(root: Shape): void {
  root.at('builder').at('id').uri();
  root.at('buildType').uri();
  root.maybe('invocation', (invocation) => {
    invocation.maybe('configSource', (source) => {
      source.maybe('uri', (it) => it.uri());
      source.maybe('digest', checkDigests);
      source.maybe('entryPoint', (it) => it.string());
    });
    // "parameters (object)", "environment (object)"; builders write lists of parameters, too.
    invocation.maybe('environment', (it) => it.object());
  });
  root.maybe('metadata', (metadata) => {
    metadata.maybe('buildInvocationId', (it) => it.string());
    checkSpan(metadata, 'buildStartedOn', 'buildFinishedOn');
    metadata.maybe('completeness', (completeness) => {
      for (const name of ['parameters', 'environment', 'materials']) completeness.maybe(name, (it) => it.boolean());
    });
    metadata.maybe('reproducible', (it) => it.boolean());
  });
  root.maybe('materials', (materials) => {
    for (const material of materials.list()) {
      material.maybe('uri', (it) => it.uri());
      material.maybe('digest', checkDigests);
    }
  });
}

/** in-toto's link, as its Go library and cosign demand it: every member, with artifacts as maps of digests. */
export function checkLink(root: Shape): void {
  root.at('_type').oneOf(['link']);
  root.at('name').string();
  for (const artifacts of ['materials', 'products']) {
    for (const [, digests] of root.at(artifacts).members()) for (const [, digest] of digests.members()) digest.text('a digest');
  }
  root.at('byproducts').object();
  for (const word of root.at('command').list()) word.string();
  root.at('environment').object();
}
