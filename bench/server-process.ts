/** The servers of the benchmark run in processes of their own, so that they take no time of what is measured. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

export interface Server {
  /** `127.0.0.1:PORT` */
  readonly host: string;
  /** How many it has seen since its start. */
  requests(): Promise<number>;
  readonly pid: number;
  stop(): Promise<void>;
}

/** Starts a module of this folder that calls `serve`. */
export async function startServer(module: string, ...args: readonly string[]): Promise<Server> {
  const child = fork(join(import.meta.dirname, module), [...args]);
  const gone = once(child, 'exit').then(([code]) => {
    throw new Error(`${module} ended with ${code}`);
  });
  gone.catch(() => undefined);
  process.on('exit', () => child.kill('SIGKILL'));
  const answer = async <T>(): Promise<T> => (await Promise.race([once(child, 'message'), gone]))[0] as T;
  return {
    host: await answer<string>(),
    pid: child.pid as number,
    requests() {
      child.send('requests');
      return answer<number>();
    },
    async stop() {
      child.kill('SIGKILL');
      await gone.catch(() => undefined);
    },
  };
}

/** The other side: says where it listens, and answers how many requests it has seen. */
export function serve(host: string, requests: () => number): void {
  process.on('message', () => process.send?.(requests()));
  process.send?.(host);
}
