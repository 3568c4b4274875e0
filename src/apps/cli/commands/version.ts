import type { Run } from '../invocation.ts';
import type { version } from '../table/about.ts';
import { VERSION } from '../version.ts';
import { visibleJson } from '../visible.ts';

export const run: Run<typeof version> = async ({ flags, terminal }) => {
  const facts = {
    version: VERSION,
    runtime: `node ${process.versions.node}`,
    openssl: process.versions.openssl,
    platform: `${process.platform}/${process.arch}`,
  };
  terminal.print(flags.json ? visibleJson(facts) : `sealward ${facts.version} (${facts.runtime}, OpenSSL ${facts.openssl}, ${facts.platform})`);
  return 0;
};
