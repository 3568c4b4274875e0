export * from './bundle.ts';
export * from './document.ts';
export * from './envelope.ts';
export * from './predicate-types.ts';
export * from './load-predicates.ts';
export * from './signed-entity.ts';
export * from './simple-signing.ts';
export * from './statement.ts';
