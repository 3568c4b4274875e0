export { ambientToken, type IdentityContext, readTokenFile } from './ambient.ts';
export { deviceToken, browserToken, type SignInOptions } from './sign-in.ts';
