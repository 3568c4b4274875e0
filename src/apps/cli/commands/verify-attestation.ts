import type { Run } from '../invocation.ts';
import type { verifyAttestation } from '../table/verify.ts';
import { verifyImages } from './verify-images.ts';

export const run: Run<typeof verifyAttestation> = (invocation) => verifyImages(invocation, 'attestation');
