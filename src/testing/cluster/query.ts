/** What is wrong with the query of a request, whatever it asks for. */
import { badOptions, badRequest } from './statuses.ts';

const OPTIONS: Readonly<Record<string, string>> = { GET: 'ListOptions', POST: 'CreateOptions', PUT: 'UpdateOptions', PATCH: 'PatchOptions' };

/** Throws 400 and 422. */
export function checkQuery({ method, name, query }: { readonly method: string; readonly name: string; readonly query: URLSearchParams }): void {
  const options = OPTIONS[method] ?? 'DeleteOptions';
  const dryRun = query.getAll('dryRun').filter((each) => each !== 'All' && each !== '');
  if (method !== 'GET' && dryRun.length > 0) throw badOptions(options, 'dryRun', `Unsupported value: ${JSON.stringify(dryRun)}: supported values: "All"`);
  if (method !== 'GET' || name !== '') return;
  const [version, limit] = [query.get('resourceVersion') ?? '', query.get('limit') ?? ''];
  if (!/^\d*$/.test(limit)) throw badRequest(`strconv.ParseInt: parsing ${JSON.stringify(limit)}: invalid syntax`);
  if (!/^\d*$/.test(version))
    throw badRequest(
      `invalid resource version: resourceVersion: Invalid value: ${JSON.stringify(version)}: strconv.ParseUint: parsing ${JSON.stringify(version)}: invalid syntax`,
    );
  if (query.has('resourceVersionMatch') && version === '')
    throw badOptions(options, 'resourceVersionMatch', 'Forbidden: resourceVersionMatch is forbidden unless resourceVersion is provided');
}
