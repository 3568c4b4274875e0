/** kubectl, as Debian's kubernetes-client or anybody else installs it, against a cluster of the tests' own. */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import type { TestContext } from 'node:test';
import { requirePath } from './vectors.ts';

const path =
  (process.env['PATH'] ?? '')
    .split(delimiter)
    .map((folder) => join(folder, 'kubectl'))
    .find((candidate) => existsSync(candidate)) ?? '/usr/bin/kubectl';

/** Call first in a test that runs kubectl, and return when it answers false. */
export function requireKubectl(t: Pick<TestContext, 'skip'>): boolean {
  return requirePath(t, path, 'kubectl', 'install the package kubernetes-client of Debian');
}

interface KubectlResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `kubectl ARGS` as the user of a token, the administrator when missing; what it reads from `-f -` is given as text. */
export type Kubectl = (args: readonly string[], stdin?: string) => Promise<KubectlResult>;

export function kubectlFor(t: Pick<TestContext, 'after'>, cluster: { kubeconfig(token?: string): string }, token?: string): Kubectl {
  const folder = mkdtempSync(join(tmpdir(), 'sealward-kubectl-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const kubeconfig = join(folder, 'config');
  writeFileSync(kubeconfig, cluster.kubeconfig(token), { mode: 0o600 });
  return (args, stdin = '') =>
    new Promise((resolve, reject) => {
      const child = spawn(path, [...args], { env: { PATH: process.env['PATH'] ?? '', HOME: folder, KUBECONFIG: kubeconfig }, timeout: 60_000 });
      let [stdout, stderr] = ['', ''];
      child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
      child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
      child.on('error', reject);
      child.on('close', (code) => resolve({ code: code ?? 1, stdout, stderr }));
      child.stdin.end(stdin);
    });
}
