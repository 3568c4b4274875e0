export { RegistryClient, type RegistryClientOptions } from './client.ts';
export type { HelperRunner } from './credential-helper.ts';
export { anonymous, type CredentialQuery, type Credentials, type CredentialSource, explicitCredentials, firstOf } from './credentials.ts';
export { dockerConfig } from './docker-config.ts';
export { eraseCredentials, type KeptIn, type LoginOptions, storeCredentials } from './docker-login.ts';
export { type OpenRegistry, openRegistry } from './either.ts';
export type { EndpointOptions } from './endpoints.ts';
export { LayoutRegistry } from './layout.ts';
export * from './registry.ts';
