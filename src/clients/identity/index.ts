import type { SignInOptions } from './sign-in.ts';

export { ambientToken, type IdentityContext, readTokenFile } from './ambient.ts';
export type { SignInOptions };

/** Loaded when a person is asked, which most of those who sign are not. */
const signIn = () => import('./sign-in.ts');

export async function deviceToken(options: SignInOptions): Promise<string> {
  return (await signIn()).deviceToken(options);
}

export async function browserToken(options: SignInOptions): Promise<string> {
  return (await signIn()).browserToken(options);
}
