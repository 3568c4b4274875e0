/** One Registry for both kinds of references: `oci:PATH` goes to the folder, everything else to the network. */
import { LAYOUT, type RepositoryName } from '../../core/artifact/index.ts';
import { RegistryClient, type RegistryClientOptions } from './client.ts';
import { LayoutRegistry } from './layout.ts';
import type { Registry } from './registry.ts';

/** A registry with the connections that lead to it. */
export type OpenRegistry = Registry & Pick<RegistryClient, 'connectEarly' | 'close'>;

export function openRegistry(options: RegistryClientOptions = {}): OpenRegistry {
  const remote = new RegistryClient(options);
  const folders = new LayoutRegistry(options.http === undefined ? {} : { clock: options.http.clock });
  const of = (name: RepositoryName): Registry => (name.registry === LAYOUT ? folders : remote);
  return {
    resolve: (reference, call) => of(reference).resolve(reference, call),
    describe: (reference, call) => of(reference).describe(reference, call),
    manifest: (name, target, call) => of(name).manifest(name, target, call),
    blob: (name, target, call) => of(name).blob(name, target, call),
    blobStream: (name, target, call) => of(name).blobStream(name, target, call),
    referrers: (name, digest, call) => of(name).referrers(name, digest, call),
    isMirrored: (name) => of(name).isMirrored(name),
    attachment: (name, digest, kind, call) => of(name).attachment(name, digest, kind, call),
    tags: (name, call) => of(name).tags(name, call),
    pushBlob: (name, digest, size, source, call) => of(name).pushBlob(name, digest, size, source, call),
    pushManifest: (name, bytes, call) => of(name).pushManifest(name, bytes, call),
    attach: (name, attachment, call) => of(name).attach(name, attachment, call),
    editTag: (name, tag, edit, call) => of(name).editTag(name, tag, edit, call),
    deleteManifest: (name, target, call) => of(name).deleteManifest(name, target, call),
    connectEarly: (name) => {
      if (name.registry !== LAYOUT) remote.connectEarly(name);
    },
    close: () => remote.close(),
  };
}
