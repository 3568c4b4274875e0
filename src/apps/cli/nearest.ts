/** What a mistyped word was probably meant to be. */

/** Optimal string alignment: insertions, deletions, substitutions, and neighbours swapped, each one step. */
export function editDistance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      let best = Math.min((last[j] as number) + 1, (row[j - 1] as number) + 1, (last[j - 1] as number) + (same ? 0 : 1));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) best = Math.min(best, (beforeLast[j - 2] as number) + 1);
      row.push(best);
    }
    beforeLast = last;
    last = row;
  }
  return last[b.length] as number;
}

/** "cert-identity" abbreviates "certificate-identity": each word begins a word of the candidate, in order. */
function abbreviates(typed: string, candidate: string): boolean {
  const words = candidate.split('-');
  let at = 0;
  for (const part of typed.split('-')) {
    while (at < words.length && !(words[at] as string).startsWith(part)) at++;
    if (part === '' || at++ >= words.length) return false;
  }
  return true;
}

export function nearest(typed: string, candidates: Iterable<string>): string | undefined {
  const word = typed.slice(0, 64).toLowerCase();
  let best: string | undefined;
  let bestDistance = Math.max(1, Math.floor(word.length / 3)) + 1;
  let abbreviated: string | undefined;
  for (const candidate of candidates) {
    const distance = editDistance(word, candidate.toLowerCase());
    if (distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
    if (abbreviates(word, candidate) && (abbreviated === undefined || candidate.length < abbreviated.length)) abbreviated = candidate;
  }
  return best ?? abbreviated;
}
