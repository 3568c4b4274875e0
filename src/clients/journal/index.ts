export { type DecisionAudit, DecisionAuditor } from './audit-decisions.ts';
export { type DecisionLeaf, parseDecisionLeaf, type RecordedOutcome } from './decision-leaf.ts';
export { type DecisionLog, type DecisionLogOptions, type DecisionToRecord, openDecisionLog, type RecordedDecision } from './decision-log.ts';
export type { JournalFiles } from './files.ts';
export { type Journal, type JournalOptions, type JournalPace, openJournal, type Ticket } from './journal.ts';
export type { SignedTree, SignRecord } from './sign-record.ts';
