export { type AdmissionConfig, readAdmissionConfig } from './config.ts';
export type { ImageJudge, InForce, JudgeAsked, Judgement } from './image-judge.ts';
export { type OpenAdmission, type OpenAdmissionOptions, openAdmission } from './open-admission.ts';
export { runAdmission } from './run.ts';
