export type { JournalFiles } from './files.ts';
export { type Journal, type JournalOptions, type JournalPace, openJournal, type Ticket } from './journal.ts';
export type { SignedTree, SignRecord } from './sign-record.ts';
