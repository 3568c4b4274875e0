/** What is inside an image, in CycloneDX 1.6 (ECMA-424). It says nothing of the day on which it was written, so the same image has the same SBOM. */
import { createHash } from 'node:crypto';
import type { JsonObject } from '../../src/core/encoding/index.ts';
import type { Architecture, LockedPackage } from './lock.ts';

export interface Bundled {
  readonly name: string;
  readonly version: string;
  /** As its package.json states it: an SPDX expression. */
  readonly license?: string;
}

export interface Inside {
  readonly version: string;
  readonly architecture: Architecture;
  /** The digest of the image's manifest, `sha256:...`. */
  readonly digest: string;
  readonly debian: readonly LockedPackage[];
  readonly node: { readonly name: string; readonly version: string };
  readonly bundled: readonly Bundled[];
}

export function sbomOf({ version, architecture, digest, debian, node, bundled }: Inside): JsonObject {
  const image = `pkg:oci/sealward@${encodeURIComponent(digest)}?arch=${architecture}`;
  const program = component('application', 'sealward', version, `pkg:generic/sealward@${version}`, 'Apache-2.0');
  const parts = [
    program,
    component('platform', 'node', node.version, `pkg:npm/${node.name}@${node.version}`, 'MIT'),
    ...debian.map((one) => {
      const purl = `pkg:deb/debian/${encodeURIComponent(one.name)}@${encodeURIComponent(one.version)}?arch=${one.architecture}`;
      return { ...component('library', one.name, one.version, purl), properties: [{ name: 'debian:deb:sha256', value: one.sha256 }] };
    }),
    ...bundled.map((one) => component('library', one.name, one.version, `pkg:npm/${one.name.replace('@', '%40')}@${one.version}`, one.license)),
  ];
  const serial = createHash('sha256').update(image).digest('hex');
  return {
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    serialNumber: `urn:uuid:${serial.slice(0, 8)}-${serial.slice(8, 12)}-8${serial.slice(13, 16)}-8${serial.slice(17, 20)}-${serial.slice(20, 32)}`,
    version: 1,
    metadata: { component: component('container', 'sealward', version, image) },
    components: parts,
    dependencies: [
      { ref: image, dependsOn: parts.filter(({ type }) => type !== 'library').map((part) => part['bom-ref']) },
      { ref: program['bom-ref'], dependsOn: bundled.map((one) => `pkg:npm/${one.name.replace('@', '%40')}@${one.version}`) },
    ],
  };
}

interface Component extends JsonObject {
  readonly type: string;
  readonly 'bom-ref': string;
}

function component(type: string, name: string, version: string, purl: string, license?: string): Component {
  return { type, 'bom-ref': purl, name, version, purl, ...(license === undefined ? {} : { licenses: [{ expression: license }] }) };
}
