/**
 * Policies of other tools, carried over: documents of Sealward, and a line for everything of which it is not obvious what
 * became of it. Never silently weaker: what cannot be carried over makes a policy that refuses its images, and says why.
 */
import { isMap, stringify } from 'yaml';
import type { JsonObject } from '../../encoding/index.ts';
import { compilePolicies } from '../compile.ts';
import type { ImportedPolicies, ImportLine, PolicyProblem, PolicySource } from '../compiled.ts';
import { readSource } from '../yaml-source.ts';
import { importContainersPolicy, importRegistriesFile } from './containers-policy.ts';
import { Foreign } from './foreign.ts';
import { importImageValidatingPolicy } from './image-validating-policy.ts';
import { importKyvernoPolicy } from './kyverno.ts';
import { importOpenShiftPolicy, openShiftScopes, type OpenShiftScope } from './openshift.ts';
import { importClusterImagePolicy, readTrustRoot, type TrustRoots } from './policy-controller.ts';
import { plainName, type WrittenPolicy, writePolicy } from './written.ts';

type Tool = 'policy-controller' | 'trust-root' | 'kyverno' | 'image-validating-policy' | 'openshift' | 'containers-policy' | 'registries.d';

export function importPolicies(sources: readonly PolicySource[]): ImportedPolicies {
  const problems: PolicyProblem[] = [];
  const report: ImportLine[] = [];
  const found = sources.flatMap((source) =>
    readSource(source, problems).flatMap(({ root, reading }) => {
      const document = new Foreign(root, reading, report);
      const items = document.at('kind').text() === 'List' ? document.at('items').items : [document];
      return items.flatMap((item) => {
        const tool = isMap(root) ? toolOf(item) : undefined;
        if (tool) return [{ tool, document: item }];
        reading.problem(
          root,
          'this is no policy of a tool that is known',
          'Known are policy-controller, Kyverno, containers policy.json and registries.d, and OpenShift.',
        );
        return [];
      });
    }),
  );
  if (problems.length > 0) return { ok: false, problems };
  const roots: TrustRoots = new Map(found.filter(({ tool }) => tool === 'trust-root').map(({ document }) => readTrustRoot(document)));
  const scopes = found.filter(({ tool }) => tool === 'openshift').flatMap(({ document }) => openShiftScopes(document));
  const documents = unique(found.flatMap(({ tool, document }) => carryOver(tool, document, roots, scopes).map((one) => soundOrRefused(one, document))));
  const text = documents.map((document) => stringify(document, { lineWidth: 120 })).join('---\n');
  return { ok: true, text, documents, report: [...report].sort((a, b) => (a.source < b.source ? -1 : a.source > b.source ? 1 : a.line - b.line)) };
}

/** What the compiler would refuse denies instead: a document that is not understood must not stop the others, nor let anything through. */
function soundOrRefused(written: JsonObject, document: Foreign): JsonObject {
  const problems = problemsOf(written);
  if (problems.length === 0) return written;
  const refuse = problems.map(({ message }) => message);
  document.note('not-mapped', refuse.join('; '));
  const { name } = written.metadata as { name: string };
  const { match, mode } = written.spec as { match?: WrittenPolicy['match']; mode?: 'warn' | 'audit' };
  const refusal = writePolicy({ name, ...(match ? { match } : {}), ...(mode ? { mode } : {}), refuse });
  // When it is the scope that is not understood, nobody knows which images were meant.
  return problemsOf(refusal).length === 0 ? refusal : writePolicy({ name: plainName(name), refuse });
}

/** Files that a policy names are looked for where it will lie, not here. */
function problemsOf(document: JsonObject): readonly PolicyProblem[] {
  const result = compilePolicies([{ name: 'imported', text: JSON.stringify(document) }], { filesLater: true });
  return result.ok ? [] : result.problems;
}

function toolOf(document: Foreign): Tool | undefined {
  const version = document.at('apiVersion').textOrEmpty();
  const kind = document.at('kind').textOrEmpty();
  if (version.startsWith('policy.sigstore.dev/')) return kind === 'ClusterImagePolicy' ? 'policy-controller' : kind === 'TrustRoot' ? 'trust-root' : undefined;
  if (version.startsWith('kyverno.io/') && ['ClusterPolicy', 'Policy'].includes(kind)) return 'kyverno';
  if (version.startsWith('policies.kyverno.io/') && ['ImageValidatingPolicy', 'NamespacedImageValidatingPolicy'].includes(kind))
    return 'image-validating-policy';
  if (version.startsWith('config.openshift.io/') && ['ClusterImagePolicy', 'ImagePolicy'].includes(kind)) return 'openshift';
  if (version !== '') return undefined;
  if (document.at('default').items.length > 0 || document.at('transports').isThere) return 'containers-policy';
  return document.at('docker').isThere || document.at('default-docker').isThere ? 'registries.d' : undefined;
}

function carryOver(tool: Tool, document: Foreign, roots: TrustRoots, scopes: readonly OpenShiftScope[]): JsonObject[] {
  switch (tool) {
    case 'policy-controller':
      return importClusterImagePolicy(document, roots);
    case 'trust-root':
      return [];
    case 'kyverno':
      return importKyvernoPolicy(document);
    case 'image-validating-policy':
      return importImageValidatingPolicy(document);
    case 'openshift':
      return importOpenShiftPolicy(document, scopes);
    case 'containers-policy':
      return importContainersPolicy(document);
    case 'registries.d':
      return importRegistriesFile(document);
  }
}

/** Tools keep their policies by kind; here each has a name of its own. */
function unique(documents: readonly JsonObject[]): JsonObject[] {
  const seen = new Map<string, number>();
  return documents.map((document) => {
    const { name } = document.metadata as { name: string };
    const times = (seen.get(name) ?? 0) + 1;
    seen.set(name, times);
    return times === 1 ? document : { ...document, metadata: { name: `${name.slice(0, 245)}-${times}` } };
  });
}
