export * from './bundle.ts';
export * from './document.ts';
export * from './envelope.ts';
export * from './signed-entity.ts';
export * from './simple-signing.ts';
export * from './statement.ts';
