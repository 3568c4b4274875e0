/** Where the PKCS#11 module lies that a URI or the environment names. */
import { existsSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import { SealwardError } from '../../core/errors.ts';
import type { Pkcs11Uri } from './pkcs11-uri.ts';
import type { Environment } from './provider.ts';

/** Where distributions put modules, for module-name; %s is the machine's triplet. */
const FOLDERS = [
  '/usr/lib/%s/pkcs11',
  '/usr/lib64/pkcs11',
  '/usr/lib/pkcs11',
  '/usr/lib/softhsm',
  '/usr/lib64/softhsm',
  '/usr/local/lib/pkcs11',
  '/usr/local/lib/softhsm',
  '/opt/homebrew/lib/pkcs11',
  '/opt/homebrew/lib/softhsm',
  '/usr/local/lib',
  '/opt/homebrew/lib',
];
const TRIPLETS: Readonly<Record<string, string>> = { x64: 'x86_64-linux-gnu', arm64: 'aarch64-linux-gnu' };
const ENDINGS: Readonly<Record<string, string>> = { darwin: '.dylib', win32: '.dll' };

export function modulePath(uri: Pkcs11Uri, environment: Environment, name: string): string {
  const path = uri.modulePath ?? (uri.moduleName === undefined ? environment['COSIGN_PKCS11_MODULE_PATH'] || undefined : byName(uri.moduleName, name));
  if (path === undefined)
    throw new SealwardError('ERR_KEY_PROVIDER_MISSING', `nothing says which PKCS#11 module reaches ${name}`, {
      hint: 'Add ?module-path=/path/to/module.so, or set COSIGN_PKCS11_MODULE_PATH.',
    });
  if (!isAbsolute(path))
    throw new SealwardError('ERR_KEY_REFERENCE', `the PKCS#11 module ${path} is not named by an absolute path`, {
      hint: 'Write COSIGN_PKCS11_MODULE_PATH=/path/to/module.so.',
    });
  // Said here, where it is plain: what dlopen says is not.
  if (!existsSync(path))
    throw new SealwardError('ERR_KEY_PROVIDER_MISSING', `there is no PKCS#11 module at ${path}`, {
      hint: 'Check module-path, and that the software of the token is installed.',
    });
  return path;
}

/** RFC 7512 section 2.4: the name without path, "lib" and ending. */
function byName(module: string, name: string): string {
  const ending = ENDINGS[process.platform] ?? '.so';
  const folders = FOLDERS.map((folder) => folder.replace('%s', TRIPLETS[process.arch] ?? process.arch));
  const found = folders.flatMap((folder) => [join(folder, `${module}${ending}`), join(folder, `lib${module}${ending}`)]).find((path) => existsSync(path));
  if (found === undefined)
    throw new SealwardError('ERR_KEY_PROVIDER_MISSING', `there is no PKCS#11 module "${module}" for ${name} in the folders of this system`, {
      hint: 'Give its whole path with module-path.',
    });
  return found;
}
