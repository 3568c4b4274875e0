/**
 * Answers that were given a moment ago. A decision rests on facts, trust, policies, the place and the moment, and on nothing
 * else: asked again within the second with the very same ones, it is the same answer, and is not worked out again. Whatever
 * moves is another value, so that nothing has to be told of it; a tag alone is never remembered.
 */
import { LRUCache } from 'lru-cache';
import type { Place } from '../../core/policy/index.ts';
import type { HeldFacts } from './held-facts.ts';
import type { InForce } from './in-force.ts';
import type { DecidedName } from './judged-name.ts';

export interface AskedAgain {
  readonly inForce: InForce;
  readonly place: Place;
  readonly admittedBefore: boolean | ((digest: string) => boolean);
  readonly now: number;
}

interface Made {
  /** Under which the facts are held, and they themselves: other ones make other answers. */
  readonly key: string;
  readonly held: HeldFacts;
  /** The newest first, one for each place. */
  readonly answers: readonly DecidedName[];
}

/** So that the moment of which a record speaks is the moment of its leaf. Milliseconds. */
const AGE = 1000;
const NAMES = 1000;
const PLACES = 4;

export class Answers {
  readonly #made = new LRUCache<string, Made>({ max: NAMES });
  readonly #isHeld: (key: string, held: HeldFacts) => boolean;

  /** @param isHeld whether these facts are still those that count. */
  constructor(isHeld: (key: string, held: HeldFacts) => boolean) {
    this.#isHeld = isHeld;
  }

  again(name: string, asked: AskedAgain): DecidedName | undefined {
    const made = this.#made.get(name);
    return made && this.#isHeld(made.key, made.held) ? made.answers.find((answer) => isAnswerTo(answer, asked)) : undefined;
  }

  /** @param name with a digest in it. */
  keep(name: string, key: string, held: HeldFacts, answer: DecidedName): void {
    const made = this.#made.get(name);
    const others = made?.held === held ? made.answers.filter(({ request }) => !isSamePlace(request.place, answer.request.place)) : [];
    this.#made.set(name, { key, held, answers: [answer, ...others].slice(0, PLACES) });
  }
}

function isAnswerTo({ decision, request, inForce }: DecidedName, { place, admittedBefore, now, ...asked }: AskedAgain): boolean {
  return (
    inForce === asked.inForce &&
    // A clock that was set back asks about another moment.
    now >= request.now &&
    now < Math.min(request.now + AGE, decision.until) &&
    isSamePlace(request.place, place) &&
    request.admittedBefore === (typeof admittedBefore === 'function' ? admittedBefore(request.digest) : admittedBefore)
  );
}

const PARTS = { namespace: true, namespaceLabels: true, cluster: true, environment: true } satisfies Record<keyof Place, true>;
const PARTS_OF_PLACE = Object.keys(PARTS) as (keyof Place)[];

function isSamePlace(a: Place, b: Place): boolean {
  return PARTS_OF_PLACE.every((part) => a[part] === b[part]);
}
