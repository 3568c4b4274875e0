/** The API server of Kubernetes as far as one Secret goes. */
import { KeyServer, type Said } from './key-server.ts';

export const KUBERNETES_TOKEN = 'a-service-account-token-of-the-fake';

export class FakeKubernetes extends KeyServer {
  readonly secrets = new Map<string, Readonly<Record<string, string>>>();

  constructor() {
    super((asked) => {
      if (asked.headers.authorization !== `Bearer ${KUBERNETES_TOKEN}`) return status(401, 'Unauthorized');
      const [, namespace, name] = /^\/api\/v1\/namespaces\/([^/]+)\/secrets\/([^/]+)$/.exec(asked.url.pathname) ?? [];
      if (namespace === 'forbidden') return status(403, `secrets "${name}" is forbidden: User "system:serviceaccount:ci:signer" cannot get resource "secrets"`);
      const found = this.secrets.get(`${namespace}/${name}`);
      if (!found) return status(404, `secrets "${name}" not found`);
      const data = Object.fromEntries(Object.entries(found).map(([key, value]) => [key, Buffer.from(value).toString('base64')]));
      return { status: 200, body: { kind: 'Secret', apiVersion: 'v1', metadata: { name, namespace }, data } };
    });
  }
}

function status(code: number, message: string): Said {
  return { status: code, body: { kind: 'Status', apiVersion: 'v1', status: 'Failure', message, code } };
}
