/**
 * The shapes of one command and its flags. The table (table/) is data in these shapes; the parser, the help, the shell
 * completion and the reference page are all made from it, and the types of the parsed values as well.
 */

export type FlagGroup = 'signer' | 'trust' | 'claims' | 'registry' | 'input' | 'output' | 'key' | 'general';

/** A flag that is still accepted, with one warning on stderr. */
export interface Deprecation {
  /** What to do instead, as the end of the sentence "--flag is deprecated: ...". */
  readonly note: string;
  /** The flag of the same type that takes the value over, where there is one. */
  readonly to?: string;
}

interface FlagBase {
  /** One letter, without the dash. */
  readonly short?: string;
  readonly summary: string;
  readonly group: FlagGroup;
  /** The environment variable that is used when the flag is not given; the value is read in config.ts. */
  readonly env?: string;
  readonly hidden?: boolean;
  readonly deprecated?: Deprecation;
  /** Another spelling of this flag of the same type, as another tool names it; no warning is due. */
  readonly sameAs?: string;
  /** Flags of which one must be given, or this one says nothing. */
  readonly needs?: readonly string[];
}

export interface BooleanFlag extends FlagBase {
  readonly type: 'boolean';
  /** false, when nothing is said. */
  readonly default?: boolean;
}
export interface StringFlag extends FlagBase {
  readonly type: 'string';
  readonly valueName: string;
  readonly default?: string;
}
/** May be given several times. */
export interface StringsFlag extends FlagBase {
  readonly type: 'strings';
  readonly valueName: string;
}
export interface IntegerFlag extends FlagBase {
  readonly type: 'integer';
  readonly valueName: string;
  readonly minimum: number;
  readonly maximum: number;
  readonly default?: number;
}
/** Written as Go writes durations ("3m0s"); the parsed value is in milliseconds. */
export interface DurationFlag extends FlagBase {
  readonly type: 'duration';
  readonly valueName: string;
  readonly default?: string;
}
export interface ChoiceFlag extends FlagBase {
  readonly type: 'choice';
  readonly choices: readonly string[];
  /** Shown in the place of the choices where these are many. */
  readonly valueName?: string;
  readonly default?: string;
}

export type Flag = BooleanFlag | StringFlag | StringsFlag | IntegerFlag | DurationFlag | ChoiceFlag;
export type Flags = Readonly<Record<string, Flag>>;

type Present<F, Value> = F extends { readonly default: string | number } ? Value : Value | undefined;

type ValueOf<F extends Flag> = F extends BooleanFlag
  ? boolean
  : F extends StringsFlag
    ? readonly string[]
    : F extends ChoiceFlag
      ? Present<F, F['choices'][number]>
      : F extends StringFlag
        ? Present<F, string>
        : Present<F, number>;

/** The parsed values of a set of flags: `values['certificate-identity']` is a string or undefined, and so on. */
export type FlagValues<F extends Flags> = { readonly [Name in keyof F]: ValueOf<F[Name]> };

export interface Argument {
  /** In capitals, as the help shows it. */
  readonly name: string;
  readonly summary: string;
  readonly minimum: number;
  readonly maximum: number;
}

export interface Example {
  readonly does: string;
  readonly command: string;
}

export type CommandGroup = 'verify' | 'sign' | 'look' | 'settings' | 'about';

export interface CommandSpec<F extends Flags = Flags> {
  readonly name: string;
  readonly group: CommandGroup;
  /** One line, without a full stop, for the list of commands. */
  readonly summary: string;
  /** Paragraphs for the command's own help. */
  readonly description: readonly string[];
  readonly examples: readonly Example[];
  readonly arguments: readonly Argument[];
  readonly flags: F;
  /**
   * Where the first argument is an action, or the first two are (`key add`): the flags that each takes. Any other would be
   * without effect, and is refused.
   */
  readonly actions?: Readonly<Record<string, readonly (keyof F & string)[]>>;
  /** How many arguments an action takes at most, its own words included, where that is fewer than the command takes. */
  readonly words?: Readonly<Record<string, number>>;
  /** Runs until it is told to stop: no --timeout, time to finish what was begun, and a signal is its proper end. */
  readonly serves?: boolean;
}

/** Keeps the literal types of the flags, from which the types of their values are made. */
export function defineCommand<const F extends Flags>(spec: CommandSpec<F>): CommandSpec<F> {
  return spec;
}

export function namesOf<F extends Flags>(flags: F): (keyof F & string)[] {
  return Object.keys(flags);
}
