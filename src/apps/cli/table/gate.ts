import { defineCommand } from '../flag.ts';
import { verify } from './verify.ts';

// A gate asks what verify asks; it only says the answer where the pipeline's own people look.
const { signature: _signature, payload: _payload, certificate: _certificate, ...asked } = verify.flags;

export const gate = defineCommand({
  name: 'gate',
  group: 'verify',
  summary: 'Stop a pipeline unless images are signed by whom you trust',
  description: [
    'Verifies like `sealward verify`, and writes the answers where the CI system shows them: annotations and a job summary for GitHub Actions, a collapsed section for GitLab, groups for Buildkite, plain lines elsewhere; for Tekton also the results named by --results.',
    'Exits with 0 only when every image is verified; the other codes are listed by `sealward --help`.',
  ],
  examples: [{ does: 'before a deployment', command: 'sealward gate --key release.pub --insecure-ignore-tlog registry.example/app:1.2' }],
  arguments: verify.arguments,
  flags: {
    ...asked,
    results: {
      type: 'string',
      valueName: 'FOLDER',
      group: 'output',
      summary: 'write outcome, code and digest of the first image as files into FOLDER, as Tekton wants results',
    },
  },
});
