export * from './base64.ts';
export * from './bytes.ts';
export * from './der.ts';
export * from './der-encode.ts';
export * from './json.ts';
export * from './limits.ts';
export * from './pem.ts';
export * from './proto-json.ts';
