/** A bounded memory of what was verified once: the caller owns it, there is none at the level of the module. */
export interface VerdictCache {
  has(key: string): boolean;
  add(key: string): void;
}

/** Keeps the `limit` most recently used keys. */
export function createVerdictCache(limit = 1024): VerdictCache {
  const keys = new Set<string>();
  return {
    has(key) {
      // Taken out and put back, because a Set remembers the order of insertion.
      if (!keys.delete(key)) return false;
      keys.add(key);
      return true;
    },
    add(key) {
      keys.add(key);
      if (keys.size <= limit) return;
      const oldest = keys.values().next();
      if (!oldest.done) keys.delete(oldest.value);
    },
  };
}
