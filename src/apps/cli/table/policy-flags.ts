import type { Flags } from '../flag.ts';

/** By which policies, and where the image is to run. */
export const policyFlags = {
  policy: {
    type: 'strings',
    valueName: 'FILE',
    group: 'trust',
    summary: 'judge by these policies (files or folders) instead of by flags; beside a trust state that has policies they are asked on top of those',
  },
  namespace: {
    type: 'string',
    valueName: 'NAME',
    group: 'claims',
    summary: 'by policies: the namespace in which the image is to run; not known when not given',
  },
  'namespace-label': { type: 'strings', valueName: 'KEY=VALUE', group: 'claims', summary: 'by policies: a label of that namespace' },
  cluster: { type: 'string', valueName: 'NAME', group: 'claims', summary: 'by policies: the cluster' },
  environment: { type: 'string', valueName: 'NAME', group: 'claims', summary: 'by policies: the environment, such as production' },
  at: { type: 'string', valueName: 'TIME', group: 'claims', summary: 'by policies: judge as of then, as in 2026-01-31T12:00:00Z' },
} as const satisfies Flags;
