export { type AdmissionConfig, readAdmissionConfig } from './config.ts';
export type { ImageJudge } from './judge-images.ts';
export { type OpenAdmission, type OpenAdmissionOptions, openAdmission } from './open-admission.ts';
export { installAdmission, objectsFor, withAssignments } from './install/install.ts';
export { clusterYaml } from './install/resources.ts';
export { admissionStatus, statusWords } from './install/status.ts';
export { uninstallAdmission } from './install/uninstall.ts';
export { parseValues, put as putValue } from './install/values.ts';
export { runAdmission } from './run.ts';
