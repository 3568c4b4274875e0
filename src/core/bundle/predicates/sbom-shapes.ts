/** SBOMs: SPDX 2 and 3, and CycloneDX. What the specifications demand of every document, not every rule of theirs. */
import { LIMITS } from '../../encoding/index.ts';
import type { Shape } from './shape.ts';

/** What a document names itself, for the sentences that refuse it elsewhere. */
export const SPDX_VERSIONS = ['SPDX-2.2', 'SPDX-2.3'] as const;
export const CYCLONEDX_VERSIONS = ['1.2', '1.3', '1.4', '1.5', '1.6', '1.7'] as const;

/** SPDX specification 2.3, clauses 6 (document), 7 (package), 8 (file) and 11 (relationship), in the JSON of its schema. */
export function checkSpdx2(root: Shape): void {
  root.at('spdxVersion').oneOf(SPDX_VERSIONS);
  // 6.2: "Compliance with the SPDX specification includes populating the fields with data under CC0-1.0".
  root.at('dataLicense').oneOf(['CC0-1.0']);
  // 6.3
  root.at('SPDXID').oneOf(['SPDXRef-DOCUMENT']);
  root.at('name').text('the name of the document');
  // 6.5: "a unique absolute Uniform Resource Identifier ... with the exception of the '#' delimiter"
  root.at('documentNamespace').matching(/^[A-Za-z][A-Za-z0-9+.-]*:[^\s#]+$/, 'an absolute URI without #');
  const creation = root.at('creationInfo');
  creation.at('created').time();
  const creators = creation.at('creators').list();
  if (creators.length === 0) creation.at('creators').refuse('at least one creator');
  for (const creator of creators) creator.matching(/^(?:Tool|Person|Organization): ?\S/, 'Tool:, Person: or Organization: with a name');
  root.maybe('packages', (packages) => {
    for (const item of packages.list()) {
      checkSpdxId(item);
      item.at('name').text('the name of the package');
      // 7.7: mandatory, one
      item.at('downloadLocation').text('a location, NONE or NOASSERTION');
    }
  });
  root.maybe('files', (files) => {
    for (const item of files.list()) {
      checkSpdxId(item);
      item.at('fileName').text('the name of the file');
    }
  });
  root.maybe('relationships', (relationships) => {
    for (const item of relationships.list()) for (const name of ['spdxElementId', 'relatedSpdxElement', 'relationshipType']) item.at(name).text();
  });
}

/** 7.2: "SPDXRef-" and a string of letters, numbers, "." and "-"; some tools write "_", too, and every reader takes it. */
function checkSpdxId(item: Shape): void {
  item.at('SPDXID').matching(/^SPDXRef-[A-Za-z0-9.+_-]+$/, 'SPDXRef- with letters, digits, dots and hyphens');
}

/** SPDX 3.0, clause on serialization: a JSON-LD document of one context and one graph. */
export function checkSpdx3(root: Shape): void {
  root.at('@context').matching(/^https:\/\/spdx\.org\/rdf\/3\.\d+(?:\.\d+)?\/spdx-context\.jsonld$/, 'the context of SPDX 3');
  const graph = root.at('@graph').list();
  if (graph.length === 0) root.at('@graph').refuse('a list with the elements of the document');
  for (const element of graph) element.at('type').text('the type of the element');
}

/** CycloneDX 1.2 to 1.7, ecma-international.org ECMA-424 and the JSON schemas of each version. */
export function checkCycloneDx(root: Shape): void {
  root.at('bomFormat').oneOf(['CycloneDX']);
  const version = root.at('specVersion').oneOf(CYCLONEDX_VERSIONS);
  root.maybe('serialNumber', (it) => it.matching(/^urn:uuid:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/, 'urn:uuid: with a UUID in lower-case hexadecimal'));
  // Required up to 1.4; 1.5 gives it a default.
  if (Number(version.slice(2)) <= 4) root.at('version').integer(1);
  else root.maybe('version', (it) => it.integer(1));
  root.maybe('metadata', (metadata) => {
    metadata.maybe('timestamp', (it) => it.time());
    metadata.maybe('component', (component) => checkComponent(component, 1));
  });
  root.maybe('components', (components) => checkComponents(components, 1));
  root.maybe('dependencies', (dependencies) => {
    for (const item of dependencies.list()) {
      item.at('ref').text('the reference of a component');
      item.maybe('dependsOn', (refs) => {
        for (const ref of refs.list()) ref.text('the reference of a component');
      });
    }
  });
  root.maybe('vulnerabilities', (vulnerabilities) => {
    for (const item of vulnerabilities.list()) item.object();
  });
}

function checkComponents(components: Shape, depth: number): void {
  // Values that a caller built, rather than parsed, may be nested deeper than any parser would take.
  if (depth > LIMITS.jsonDepth) components.refuse(`nested at most ${LIMITS.jsonDepth} levels deep`);
  for (const component of components.list()) checkComponent(component, depth);
}

function checkComponent(component: Shape, depth: number): void {
  component.at('type').text('the type of the component');
  component.at('name').string();
  component.maybe('components', (inner) => checkComponents(inner, depth + 1));
}
