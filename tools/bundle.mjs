/** What npm run build and npm run build:sea share: how source becomes JavaScript that starts fast. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { chartFiles } from '../src/apps/admission/install/chart-files.ts';

export const root = resolve(import.meta.dirname, '..');

const IMPORT = /^import \{([^}]*)\} from '(node:[^']+)';$/gm;

/** @param {string} list @returns {{ name: string, local: string }[]} */
function names(list) {
  return list
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '' && !name.startsWith('type '))
    .map((name) => name.split(' as '))
    .map(([name = '', local = name]) => ({ name, local }));
}

const LATE = [
  'node:child_process',
  'node:dns/promises',
  'node:fs/promises',
  'node:http',
  'node:http2',
  'node:https',
  'node:module',
  'node:os',
  'node:sqlite',
  'node:tls',
  'node:zlib',
];

/**
 * These are looked up when they are called. It saves loading what most commands do without, such as TLS where none is
 * spoken (measured: 10 ms of 110); a start-up snapshot cannot hold some of them at all, because they keep handles of the
 * running process.
 */
function isLate(module, name) {
  return LATE.includes(module) || (module === 'node:net' && ['BlockList', 'connect'].includes(name));
}

export const banner = `const __standIns = new Map();
const __late = (module, name) => {
  const real = () => (__standIns.get(module) ?? process.getBuiltinModule(module))[name];
  return new Proxy(function () {}, {
    apply: (_, self, args) => Reflect.apply(real(), self, args),
    construct: (_, args) => Reflect.construct(real(), args),
    get: (_, key) => real()[key],
  });
};`;

/**
 * Takes Node's modules by process.getBuiltinModule instead of by import: an import reads every property of the module,
 * and one getter of node:http loads a whole HTTP client that nothing here uses (measured: 60 ms of 160).
 * @param {readonly string[]} late further modules that are looked up when they are called
 * @returns {import('esbuild').Plugin}
 */
export function takeBuiltins(late = []) {
  return {
    name: 'take-builtins',
    setup(build) {
      build.onLoad({ filter: /[\\/]src[\\/].*\.ts$/ }, ({ path }) => ({
        loader: 'ts',
        contents: readFileSync(path, 'utf8').replace(IMPORT, (_, list, module) => taken(list, module, late)),
      }));
    },
  };
}

/** @param {string} list @param {string} module @param {readonly string[]} late */
function taken(list, module, late) {
  return names(list)
    .map(
      ({ name, local }) =>
        `const ${local} = ${late.includes(module) || isLate(module, name) ? `__late('${module}', '${name}')` : `process.getBuiltinModule('${module}').${name}`};`,
    )
    .join(' ');
}

/**
 * Puts the Helm chart into the program. Before takeBuiltins, which reads every other module.
 * @type {import('esbuild').Plugin}
 */
export const carryChart = {
  name: 'carry-chart',
  setup(build) {
    build.onLoad({ filter: /[\\/]install[\\/]chart-files\.ts$/ }, () => ({
      loader: 'js',
      contents: `const files = ${JSON.stringify(chartFiles())};\nexport const chartFiles = () => files;`,
    }));
  },
};

export const common = {
  absWorkingDir: root,
  bundle: true,
  platform: 'node',
  // Names stay, so that a stack trace in a bug report says something.
  minifySyntax: true,
  minifyWhitespace: true,
  legalComments: 'none',
  logLevel: 'warning',
};
