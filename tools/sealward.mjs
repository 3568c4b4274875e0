#!/usr/bin/env node
// `npx sealward` in this repository: the command line as it stands in src.
import '../src/apps/quickstart/main.ts';
