/** What a decision is asked about: which image, where, and when. */
import type { AskedImage, Place } from '../policy/index.ts';

export interface Request extends AskedImage {
  /** Where it is to run, as far as that is known. */
  readonly place: Place;
  /** Labels of the image's own configuration; absent when they are not known. */
  readonly labels?: Readonly<Record<string, string>>;
  /** Whether this digest was let in here before, under a live lease. */
  readonly admittedBefore: boolean;
  /** The lease tier that this place keeps, where it keeps a shorter one. */
  readonly tier?: string;
  /** Milliseconds since 1970. */
  readonly now: number;
}

/** For people: what was asked, and what it stands for. */
export function imageName({ repository, tag, digest }: Request): string {
  return `${repository}${tag === undefined ? '' : `:${tag}`}@${digest}`;
}
