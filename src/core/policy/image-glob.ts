/**
 * Patterns over the names of images, by the habits of cosign and Kubernetes: `*` within one part of the name, `**` across
 * parts; without a tag or a digest a pattern is about the repository, whatever its tag; a registry that is not written is
 * Docker Hub, as everywhere. They are compared with `registry/repository`, `…:tag` and `…@digest`.
 */
import { DOCKER_HUB, quoted } from '../artifact/index.ts';
import { compileGlob } from './glob.ts';
import type { TextPattern } from './policy.ts';
import { checkGlob, invalid } from './text-pattern.ts';

/** Characters of names, tags and digests, and the star. */
const ALLOWED = /^[A-Za-z0-9._:/@[\]*-]+$/;

/** The text of the pattern has the defaults written out. Throws ERR_PATTERN_INVALID, with what is wrong and what was probably meant. */
export function imageGlob(written: string): TextPattern {
  checkGlob(written);
  if (!ALLOWED.test(written)) throw invalid(written, 'only letters, digits, . _ - : / @ [ ] and stars can stand in it');
  if (written.startsWith('/') || written.includes('//')) throw invalid(written, 'a part of the name is empty, so that it can match nothing');
  const text = withDefaults(written);
  checkParts(text, written);
  return { text, ...compileGlob(text) };
}

/**
 * Docker's defaults: `alpine` is `docker.io/library/alpine`, `team/*` is `docker.io/team/*`. A first part that can only be
 * a host is left as it is; so is one that starts with `**`.
 */
function withDefaults(written: string): string {
  if (written.startsWith('**')) return written;
  const slash = written.indexOf('/');
  const first = slash < 0 ? '' : written.slice(0, slash);
  if (slash >= 0 && (first === 'localhost' || /[.:[]/.test(first) || first.includes('**'))) {
    const named = written.replace(/^index\.docker\.io\//, `${DOCKER_HUB}/`);
    // Official images are in `library`, and `docker.io/alpine` means one of them.
    return named.replace(/^docker\.io\/(?=[^/]+$)(?!\*\*)/, `${DOCKER_HUB}/library/`);
  }
  return slash < 0 ? `${DOCKER_HUB}/library/${written}` : `${DOCKER_HUB}/${written}`;
}

/** What no name of an image can ever be is a mistake, and would leave images unjudged that somebody meant. */
function checkParts(text: string, written: string): void {
  const nothing = (why: string, hint?: string): never => {
    throw invalid(written, `${why}, so that it can match nothing`, hint === undefined ? {} : { hint });
  };
  const at = text.indexOf('@');
  const digest = at < 0 ? '*' : text.slice(at + 1);
  if (!digest.includes('*') && !/^(?:sha256:[0-9a-f]{64}|sha384:[0-9a-f]{96}|sha512:[0-9a-f]{128})$/.test(digest)) {
    nothing('its digest is none', 'A digest is sha256: and 64 digits in lower-case hexadecimal.');
  }
  if (digest.includes('@') || digest.includes('/')) nothing('its digest is none');
  const name = at < 0 ? text : text.slice(0, at);
  const slash = name.indexOf('/');
  // Behind the last slash a colon begins the tag; before the first one it begins the port.
  const colon = name.lastIndexOf(':');
  const tag = colon > name.lastIndexOf('/') && slash >= 0 ? name.slice(colon + 1) : undefined;
  if (tag !== undefined && at >= 0) nothing('it has both a tag and a digest', 'Where a digest is asked for, the tag says nothing: leave it out.');
  const repository = slash < 0 ? '' : name.slice(slash + 1, tag === undefined ? undefined : colon);
  const host = slash < 0 ? name : name.slice(0, slash);
  if (/[A-Z]/.test(repository)) nothing('names of repositories are in lower case');
  if (/[A-Z]/.test(host)) nothing('names of registries are compared in lower case');
  if (/[:@[\]]/.test(repository)) nothing('no repository has such a name');
  if (/^[-.]|[-.]$|\/[-.]|[-.]\//.test(repository)) nothing('no part of a repository begins or ends with . or -');
  if (slash < 0 && !host.startsWith('**')) nothing('it names no repository', `Write ${quoted(`${written}/**`)} for all of a registry.`);
  if (name.endsWith('/')) nothing('it ends with a slash', `Write ${quoted(`${written}**`)} for all that is below.`);
  if (tag === '' || digest === '' || (tag !== undefined && /^[.-]/.test(tag))) nothing('its tag or digest is none');
}
