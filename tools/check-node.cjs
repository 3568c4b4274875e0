'use strict';
// Runs before `npm start` and `npm test`, perhaps under an old Node: old syntax only.
var parts = process.versions.node.split('.');
var major = Number(parts[0]);
var minor = Number(parts[1]);
if (major < 24 || (major === 24 && minor < 15)) {
  console.error(
    'sealward needs Node 24.15 or later and found ' + process.versions.node + '. Run `npm ci` again (it brings Node 26 with it), or install a newer Node.',
  );
  process.exit(1);
}
