export type { ImageJudge, InForce, JudgeAsked, Judgement } from './image-judge.ts';
export { type OpenAdmission, type OpenAdmissionOptions, openAdmission } from './open-admission.ts';
