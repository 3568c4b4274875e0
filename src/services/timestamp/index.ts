export { createTimestampAuthority, type TimestampAuthority, type TimestampAuthorityOptions } from './authority.ts';
export { ClockGuard, type ClockGuardOptions, type ClockReadings, type ClockState, type SourceAnswer, type TimeSource } from './clock-guard.ts';
export { timestampRoutes } from './routes.ts';
export { type ReserveSerials, Serials } from './serials.ts';
export { sntpSource } from './sntp.ts';
