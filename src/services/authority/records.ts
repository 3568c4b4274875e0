/** What the authority needs to remember, as ports: every request, and which tokens were used. */

/** One request for a certificate, whatever came of it. Nothing in it is secret: the token itself is never kept. */
export interface Issuance {
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly outcome: 'issued' | 'refused' | 'failed';
  /** Of a refusal: the code, and the sentence. */
  readonly code?: string;
  readonly message?: string;
  /** Of the client; no identity. */
  readonly remote: string;
  readonly issuer?: string;
  readonly subject?: string;
  /** The name in the certificate, and what else it says. */
  readonly name?: string;
  readonly claims?: Readonly<Record<string, string>>;
  /** SHA-256 of the token, so that a request can be told from another one. */
  readonly token?: string;
  /** SHA-256 of the public key, and of the certificate. */
  readonly key?: string;
  readonly certificate?: string;
  readonly serial?: string;
}

export interface Ledger {
  /** Returns when the entry outlives a crash. */
  record(entry: Issuance): Promise<void>;
}

export interface UsedTokens {
  /**
   * Takes one use of a token; false when it has none left. Returns when that outlives a crash.
   * @param until milliseconds since 1970: from then on the token is refused for its age, and may be forgotten.
   */
  take(id: string, uses: number, until: number): Promise<boolean>;
  /** Gives a use back that came to nothing through no fault of the client. */
  giveBack(id: string): Promise<void>;
}
