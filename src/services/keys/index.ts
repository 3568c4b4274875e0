export { type CertifiedKey, certifyIntermediate, certifyRoot, certifyServer, certifyTimestamps, YEAR_MS } from './certify.ts';
