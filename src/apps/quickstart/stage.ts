/** Runs commands as a user would type them, shows them with their answers, and holds each against what it must be. */
import { randomBytes } from 'node:crypto';
import { PassThrough, Readable } from 'node:stream';
import { type Invocation, type Io, main } from '../cli/index.ts';

/** The answer that a step must give. */
export interface Expected {
  readonly exit: number;
  /** The code in the JSON of the answer. */
  readonly code?: string;
}

interface Ran {
  readonly exit: number;
  readonly stdout: string;
  readonly stderr: string;
}

export class Stage {
  readonly #invocation: Invocation;
  readonly #folder: string;
  readonly #password = randomBytes(12).toString('base64url');
  readonly #started = performance.now();
  readonly #wrong: string[] = [];
  #steps = 0;
  #attacks = 0;

  constructor(invocation: Invocation, folder: string) {
    this.#invocation = invocation;
    this.#folder = folder;
  }

  /** Ctrl-C, or the end of the time of --timeout: whatever runs beside the stage ends with it. */
  get signal(): AbortSignal {
    return this.#invocation.signal;
  }

  title(text: string): void {
    this.#say('', this.#style('bold', text));
  }

  step(what: string, detail?: string): void {
    this.#say('', this.#style('bold', `${++this.#steps}. ${what}`));
    if (detail !== undefined) this.#say(`   ${detail}`);
  }

  attack(what: string): void {
    this.#say('', this.#style('yellow', `Attack ${++this.#attacks}. ${what}`));
  }

  /** Types a command: once to show its answer as a person sees it, and for answers with a code once more as a program does. */
  async command(what: string | undefined, argv: readonly string[], expected: Expected): Promise<void> {
    if (what !== undefined) this.step(what);
    const password = argv.includes('generate-key-pair') || (argv.includes('--key') && argv[0] !== 'verify') ? 'COSIGN_PASSWORD=... ' : '';
    this.#say(`   ${this.#style('cyan', `$ ${password}sealward ${argv.join(' ')}`)}`);
    const [name = '', ...rest] = argv;
    const shown = await this.#run(name === 'generate-key-pair' ? argv : [name, '-o', 'text', ...rest]);
    for (const line of `${shown.stdout}${shown.stderr}`.trimEnd().split('\n')) this.#say(`   ${line}`);
    const answer = expected.code === undefined ? undefined : codeOf((await this.#run([name, '-o', 'json', ...rest])).stdout);
    const right = shown.exit === expected.exit && answer === expected.code;
    if (right) return this.#say(`   ${this.#style('dim', `exit code ${shown.exit}, as it must be`)}`);
    this.#wrong.push(argv.join(' '));
    this.#say(
      `   ${this.#style('red', `WRONG: exit code ${shown.exit} (${answer ?? 'no code'}), and it must be ${expected.exit} (${expected.code ?? 'any code'})`)}`,
    );
  }

  /** What was asked of something that is no command, and what it said. */
  saw(asked: string, said: string, right: boolean): void {
    this.#say(`   ${this.#style('cyan', asked)}`, `   ${said}`);
    if (right) return this.#say(`   ${this.#style('dim', 'as it must be')}`);
    this.#wrong.push(asked);
    this.#say(`   ${this.#style('red', 'WRONG')}`);
  }

  end(): number {
    const seconds = ((performance.now() - this.#started) / 1000).toFixed(1);
    if (this.#wrong.length > 0) {
      this.#say('', this.#style('red', `${this.#wrong.length} of the answers were wrong. This is a bug: report it with the output above.`));
      return 1;
    }
    this.#say(
      '',
      this.#style('green', `Every answer was as it must be (${seconds} s).`),
      '',
      'Try next, with an image of your own:',
      '  sealward generate-key-pair',
      '  sealward sign --key cosign.key REGISTRY/IMAGE:TAG',
      '  sealward verify --key cosign.pub --insecure-ignore-tlog REGISTRY/IMAGE:TAG',
      '  sealward verify --explain ...     every place that was asked, every signature, the first check that failed',
      '  sealward tree REGISTRY/IMAGE:TAG  what is attached to an image, and by whom',
      'In this clone `npx sealward` stands for `sealward`; README.md says how to install it.',
    );
    return 0;
  }

  /** In the demonstration's own folder, so that the commands are those that a user would type in theirs. */
  async #run(argv: readonly string[]): Promise<Ran> {
    const { io: own } = this.#invocation.terminal;
    const [stdout, stderr] = [new PassThrough(), new PassThrough()];
    const text = Promise.all([stdout, stderr].map((stream) => readAll(stream)));
    const colour = own.stdout.isTTY === true && !this.#invocation.config.noColor;
    const io: Io = {
      stdin: Readable.from([]),
      stdout,
      stderr,
      signal: this.signal,
      environment: { ...own.environment, COSIGN_PASSWORD: this.#password, ...(colour ? { FORCE_COLOR: '1' } : {}) },
    };
    const before = process.cwd();
    process.chdir(this.#folder);
    try {
      const exit = await main(argv, io);
      stdout.end();
      stderr.end();
      const [out = '', error = ''] = await text;
      return { exit, stdout: out, stderr: error };
    } finally {
      process.chdir(before);
    }
  }

  #style(...args: Parameters<Invocation['terminal']['style']>): string {
    return this.#invocation.terminal.style(...args);
  }

  /** At once and not at the end, because this is a story; and no further when it was interrupted, for what then failed is no bug. */
  #say(...lines: readonly string[]): void {
    this.signal.throwIfAborted();
    for (const line of lines) this.#invocation.terminal.io.stdout.write(`${line}\n`);
  }
}

async function readAll(stream: PassThrough): Promise<string> {
  let text = '';
  for await (const chunk of stream) text += String(chunk);
  return text;
}

/** The code of the first answer in the JSON of a verify command. */
function codeOf(json: string): string | undefined {
  const parsed = JSON.parse(json) as { readonly code?: string }[];
  return parsed[0]?.code;
}
