export { compileAdmissionPolicy } from './admission-policy.ts';
export { compileContainersPolicy } from './containers-policy.ts';
