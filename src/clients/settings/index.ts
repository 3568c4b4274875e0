export { readSettings, readYaml } from './yaml-section.ts';
export type { Section } from './yaml-section.ts';
