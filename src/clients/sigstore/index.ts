export { requestCertificate } from './fulcio.ts';
export { appendEntry, type LoggedSignature, type LogService } from './rekor.ts';
export { connectToService, type ServiceCall } from './services.ts';
export { requestTimestamp } from './timestamps.ts';
