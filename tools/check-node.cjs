'use strict';
// Runs before `npm start` and `npm test`, perhaps under an old Node: old syntax only.
// An argument stands for the version that is found, for the test of this file.
var version = process.argv[2] || process.versions.node;
var parts = version.split('.');
var major = Number(parts[0]);
var minor = Number(parts[1]);
if (!(major > 24 || (major === 24 && minor >= 15))) {
  console.error('sealward needs Node 24.15 or later and found ' + version + '. Run `npm ci` again (it brings Node 26 with it), or install a newer Node.');
  process.exit(1);
}
