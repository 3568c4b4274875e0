export { type AskWitnesses, askWitnesses, type Witnesses } from './ask-witnesses.ts';
export { Witness, type WitnessAnswer, type WitnessedCheckpoint, type WitnessOptions, type WitnessStore } from './witness.ts';
